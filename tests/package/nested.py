#!/usr/bin/env python3
"""Nest the library in other projects, and check the effects in both directions.

Most checks configure a project and read its cache and its compile commands, which takes seconds.
One project installs and exports its own shared library. ``--long`` adds the same with a static one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from commands import COMPILERS, HERE, run

ROOT = HERE.parents[1]
# Flags that change the arithmetic. None may change how the library's own code is compiled.
ARITHMETIC = [
    "-Ofast",
    "-ffast-math",
    "-funsafe-math-optimizations",
    "-ffinite-math-only",
    "-fassociative-math -fno-signed-zeros -fno-trapping-math",
    "-freciprocal-math",
    "-fno-signed-zeros",
    "-ffp-contract=fast",
    "-frounding-math",
    "-flto",
]
ARITHMETIC_OF = {
    "g++": ["-fsingle-precision-constant", "-mfpmath=387"],
    "clang++": ["-ffp-model=fast", "-fapprox-func", "-fdenormal-fp-math=preserve-sign"],
}
MACHINE_FLAGS = {"-mfpmath=387"}  # only for x86


def fail(message: str) -> None:
    """Stop with a message."""
    sys.exit(f"nested.py: {message}")


def configure(project: str, build: Path, *defines: str, refused: bool = False) -> str:
    """Configure one of the projects here; return what CMake printed."""
    command = ["cmake", "-S", str(HERE / project), "-B", str(build), "-G", "Ninja", *defines]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    if (done.returncode != 0) != refused:
        fail(f"{' '.join(command)} {'succeeded' if refused else 'failed'}\n{output}")
    return output


def cache_of(build: Path) -> dict[str, str]:
    """Return the cache's entries and their values."""
    lines = (build / "CMakeCache.txt").read_text().splitlines()
    entries = (re.fullmatch(r"([^#/][^:]*):\w+=(.*)", line) for line in lines)
    return {entry[1]: entry[2] for entry in entries if entry}


def commands_of(build: Path) -> dict[str, list[str]]:
    """Return each source's compile arguments, by file name."""
    commands = json.loads((build / "compile_commands.json").read_text())
    return {Path(c["file"]).name: shlex.split(c["command"]) for c in commands}


def check_leaks(scratch: Path) -> None:
    """The library must not change the containing project's cache and compile commands."""
    without, within = scratch / "without", scratch / "within"
    configure("containing", without)
    configure("containing", within, "-DWITH_BACKPASS=ON")
    before, after = (
        {name: value.replace(str(build), "BUILD") for name, value in cache_of(build).items()}
        for build in (without, within)
    )
    # Our own entries, those of CMake's search for Python, and CMake's count of folders.
    ours = re.compile(r"(BACKPASS_|backpass_|_?Python_|CMAKE_NUMBER_OF_MAKEFILES|WITH_BACKPASS)")
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name) and not ours.match(name):
            fail(f"the cache's {name} was {before.get(name)!r} and is {after.get(name)!r}")
    commands = commands_of(within)
    own = [argument.replace(str(within), str(without)) for argument in commands["program.cpp"]]
    if own != commands_of(without)["program.cpp"]:
        fail(f"the project's own program is compiled with {own}")
    for name, arguments in commands.items():
        if name != "program.cpp" and not {"-O3", "-DNDEBUG"} <= set(arguments):
            fail(f"without a build type, {name} is not optimised: {arguments}")
    print("nested: nothing leaks; without a build type the library is optimised")


def effect(arguments: list[str]) -> str:
    """Return the compiler's report of the options that affect the arithmetic."""
    compiler = next(a for a in arguments if Path(a).name in COMPILERS)
    options = [a for a in arguments if a.startswith(("-f", "-m", "-O"))]
    if Path(compiler).name == "g++":
        command = [compiler, *options, "-Q", "--help=optimizers,common"]
        lines = run(*command).splitlines()
        # -Ofast sets these, but they have no effect on this code.
        unused = ("-fcx-limited-range", "-fexcess-precision", "-fsemantic-interposition")
        report = [line for line in lines if not line.strip().startswith(unused)]
        target = run(compiler, *options, "-Q", "--help=target").splitlines()
        return "\n".join(report + [line for line in target if "-mfpmath" in line])
    command = [compiler, *options, "-###", "-c", "-x", "c++", "/dev/null", "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    job = next(line for line in done.stderr.splitlines() if '"-cc1"' in line)
    words = shlex.split(job)
    about = ("math", "fp-", "no-infs", "no-nans", "zeros", "reassociate", "approx", "round", "lto")
    return "\n".join(w for w in words if w.startswith(("-f", "-m")) and any(a in w for a in about))


def check_arithmetic(scratch: Path) -> None:
    """The containing project's options must not change how the library's code computes."""
    for compiler in COMPILERS:
        build, mark = scratch / f"arithmetic-{compiler}", "-DWHERE_CMAKE_CXX_FLAGS_STAND"
        choice = [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={mark}"]
        configure("containing", build, "-DWITH_BACKPASS=ON", "-DBACKPASS_OPENMP=OFF", *choice)
        commands = commands_of(build)
        del commands["program.cpp"]
        # One command per kind: sources differ in the options of their instruction set.
        kinds = {
            " ".join(o for o in c if o[:2] in {"-f", "-m", "-O"}): c for c in commands.values()
        }
        x86 = os.uname().machine == "x86_64"
        tried = ARITHMETIC + [f for f in ARITHMETIC_OF[compiler] if x86 or f not in MACHINE_FLAGS]
        for command in kinds.values():
            at = command.index(mark)
            before, after = command[:at], command[at + 1 :]
            for flags in tried:
                if effect([*before, *flags.split(), *after]) != effect([*before, *after]):
                    fail(f"{flags} changes how {compiler} compiles {command[-1]}")
        for flags in ("-ffast-math", "-ffinite-math-only"):
            check = [compiler, flags, "-include", str(ROOT / "cpp/src/base/strict_math.hpp")]
            command = [*check, "-fsyntax-only", "-x", "c++", "/dev/null"]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                fail(f"strict_math.hpp lets {compiler} {flags} pass")
        print(f"nested: {compiler}: {len(tried)} flags, {len(kinds)} kinds of sources: no change")


def check_refusals(scratch: Path) -> None:
    """One line must name the reason why the library cannot be built."""

    def compiler(name: str, script: str) -> str:
        path = scratch / name
        path.write_text(f'#!/bin/sh\n{script}\nexec {shutil.which("g++")} "$@"\n')
        path.chmod(0o755)
        return f"-DCMAKE_CXX_COMPILER={path}"

    old = compiler("old", 'set -- -U__GNUC__ -D__GNUC__=11 "$@"')
    without_openmp = compiler("without_openmp", 'case "$*" in *-fopenmp*) exit 1;; esac')
    static = "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY"  # works without a 32-bit libc
    cases = {
        "backpass needs GCC 12 or Clang 14 or newer": [old],
        "build for one thread with -DBACKPASS_OPENMP=OFF": [without_openmp],
    }
    if os.uname().machine == "x86_64":
        cases["backpass needs a 64-bit target"] = [static, "-DCMAKE_CXX_FLAGS=-m32"]
    for number, (message, options) in enumerate(cases.items()):
        build = scratch / f"refused{number}"
        output = configure("containing", build, "-DWITH_BACKPASS=ON", *options, refused=True)
        if message not in " ".join(output.split()):
            fail(f"the message is not {message!r}:\n{output}")
    print(f"nested: {len(cases)} settings are refused in one line each")


def check_reexport(scratch: Path, built: tuple[str, ...]) -> None:
    """A library that contains ours installs and exports itself; the installed program runs.

    CMake reports a target that cannot be exported when it configures. So a kind that is not in
    `built` is only configured.
    """
    for kind in ("static", "shared"):
        # Next to the presets' build directories, so that ccache finds the same objects.
        build, prefix = ROOT / f"build/nested-{kind}", scratch / f"{kind}-prefix"
        shutil.rmtree(build, ignore_errors=True)
        release = "-DCMAKE_BUILD_TYPE=Release"
        options = [release, "-DCMAKE_UNITY_BUILD=ON", f"-DBUILD_SHARED_LIBS={kind == 'shared'}"]
        configure("reexport", build, *options)
        if kind not in built:
            print(f"nested: {kind}: configured with its install and export rules")
            continue
        run("cmake", "--build", str(build))
        run("cmake", "--install", str(build), "--prefix", str(prefix))
        places = {
            "build tree": [f"-Doutside_DIR={build}", f"-Dbackpass_DIR={build / 'backpass/cpp'}"],
            "install tree": [f"-DCMAKE_PREFIX_PATH={prefix}"],
        }
        for place, options in places.items():
            consumer = scratch / f"{kind}-consumer-{place.split()[0]}"
            configure("reexport/consumer", consumer, release, *options)
            run("cmake", "--build", str(consumer))
            run(str(consumer / "consumer"))
        run(str(prefix / "bin/outside_program"))
        print(f"nested: {kind}: installed, exported, and used from {' and '.join(places)}")


def main() -> None:
    """Run the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        check_leaks(scratch)
        check_refusals(scratch)
        check_arithmetic(scratch)
        check_reexport(scratch, ("static", "shared") if options.long else ("shared",))


if __name__ == "__main__":
    main()
