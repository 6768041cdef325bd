"""The table and the bar chart of the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cases import Case
from matplotlib.figure import Figure
from tabulate import tabulate

OURS = "backpass"


@dataclass(frozen=True)
class Result:
    peer: str
    threads: int
    seconds: float  # per call
    peak_rss_mb: float


@dataclass(frozen=True)
class Row:
    case: Case
    results: list[Result]

    def best(self, peer: str) -> Result | None:
        """Return a library's result with its best number of threads."""
        own = [result for result in self.results if result.peer == peer]
        return min(own, key=lambda result: result.seconds, default=None)

    def best_peer(self) -> Result | None:
        others = [result for result in self.results if result.peer != OURS]
        return min(others, key=lambda result: result.seconds, default=None)

    def ratio(self) -> float | None:
        """Return the best peer's time divided by ours."""
        ours, best = self.best(OURS), self.best_peer()
        return best.seconds / ours.seconds if ours and best else None


def duration(seconds: float) -> str:
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def markdown(rows: list[Row], peak_gflops: float) -> str:
    peers = list(
        dict.fromkeys(result.peer for row in rows for result in row.results if result.peer != OURS)
    )
    table = []
    for row in rows:
        ours = row.best(OURS)
        if ours is None:
            continue
        gflops = row.case.flops / ours.seconds * 1e-9
        ratio = row.ratio()
        cells = [row.case.name, f"{duration(ours.seconds)} ({ours.threads}t)"]
        cells.append("" if ratio is None else f"{ratio:.2f}")
        for peer in peers:
            result = row.best(peer)
            cells.append(
                "" if result is None else f"{duration(result.seconds)} ({result.threads}t)"
            )
        cells += [f"{gflops:.1f}", f"{gflops / peak_gflops:.2f}", f"{ours.peak_rss_mb:.0f}"]
        table.append(cells)
    headers = ["case", OURS, "best peer / ours", *peers, "GFLOP/s", "of FMA peak", "peak MB"]
    return str(tabulate(table, headers, tablefmt="github"))


def plot(rows: list[Row], path: Path) -> None:
    """Draw the best peer's time divided by ours, one bar per case."""
    compared = [(row.case.name, ratio) for row in rows if (ratio := row.ratio()) is not None]
    figure = Figure(figsize=(8, 0.4 * len(compared) + 1.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([name for name, _ in compared], [ratio for _, ratio in compared])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("best other library's time / backpass's time")
    figure.savefig(path, dpi=150)
