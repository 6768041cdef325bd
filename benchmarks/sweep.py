"""Measure a network of two square layers over widths and batches, to find sudden losses of speed.

Sizes are (w, w, w), relu, squared error, SGD. The program reports a cliff: a rate more than 20 %
below the best of the four next smaller points of the same kind, where a rate is the median of
--rounds. It also reports two threads that are more than 5 % slower than one. At the end of the
sweep it measures the reported points again, up to --again times, and keeps the best rate. A real
cliff remains every time; a disturbance by another program does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from timing import median_seconds

import backpass as bp

WIDTHS = sorted(
    {w + d for w in range(8, 1101, 8) for d in (-1, 0, 1)} | {45, 46, 93, 257, 500, 1000}
)
BATCHES = sorted({*range(1, 65), *(b + d for b in range(64, 1025, 64) for d in (-1, 0, 1))})


@dataclass(frozen=True)
class Point:
    kind: str  # "predict" or "train"
    width: int
    batch: int
    threads: int
    dtype: str
    gflops: float


def rate(run: Callable[[], object], flops: float, rounds: int, seconds: float) -> float:
    """Return GFLOP/s, the median over rounds."""
    run()
    return flops / median_seconds(run, seconds, rounds * seconds) / 1e9


def measure(
    width: int, batch: int, threads: list[int], dtype: str, rounds: int, seconds: float
) -> list[Point]:
    net = bp.Network([width] * 3, init="zeros", dtype=dtype)
    net.parameters[:] = np.random.default_rng(0).uniform(-1, 1, net.num_parameters) / width**0.5
    x = np.random.default_rng(1).standard_normal((batch, width)).astype(dtype)
    y, out = np.zeros_like(x), np.empty_like(x)
    loss, sgd = bp.losses.MeanSquaredError(), bp.optim.SGD(lr=1e-6)
    points = []
    for count in threads:
        bp.set_num_threads(count)
        layer = 2.0 * batch * width * width
        for kind, flops, run in (
            ("predict", 2 * layer, lambda: net.predict(x, out=out)),
            ("train", 5 * layer, lambda: net.train_step(x, y, loss=loss, optimizer=sgd)),
        ):
            gflops = rate(run, flops, rounds, seconds)
            points.append(Point(kind, width, batch, count, dtype, gflops))
    return points


def cliffs(points: list[Point], along: str) -> dict[Point, str]:
    """Find the points below 0.8 of the best of their four smaller neighbours."""
    found = {}
    series: dict[tuple[object, ...], list[Point]] = {}
    other = "batch" if along == "width" else "width"
    for p in points:
        series.setdefault((p.kind, p.threads, p.dtype, getattr(p, other)), []).append(p)
    for line in series.values():
        line.sort(key=lambda p: getattr(p, along))
        for i, p in enumerate(line):
            before = [q.gflops for q in line[max(0, i - 4) : i]]
            if before and p.gflops < 0.8 * max(before):
                found[p] = f"{p.gflops / max(before):.2f} of a smaller neighbour"
    return found


def slower(points: list[Point]) -> dict[Point, str]:
    """Find where two threads are more than 5 % slower than one."""
    one = {(p.kind, p.width, p.batch, p.dtype): p.gflops for p in points if p.threads == 1}
    return {
        p: f"{p.gflops / one[key]:.2f} of one thread"
        for p in points
        if p.threads > 1
        and (key := (p.kind, p.width, p.batch, p.dtype)) in one
        and p.gflops < 0.95 * one[key]
    }


def plot(points: list[Point], along: str, path: Path) -> None:
    """Draw one panel per kind: a line for every number of threads and value of the other axis."""
    from matplotlib.figure import Figure

    other = "batch" if along == "width" else "width"
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), ("predict", "train"), strict=True):
        lines: dict[str, list[Point]] = {}
        for p in (p for p in points if p.kind == kind):
            label = f"{other} {getattr(p, other)}, {p.threads} thread{'s' * (p.threads > 1)}"
            lines.setdefault(label, []).append(p)
        for label, line in lines.items():
            axes.plot(
                [getattr(p, along) for p in line], [p.gflops for p in line], lw=1, label=label
            )
        axes.set(title=kind, xlabel=along, ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.axes[0].set_ylabel("GFLOP/s")
    figure.savefig(path, dpi=120)


@click.command(help=__doc__)
@click.option("--along", type=click.Choice(["width", "batch"]), default="width", show_default=True)
@click.option("--fixed", default="64", show_default=True, help="Values of the other axis.")
@click.option("--every", default=1, show_default=True, help="Take every n-th value only.")
@click.option("--threads", default="1,2", show_default=True)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32")
@click.option("--rounds", default=5, show_default=True)
@click.option("--again", default=4, show_default=True)
@click.option("--seconds", default=0.005, show_default=True, help="Length of a measurement.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for JSON and a picture.")
def main(
    along: str,
    fixed: str,
    every: int,
    threads: str,
    dtype: str,
    rounds: int,
    again: int,
    seconds: float,
    output: Path | None,
) -> None:
    counts = [int(count) for count in threads.split(",")]
    points = []
    for other in map(int, fixed.split(",")):
        for value in (WIDTHS if along == "width" else BATCHES)[::every]:
            width, batch = (value, other) if along == "width" else (other, value)
            points += measure(width, batch, counts, dtype, rounds, seconds)
    for _ in range(again):
        for p in cliffs(points, along) | slower(points):
            for q in measure(p.width, p.batch, [p.threads], dtype, rounds, seconds):
                if q.kind == p.kind and q.gflops > p.gflops:
                    points[points.index(p)] = q
    for p, what in (cliffs(points, along) | slower(points)).items():
        click.echo(
            f"{p.kind}, width {p.width}, batch {p.batch}, threads {p.threads}: "
            f"{p.gflops:.0f} GFLOP/s, {what}"
        )
    if output:
        output.mkdir(parents=True, exist_ok=True)
        name = f"sweep-{along}-{dtype}"
        document = json.dumps([asdict(p) for p in points], indent=1)
        (output / f"{name}.json").write_text(document + "\n")
        plot(points, along, output / f"{name}.png")


if __name__ == "__main__":
    main()
