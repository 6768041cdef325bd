#!/usr/bin/env python3
"""Build the outside projects of this folder; their predictions must have the bits of Python's.

``--prefix DIR``: with an installed library, with find_package and with pkg-config, by every
installed compiler. ``--wheel``: the same with the library in the installed Python package.
``--source``: with add_subdirectory of the source tree, in a project that compiles everything with
-ffast-math. The symbols of every installed library are checked, see tests/check_symbols.py.
A shared library must export the functions that tests/golden/surface/exports.txt lists. With
``--write``, the list is renewed.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from commands import COMPILERS, HERE, run

import backpass as bp

EXPORTS = HERE.parent / "golden/surface/exports.txt"
# Options that a project may use for its own code. GCC also makes such a program flush denormals.
FAST_MATH = (
    "-O1 -DNDEBUG -ffast-math -funsafe-math-optimizations -ffinite-math-only -fassociative-math "
    "-freciprocal-math -fno-signed-zeros -fno-trapping-math -ffp-contract=fast"
)


def save_cases(folder: Path) -> list[tuple[str, str, str]]:
    """Save networks, inputs and predictions; return the arguments of ``predict`` for each."""
    cases = []
    rng = np.random.default_rng(3)
    for dtype in ("float32", "float64"):
        net = bp.Network(
            [7, 33, 17, 5], activation=["gelu", "tanh", "softmax"], dtype=dtype, seed=1
        )
        x = rng.normal(size=(129, 7)).astype(dtype)
        y = rng.integers(0, 5, size=129)
        net.fit(
            x, y, loss="cross_entropy", optimizer=bp.optim.Adam(), epochs=2, progress=False, seed=0
        )
        model, rows, expected = (
            str(folder / f"{dtype}.{end}") for end in ("safetensors", "x", "a")
        )
        net.save(model)
        x.tofile(rows)
        net.predict(x).tofile(expected)
        cases.append((model, rows, expected))
    return cases


def build_with_cmake(project: str, build: Path, *defines: str, program: str = "predict") -> Path:
    """Configure and build one of the projects here; return its program."""
    run(
        "cmake",
        "-S",
        str(HERE / project),
        "-B",
        str(build),
        "-G",
        "Ninja",
        "-DCMAKE_BUILD_TYPE=Release",
        *defines,
    )
    run("cmake", "--build", str(build))
    return build / program


def build_foreign_json(config: str, build: Path) -> Path:
    """Build the program that has its own JSON parser; return it."""
    defines = [config]
    spec = importlib.util.find_spec("nlohmann_json")
    if spec is not None and spec.submodule_search_locations:
        places = [str(Path(place) / "include") for place in spec.submodule_search_locations]
        defines.append(f"-DNLOHMANN_INCLUDE={';'.join(places)}")
    return build_with_cmake("foreign_json", build, *defines, program="foreign_json")


def build_with_pkg_config(pc_dir: Path, build: Path, compiler: str) -> Path:
    """Compile with the options from pkg-config; return the program."""
    env = {"PKG_CONFIG_PATH": str(pc_dir)}
    flags = run("pkg-config", "--cflags", "--libs", "backpass", env=env).split()
    if any(flag.startswith("-fopenmp=") for flag in flags):
        sys.exit(f"{pc_dir}/backpass.pc has an option that only Clang knows: {' '.join(flags)}")
    libdir = run("pkg-config", "--variable=libdir", "backpass", env=env).strip()
    program = build / f"predict_pkg_config_{compiler}"
    run(
        compiler,
        "-std=c++20",
        "-O1",
        str(HERE / "predict.cpp"),
        "-o",
        str(program),
        *flags,
        f"-Wl,-rpath,{libdir}",
    )
    return program


def check_symbols(library_dir: Path) -> None:
    """Check which symbols of the installed libraries another program can see."""
    libraries = [
        path
        for path in library_dir.glob("libbackpass.*")
        if path.suffix in {".a", ".dylib"} or ".so" in path.name
        if not path.is_symlink()
    ]
    if not libraries:
        sys.exit(f"{library_dir} has no library")
    for library in libraries:
        run(sys.executable, str(HERE.parent / "check_symbols.py"), str(library))
        print(f"symbols: {library.name}: only backpass's")


def check_soname(library: Path) -> None:
    """A program that links a shared library must ask for its minor version at run time."""
    soname = re.search(r"SONAME.*\[(.+)\]", run("readelf", "--dynamic", str(library)))
    expected = f"libbackpass.so.{'.'.join(bp.__version__.split('.')[:2])}"
    if soname is None or soname[1] != expected:
        sys.exit(f"{library}: the SONAME is {soname and soname[1]}, expected {expected}")


def check_exports(library: Path, write: bool) -> None:
    """The functions that a shared library exports must be the recorded ones.

    A weak symbol may be new, since compilers differ in what they inline, but none may be missing.
    The list leaves out Impl, functions with a lambda and members of Input, which no explicit
    instantiation makes a compiler emit.
    """
    listing = run("nm", "--dynamic", "--defined-only", "--demangle", str(library))
    left_out = r".*(?:::Impl\b|\{lambda|\bInput<\w+>::)"
    symbols = set(re.findall(rf"^\w+ ([TDBRVW]) ((?!{left_out}).+)$", listing, re.MULTILINE))
    found = {name for _, name in symbols}
    if write:
        EXPORTS.write_text("".join(f"{name}\n" for name in sorted(found)))
    recorded = set(EXPORTS.read_text().splitlines())
    changes = [f"missing: {name}" for name in sorted(recorded - found)]
    changes += [
        f"new: {name}"
        for kind, name in sorted(symbols)
        if kind not in "VW" and name not in recorded
    ]
    if changes:
        sys.exit(
            "the exported symbols changed:\n" + "\n".join(changes) + "\nIf this is intended, "
            "describe it in CHANGELOG.md and renew the list: run.py --prefix DIR --write"
        )
    print(f"symbols: {library.name}: {len(found)} exported symbols, as recorded")


def ask_package(option: str) -> Path:
    """Return the folder that ``python -m backpass OPTION`` prints."""
    folder = Path(run(sys.executable, "-m", "backpass", option).strip())
    if not folder.is_dir():
        sys.exit(f"python -m backpass {option} names {folder}, which is not a folder")
    return folder


def main() -> None:
    """Build and run the programs that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", type=Path)
    parser.add_argument("--wheel", action="store_true")
    parser.add_argument("--source", action="store_true")
    parser.add_argument("--write", action="store_true", help="renew the list of exported symbols")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        build = Path(scratch)
        programs = {}
        if options.source:
            programs["add_subdirectory, fast-math"] = build_with_cmake(
                "add_subdirectory", build / "source", f"-DCMAKE_CXX_FLAGS_RELEASE={FAST_MATH}"
            )
        pc_dirs = {}
        foreign = []
        if options.prefix:
            prefix = options.prefix.resolve()
            for compiler in COMPILERS:
                programs[f"find_package, {compiler}, fast-math"] = build_with_cmake(
                    "find_package",
                    build / f"prefix-{compiler}",
                    f"-DCMAKE_PREFIX_PATH={prefix}",
                    f"-DCMAKE_CXX_COMPILER={compiler}",
                    f"-DCMAKE_CXX_FLAGS_RELEASE={FAST_MATH}",
                    "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON",
                )
            foreign.append(
                build_foreign_json(f"-DCMAKE_PREFIX_PATH={prefix}", build / "prefix_json")
            )
            pc_dirs["pkg-config"] = next(prefix.glob("lib*/**/backpass.pc")).parent
        if options.wheel:
            config = ask_package("--cmakedir")
            programs["find_package, wheel"] = build_with_cmake(
                "find_package", build / "wheel", f"-Dbackpass_DIR={config}"
            )
            foreign.append(build_foreign_json(f"-Dbackpass_DIR={config}", build / "wheel_json"))
            pc_dirs["pkg-config, wheel"] = ask_package("--pkgconfigdir")
            if not (ask_package("--includes") / "backpass/backpass.hpp").is_file():
                sys.exit("python -m backpass --includes names a folder without the headers")
        for name, pc_dir in pc_dirs.items():
            if shutil.which("pkg-config") is None:
                sys.exit("pkg-config was not found")
            check_symbols(pc_dir.parent)
            for library in pc_dir.parent.glob("libbackpass.so"):
                check_soname(library)
                check_exports(library, options.write)
            for compiler in COMPILERS:
                programs[f"{name}, {compiler}"] = build_with_pkg_config(pc_dir, build, compiler)
        if not programs:
            parser.error("nothing to do: give --prefix, --wheel or --source")
        cases = save_cases(build)
        for program in foreign:
            print(f"{program.parent.name}: {run(str(program), cases[0][0]).strip()}")
        for name, program in programs.items():
            for case in cases:
                print(f"{name}: {Path(case[0]).stem}: {run(str(program), *case).strip()}")


if __name__ == "__main__":
    main()
