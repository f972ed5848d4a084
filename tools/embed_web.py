#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs the built web pages (web/dist) into one file that the server carries inside its binary.

The file is made to be read with a dozen lines of C++ and no library:

    xinglin-pages 1\\n
    PATH \\t MIME \\t ETAG \\t OFFSET \\t RAW_SIZE \\t GZIP_SIZE \\n      one line per file, sorted by PATH (bytes)
    \\n                                                             an empty line ends the list
    bytes ...

PATH starts with "/" ("/index.html", "/assets/app-3f2a.js"). ETAG is a quoted string, ready to be sent. OFFSET counts from
the first byte after the empty line; RAW_SIZE plain bytes stand there, followed directly by GZIP_SIZE bytes of the same
content in gzip form. GZIP_SIZE is 0 where compressing does not pay (pictures, fonts, tiny files). Files under /assets/
carry a hash of their content in their name, so they may be cached for ever; the others are asked for again by ETAG.
When there is no web/dist the list is empty: the server then has no pages and says so.

src/server/pages_blob.S puts the file between the symbols xinglin_pages_begin and xinglin_pages_end.

Usage: tools/embed_web.py web/dist build/.../pages.bin      (the output is only touched when it changes)
"""
import gzip
import hashlib
import pathlib
import sys

MIME_BY_SUFFIX = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
}
COMPRESSIBLE = {".html", ".js", ".mjs", ".css", ".json", ".webmanifest", ".svg", ".txt", ".wasm", ".ico"}


def compress(raw: bytes, suffix: str) -> bytes:
    if suffix not in COMPRESSIBLE or len(raw) < 200:
        return b""
    packed = gzip.compress(raw, compresslevel=9, mtime=0)
    return packed if len(packed) < len(raw) * 0.95 else b""


def pack(folder: pathlib.Path) -> bytes:
    lines = ["xinglin-pages 1\n"]
    body = bytearray()
    files = {}
    if folder.is_dir():
        files = {"/" + path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files, key=lambda text: text.encode()):
        suffix = files[name].suffix.lower()
        if suffix == ".map":
            continue  # source maps help whoever has the sources, not the users of a binary
        if suffix not in MIME_BY_SUFFIX:
            sys.exit(f"error: {files[name]}: no media type is known for '{suffix}', add it to tools/embed_web.py")
        raw = files[name].read_bytes()
        packed = compress(raw, suffix)
        etag = '"' + hashlib.sha256(raw).hexdigest()[:24] + '"'
        lines.append(f"{name}\t{MIME_BY_SUFFIX[suffix]}\t{etag}\t{len(body)}\t{len(raw)}\t{len(packed)}\n")
        body += raw + packed
    lines.append("\n")
    return "".join(lines).encode() + bytes(body)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: tools/embed_web.py web/dist OUTPUT")
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
