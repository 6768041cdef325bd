#!/usr/bin/env python3
"""Run every code block of the project's Markdown files, to prove that each is correct.

Python blocks and notebook cells of one file run in order in one namespace and one scratch folder.
Sessions (``pycon``) must give the results that they show. A C++ block with ``int main`` is built
with the file's CMake block, if it has one, against the library in the installed package. The
program then runs in the same folder. A shell block runs there if the line ``<!-- run -->`` is above
it. Other shell blocks install something, or name files of the reader; .ci/run runs README's two
commands. A block below ``<!-- needs dask ray -->`` is skipped if one of these modules is missing;
with ``--all`` it then fails.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(
    r"^(?:<!-- (run|needs [\w ]+) -->\n)?```(\{code-cell\}|\w*)[^\n]*\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
KNOWN = {"python", "cpp", "cmake", "sh", "text", "diff", "pycon"}
DEFAULT_CMAKE = """cmake_minimum_required(VERSION 3.21)
project(block LANGUAGES CXX)
find_package(backpass CONFIG REQUIRED)
add_executable(main main.cpp)
target_link_libraries(main PRIVATE backpass::backpass)
"""


@dataclass
class Block:
    """One fenced block: its file, first line, language and text, and the modules it needs."""

    path: Path
    line: int
    language: str
    text: str
    needs: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """``file:line`` of its first line."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def missing(self) -> list[str]:
        """The modules it needs that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        mark = (match[1] or "").split()
        language = {"{code-cell}": "python", "sh": "run" if mark == ["run"] else "sh"}.get(
            match[2], match[2]
        )
        # The options of a notebook's cell, as comments: line numbers stay the same.
        content = (
            re.sub(r"^:", "# :", match[3], flags=re.MULTILINE) if "{" in match[2] else match[3]
        )
        line = text.count("\n", 0, match.start(3)) + 1
        yield Block(path, line, language, content, tuple(mark[1:]))


def run_python(block: Block, namespace: dict[str, object]) -> bool:
    """Run a block, with tracebacks that name Markdown lines; return whether it passed."""
    printed = io.StringIO()
    try:
        code = compile("\n" * (block.line - 1) + block.text, str(block.path), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)  # the code is the project's documentation
    except Exception:
        print(printed.getvalue(), traceback.format_exc(), sep="")
        return False
    return True


def run_session(block: Block, namespace: dict[str, object]) -> bool:
    """Run the examples of an interpreter session; return whether they gave the shown results."""
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(
        block.text, namespace, block.place, str(block.path), block.line - 1
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=report.append, clear_globs=False)
    namespace.update(test.globs)
    print("".join(report), end="")
    return not report and bool(test.examples)


def run_shell(block: Block, folder: Path) -> bool:
    """Run the commands of a block, with the programs of this Python; return whether they passed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(block.text, done.stdout, done.stderr, sep="\n")
    return done.returncode == 0


def run_cpp(block: Block, cmake: str, folder: Path) -> bool:
    """Build a program against the installed package and run it; return whether it passed."""
    source = folder / f"cpp_{block.line}"
    source.mkdir()
    (source / "main.cpp").write_text(block.text, encoding="utf-8")
    (source / "CMakeLists.txt").write_text(cmake, encoding="utf-8")
    ask = [sys.executable, "-m", "backpass", "--cmakedir"]
    config = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    for command in (
        ["cmake", "-S", str(source), "-B", str(source / "build"), f"-Dbackpass_DIR={config}"],
        ["cmake", "--build", str(source / "build")],
        [str(source / "build/main")],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(" ".join(command), done.stdout, done.stderr, sep="\n")
            return False
    return True


def check_file(path: Path, everything: bool) -> tuple[int, int]:
    """Run a file's blocks; return how many passed and how many failed."""
    blocks = list(blocks_of(path))
    cmake = next((b.text for b in blocks if b.language == "cmake"), DEFAULT_CMAKE)
    good = bad = 0
    namespace: dict[str, object] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for block in blocks:
            if block.language not in KNOWN | {"run"}:
                print(f"{block.place}: a block of unknown language {block.language!r}")
                bad += 1
                continue
            if block.missing:
                print(f"{block.place}: {'FAILED' if everything else 'skipped'}: no {block.missing}")
                bad += everything
                continue
            if block.language == "python":
                passed = run_python(block, namespace)
            elif block.language == "pycon":
                passed = run_session(block, namespace)
            elif block.language == "run":
                passed = run_shell(block, Path(scratch))
            elif block.language == "cpp" and "int main" in block.text:
                passed = run_cpp(block, cmake, Path(scratch))
            else:
                continue
            print(f"{block.place}: {block.language}: {'ok' if passed else 'FAILED'}")
            good += passed
            bad += not passed
        os.chdir(ROOT)
    return good, bad


def main() -> int:
    """Check the given files, or all Markdown files of the project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--all", action="store_true", help="a missing module is a failure")
    arguments = parser.parse_args()
    files = [f.resolve() for f in arguments.files]
    # The blocks of README.ja.md are those of README.md: tests/python/test_docs.py compares them.
    top = [path for path in sorted(ROOT.glob("*.md")) if path.name != "README.ja.md"]
    files = files or [*top, *sorted((ROOT / "docs").rglob("*.md"))]
    totals = [check_file(path, arguments.all) for path in files]
    good, bad = sum(g for g, _ in totals), sum(b for _, b in totals)
    print(f"{good} passed, {bad} failed")
    return 1 if bad or not good else 0


if __name__ == "__main__":
    sys.exit(main())
