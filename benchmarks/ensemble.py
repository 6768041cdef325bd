"""Time `Ensemble.fit` and K separate calls of `Network.fit` in turns, and print a Markdown table.

The separate calls run with one thread and with all threads; the better one counts. All trainings
of a row do the same steps, and the results have the same bits, which the program checks. Each
number is a median over the rounds; the ratio is the median of the ratios of the rounds, so that a
slow moment of the machine affects all times of one ratio.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from tabulate import tabulate

import backpass as bp

# Sizes, rows, batch sizes, number of members.
CASES = [
    ((16, 64, 64, 2), 2_000, 32, 8),
    ((16, 64, 64, 2), 10_000, 32, 8),
    ((16, 64, 64, 2), 10_000, 256, 8),
    ((54, 256, 128, 7), 10_000, 128, 8),
    ((784, 256, 10), 5_000, 128, 4),
    ((784, 1024, 1024, 10), 2_000, 256, 2),
    ((16, 64, 64, 2), 10_000, 32, 3),
]
SECONDS = 0.5  # of one training, about


def separate(ens: bp.Ensemble, seeds: list[int], x: Any, y: Any, settings: dict[str, Any]) -> None:
    for net, seed in zip(ens, seeds, strict=True):
        net.fit(x, y, seed=seed, **settings)


def timed(call: Any, *arguments: Any, **settings: Any) -> float:
    start = time.perf_counter()
    call(*arguments, **settings)
    return time.perf_counter() - start


def row(case: tuple[Any, ...], threads: int, rounds: int) -> list[str]:
    """Measure one case."""
    sizes, rows, batch, members = case
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, sizes[0])).astype(np.float32)
    y = rng.integers(0, sizes[-1], rows)
    start = bp.Ensemble(sizes, output="softmax", members=members, seed=0)
    seeds = bp.Ensemble.seeds(1, members)
    settings: dict[str, Any] = {
        "loss": "cross_entropy",
        "optimizer": "adam",
        "batch_size": batch,
        "epochs": 1,
        "progress": False,
    }
    once = timed(start.copy().fit, x, y, seed=1, **settings)
    settings["epochs"] = max(1, round(SECONDS / once))
    times: dict[str, list[float]] = {"one": [], "all": [], "together": []}
    for number in range(rounds):
        results = []
        for name in sorted(times, reverse=number % 2 == 1):
            ens = start.copy()
            bp.set_num_threads(1 if name == "one" else threads)
            if name == "together":
                seconds = timed(ens.fit, x, y, seed=1, **settings)
            else:
                seconds = timed(separate, ens, seeds, x, y, settings)
            times[name].append(seconds / settings["epochs"] / members)
            results.append([net.parameters.tobytes() for net in ens])
        if any(result != results[0] for result in results):
            raise click.ClickException(f"{sizes}: the results differ")
    best = min("one", "all", key=lambda name: statistics.median(times[name]))
    ratios = [a / b for a, b in zip(times["together"], times[best], strict=True)]
    medians = [f"{1e3 * statistics.median(times[name]):.3g} ms" for name in times]
    return [
        f"{'-'.join(map(str, sizes))}",
        str(rows),
        str(batch),
        str(members),
        *medians,
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
    ]


@click.command(help=__doc__)
@click.option(
    "--threads", type=int, default=bp.get_num_threads, help="Of the ensemble and of 'all'."
)
@click.option("--rounds", default=7)
@click.option("--output", type=click.Path(path_type=Path), help="Also write the table here.")
def main(threads: int, rounds: int, output: Path | None) -> None:
    headers = ["network", "rows", "batch", "K", "separate, 1 thread", f"separate, {threads}"]
    headers += ["Ensemble.fit", "ratio", "of the rounds"]
    table = []
    for case in CASES:
        table.append(row(case, threads, rounds))
        click.echo(" | ".join(table[-1]))
    text = str(tabulate(table, headers, tablefmt="github"))
    click.echo(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
