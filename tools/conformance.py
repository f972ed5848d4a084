#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/conformance.md from what the tests reported: which suites that others wrote, how many cases, what did not pass and why.

A C++ test reports with testing::report (src/testing/conformance.h); its line arrives in the GoogleTest result as a property
"conformance SUITE". Called by tools/run_tests.py at the end of its part cpp; the page in the repository must be what the tests say.
"""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
HEAD = """# Conformance

Written by the tests (`./xinglin test cpp`), never by hand. A case counts as passed only when our answer is the published one.

| suite | source | cases | passed | not passed |
| --- | --- | --- | --- | --- |
"""


def of_case(case: dict) -> list[dict]:
    """What one GoogleTest case reported."""
    suites = []
    for key, value in case.items():
        if key.startswith("conformance "):
            source, cases, passed, *reasons = value.split("\n")
            suites.append({"suite": key.removeprefix("conformance "), "source": source, "cases": int(cases), "passed": int(passed),
                           "reasons": reasons})
    return suites


def page(suites: list[dict]) -> str:
    text = HEAD
    suites = sorted(suites, key=lambda suite: suite["suite"])
    for suite in suites:
        text += f"| {suite['suite']} | {suite['source']} | {suite['cases']:,} | {suite['passed']:,} | {suite['cases'] - suite['passed']:,} |\n"
    for suite in suites:
        if suite["reasons"]:
            text += f"\n## Not passed: {suite['suite']}\n\n" + "".join(f"- {reason}\n" for reason in suite["reasons"])
    return text


def of_page(text: str) -> list[dict]:
    """What a page says of its suites."""
    suites, reasons = {}, None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 5 and cells[2].replace(",", "").isdigit():
            suites[cells[0]] = {"suite": cells[0], "source": cells[1], "cases": int(cells[2].replace(",", "")),
                                "passed": int(cells[3].replace(",", "")), "reasons": []}
        elif line.startswith("## Not passed: "):
            reasons = suites[line.removeprefix("## Not passed: ")]["reasons"]
        elif line.startswith("- ") and reasons is not None:
            reasons.append(line.removeprefix("- "))
    return list(suites.values())


def update(suites: list[dict], some_skipped: bool) -> bool:
    """True when the page was what the tests say; else it is now. Where tests were skipped (no official files at hand), suites that
    said nothing keep what the page says of them."""
    if some_skipped and PAGE.exists():
        said = {suite["suite"] for suite in suites}
        suites = suites + [suite for suite in of_page(PAGE.read_text()) if suite["suite"] not in said]
    text = page(suites)
    if PAGE.exists() and PAGE.read_text() == text:
        return True
    PAGE.write_text(text)
    return False
