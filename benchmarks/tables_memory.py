"""Measure the memory of `backpass train` on large CSV files, beside the size of the encoded table.

Writes a file of numbers and a file with categories, trains for one epoch in a process of its own,
and prints the peak of its resident memory. The encoded table has rows × inputs float32 numbers. The
base is the memory of a process that has trained on the first rows of the same file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd

_BLOCK = 20_000  # rows
_MB = 1e6

# Runs the command and prints the peak of its memory in kilobytes.
_CHILD = """
import resource, sys
from backpass.__main__ import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def numbers(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    x = rng.normal(size=(rows, 30))
    frame = pd.DataFrame(x.round(6), columns=[f"x{i}" for i in range(30)])
    return frame.assign(y=(x[:, 0] * x[:, 1] + x[:, 2]).round(6))


def categories(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({f"x{i}": rng.normal(size=rows).round(6) for i in range(10)})
    for i, count in enumerate((2, 5, 10, 20, 50)):
        names = np.array([f"category {k}" for k in range(count)])
        frame[f"c{i}"] = names[rng.integers(count, size=rows)]
    frame.loc[rng.random(rows) < 0.05, "x0"] = np.nan
    return frame.assign(y=np.where(frame["x1"] > 0, "yes", "no"))


def write(path: Path, make: Callable[..., pd.DataFrame], megabytes: float) -> int:
    """Write a CSV file of at least this size and one block; return the number of rows."""
    rng = np.random.default_rng(0)
    rows = 0
    with path.open("w") as file:
        while not rows or file.tell() < megabytes * _MB:
            make(rng, _BLOCK).to_csv(file, index=False, header=not rows)
            rows += _BLOCK
    return rows


def peak(path: Path) -> tuple[float, int]:
    """Train on a file; return the peak of the memory in bytes, and the inputs of the network."""
    command = ["train", str(path), "--target", "y", "--epochs", "1", "--no-plot", "--json"]
    run = subprocess.run(
        [sys.executable, "-c", _CHILD, *command, "--threads", "1", "--force"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return int(run.stderr.split()[-1]) * 1024.0, json.loads(run.stdout)["sizes"][0]


@click.command(help=__doc__)
@click.option("--megabytes", default=300.0, show_default=True, help="Size of each file.")
def main(megabytes: float) -> None:
    click.echo("| file | size | rows | inputs | encoded | base | peak | peak / encoded |")
    click.echo("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for make in (numbers, categories):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "small.csv"
            write(path, make, 0)
            base, _ = peak(path)
            path = Path(folder) / "table.csv"
            rows = write(path, make, megabytes)
            size = path.stat().st_size
            most, inputs = peak(path)
        encoded = rows * inputs * 4
        cells = [make.__name__, f"{size / _MB:.0f} MB", f"{rows:,}", str(inputs)]
        cells += [f"{value / _MB:.0f} MB" for value in (encoded, base, most)]
        click.echo("| " + " | ".join([*cells, f"{most / encoded:.2f}"]) + " |")


if __name__ == "__main__":
    main()
