#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs every test, part by part, and prints the sum as its last line: "N passed, N failed, N skipped".

    cpp    all rooms under AddressSanitizer and UBSan, the walls, the links of the documents (ctest)
    oracle search against a naive evaluator, 100,000 random queries, nine of ten on SQLite and one on PostgreSQL, built for speed
    tsan   the rooms with threads, under ThreadSanitizer
    fuzz   each libFuzzer target, 20,000 inputs or 15 s
    web    unit tests of the pages
    e2e    the release binary with its pages, in a browser and through a stock FHIR client

A part that cannot be built counts as one failure and the others still run. Called by ./xinglin test.
What the next parts need is built, out of the way of others (nice), while a part runs: a good deal of testing is waiting.
Environment: XINGLIN_FUZZ_SECONDS (new inputs for so long; without it 20,000 that are always the same), XINGLIN_ORACLE_QUERIES
(100000), XINGLIN_SEED (of the random tests: always the same unless given; "random" for fresh ones, printed when one fails).
The long forms of all this: docs/proof.md.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

import conformance
import fuzz_seeds

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
CORES = str(os.cpu_count() or 2)
SUITES_AT_ONCE = str(2 * (os.cpu_count() or 2))  # the longest ones mostly wait: for processes, for time-outs
THREADED_ROOMS = ["http", "access", "record", "people", "bulk", "view", "api", "server"]
# What is about threads, by name, and whole suites that start the real program or have threads of their own. Left out: what takes
# minutes here and has run under cpp.
THREADED_TESTS = ("Server.*:Life.*:StreamTest.*:*Many*:*AtOnce*:*hread*:*lients*:*Another*:*Writers*:*Readers*:*oncurren*:*arallel*:"
                  "BulkTest.*:ExportsTest.*:BulkHttpTest.*:ApiUnderPressure.*:Library.*:Tables.*:OnEngine.*:ServeTest.*:PulseTest.*:"
                  "Latency.*:ErrandsTest.*:ServersTogether.*:Pages.*:TerminologyServer.*"
                  "-*TwoThousand*:*TenThousand*:*AThousand*:*ASecondSigterm*")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.suites = []  # what suites of others reported, for docs/conformance.md

    def fail(self, sentence: str):
        self.failed += 1
        self.failures.append(sentence)


def run(what: str, log: str, command: list[str], environment: dict | None = None, tail: int = 60) -> bool:
    """Runs with the output in build/log, says how long it took, and on failure shows the end of the output."""
    path = BUILD / "log" / log
    path.parent.mkdir(parents=True, exist_ok=True)
    started = said = time.monotonic()
    with open(path, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(environment or {})})
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if time.monotonic() - said > 60:
                    said = time.monotonic()
                    print(f"   {what} … {said - started:.0f} s  {last_line(path)[:100]}", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    good = process.returncode == 0
    print(f"   {what}: {'done' if good else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    if not good:
        print("\n".join(path.read_text(errors="replace").splitlines()[-tail:]))
        print(f"   (the whole output is in {path.relative_to(ROOT)})", flush=True)
    return good


def last_line(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 500))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def shell(command: str) -> list[str]:
    return ["bash", "-c", f"set -euo pipefail; source tools/setup.sh; {command}"]


def calm_addresses() -> list[str]:
    """Sanitizers of gcc 12 and clang 14 cannot start where the kernel scatters addresses over more than 28 bits."""
    bits = pathlib.Path("/proc/sys/vm/mmap_rnd_bits")
    if bits.exists() and int(bits.read_text()) > 28:
        return ["setarch", os.uname().machine, "-R"]
    return []


def configure_and_build(preset: str, targets: list[str]) -> bool:
    if not run(f"configure {preset}", f"configure-{preset}.log", ["cmake", "--preset", preset]):
        return False
    command = ["nice", "-n", "10", "cmake", "--build", f"build/{preset}", "-j", CORES]
    if targets:
        command += ["--target", *targets]
    return run(f"build {preset}", f"build-{preset}.log", command)


def count_gtest(result_file: pathlib.Path, tally: Tally, part: str) -> int:
    """Adds the cases of one GoogleTest result; returns how many failed."""
    before = tally.failed
    for suite in json.loads(result_file.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            tally.suites += conformance.of_case(case)
            if case.get("failures"):
                tally.fail(f"{part}: {suite['name']}.{case['name']}")
            elif case.get("result") == "SKIPPED":
                tally.skipped += 1
            elif case.get("status") == "RUN":
                tally.passed += 1
    return tally.failed - before


def run_ctest(preset: str, only: str, tally: Tally, environment: dict):
    results = BUILD / preset / "results"
    subprocess.run(["rm", "-rf", str(results)], check=True)
    command = [*calm_addresses(), "ctest", "--test-dir", f"build/{preset}", "-j", SUITES_AT_ONCE, "--timeout", "900", "--output-on-failure",
               "--output-junit", str(results / "ctest.xml")]
    if only:
        command += ["-R", only]
    run(f"run {preset}", f"test-{preset}.log", command, environment, tail=150)
    junit = results / "ctest.xml"
    if not junit.exists():
        return tally.fail(f"{preset}: ctest wrote no results")
    for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
        good = case.get("status") == "run"
        cases = results / f"{case.get('name').replace('/', '_')}_test.json"
        if cases.exists():
            if count_gtest(cases, tally, preset) == 0 and not good:
                tally.fail(f"{preset}: {case.get('name')} stopped before its end, or a sanitizer spoke at its end")
        elif good:
            tally.passed += 1
        else:
            tally.fail(f"{preset}: {case.get('name')}")


def build_cpp() -> bool:
    return configure_and_build("dev", [])


def cpp(tally: Tally):
    before = tally.failed
    run_ctest("dev", "", tally, {})
    if tally.failed == before and not conformance.update(tally.suites, tally.skipped > 0):
        tally.fail("docs/conformance.md was not what the tests say; it is written anew, look at it and commit it")


def threaded_rooms() -> list[str]:
    return [room for room in THREADED_ROOMS if list((ROOT / "src" / room).glob("*_test.cpp"))]


def build_tsan() -> bool:
    return configure_and_build("tsan", [f"{room}_test" for room in threaded_rooms()])


def tsan(tally: Tally):
    # Only what is about threads: the rest has run under cpp, and this build is slow.
    run_ctest("tsan", f"^({'|'.join(threaded_rooms())})(_[0-9]+)?$", tally,
              {"GTEST_FILTER": THREADED_TESTS, "TSAN_OPTIONS": "halt_on_error=1"})


def build_oracle() -> bool:
    return configure_and_build("release", ["record_oracle"])


def oracle(tally: Tally):
    queries = os.environ.get("XINGLIN_ORACLE_QUERIES", "100000")

    def ask(share: tuple[str, str]) -> None:
        """The engines beside each other, a core each."""
        name, only = share
        result = BUILD / "release" / "results" / f"oracle-{name}.json"
        result.unlink(missing_ok=True)
        good = run(f"oracle on {name}", f"test-oracle-{name}.log", ["build/release/record_oracle", f"--gtest_filter={only}"],
                   {"XINGLIN_ORACLE_QUERIES": queries, "GTEST_OUTPUT": f"json:{result}"})
        if not result.exists():
            tally.fail(f"oracle: {name} stopped before its end")
        elif count_gtest(result, tally, "oracle") == 0 and not good:
            tally.fail(f"oracle: {name} ended with an error")

    shares = [("sqlite", "*/sqlite"), ("postgres", "*/postgres")]
    with concurrent.futures.ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(ask, shares))


def fuzz_targets() -> list[str]:
    return sorted(path.stem for path in (ROOT / "src").rglob("*_fuzz.cpp"))


def build_fuzz() -> bool:
    return configure_and_build("fuzz", fuzz_targets())


def fuzz(tally: Tally):
    # Always the same inputs, so that a run can be repeated; XINGLIN_FUZZ_SECONDS=600 hunts with new ones, and finds more.
    seconds = os.environ.get("XINGLIN_FUZZ_SECONDS")
    length = [f"-max_total_time={seconds}"] if seconds else ["-seed=1", "-runs=20000", "-max_total_time=15"]

    def hunt(target: str) -> None:
        corpus = BUILD / "fuzz" / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = BUILD / "fuzz" / "seeds" / target
        fuzz_seeds.write(target, seeds)
        good = run(f"fuzz {target}", f"fuzz-{target}.log",
                   [*calm_addresses(), f"build/fuzz/{target}", *length, "-timeout=10", "-rss_limit_mb=3000",
                    f"-artifact_prefix={corpus}-", str(corpus), str(seeds)])
        if good:
            tally.passed += 1
        else:
            tally.fail(f"fuzz: {target}, the input is {corpus}-*")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # a core each
        list(pool.map(hunt, fuzz_targets()))


def build_web() -> bool:
    return run("npm packages of the pages", "web-modules.log", shell("web_modules"))


def web(tally: Tally):
    report = BUILD / "web-tests.json"
    report.unlink(missing_ok=True)
    good = run("unit tests of the pages", "test-web.log",
               shell(f"web_modules; cd web; npx vitest run --reporter=default --reporter=json --outputFile.json={report}"))
    if not report.exists():
        return tally.fail("web: vitest wrote no report")
    outcome = json.loads(report.read_text())
    tally.passed += outcome["numPassedTests"]
    tally.skipped += outcome["numPendingTests"] + outcome.get("numTodoTests", 0)
    failed_before = tally.failed
    for file in outcome["testResults"]:
        for case in file["assertionResults"]:
            if case["status"] == "failed":
                tally.fail(f"web: {case['fullName']}")
        if file["status"] == "failed" and not file["assertionResults"]:
            tally.fail(f"web: {file['name']} cannot be run")
    if not good and tally.failed == failed_before:
        tally.fail("web: vitest failed")


def build_e2e() -> bool:
    return run("release binary", "build.log", ["nice", "-n", "10", "./xinglin", "build"])


def e2e(tally: Tally):
    good = run("browser and client tests", "test-e2e.log", shell("web_modules; node web/e2e/run.mjs"), tail=150)
    found = re.findall(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", (BUILD / "log" / "test-e2e.log").read_text(errors="replace"))
    if not found:
        return tally.fail("e2e: stopped before its end")
    passed, failed, skipped = (int(number or 0) for number in found[-1])
    tally.passed += passed
    tally.skipped += skipped
    for number in range(failed):
        tally.fail(f"e2e: see build/log/test-e2e.log ({number + 1} of {failed})")
    if not good and not failed:
        tally.fail("e2e: ended with an error")


PARTS = {"cpp": (build_cpp, cpp), "web": (build_web, web), "e2e": (build_e2e, e2e), "oracle": (build_oracle, oracle),
         "fuzz": (build_fuzz, fuzz), "tsan": (build_tsan, tsan)}


def main() -> int:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        print(f"error: test: there is no part '{unknown[0]}'; parts are {' '.join(PARTS)}", file=sys.stderr)
        return 2
    tally = Tally()
    started = time.monotonic()
    builder = concurrent.futures.ThreadPoolExecutor(1)  # one build at a time, in the order in which they are needed
    try:
        built = {part: builder.submit(PARTS[part][0]) for part in wanted}
        for part in wanted:
            good = built[part].result()
            print(f"== {part}", flush=True)
            if good:
                PARTS[part][1](tally)
            else:
                tally.fail(f"{part}: does not build")
    finally:
        builder.shutdown(cancel_futures=True)
    print(f"\n{time.monotonic() - started:.0f} s")
    for sentence in tally.failures:
        print(f"failed: {sentence}")
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {tally.failed} failed{skipped}", flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
