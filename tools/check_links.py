#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every link of the documents leads somewhere: files exist, headings exist. Outside addresses are left alone.

Looks at every Markdown file that git knows (or that stands in the tree where there is no git): [text](file#heading), and
paths written as `src/...`, `docs/...`, `tools/...`, `content/...`, `web/...` in backticks. Usage: tools/check_links.py [ROOT]
"""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")
PATH = re.compile(r"`((?:src|docs|tools|content|web|packages|bench|cmake)/[\w./-]+)`")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def documents(root: pathlib.Path) -> list[pathlib.Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root, capture_output=True, text=True)
    if listed.returncode == 0:
        return [root / name for name in listed.stdout.splitlines() if (root / name).exists()]
    return sorted(root.rglob("*.md"))


def anchor(heading: str) -> str:
    """The name a heading gets on the usual forges."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "", heading.strip()).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path: pathlib.Path) -> set[str]:
    text = FENCE.sub("", path.read_text())
    return {anchor(heading) for heading in re.findall(r"^#+\s+(.*)$", text, re.M)}


def check(root: pathlib.Path) -> list[str]:
    broken = []
    for document in documents(root):
        text = FENCE.sub("", document.read_text())
        name = document.relative_to(root)
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target):
                continue
            file, _, heading = target.partition("#")
            goal = (document.parent / file).resolve() if file else document
            if not goal.exists():
                broken.append(f"{name}: {target}: there is no such file")
            elif heading and goal.suffix == ".md" and heading not in anchors(goal):
                broken.append(f"{name}: {target}: there is no such heading")
        for path in PATH.findall(text):
            if not (root / path.rstrip("/.")).exists() and not (document.parent / path).exists():
                broken.append(f"{name}: `{path}`: there is no such file")
    return broken


def main() -> None:
    broken = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    for sentence in broken:
        print(sentence)
    if broken:
        sys.exit(1)


if __name__ == "__main__":
    main()
