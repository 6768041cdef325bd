"""Time two builds of the library in turns, and print the ratio of their medians for each case.

OLD and NEW are git revisions of this repository, wheels, or folders that contain the package
backpass with its extension. A revision is built into a wheel first, which takes minutes. A third
process runs OLD again: the ratio "old / old" shows which differences are noise.

Each build runs in its own process. In every round the processes take turns, in an order that
changes from round to round. So a slow moment of the machine affects every build. The places of a
process in memory can change its times by several percent, so new processes are started --starts
times. A result is the median over all rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
from cases import Case
from process import Worker

ROOT = Path(__file__).resolve().parents[1]
PAUSE = 0.002  # seconds, until the threads of the previous process sleep: they spin for 0.2 ms
SIZES = ((1, 1), (4, 64, 64, 2), (32, 64, 64, 8), (784, 128, 10), (256, 256, 256, 256))
CASES = [
    Case(f"{kind} {'-'.join(map(str, sizes))} {dtype}", kind, sizes, "tanh", batch, dtype=dtype)
    for kind, batch in (("train", 64), ("predict", 1))
    for sizes in SIZES
    for dtype in ("float32", "float64")
] + [
    Case("train 1024-2048-1024 float32", "train", (1024, 2048, 1024), "relu", 256),
    Case("fit 32-64-8 float32", "epoch", (32, 64, 8), "relu", 32, "ce", rows=4096),
]


def package(build: str, folder: Path) -> Path:
    """Return a folder for PYTHONPATH with the package of a revision, a wheel or a folder."""
    path = Path(build)
    if (path / "backpass").is_dir():
        return checked(path.resolve())
    if path.suffix != ".whl":
        source = folder / "source"
        revision = ["git", "-C", str(ROOT), "worktree", "add", "-q", "--detach", str(source), build]
        subprocess.run(revision, check=True, stdout=subprocess.DEVNULL)
        try:
            pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(folder)]
            subprocess.run([*pip, str(source)], check=True)
        finally:
            remove = ["git", "-C", str(ROOT), "worktree", "remove", "--force", str(source)]
            subprocess.run(remove, check=True)
        path = next(folder.glob("*.whl"))
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(folder / "package")
    return checked(folder / "package")


def checked(folder: Path) -> Path:
    """Return the folder; raise if Python would import another package, or if the import fails."""
    program = "import backpass; print(backpass.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", program]
    place = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    if not Path(place.stdout.strip()).is_relative_to(folder):
        raise click.ClickException(f"Python imports {place.stdout.strip()} and not {folder}")
    return folder


def measure(
    case: Case, packages: list[Path], threads: int, starts: int, rounds: int, seconds: float
) -> list[float]:
    """Return the median time of each package, in seconds per call."""
    times: list[list[float]] = [[] for _ in packages]
    for start in range(starts):
        with ExitStack() as stack:
            workers = []
            for folder in packages:
                worker = Worker("backpass", threads, PYTHONPATH=str(folder))
                stack.callback(worker.close)
                worker.ask(case=asdict(case))
                worker.ask(seconds=seconds)  # not counted: this fills caches
                workers.append(worker)
            for turn in range(rounds):
                for i in range(len(workers)):
                    k = (i + turn + start) % len(workers)
                    time.sleep(PAUSE)
                    times[k].append(workers[k].ask(seconds=seconds)["seconds"])
    return [statistics.median(values) for values in times]


@click.command(help=__doc__)
@click.argument("old")
@click.argument("new")
@click.option("--case", "pattern", default="", help="Only the cases whose name contains it.")
@click.option("--threads", default="1,2", show_default=True)
@click.option("--starts", default=7, show_default=True, help="Number of processes per build.")
@click.option("--rounds", default=31, show_default=True, help="Per start.")
@click.option("--seconds", default=0.01, show_default=True, help="Per build and round.")
@click.option("--limit", type=float, help="Exit with 1 if a ratio new / old is above it: 1.02.")
def main(
    old: str,
    new: str,
    pattern: str,
    threads: str,
    starts: int,
    rounds: int,
    seconds: float,
    limit: float | None,
) -> None:
    slower = []
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / name for name in ("old", "new")]
        for folder in folders:
            folder.mkdir()
        first, second = (package(b, f) for b, f in zip((old, new), folders, strict=True))
        click.echo("| case | threads | old | new / old | old / old |")
        click.echo("| --- | --- | --- | --- | --- |")
        for case in (case for case in CASES if pattern in case.name):
            for count in map(int, threads.split(",")):
                packages = [first, second, first]
                a, b, again = measure(case, packages, count, starts, rounds, seconds)
                row = (
                    f"| {case.name} | {count} | {1e6 * a:.4g} µs | {b / a:.3f} | {again / a:.3f} |"
                )
                click.echo(row)
                if limit is not None and b / a > limit:
                    slower.append(row)
    if slower:
        raise click.ClickException("above the limit:\n" + "\n".join(slower))


if __name__ == "__main__":
    main()
