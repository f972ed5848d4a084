#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs content/ (policy as data) into one file that the program carries inside itself.

    xinglin-content 1\\n
    PATH \\t OFFSET \\t RAW_SIZE \\t ZLIB_SIZE \\n      one line per file, sorted by PATH (bytes); "terminology/vs-sex.csv"
    \\n                                             an empty line ends the list
    bytes ...                                      each file as a zlib stream

Left out: content/samples (demo data), README.md files and every folder called cases (only the tests read those).

Usage: tools/embed_content.py content build/.../content.bin      (the output is only touched when it changes)
"""
import pathlib
import sys
import zlib


def carried(path: pathlib.PurePath) -> bool:
    return path.parts[0] != "samples" and "cases" not in path.parts and path.name != "README.md"


def pack(folder: pathlib.Path) -> bytes:
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    lines = ["xinglin-content 1\n"]
    body = bytearray()
    for name in sorted((name for name in names if carried(pathlib.PurePosixPath(name))), key=lambda text: text.encode()):
        raw = names[name].read_bytes()
        packed = zlib.compress(raw, 9)
        lines.append(f"{name}\t{len(body)}\t{len(raw)}\t{len(packed)}\n")
        body += packed
    lines.append("\n")
    return "".join(lines).encode() + bytes(body)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: tools/embed_content.py content OUTPUT")
    blob = pack(pathlib.Path(sys.argv[1]))
    output = pathlib.Path(sys.argv[2])
    if output.exists() and output.read_bytes() == blob:
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_bytes(blob)
    partial.replace(output)


if __name__ == "__main__":
    main()
