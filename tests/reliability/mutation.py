#!/usr/bin/env python3
"""Mutation testing: insert small faults into the library; the tests must detect each one.

``python tests/reliability/mutation.py --count 120 --seed 1`` draws 120 mutants from
cpp/src/{model,pass,optim,kernels,train,io}, evenly over folders and kinds of fault. Each mutant is
built in a copy of the tree under build/mutation, with only the baseline kernel set and -O1. It is
tested first by the C++ tests of its own folder, then by the other C++ tests, then by the Python
tests. A mutant that does not compile is replaced by another one. Results are appended to
build/mutation/results.jsonl; an interrupted run continues from there. The program prints the
survivors with their change, and one last line for docs/reliability.md.

A survivor of EQUIVALENT behaves exactly like the original, for the reason given there. It counts
neither as a survivor nor for ``--count``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("model", "pass", "optim", "kernels", "train", "io")
TESTS = [
    *(f"test_{folder}" for folder in (*FOLDERS, "linalg", "base", "runtime")),
    *("hashes", "ulp"),
]
COPIED = ("CMakeLists.txt", "CMakePresets.json", "pyproject.toml", "cpp", "tests", "python")
# Code of other instruction sets and operating systems, which this build does not contain, and
# constants without operators.
LEFT_OUT = re.compile(r"isa_(?!baseline)|/vec_(?!inl)|config\.cpp$")
# Lines that change only the speed, which no test of results can see, and code that the vectors and
# the system of this build do not reach.
SPEED_ONLY = re.compile(
    r"prefetch|take_ownership|kCacheLine|kL1Way|bool shared|shared \?|previous = "
    r"|shuffle.*(\d+, ){7}|base\[i\] = |kHalf|F_FULLFSYNC"
)
# Mutants that compute the same results: a part of the file's name, of the mutant, and the reason.
EQUIVALENT = (
    ("kernel_table.hpp", "Index m = 1", "every product sets m"),
    ("loss_plan.hpp", "mean_over_outputs = false", "every plan sets it"),
    ("container_header.cpp", "shape_seen_ = true", "the beginning of a tensor sets it"),
    ("model.cpp", "last{", "only the differences of the numbers matter"),
    ("loss_inl.hpp", "<= T(kLeastDenominator)", "both ways give the same number there"),
    ("elements.hpp", "bytes - sizeof(T)", "only on machines whose most significant byte is first"),
    ("vec.hpp", "if (false)", "a partial store of a whole vector stores a whole vector"),
    ("gemm_inl.hpp", "if (false)", "half a vector is only faster"),
    ("gemm_few_rows_inl.hpp", "few_rows_terms<T, kRowsOfB, false>", "one row is only faster"),
    ("gemm_few_rows_inl.hpp", "Partial ||", "a partial load of a whole vector"),
    ("step.hpp", "member.size() >= 1", "taking ownership is only faster"),
    ("evaluation.cpp", "kMaxTermRows = 65537", "the length of a slice changes no result"),
    ("read.cpp", "had - kPiece", "one piece instead of several: fewer polls"),
    ("require_matrix.hpp", "in.rows() == 0 && out", "both matrices have the same number of rows"),
    ("schedule.cpp", "s.best >= 0", "the margin of a best value 0 is 0 in both ways"),
    ("layer_pass.cpp", "dropout >= 0.0", "dropout by 0 is a copy"),
)
REQUIRED = 0.92
MEMORY = 8 << 30  # a mutant that needs more fails
LARGEST_FILE = 16 << 30  # a test makes a sparse file of 8 GiB


# ---- the mutants


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int  # from 1
    kind: str
    before: str  # the line, without its end
    after: str

    @property
    def folder(self) -> str:
        return self.path.split("/")[2]

    @property
    def key(self) -> str:
        return f"{self.path}:{self.line}: {self.before.strip()} -> {self.after.strip()}"


SWAPS = {
    "comparison": {
        "<": "<=",
        "<=": "<",
        ">": ">=",
        ">=": ">",
        "==": "!=",
        "!=": "==",
    },
    "arithmetic": {"+": "-", "-": "+", "*": "/", "/": "*"},
    "assignment": {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="},
    "logic": {"&&": "||", "||": "&&"},
}
# clang-format puts spaces around binary operators, but not around those of templates and pointers.
OPERATOR = re.compile(
    r"(?<=[\w)\]}] )(<=|>=|==|!=|<|>|\+=|-=|\*=|/=|\+|-|\*|/|&&|\|\|)(?= [\w(\-!*&{~])"
)
INTEGER = re.compile(r"(?<![\w.'+-])\d{1,6}(?![\w.'])")
STATEMENT = re.compile(
    r"^\s+(?!return|using|static|const|auto|throw|case|break|else|template|typedef|friend|struct)"
    r"([\w.\[\]()>*-]+(\+\+|--)|\+\+[\w.\[\]>*-]+|[\w.:>-]+\(.*\)|[\w.\[\]()>*-]+ [-+*/|&^]?= .*);$"
)
CONDITION = re.compile(r"\bif \((.+)\) \{$")
ARGUMENTS = re.compile(r"(\w+)\((\w+), (\w+)(?=[,)])")
SYMMETRIC = {"min", "max", "add", "mul", "fma", "hypot", "tie", "assert", "static_assert"}
NEGATION = re.compile(r"\(!(?=[\w(])")
CHOICE = re.compile(r"(?:(?<=[^=!<>]= )|(?<=return ))[A-Za-z_][\w.!>-]*(?= \? )")
BOOLEAN = re.compile(r"\b(true|false)\b")


def mutations_of_line(line: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the changed line, for every place in a line of code without comments."""
    for match in OPERATOR.finditer(line):
        for kind, swaps in SWAPS.items():
            if match[1] in swaps:
                yield kind, line[: match.start()] + swaps[match[1]] + line[match.end() :]
    for match in INTEGER.finditer(line):
        if "<" + match[0] + ">" in line or "#" in line:
            continue
        yield "constant", f"{line[: match.start()]}{int(match[0]) + 1}{line[match.end() :]}"
    if STATEMENT.match(line):
        yield "statement", re.match(r"\s*", line)[0] + ";"
    if (match := CONDITION.search(line)) and "constexpr" not in line:
        for value in ("true", "false"):
            yield "condition", f"{line[: match.start(1)]}{value}{line[match.end(1) :]}"
    for match in ARGUMENTS.finditer(line):
        if match[1] not in SYMMETRIC and match[2] != match[3]:
            swapped = f"{match[1]}({match[3]}, {match[2]}"
            yield "arguments", line[: match.start()] + swapped + line[match.end() :]
    for match in NEGATION.finditer(line):
        yield "negation", line[: match.start()] + "(" + line[match.end() :]
    for match in CHOICE.finditer(line):
        for value in ("true", "false"):
            yield "choice", line[: match.start()] + value + line[match.end() :]
    for match in BOOLEAN.finditer(line):
        other = "false" if match[1] == "true" else "true"
        yield "boolean", line[: match.start()] + other + line[match.end() :]


def code_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are code: no comments, directives or messages."""
    inactive = 0
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("#if"):
            # Only the baseline set, on this operating system, without sanitizers.
            outside = re.search(r"__AVX|__FMA__|__ARM|aarch64|__APPLE__|_WIN32|SANITIZE", stripped)
            inactive += 1 if outside or inactive else 0
            continue
        if stripped.startswith(("#else", "#elif")):
            inactive = 0 if inactive == 1 else inactive
            continue
        if stripped.startswith("#endif"):
            inactive = max(0, inactive - 1)
            continue
        if (
            inactive
            or not stripped
            or stripped.startswith(("#", "/", "*", "template", "static_assert"))
        ):
            continue
        if SPEED_ONLY.search(line):
            continue
        if '"' in line or "//" in line or "operator" in line or re.search(r"0x[0-9a-f.]+p", line):
            continue
        yield number, line


def all_mutants() -> list[Mutant]:
    mutants = []
    for folder in FOLDERS:
        for path in sorted((ROOT / "cpp/src" / folder).glob("*.[ch]pp")):
            name = path.relative_to(ROOT).as_posix()
            if LEFT_OUT.search(name):
                continue
            for number, line in code_lines(path.read_text(encoding="utf-8")):
                mutants += [
                    Mutant(name, number, kind, line, after)
                    for kind, after in mutations_of_line(line)
                ]
    return mutants


def drawn(mutants: list[Mutant], seed: int) -> Iterator[Mutant]:
    """Yield all mutants in a random order that alternates between folders and between kinds."""
    rng = random.Random(seed)
    queues: dict[str, list[Mutant]] = {}
    for folder in FOLDERS:
        by_kind: dict[str, list[Mutant]] = {}
        for mutant in mutants:
            if mutant.folder == folder:
                by_kind.setdefault(mutant.kind, []).append(mutant)
        for group in by_kind.values():
            rng.shuffle(group)
        queues[folder] = []
        while any(by_kind.values()):
            kinds = [kind for kind, group in by_kind.items() if group]
            rng.shuffle(kinds)
            queues[folder] += [by_kind[kind].pop() for kind in kinds]
    for turn in range(max(map(len, queues.values()))):
        for folder in FOLDERS:
            if turn < len(queues[folder]):
                yield queues[folder][turn]


# ---- building and testing one mutant


def limit_memory() -> None:
    """Set the limits of a mutant's process. Some tests change them, so the hard limits stay."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
    ):
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


def finish(
    command: list[str],
    limit: float,
    env: dict[str, str],
    folder: Path | None = None,
    prepare: Callable[[], None] | None = None,
) -> tuple[int | None, str]:
    """Run a command; return its exit code, or None if it and its children had to be killed."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=prepare,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""
        return process.returncode, output


class Tree:
    """A copy of the sources and its build."""

    def __init__(self, folder: Path, jobs: int, use_python: bool, tests: list[str]) -> None:
        self.folder = folder.resolve()
        self.source = self.folder / "source"
        self.build = self.folder / "build"
        self.jobs = jobs
        self.use_python = use_python
        self.tests = tests  # names of the C++ test programs
        self.seconds: dict[str, float] = {}  # of each test program on the unchanged tree

    def synchronise(self) -> None:
        """Make the copy equal to the tree.

        Equal files keep their time stamp, so that they are not rebuilt.
        """
        tracked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", *COPIED],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for name in tracked:
            if not (ROOT / name).is_file():
                continue
            data, copy = (ROOT / name).read_bytes(), self.source / name
            if name == "cpp/cmake/isa.cmake":
                data += b"set(BACKPASS_ISAS baseline)\n"
            if not copy.exists() or copy.read_bytes() != data:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
        wanted = set(tracked)
        for copy in list((self.source / "cpp").rglob("*.[ch]pp")) + list(
            (self.source / "tests").rglob("*.[ch]pp")
        ):
            if copy.relative_to(self.source).as_posix() not in wanted:
                copy.unlink()

    def prepare(self) -> None:
        """Configure, build everything, and check that all tests pass."""
        self.synchronise()
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        run = subprocess.run(
            [
                *("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja"),
                *("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG"),
                *("-DBACKPASS_BUILD_TESTS=ON", f"-DPython_EXECUTABLE={sys.executable}"),
                f"-DBACKPASS_BUILD_PYTHON={'ON' if self.use_python else 'OFF'}",
                *launcher,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            sys.exit(run.stdout + run.stderr)
        targets = [*self.tests, *(["_core"] if self.use_python else [])]
        if (message := self.compile(*targets, limit=6 * 3600)) is not None:
            sys.exit(f"the unchanged tree does not build:\n{message}")
        for name in [*self.tests, *(["pytest"] if self.use_python else [])]:
            start = time.monotonic()
            verdict = self.run(name, 1800)
            self.seconds[name] = time.monotonic() - start
            if verdict:
                sys.exit(f"the unchanged tree fails in {name}: {verdict}")
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        print(f"unchanged tree: {times}", flush=True)

    def programs(self, first: str) -> list[str]:
        """Return the names of the test programs, those of the folder first."""
        own = {"kernels": ["test_kernels", "ulp"]}.get(first, [f"test_{first}"])
        return sorted(self.tests, key=lambda name: (name not in own, self.seconds.get(name, 0.0)))

    def compile(self, *targets: str, limit: float = 1800) -> str | None:
        """Return the compiler's message if it fails."""
        command = ["cmake", "--build", str(self.build), "--parallel", str(self.jobs)]
        env = {"CCACHE_BASEDIR": str(self.folder), "CCACHE_NOHASHDIR": "1"}
        code, output = finish([*command, "--target", *targets], limit, env)
        if code is None:
            return "the compiler did not end"
        return output[-2000:] if code else None

    def command(self, name: str) -> tuple[list[str], dict[str, str]]:
        if name == "pytest":
            extension = next((self.build / "python/bindings").glob("_core*.so"))
            shutil.copy(extension, self.source / "python/backpass")
            path = f"{self.source / 'python'}{os.pathsep}{self.source / 'tests'}"
            # Leave out tests that need the installed package or take long.
            left_out = [
                "test_doctests.py",
                "test_examples.py",
                "bindings/test_package.py",
                "test_golden_hashes.py",
            ]
            ignore = [f"--ignore=tests/python/{file}" for file in left_out]
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "-m",
                "not slow",
                "-p",
                "no:cacheprovider",
            ]
            return [*command, *ignore, "tests/python"], {
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        if name == "hashes":
            return [
                str(self.build / "tests/reliability/hashes"),
                str(ROOT / "tests/golden/hashes.json"),
            ], {}
        if name == "ulp":
            return [str(self.build / "tests/reliability/ulp"), "--doubles", "4000"], {}
        return [str(self.build / "tests/cpp" / name), "--gtest_fail_fast", "--gtest_brief=1"], {}

    def run(self, name: str, limit: float) -> str | None:
        """Return how a test program failed, or None."""
        command, env = self.command(name)

        scratch = self.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        place = self.source if name == "pytest" else scratch
        code, output = finish(command, limit, {"TMPDIR": str(scratch), **env}, place, limit_memory)
        if code is None:
            return f"{name}: no end in {limit:.0f} s"
        if code == 0:
            return None
        if code < 0:
            return f"{name}: {signal.Signals(-code).name}"
        failed = re.search(
            r"\[  FAILED  \] (\S+)|^FAILED (\S+)|(^.*(?:DIFFERENT|BROKEN|not ).*$)",
            output,
            re.MULTILINE,
        )
        what = next(filter(None, failed.groups())) if failed else output.strip()[-200:]
        return f"{name}: {what}"

    def test(self, mutant: Mutant) -> tuple[str, str]:
        """Return "killed", "survived" or "does not build", and the evidence."""
        path = self.source / mutant.path
        lines = (ROOT / mutant.path).read_text(encoding="utf-8").split("\n")
        assert lines[mutant.line - 1] == mutant.before
        lines[mutant.line - 1] = mutant.after
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            steps = [*self.programs(mutant.folder), *(["pytest"] if self.use_python else [])]
            for number, name in enumerate(steps):
                if number == 0:
                    error = self.compile(name)
                elif number == 1:
                    error = self.compile(*[step for step in steps if step != "pytest"])
                else:
                    error = self.compile("_core") if name == "pytest" else None
                if error is not None:
                    return "does not build", error[-300:]
                verdict = self.run(name, 20 + 5 * self.seconds[name])
                if verdict:
                    return "killed", verdict
            return "survived", ""
        finally:
            path.write_bytes((ROOT / mutant.path).read_bytes())


# ---- the run


def is_equivalent(mutant: Mutant) -> bool:
    return any(file in mutant.path and text in mutant.after for file, text, _ in EQUIVALENT)


def show(mutant: Mutant) -> str:
    place = f"{mutant.path}:{mutant.line} ({mutant.kind})"
    return f"  {place}\n  - {mutant.before.strip()}\n  + {mutant.after.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--count",
        type=int,
        default=12,
        help="mutants that build and are not equivalent (long form: 120)",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", choices=FOLDERS, help="only mutants of this folder")
    parser.add_argument(
        "--only", metavar="TEXT", help="only mutants whose description contains TEXT"
    )
    parser.add_argument("--list", action="store_true", help="print the drawn mutants and end")
    parser.add_argument("--no-python", action="store_true", help="skip the Python tests")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="C++ test programs to run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work", type=Path, default=ROOT / "build/mutation")
    parser.add_argument("--results", type=Path, help="default: results.jsonl in the work folder")
    options = parser.parse_args()

    mutants = [m for m in all_mutants() if options.folder in (None, m.folder)]
    mutants = [m for m in mutants if options.only is None or options.only in m.key]
    order = list(drawn(mutants, options.seed))
    if options.list:
        for mutant in order[: options.count]:
            print(mutant.key)
        print(f"{len(order)} mutants in all")
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    results_path = options.results or options.work / "results.jsonl"
    known: dict[str, dict[str, object]] = {}
    if results_path.exists():
        for text in results_path.read_text(encoding="utf-8").splitlines():
            record = json.loads(text)
            known[record["mutant"]] = record

    tree = Tree(options.work, options.jobs, not options.no_python, options.tests)
    prepared = False
    counts = {"killed": 0, "survived": 0, "does not build": 0}
    survivors = []
    equivalent = 0
    spent = 0.0
    for mutant in order:
        if counts["killed"] + counts["survived"] >= options.count:
            break
        record = known.get(mutant.key)
        if record is None:
            if not prepared:
                tree.prepare()
                prepared = True
            start = time.monotonic()
            status, by = tree.test(mutant)
            record = {"mutant": mutant.key, "kind": mutant.kind, "status": status, "by": by}
            record["seconds"] = round(time.monotonic() - start, 1)
            with results_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            told = f", {by}" if status == "killed" else ""
            print(f"{status} ({record['seconds']} s{told}): {mutant.key}", flush=True)
        if record["status"] == "survived" and is_equivalent(mutant):
            equivalent += 1
            continue
        counts[str(record["status"])] += 1
        spent += float(str(record["seconds"]))
        if record["status"] == "survived":
            survivors.append(mutant)
    if survivors:
        print("\nsurvived:")
        for mutant in survivors:
            print(show(mutant))
    tested = counts["killed"] + counts["survived"]
    share = counts["killed"] / tested if tested else 0.0
    each = spent / max(1, sum(counts.values()))
    print(
        f"mutation, seed {options.seed}: {counts['killed']} of {tested} mutants killed "
        f"({share:.1%}), {equivalent} more are equivalent, {counts['does not build']} did not "
        f"build, {each:.0f} s per mutant"
    )
    return 0 if share >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
