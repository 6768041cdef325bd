#!/usr/bin/env python3
"""Use a repaired wheel and a source distribution as people without a compiler get them.

usage: wheel.py WHEEL SDIST

A fresh environment whose PATH has no compiler installs the wheel, runs README's first training and
the tests that depend on how the extension was linked. Then a wheel is built from the source
distribution: it must have the same files, and give the published hashes.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from commands import HERE, run

ROOT = HERE.parents[1]
TOOLS = ("cc", "c++", "gcc", "g++", "clang", "clang++", "cmake", "ninja", "make")
# In a repaired wheel the OpenMP runtime has another name and another place. These tests use it.
TESTS = (
    "bindings/test_exit.py",
    "bindings/test_package.py",
    "test_caller_environment.py",
    "test_fork.py",
    "test_golden_hashes.py",
    "test_io.py",
    "test_threadpoolctl.py",
    "test_threads.py",
)
CPU_SECONDS = 60.0


def fail(message: str) -> None:
    """Stop with a message."""
    sys.exit(f"wheel.py: {message}")


def files_of(wheel: Path) -> set[str]:
    """Return the files of a wheel, without those that a repair adds."""
    names = zipfile.ZipFile(wheel).namelist()
    return {name for name in names if not re.match(r"backpass\.libs/|.*/sboms/|.*/$", name)}


def check_libraries(wheel: Path, scratch: Path) -> None:
    """The extension must use the copy of libgomp that is in the wheel."""
    if not re.search(r"-(many|musl)linux_\d+_\d+_\w+\.whl$", wheel.name):
        fail(f"{wheel.name} has no manylinux or musllinux tag")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        extension = next(name for name in names if re.match(r"backpass/_core\..*\.so$", name))
        archive.extract(extension, scratch)
    copies = {Path(name).name for name in names if name.startswith("backpass.libs/libgomp")}
    listing = run("readelf", "--dynamic", str(scratch / extension))
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", listing)
    used = {name for name in needed if "gomp" in name}
    if not copies or used != copies:
        fail(f"the extension needs {needed}, but the wheel contains {sorted(copies)}")
    print(f"wheel: {wheel.name}, {wheel.stat().st_size} bytes, with {', '.join(copies)}")


def environment(scratch: Path) -> tuple[str, dict[str, str]]:
    """Make an empty environment; return its Python, and variables without a compiler."""
    run(sys.executable, "-m", "venv", str(scratch / "venv"))
    path = str(scratch / "venv/bin")
    if found := [tool for tool in TOOLS if shutil.which(tool, path=path)]:
        fail(f"{path} contains {found}")
    hidden = ("CC", "CXX", "PYTHONPATH", "VIRTUAL_ENV")
    return f"{path}/python", {**dict.fromkeys(hidden, ""), "PATH": path}


def quickstart(python: str, env: dict[str, str], wheel: Path, scratch: Path) -> None:
    """Install the wheel and train README's first classifier."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    requirement = f"backpass[cli] @ {wheel.resolve().as_uri()}"
    run(python, "-m", "pip", "install", "-q", "--only-binary", ":all:", requirement, env=env)
    command = [str(Path(python).parent / "backpass"), "train", "digits"]
    done = subprocess.run(
        command, cwd=scratch, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not (scratch / "digits.safetensors").is_file():
        fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # CPU time, since other programs may use the machine.
    if cpu > CPU_SECONDS:
        fail(f"installation and training took {cpu:.0f} s of CPU, more than {CPU_SECONDS:.0f} s")
    wall = time.monotonic() - begin
    print(f"wheel: installed, and digits trained, in {wall:.1f} s ({cpu:.1f} s of CPU)")


def run_tests(python: str, env: dict[str, str], *tests: str) -> None:
    """Run tests with the installed package."""
    paths = [str(ROOT / "tests/python" / test) for test in tests]
    command = [python, "-m", "pytest", "-q", "-n", "2", "--rootdir", str(ROOT), *paths]
    print(f"wheel: {run(*command, env=env).strip().splitlines()[-1]}")


def wheel_from(sdist: Path, scratch: Path) -> Path:
    """Build a wheel from a source distribution."""
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch / "sdist", filter="data")
    source = next((scratch / "sdist").iterdir())
    # With the same folders as in other builds, so that ccache finds the same objects.
    env = {"SKBUILD_BUILD_DIR": "build/wheel-build", "CCACHE_BASEDIR": str(source)}
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    run(*pip, "-w", str(scratch / "from_sdist"), str(source), env=env)
    return next((scratch / "from_sdist").glob("backpass-*.whl"))


def main() -> None:
    """Run the checks."""
    wheel, sdist = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        check_libraries(wheel, scratch)
        python, env = environment(scratch)
        quickstart(python, env, wheel, scratch)
        extra = f"backpass[test] @ {wheel.resolve().as_uri()}"
        run(python, "-m", "pip", "install", "-q", "--only-binary", ":all:", extra, env=env)
        run_tests(python, env, *TESTS)
        built = wheel_from(sdist, scratch)
        if files_of(built) != files_of(wheel):
            fail(f"{sdist.name} gives other files: {files_of(built) ^ files_of(wheel)}")
        run(python, "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", str(built))
        run_tests(python, env, "test_golden_hashes.py", "test_io.py")
        print(f"wheel: {sdist.name} gives a wheel with the same {len(files_of(built))} files")


if __name__ == "__main__":
    main()
