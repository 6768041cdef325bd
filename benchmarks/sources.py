"""Compare training from files with training from memory: time per epoch and peak memory.

    python benchmarks/sources.py FOLDER --gigabytes 2 --output FILE

Writes one data set of random float32 numbers, 32 inputs and one target, as Parquet (row groups of
131,072 rows, not compressed) and as NumPy files. Each training is a process of its own, in turns;
the first epoch brings the files into the page cache, and the fastest epoch counts. The peak is that
of resident memory; `anonymous` leaves out mapped files, which the system can drop at any time. With
--only, one source is measured, for files that are larger than memory.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import click
import numpy as np
from tabulate import tabulate

import backpass as bp

INPUTS = 32
GROUP_ROWS = 131_072
HIDDEN = {"32-64-64-1": [64, 64], "32-128-128-1": [128, 128]}
SOURCES = ("arrays", "Parquet", "memmap")


def write(folder: Path, rows: int, only: str | None) -> None:
    """Write the files, a part at a time. With `only` Parquet, the NumPy files stay empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([(f"x{i}", pa.float32()) for i in range(INPUTS)] + [("y", pa.float32())])
    with (
        pq.ParquetWriter(
            folder / "t.parquet", schema, compression="none", use_dictionary=False
        ) as table,
        (folder / "x.bin").open("wb") as x_file,
        (folder / "y.bin").open("wb") as y_file,
    ):
        for first in range(0, rows, GROUP_ROWS):
            x = rng.standard_normal((min(GROUP_ROWS, rows - first), INPUTS), np.float32)
            y = x[:, 0] * x[:, 1]
            table.write_table(pa.table([*x.T, y], schema=schema), row_group_size=GROUP_ROWS)
            if only != "Parquet":
                x_file.write(x.tobytes())
                y_file.write(y.tobytes())


def memory() -> tuple[float, float]:
    """Return resident and anonymous memory in MB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(status[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))


def measure(folder: Path, kind: str, hidden: list[int], batch_size: int, epochs: int) -> None:
    """Train in this process; print seconds per epoch and peaks of memory as JSON."""
    if kind == "Parquet":
        data: tuple = (bp.data.Parquet(folder / "t.parquet", y="y"),)
    else:
        y = np.memmap(folder / "y.bin", np.float32, "r")
        x = np.memmap(folder / "x.bin", np.float32, "r", shape=(len(y), INPUTS))
        data = (bp.data.Arrays(x, y),) if kind == "memmap" else (np.array(x), np.array(y))
    peaks = [0.0, 0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            peaks[:] = map(max, peaks, memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    net = bp.Network([INPUTS, *hidden, 1], seed=0)
    options = {"epochs": epochs, "batch_size": batch_size, "progress": False}
    try:
        history = net.fit(*data, loss="mse", optimizer="adam", **options)
    finally:
        ended.set()
        watcher.join()
    print(json.dumps({"seconds": history["seconds"], "resident": peaks[0], "anonymous": peaks[1]}))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--gigabytes", default=2.0, show_default=True, help="Size of the Parquet file.")
@click.option("--repeats", default=3, show_default=True)
@click.option("--epochs", default=2, show_default=True)
@click.option("--batch-size", default=256, show_default=True)
@click.option("--only", type=click.Choice(SOURCES), help="Measure one source.")
@click.option("--output", type=click.Path(path_type=Path), help="Also write the table here.")
def main(
    folder: Path,
    gigabytes: float,
    repeats: int,
    epochs: int,
    batch_size: int,
    only: str | None,
    output: Path | None,
) -> None:
    """Write the files to FOLDER unless they exist, and print a table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = int(gigabytes * 1e9 / (4 * (INPUTS + 1)))
    what = f"{rows} rows, {only or 'all files'}"
    if not (folder / "complete").exists() or (folder / "complete").read_text() != what:
        write(folder, rows, only)
        (folder / "complete").write_text(what)
    table = []
    for name, hidden in HIDDEN.items():
        sources = [only] if only else SOURCES
        results: dict[str, list[dict]] = {source: [] for source in sources}
        for _ in range(repeats):
            for source in sources:
                argument = json.dumps([str(folder), source, hidden, batch_size, epochs])
                command = [sys.executable, __file__, "--measure", argument]
                run = subprocess.run(command, capture_output=True, text=True, check=True)
                results[source].append(json.loads(run.stdout))
        base = None
        for source, runs in results.items():
            seconds = statistics.median(min(run["seconds"]) for run in runs)
            base = seconds if source == "arrays" else base
            peaks = [max(run[kind] for run in runs) for kind in ("resident", "anonymous")]
            table.append([name, source, seconds, base and base / seconds, *peaks])
    heads = ["network", "source", "s per epoch", "speed", "peak MB", "anonymous MB"]
    formats = ("", "", ".2f", ".2f", ".0f", ".0f")
    text = tabulate(table, heads, "github", floatfmt=formats)
    text = f"{rows:,} rows, batches of {batch_size}\n\n{text}\n"
    print(text)
    if output:
        output.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        where, *others = json.loads(sys.argv[2])
        measure(Path(where), *others)
    else:
        main()
