"""Measure backpass and the other installed libraries, side by side.

Each library runs in a separate process. All processes of a case exist at the same time and take
turns, round after round. So a slow moment of the machine affects every library. The result is the
median over rounds.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from cases import CASES, Case, parse
from process import Worker
from report import Result, Row, markdown, plot

HERE = Path(__file__).parent
OURS = "backpass"
# Peer: the modules it needs.
PEERS = {
    "numpy": ["numpy"],
    "torch": ["torch"],
    "torch_compile": ["torch"],
    "jax": ["jax", "optax"],
    "sklearn": ["sklearn"],
    "onnxruntime": ["onnxruntime", "onnx"],
}
PAUSE = 0.1  # seconds, until the threads of the previous process sleep


def installed() -> list[str]:
    return [p for p, needs in PEERS.items() if all(importlib.util.find_spec(n) for n in needs)]


@contextmanager
def workers(case: Case, peers: list[str], threads: list[int]) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        ready = []
        for peer in peers:
            for count in threads:
                worker = Worker(peer, count)
                stack.callback(worker.close)
                if worker.ask(case=asdict(case))["supported"]:
                    ready.append(worker)
        yield ready


def measure(case: Case, peers: list[str], threads: list[int], rounds: int, seconds: float) -> Row:
    times: dict[tuple[str, int], list[float]] = {}
    memory: dict[tuple[str, int], float] = {}
    with workers(case, peers, threads) as ready:
        for worker in ready:  # not counted: this fills caches and raises the clock rate
            worker.ask(seconds=seconds)
        for _ in range(rounds):
            for worker in ready:
                time.sleep(PAUSE)
                answer = worker.ask(seconds=seconds)
                key = (worker.peer, worker.threads)
                times.setdefault(key, []).append(answer["seconds"])
                memory[key] = answer["peak_rss_mb"]
    results = [
        Result(peer, count, statistics.median(values), memory[peer, count])
        for (peer, count), values in times.items()
    ]
    return Row(case, results)


def probe(threads: int) -> tuple[float, float]:
    """Return GFLOP/s of multiply-adds and GB/s of reading, or NaN without a C compiler."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "probe")
        flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp"]
        try:
            subprocess.run(["cc", *flags, str(HERE / "probe.c"), "-o", program], check=True)
        except (OSError, subprocess.CalledProcessError):
            return float("nan"), float("nan")
        run = subprocess.run([program, str(threads)], check=True, capture_output=True, text=True)
        gflops, gbytes = map(float, run.stdout.split())
        return gflops, gbytes


@click.command(help=__doc__)
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--peers", help="Comma-separated; the default is all installed ones.")
@click.option(
    "--threads", default="1,2", show_default=True, help="Numbers of threads; the best counts."
)
@click.option(
    "--rounds", default=7, show_default=True, help="Number of measurements; the median counts."
)
@click.option("--seconds", default=0.3, show_default=True, help="Length of a measurement.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for results.json, .md and .png."
)
def main(
    cases: tuple[str, ...],
    peers: str | None,
    threads: str,
    rounds: int,
    seconds: float,
    output: Path | None,
) -> None:
    by_name = {case.name: case for case in CASES}
    chosen = [by_name.get(name) or parse(name) for name in cases] or CASES
    names = [OURS, *(installed() if peers is None else filter(None, peers.split(",")))]
    counts = [int(count) for count in threads.split(",")]
    peak, bandwidth = probe(max(counts))
    click.echo(
        f"{platform.processor() or platform.machine()}, {max(counts)} threads: "
        f"{peak:.0f} GFLOP/s of float32 multiply-adds, {bandwidth:.0f} GB/s",
        err=True,
    )
    rows = []
    for case in chosen:
        rows.append(measure(case, names, counts, rounds, seconds))
        click.echo(markdown(rows[-1:], peak).splitlines()[-1], err=True)
    table = markdown(rows, peak)
    click.echo(table)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "results.md").write_text(table + "\n")
        document = {
            "peak_gflops": peak,
            "bandwidth_gb": bandwidth,
            "rows": [asdict(row) for row in rows],
        }
        (output / "results.json").write_text(json.dumps(document, indent=1))
        plot(rows, output / "results.png")


if __name__ == "__main__":
    main()
