"""Measure training by several processes of this machine, and compute a model for more of them.

    python benchmarks/scaling.py --output FILE

Two ranks exchange messages of several sizes; α (seconds per message) and β (seconds per byte)
are fitted to the times. Then one network is trained with 1 and 2 processes of 1 and 2 threads, in
turns. The model (scaling_model.py) uses the rate of one thread, and --alpha and --bandwidth for a
cluster. Needs mpi4py and mpiexec.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from scaling_model import efficiency, least_rows, parameters_of, rate_of, step_seconds
from tabulate import tabulate

import backpass as bp

SIZES = [784, 512, 512, 10]
ROWS, BATCH = 20_000, 256
# name: (sizes, what it stands for)
NETWORKS = {
    "24-64-64-1": [24, 64, 64, 1],
    "784-512-512-10": [784, 512, 512, 10],
    "4096-4096-4096-4096": [4096, 4096, 4096, 4096],
}
RANKS = (8, 64, 1024)


def exchange_times() -> dict[int, float]:
    """Return seconds per Sendrecv of each size in bytes, on each of two ranks."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    times = {}
    for size in (8, 1024, 16384, 262144, 4194304):
        send, receive = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        count = max(20, min(2000, 20_000_000 // size))
        rounds = []
        for _ in range(7):
            world.Barrier()
            start = time.perf_counter()
            for _ in range(count):
                world.Sendrecv(send, 1 - world.rank, 0, receive, 1 - world.rank, 0)
            rounds.append((time.perf_counter() - start) / count)
        times[size] = statistics.median(rounds)
    return times


def epoch_time(threads: int, shards: int | None) -> float:
    """Return seconds per epoch; rank 0 decides."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    bp.set_num_threads(threads)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, SIZES[0])).astype(np.float32)
    y = rng.integers(0, SIZES[-1], ROWS)
    x, y = bp.distributed.share(world, x, y)
    net = bp.Network(SIZES, seed=0)
    history = net.fit(
        x,
        y,
        loss="softmax_cross_entropy",
        optimizer="adam",
        epochs=4,
        batch_size=BATCH,
        seed=0,
        shards=shards,
        communicator=None if shards == 1 else world,
        progress=False,
    )
    return min(history["seconds"][1:])


def mpiexec(ranks: int, *arguments: str) -> Any:
    command = ["mpiexec", "-n", str(ranks), sys.executable, __file__, "--worker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[0])


def model_table(rate: float, alpha: float, beta: float, batch: int) -> str:
    machine = (rate, alpha, beta)
    rows = []
    for name, sizes in NETWORKS.items():
        count = parameters_of(sizes)
        rows += [
            [
                name,
                ranks,
                f"{efficiency(count, batch * ranks, ranks, *machine):.2f}",
                f"{step_seconds(count, batch * ranks, ranks, *machine) * 1e3:.3g}",
                least_rows(count, ranks, *machine),
            ]
            for ranks in RANKS
        ]
    head = [
        "network",
        "processes",
        f"efficiency, {batch} rows each",
        "ms per step",
        "rows each for 0.8",
    ]
    return tabulate(rows, head, tablefmt="github")


@click.command(help=__doc__)
@click.option(
    "--worker", hidden=True, nargs=3, type=str, help="exchange - - | epoch THREADS SHARDS"
)
@click.option("--rounds", default=5, show_default=True)
@click.option(
    "--alpha", default=2e-6, show_default=True, help="Of the cluster, seconds per message."
)
@click.option("--bandwidth", default=12.5e9, show_default=True, help="Of the cluster, bytes per s.")
@click.option("--output", type=click.Path(path_type=Path))
def main(
    worker: tuple[str, str, str] | None,
    rounds: int,
    alpha: float,
    bandwidth: float,
    output: Path | None,
) -> None:
    if worker is not None:
        kind, threads, shards = worker
        result: Any = (
            exchange_times() if kind == "exchange" else epoch_time(int(threads), int(shards))
        )
        click.echo(json.dumps(result))
        return
    times = {int(size): seconds for size, seconds in mpiexec(2, "exchange", "-", "-").items()}
    sizes = np.array(list(times))
    design = (
        np.stack([np.ones(len(sizes)), sizes], axis=1) / np.array(list(times.values()))[:, None]
    )
    fitted = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)[0]  # relative errors
    settings = [(1, 1, 1), (1, 2, 1), (1, 1, 8), (1, 2, 8), (2, 1, 8), (2, 2, 8)]
    epochs: dict[tuple[int, int, int], list[float]] = {each: [] for each in settings}
    for _ in range(rounds):
        for ranks, threads, shards in settings:
            seconds = mpiexec(ranks, "epoch", str(threads), str(shards))
            epochs[ranks, threads, shards].append(seconds)
    medians = {each: statistics.median(seconds) for each, seconds in epochs.items()}
    base = medians[1, 1, 8]
    rate = rate_of(parameters_of(SIZES), ROWS, BATCH, medians[1, 1, 1])
    text = "\n\n".join(
        [
            tabulate(
                [
                    [size, f"{seconds * 1e6:.3g}", f"{size / seconds / 1e9:.3g}"]
                    for size, seconds in times.items()
                ],
                ["bytes", "µs per exchange", "GB/s in each direction"],
                tablefmt="github",
            ),
            f"α = {fitted[0] * 1e6:.2g} µs, 1/β = {1 / fitted[1] / 1e9:.2g} GB/s",
            tabulate(
                [
                    [
                        ranks,
                        threads,
                        shards,
                        f"{medians[ranks, threads, shards]:.3f}",
                        f"{base / medians[ranks, threads, shards]:.2f}",
                    ]
                    for ranks, threads, shards in settings
                ],
                ["processes", "threads each", "shards", "s per epoch", "speed"],
                tablefmt="github",
            ),
            f"{rate / 1e9:.0f} GFLOP/s of one thread",
            model_table(rate, alpha, 1 / bandwidth, 32),
        ]
    )
    click.echo(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
