#!/usr/bin/env python3
"""Lines and branches per folder, from a coverage build that has run its tests; see noxfile.py.

``python tests/reliability/coverage_report.py build/coverage`` prints a table and last one line,
and fails below the limits. ``--missing PART`` lists the lines and branches that nothing ran in the
files whose path contains PART.

Branches of C++ are those of the source: the compiler's branches to exception handlers, which every
call has, are left out.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent.parent
LIMITS = {"C++ lines": 97.0, "C++ branches": 92.0, "Python": 97.0}


def gcovr(build: Path) -> list[dict]:
    """The files of the library and the bindings, as gcovr's JSON has them."""
    kept = build / "coverage.json"
    command = ["gcovr", "--root", str(ROOT), "--json", str(kept)]
    command += ["--filter", "cpp/", "--filter", "python/bindings/"]
    command += ["--exclude-throw-branches", "--exclude-unreachable-branches"]
    command += ["--merge-mode-functions", "separate", "--gcov-ignore-parse-errors=all"]
    subprocess.run([*command, str(build)], check=True, cwd=ROOT)
    files = json.loads(kept.read_text(encoding="utf-8"))["files"]
    return sorted(files, key=lambda file: file["file"])


def counted_lines(file: dict) -> list[dict]:
    return [line for line in file["lines"] if not line.get("gcovr/noncode", False)]


def share(covered: int, total: int) -> float:
    return 100.0 * covered / total if total else 100.0


def cpp(build: Path, missing: str | None) -> dict[str, float]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for file in gcovr(build):
        path = file["file"]
        folder = str(Path(path).parent).replace("cpp/src/", "").replace("cpp/", "")
        # Kernels are compiled once per set: a line counts once, and is run if it runs in any set.
        lines: dict[int, int] = defaultdict(int)
        branches: dict[tuple[int, int], int] = defaultdict(int)
        for line in counted_lines(file):
            number = line["line_number"]
            lines[number] += line["count"]
            for i, branch in enumerate(line["branches"]):
                branches[number, i] += branch["count"]
        counts = [
            sum(map(bool, lines.values())),
            len(lines),
            sum(map(bool, branches.values())),
            len(branches),
        ]
        for key in (folder, "all"):
            sums[key] = [a + b for a, b in zip(sums[key], counts, strict=True)]
        if missing is not None and missing in path:
            text = (ROOT / path).read_text(encoding="utf-8").splitlines()
            for number in sorted({n for n, count in lines.items() if not count}):
                print(f"{path}:{number}: not run: {text[number - 1].strip()}")
            for number in sorted({n for n, _ in branches}):
                taken = [count for (n, _), count in sorted(branches.items()) if n == number]
                if lines[number] and not all(taken):
                    of = f"{sum(map(bool, taken))} of {len(taken)} branches"
                    print(f"{path}:{number}: {of}: {text[number - 1].strip()}")
    for folder, (lines_run, num_lines, taken, num_branches) in sorted(sums.items()):
        of_lines = f"{lines_run:5} of {num_lines:5} {share(lines_run, num_lines):6.2f} %"
        of_branches = f"{taken:5} of {num_branches:5} {share(taken, num_branches):6.2f} %"
        print(f"{folder:24} lines {of_lines}, branches {of_branches}")
    lines_run, num_lines, taken, num_branches = sums["all"]
    return {"C++ lines": share(lines_run, num_lines), "C++ branches": share(taken, num_branches)}


def python(missing: str | None) -> dict[str, float]:
    data = coverage.Coverage(
        data_file=os.environ.get("COVERAGE_FILE", ".coverage"),
        config_file=str(ROOT / "tests/reliability/coverage.ini"),
    )
    data.load()
    text = io.StringIO()
    total = data.report(file=text, show_missing=missing is not None, skip_covered=True)
    print(text.getvalue())
    return {"Python": total}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--missing", metavar="PART")
    parser.add_argument("--only", choices=("cpp", "python"))
    options = parser.parse_args()
    shares: dict[str, float] = {}
    if options.only != "python":
        shares |= cpp(options.build.resolve(), options.missing)
    if options.only != "cpp":
        shares |= python(options.missing)
    print("coverage: " + ", ".join(f"{name} {value:.2f} %" for name, value in shares.items()))
    return int(any(value < LIMITS[name] for name, value in shares.items()))


if __name__ == "__main__":
    sys.exit(main())
