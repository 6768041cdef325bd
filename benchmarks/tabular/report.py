"""Write the tables and the picture of the results to docs/tabular_benchmark.md.

Means over methods use the sets and seeds for which every compared method has a result; the others
are named. The reference of the error ratios is scikit-learn's HistGradientBoosting.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import sets
from markdown import replace_part, table
from methods import BY_NAME
from results import FILE, Result, read
from run import chosen
from summary import Comparison, Summary

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE, SLOW = "hist_boosting", "realmlp"


def main_table(summaries: list[Summary]) -> str:
    slow = next((each.fit_cpu for each in summaries if each.method == SLOW), None)
    heads = [
        *("method", "error ratio", "mean rank", "wins", "CPU s per fit"),
        *("CPU / RealMLP-TD", "results", "error ratio, own results"),
    ]
    return table(
        heads,
        [
            [
                BY_NAME[each.method].label,
                f"{each.ratio:.3f}",
                f"{each.rank:.2f}",
                str(each.wins),
                f"{each.fit_cpu:.3g}",
                "" if slow is None else f"{each.fit_cpu / slow:.3f}",
                str(each.pairs),
                f"{each.own_ratio:.3f}",
            ]
            for each in summaries
        ],
    )


def sets_table(comparison: Comparison, order: list[str]) -> str:
    """Return the errors of every set: the mean over the seeds of each method."""
    rows = []
    for name in comparison.names:
        means = {}
        for method in order:
            values = [e for (each, _), e in comparison.errors[method].items() if each == name]
            if values:
                means[method] = float(np.mean(values))
        best = min(means.values(), default=None)
        cells = ["" if method not in means else f"{means[method]:.4f}" for method in order]
        cells = [
            f"**{cell}**" if cell and means[method] == best else cell
            for method, cell in zip(order, cells, strict=True)
        ]
        task = "error rate" if sets.ALL[name].classification else "RMSE / σ"
        if means:
            rows.append([name, task, *cells])
    return table(["set", "error", *(BY_NAME[method].label for method in order)], rows)


def remarks(comparison: Comparison) -> list[str]:
    """Return what does not count, and why."""
    lines = []
    if comparison.missing:
        by_methods: dict[tuple[str, ...], list[str]] = {}
        for (name, seed), methods in comparison.missing.items():
            labels = tuple(BY_NAME[method].label for method in methods)
            by_methods.setdefault(labels, []).append(f"{name} ({seed})")
        lines.append("Sets (seeds) that are not part of the means, because a result is missing:\n")
        lines += [
            f"- without {', '.join(labels)}: {', '.join(pairs)}"
            for labels, pairs in by_methods.items()
        ]
    empty = sorted({*comparison.names} - {name for name, _ in comparison.common})
    never = [name for name in empty if name not in {pair[0] for pair in comparison.missing}]
    if never:
        lines.append(f"\nSets without any result: {', '.join(never)}.")
    for each in comparison.failures:
        label = BY_NAME[each.method].label
        lines.append(f"\nFailed: {label} on {each.set} (seed {each.seed}): {each.failure}")
    return lines


def counts(results: list[Result]) -> dict[str, int]:
    """Return the number of results of each method that has any, in the order of the methods."""
    found = {name: sum(r.method == name and not r.failure for r in results) for name in BY_NAME}
    return {name: count for name, count in found.items() if count}


def well_covered(found: dict[str, int]) -> list[str]:
    """Return the methods with at least half as many results as the one that has most."""
    return [name for name, count in found.items() if 2 * count >= max(found.values())]


def text_of(
    comparison: Comparison, summaries: list[Summary], found: dict[str, int], picture: str
) -> str:
    """Return the part of the document. `found` has the number of results of all methods."""
    names = {name for name, _ in comparison.common}
    others = [
        f"{BY_NAME[name].label} ({count} results)"
        for name, count in found.items()
        if name not in comparison.methods
    ]
    return "\n".join(
        [
            f"{len(comparison.common)} pairs of set and seed, {len(names)} sets."
            + (f" Not compared: {', '.join(others)}." if others else ""),
            "",
            main_table(summaries),
            "",
            *remarks(comparison),
            "",
            sets_table(comparison, [each.method for each in summaries]),
            "",
            f"![Error ratio and CPU time of each method](images/{picture})",
        ]
    )


def draw(summaries: list[Summary], path: Path) -> None:
    """Draw the error ratio over the CPU time of a fit, one point per method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for each in summaries:
        ours = each.method in {"drop_in", "plain", "preset"}
        axes.plot(each.fit_cpu, each.ratio, "o", color="tab:red" if ours else "tab:gray")
        axes.annotate(
            BY_NAME[each.method].label,
            (each.fit_cpu, each.ratio),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=8,
        )
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set_xlabel("CPU seconds per fit")
    axes.set_ylabel("error / error of HistGradientBoosting")
    figure.savefig(path, dpi=110)


@click.command(help=__doc__)
@click.option("--held-out", is_flag=True, help="The held-out sets instead of the development sets.")
@click.option("--methods", default="", help="Compare these; by default all with many results.")
@click.option("--results", "path", type=click.Path(path_type=Path), default=FILE)
@click.option("--write/--print", default=True, help="Write the document, or only print the text.")
def main(held_out: bool, methods: str, path: Path, write: bool) -> None:
    half = {each.name: each for each in (sets.HELD_OUT if held_out else sets.DEVELOPMENT)}
    results = [each for each in read(path) if each.set in half]
    found = counts(results)
    compared = chosen(methods, list(found), "method with results") or well_covered(found)
    if REFERENCE not in compared:
        raise click.ClickException(f"{path} has no results of the reference {REFERENCE}")
    classification = {name: each.classification for name, each in half.items()}
    comparison = Comparison(results, compared, classification)
    if not comparison.common:
        raise click.ClickException("all methods have results on no common set: use --methods")
    name = "held-out" if held_out else "development"
    picture = f"tabular_{name.replace('-', '_')}.png"
    summaries = comparison.summaries(REFERENCE)
    text = text_of(comparison, summaries, found, picture)
    click.echo(text)
    if write:
        replace_part(DOCS / "tabular_benchmark.md", name, text)
        draw(summaries, DOCS / "images" / picture)


if __name__ == "__main__":
    main()
