"""Fit every method on every set, one fit per process and thread, and append to results.csv.

Fits that the file already has are skipped, so a run can be stopped and continued. A method that
fails is recorded with its message; `--retry` tries it again, and `--renew` repeats everything.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import click
import sets
from methods import BY_NAME, METHODS
from results import FILE, Key, Result, append, read

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(
    [
        "BACKPASS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    ],
    "1",
)


def machine() -> str:
    """Return the name of the processor, without which times mean little."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def fit(key: Key, python: str, cache: Path, timeout: float) -> Result:
    """Run the worker; a failure is a result, too."""
    name, seed, method = key
    command = [python, str(HERE / "worker.py"), method, name, str(seed), str(cache)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **ONE_THREAD},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        failure = f"no result after {timeout:g} s"
        return Result(*key, machine=machine(), failure=failure)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Result(*key, machine=machine(), failure=lines[-1][:200])
    try:
        values = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return Result(*key, machine=machine(), failure="the worker printed no result")
    return Result(*key, machine=machine(), **values)


def ordered(names: list[str], seeds: int, methods: list[str]) -> list[Key]:
    """Return the fits in the order of a run: an early stop leaves whole seeds and methods."""
    return [(name, seed, method) for seed in range(seeds) for method in methods for name in names]


def chosen(text: str, known: list[str], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"no {what} {', '.join(unknown)}; known: {', '.join(known)}")
    return names


@click.command(help=__doc__)
@click.option("--held-out", is_flag=True, help="The held-out sets instead of the development sets.")
@click.option("--sets", "names", default="", help="Names of sets, separated by commas.")
@click.option("--methods", default="", help="Names of methods, separated by commas, in order.")
@click.option("--seeds", default=5, show_default=True, help="Seeds 0, 1, … of splits and methods.")
@click.option("--jobs", default=1, show_default=True, help="Fits at the same time.")
@click.option("--pytabkit", help="The Python of an environment with pytabkit.")
@click.option("--timeout", default=7200.0, show_default=True, help="Seconds per fit.")
@click.option("--retry", is_flag=True, help="Repeat fits that failed.")
@click.option("--renew", is_flag=True, help="Repeat all fits.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("build/tabular"),
    show_default=True,
    help="Folder of the prepared tables.",
)
@click.option("--results", "path", type=click.Path(path_type=Path), default=FILE)
def main(
    held_out: bool,
    names: str,
    methods: str,
    seeds: int,
    jobs: int,
    pytabkit: str | None,
    timeout: float,
    retry: bool,
    renew: bool,
    cache: Path,
    path: Path,
) -> None:
    half = [each.name for each in (sets.HELD_OUT if held_out else sets.DEVELOPMENT)]
    names_chosen = chosen(names, half, "held-out set" if held_out else "set") or half
    methods_chosen = chosen(methods, list(BY_NAME), "method") or [each.name for each in METHODS]
    if pytabkit is None:
        left_out = [name for name in methods_chosen if BY_NAME[name].pytabkit]
        methods_chosen = [name for name in methods_chosen if name not in left_out]
        if left_out:
            click.echo(f"without --pytabkit, {', '.join(left_out)} are left out", err=True)
    there = {each.key for each in read(path) if not (retry and each.failure)}
    keys = ordered(names_chosen, seeds, methods_chosen)
    keys = keys if renew else [key for key in keys if key not in there]
    for name in dict.fromkeys(key[0] for key in keys):
        sets.prepare(sets.ALL[name], cache)

    lock = Lock()

    def work(key: Key) -> None:
        python = pytabkit if BY_NAME[key[2]].pytabkit else sys.executable
        result = fit(key, str(python), cache, timeout)
        text = result.failure or f"error {result.error:.4f}, {result.fit_cpu:.2f} s of CPU"
        with lock:
            append(path, result)
            click.echo(f"{result.set}, seed {result.seed}, {result.method}: {text}")

    with ThreadPoolExecutor(jobs) as pool:
        try:
            list(pool.map(work, keys))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


if __name__ == "__main__":
    main()
