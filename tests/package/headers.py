#!/usr/bin/env python3
"""Compile the public headers as strict, old and unusual programs do, and check link errors.

``headers.py PREFIX`` uses the library installed in PREFIX. It compiles only programs of a few
lines. It also uses Clang, if Clang is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands import HERE

STRICT = {
    "g++": (
        "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast "
        "-Wuseless-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wfloat-equal -Weffc++ -Werror"
    ),
    # Without warnings about padding, and about C++20 features that older standards do not have.
    "clang++": (
        "-Weverything -Wno-padded -Wno-c++98-compat -Wno-c++98-compat-pedantic "
        "-Wno-pre-c++20-compat -Wno-pre-c++20-compat-pedantic -Wno-c++20-compat -Werror"
    ),
}
# Macros that simulate compilers that cannot use the library, and the expected messages.
REFUSED = {
    "g++": {
        "-U__GNUC__ -D__GNUC__=11": "backpass needs GCC 12 or newer",
        "-U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4": "backpass needs a 64-bit target",
        "-std=c++17": "backpass needs C++20",
    },
    "clang++": {
        "-U__clang_major__ -D__clang_major__=13": "backpass needs Clang 14 or newer",
        "-std=c++17": "backpass needs C++20",
    },
}
# Statements with one error each.
NOT_REAL = [
    "Network<int>({.sizes = {1, 2}});",
    "sizeof(Workspace<long double>);",
    "sizeof(FitOptions<int>);",
    "sizeof(SavedTraining<int>);",
    "sizeof(MatrixView<long>);",
    "load_checkpoint<int>({});",
    "OptimizerState{}.arrays<int>();",
    "SGD sgd; apply_optimizer(sgd, std::span<int>(), std::span<const int>());",
]
# Options that give other standard library layouts than those of the installed library.
OTHER_LAYOUTS = {
    "-D_GLIBCXX_DEBUG": "backpass_must_be_built_with_GLIBCXX_DEBUG",
    "-D_GLIBCXX_DEBUG -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections": (
        "backpass_must_be_built_with_GLIBCXX_DEBUG"
    ),
    "-D_GLIBCXX_USE_CXX11_ABI=0": "backpass_must_be_built_with_GLIBCXX_USE_CXX11_ABI_0",
}


class Checks:
    """Parallel compiler runs, and the errors that they found."""

    def __init__(self, prefix: Path, scratch: Path) -> None:
        self.prefix = prefix
        self.scratch = scratch
        self.pool = ThreadPoolExecutor(os.cpu_count())
        self.runs: list[object] = []
        self.wrong: list[str] = []

    def source(self, text: str) -> str:
        """Write a source file; return its path."""
        path = self.scratch / f"source{len(list(self.scratch.iterdir()))}.cpp"
        path.write_text(text)
        return str(path)

    def compile(self, command: str, message: str | None = None) -> None:
        """Run a compiler. It must print nothing, or fail and print ``message``."""
        self.runs.append(self.pool.submit(self._compile, command.split(), message))

    def _compile(self, command: list[str], message: str | None) -> None:
        command = [command[0], "-std=c++20", f"-I{self.prefix / 'include'}", *command[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        good = done.returncode == 0 and not done.stderr if message is None else done.returncode != 0
        if not good or (message or "") not in done.stderr:
            wanted = "without a word" if message is None else f"no error that contains: {message}"
            self.wrong.append(f"{' '.join(command)}\n{wanted}\n{done.stderr[:2000]}")

    def finish(self) -> None:
        """Wait for all runs; stop with the errors found."""
        self.pool.shutdown()
        if self.wrong:
            sys.exit("\n".join(self.wrong))


def main() -> None:
    """Run the checks."""
    prefix = Path(sys.argv[1]).resolve()
    library = next(prefix.glob("lib*/**/libbackpass.*"))
    headers = sorted(path.name for path in (prefix / "include/backpass").glob("*.hpp"))
    headers.remove("mpi.hpp")  # needs an MPI library; the example train_with_mpi compiles it
    compilers = [name for name in STRICT if shutil.which(name)]
    with tempfile.TemporaryDirectory() as folder:
        checks = Checks(prefix, Path(folder))
        for name in headers:
            alone = checks.source(f"#include <backpass/{name}>\n")
            checks.compile(f"{compilers[0]} {STRICT[compilers[0]]} -fsyntax-only {alone}")
        for statement in NOT_REAL:
            source = checks.source(
                "#include <backpass/backpass.hpp>\n"
                f"using namespace backpass;\nint main() {{ {statement} }}\n"
            )
            checks.compile(f"{compilers[0]} -w -fsyntax-only {source}", "T must be float or double")
        together = checks.source("#include <backpass/backpass.hpp>\n")
        for compiler in compilers:
            for standard in ("c++20", "c++2b"):
                options = f"-std={standard} {STRICT[compiler]} -fsyntax-only"
                checks.compile(f"{compiler} {options} {HERE / 'every_call.cpp'}")
            checks.compile(f"{compiler} -fsyntax-only {HERE / 'foreign_macros.cpp'}")
            for flags, message in REFUSED[compiler].items():
                checks.compile(f"{compiler} -w {flags} -fsyntax-only {together}", message)
            for flags, message in OTHER_LAYOUTS.items():
                checks.compile(
                    f"{compiler} {flags} {HERE / 'predict.cpp'} {library} -o /dev/null", message
                )
        checks.finish()
        print(f"headers: {len(checks.runs)} runs of {' and '.join(compilers)}, all as expected")


if __name__ == "__main__":
    main()
