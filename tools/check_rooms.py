#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The walls of the house: checks every #include of src/ against the list of rooms in CMakeLists.txt.

A room may need only rooms written above it; a file may include only doors of rooms that its room NEEDS; a door is
ROOM/ROOM.h, or a further header the room lists under DOORS. Tests and benchmarks may also use `testing`, which nothing
else may. Runs as the ctest test `walls`; prints one sentence per broken wall and exits 1 if there is one.

Usage: tools/check_rooms.py [ROOT]
"""
import pathlib
import re
import sys

KEYWORDS = {"NEEDS", "LIBS", "TEST_LIBS", "TEST_NEEDS", "DOORS"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


class Room:
    def __init__(self, name, words):
        self.name = name
        self.parts = {key: [] for key in KEYWORDS}
        part = None
        for word in words:
            if word in KEYWORDS:
                part = word
            elif part:
                self.parts[part].append(word)
        self.doors = {f"{name}/{name.split('/')[-1]}.h"} | {f"{name}/{door}" for door in self.parts["DOORS"]}


def read_rooms(cmake_lists: str) -> list[Room]:
    text = re.sub(r"#[^\n]*", "", cmake_lists)
    variables = {}
    rooms = []
    for command, body in re.findall(r"\b(set|room)\s*\(([^()]*)\)", text):
        expanded = re.sub(r"\$\{(\w+)\}", lambda match: " ".join(variables.get(match[1], [])), body)
        words = expanded.split()
        if command == "set":
            variables[words[0]] = words[1:]
        else:
            rooms.append(Room(words[0], words[1:]))
    return rooms


def check_order(rooms: list[Room]) -> list[str]:
    broken = []
    above = set()
    for room in rooms:
        for need in room.parts["NEEDS"] + room.parts["TEST_NEEDS"]:
            if need not in above:
                broken.append(f"CMakeLists.txt: room {room.name} needs {need}, which is not written above it")
            if need == "testing":
                broken.append(f"CMakeLists.txt: room {room.name} needs testing, which is for tests only")
        above.add(room.name)
    return broken


def check_file(path: str, text: str, own: Room, rooms: dict[str, Room]) -> list[str]:
    broken = []
    is_test = bool(re.search(r"/test_[^/]*$|_(test|benchmark|fuzz)\.(cpp|h)$", path))
    allowed = {own.name, *own.parts["NEEDS"]}
    if is_test:
        allowed |= {"testing", *own.parts["TEST_NEEDS"]}
    for included in INCLUDE.findall(text):
        owners = [name for name in rooms if included.startswith(name + "/")]
        if not owners:
            broken.append(f'{path}: "{included}" is in no room; write "room/file.h" for ours, <file> for other people\'s')
            continue
        target = max(owners, key=len)
        if target == own.name:
            continue
        if target not in allowed:
            broken.append(f'{path}: includes "{included}", but room {own.name} does not declare that it NEEDS {target}')
        elif included not in rooms[target].doors:
            broken.append(f'{path}: includes "{included}", which is inside {target}; the door is {target}/{target.split("/")[-1]}.h')
    return broken


def check(root: pathlib.Path) -> list[str]:
    listed = read_rooms((root / "CMakeLists.txt").read_text())
    rooms = {room.name: room for room in listed}
    broken = check_order(listed)
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        relative = path.relative_to(root / "src").as_posix()
        owners = [name for name in rooms if relative.startswith(name + "/")]
        if not owners:
            broken.append(f"src/{relative}: stands in no room of CMakeLists.txt")
            continue
        broken += check_file(f"src/{relative}", path.read_text(), rooms[max(owners, key=len)], rooms)
    return broken


def main() -> None:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    broken = check(root)
    for sentence in broken:
        print(sentence)
    if broken:
        sys.exit(1)


if __name__ == "__main__":
    main()
