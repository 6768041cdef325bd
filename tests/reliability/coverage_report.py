#!/usr/bin/env python3
"""Lines and branches per folder, from a coverage build after its tests; see noxfile.py.

``python tests/reliability/coverage_report.py build/coverage`` prints a table and one last line, and
fails below the limits. All percentages are rounded down. ``--missing PART`` lists the lines and
branches that no test ran, in files whose path contains PART. ``--reuse`` uses gcovr's last figures.

Branches are both ways of every jump of a source line with a decision (if, while, for, switch, case,
?:, &&, ||). GCC also reports branches for every call that may throw, for guards of static objects
and for destructors. It identifies these only if they were run. A line that templates or kernel sets
compile many times counts once. A way counts as taken if any of the copies takes it.

Not counted: a jump that never ran, on a line that ran. If both ways of all jumps that ran were
taken, only an exception can lead to such a jump: it destroys objects of the line. Otherwise the
line is incomplete without it, too. Also not counted: what gcovr's markers GCOVR_EXCL_LINE and
GCOVR_EXCL_BR_LINE exclude.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent.parent
LIMITS = {"C++ lines": 97.0, "C++ branches": 92.0, "Python": 97.0}


DECISION = re.compile(r"\b(if|while|for|switch|case|default)\b|\?|&&|\|\|")
CLOSING = re.compile(r"\s*[})\];,]+\s*$")  # cleanup code for exceptions


def gcovr(build: Path, reuse: bool) -> list[dict]:
    """Return gcovr's JSON entries of the files of the library and the bindings."""
    kept = build / "coverage.json"
    if not reuse:
        command = ["gcovr", "--root", str(ROOT), "--json", str(kept)]
        command += ["--filter", "cpp/", "--filter", "python/bindings/"]
        command += ["--merge-mode-functions", "separate", "--gcov-ignore-parse-errors=all"]
        command += ["--gcov-suspicious-hits-threshold=0"]  # kernels run more than 2^32 times
        subprocess.run([*command, str(build)], check=True, cwd=ROOT)
    files = json.loads(kept.read_text(encoding="utf-8"))["files"]
    return sorted(files, key=lambda file: file["file"])


def jumps_of(line: dict) -> list[list[dict]]:
    """Return the branches of a line of one function, grouped by jump."""
    jumps: list[list[dict]] = []
    for branch in line["branches"]:
        if branch.get("gcovr/excluded", False):
            continue
        follows = jumps and branch["branchno"] == jumps[-1][-1]["branchno"] + 1
        same = jumps and branch.get("source_block_id") == jumps[-1][-1].get("source_block_id")
        if follows and same and (len(jumps[-1]) < 2 or "switch" in line["text"]):
            jumps[-1].append(branch)
        else:
            jumps.append([branch])
    return [jump for jump in jumps if len(jump) > 1]


class File:
    """How often each line and each way of each decision ran, over all instantiations."""

    def __init__(self, file: dict) -> None:
        self.path = file["file"]
        self.text = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        self.lines: dict[int, int] = defaultdict(int)
        self.ways: dict[tuple[int, int, int, int], int] = defaultdict(int)
        calls: set[tuple[int, int, int]] = set()
        for line in file["lines"]:
            number = line["line_number"]
            source = self.text[number - 1]
            if line.get("gcovr/noncode", False) or line.get("gcovr/excluded", False):
                continue
            if CLOSING.match(source):
                continue
            self.lines[number] += line["count"]
            if not DECISION.search(source.split("//")[0]):
                continue
            jumps = jumps_of({**line, "text": source})
            for i, jump in enumerate(jumps):
                if any(branch["throw"] for branch in jump):
                    calls.add((number, len(jumps), i))
                for k, branch in enumerate(jump):
                    self.ways[number, len(jumps), i, k] += branch["count"]
        ran = {way[:3] for way, n in self.ways.items() if n}
        self.ways = {
            way: n
            for way, n in self.ways.items()
            if way[:3] not in calls and (way[:3] in ran or not self.lines[way[0]])
        }

    def counts(self) -> list[int]:
        lines, ways = self.lines.values(), self.ways.values()
        return [sum(map(bool, lines)), len(lines), sum(map(bool, ways)), len(ways)]

    def show_missing(self) -> None:
        for number, count in sorted(self.lines.items()):
            source = self.text[number - 1].strip()
            ways = [taken for way, taken in sorted(self.ways.items()) if way[0] == number]
            if not count:
                print(f"{self.path}:{number}: not run: {source}")
            elif not all(ways):
                of = f"{sum(map(bool, ways))} of {len(ways)} ways"
                print(f"{self.path}:{number}: {of}: {source}")


def share(covered: int, total: int) -> float:
    """Return a percentage, rounded down to two decimals."""
    return 10000 * covered // total / 100 if total else 100.0


def cpp(build: Path, missing: str | None, reuse: bool) -> dict[str, float]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for entry in gcovr(build, reuse):
        file = File(entry)
        folder = str(Path(file.path).parent).replace("cpp/src/", "").replace("cpp/", "")
        for key in (folder, "all"):
            sums[key] = [a + b for a, b in zip(sums[key], file.counts(), strict=True)]
        if missing is not None and missing in file.path:
            file.show_missing()
    for folder, (lines_run, num_lines, taken, num_branches) in sorted(sums.items()):
        of_lines = f"{lines_run:5} of {num_lines:5} {share(lines_run, num_lines):6.2f} %"
        of_branches = f"{taken:5} of {num_branches:5} {share(taken, num_branches):6.2f} %"
        print(f"{folder:24} lines {of_lines}, branches {of_branches}")
    shares = {}
    for prefix, key in (("C++", "all"), ("bindings", "python/bindings")):
        lines_run, num_lines, taken, num_branches = sums[key]
        shares[f"{prefix} lines"] = share(lines_run, num_lines)
        shares[f"{prefix} branches"] = share(taken, num_branches)
    return shares


def python(missing: str | None) -> dict[str, float]:
    data = coverage.Coverage(
        data_file=os.environ.get("COVERAGE_FILE", ".coverage"),
        config_file=str(ROOT / "tests/reliability/coverage.ini"),
    )
    data.load()
    text = io.StringIO()
    total = data.report(file=text, show_missing=missing is not None, skip_covered=True)
    print(text.getvalue())
    return {"Python": math.floor(100 * total) / 100}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--missing", metavar="PART")
    parser.add_argument("--reuse", action="store_true")
    parser.add_argument("--only", choices=("cpp", "python"))
    options = parser.parse_args()
    shares: dict[str, float] = {}
    if options.only != "python":
        shares |= cpp(options.build.resolve(), options.missing, options.reuse)
    if options.only != "cpp":
        shares |= python(options.missing)
    print("coverage: " + ", ".join(f"{name} {value:.2f} %" for name, value in shares.items()))
    return int(any(value < LIMITS.get(name, 0.0) for name, value in shares.items()))


if __name__ == "__main__":
    sys.exit(main())
