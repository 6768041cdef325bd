"""Compare initial weights: train the same plain network from each of them.

The sets are those for development: tables and images, at most 3000 rows. Everything else is equal:
rows, order of the batches, seeds, Adam with its default rate, and the best epoch by the validation
loss. Results are appended to initial_weights.csv, so a run can be stopped and continued.
"""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from typing import Any

import click
import numpy as np
import sets
from markdown import replace_part, table
from summary import over_sets

import backpass as bp

FILE = Path(__file__).with_name("initial_weights.csv")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/initial_weights.md"
COLUMNS = ["set", "seed", "activation", "network", "init", "error", "epoch"]
IMAGES = {"digits": 16.0, "fashion_mnist": 255.0}  # and the largest value of a pixel
MOST_ROWS = 3000
EPOCHS = 100
BATCH = 32
# Hidden layers and their width.
NETWORKS = {"1 x 128": (1, 128), "3 x 64": (3, 64), "8 x 64": (8, 64), "12 x 64": (12, 64)}
NETWORKS |= {"16 x 64": (16, 64), "32 x 64": (32, 64)}
# For the hidden layers; the output layer has Glorot's, also in "he_normal", as with "auto".
INITS = ["he_normal", "glorot_uniform", "lecun_normal", "U(±1/√fan_in)"]
REFERENCE = "he_normal"


def initializers(init: str, sizes: list[int]) -> list[Any]:
    """Return the initializer of every layer."""
    if init == "U(±1/√fan_in)":
        return [bp.initializers.Uniform(1 / math.sqrt(fan_in)) for fan_in in sizes[:-1]]
    return [init] * (len(sizes) - 2) + ["glorot_uniform"]


def inputs(name: str, x: Any, train: np.ndarray) -> np.ndarray:
    """Return pixels between 0 and 1, or standardised numbers and one-hot categories."""
    if name in IMAGES:
        return x.to_numpy() / IMAGES[name]
    parts = []
    for column in x:
        values = x[column]
        if values.dtype == "category":
            codes = values.cat.codes.to_numpy()
            frequent = np.flatnonzero(np.bincount(codes[train] + 1)[1:] >= 10)
            parts.append(codes[:, None] == frequent)
            continue
        numbers = values.fillna(values.iloc[train].median()).to_numpy()
        center, deviation = numbers[train].mean(), numbers[train].std()
        parts.append((numbers - center)[:, None] / (deviation or 1.0))
    return np.concatenate(parts, axis=1, dtype=float)


class Problem:
    """Rows of one set and seed: for training (with its last 15 % for validation), and the test."""

    def __init__(self, name: str, seed: int, whole: sets.Table) -> None:
        self.seed = seed
        rows = np.random.default_rng(seed).permutation(len(whole.y))[:MOST_ROWS]
        table_ = whole.take(rows)
        train, self.test = sets.split(table_, name, seed)
        count = round(0.85 * len(train))
        self.train, self.validation = train[:count], train[count:]
        self.x = inputs(name, table_.x, self.train).astype(np.float32)
        self.classes = table_.classes
        if self.classes:
            self.y = table_.y
        else:
            self.y = (table_.y - table_.y[self.train].mean()) / table_.y[self.train].std()
            self.y = self.y[:, None].astype(np.float32)

    def error(self, activation: str, network: str, init: str) -> tuple[float, int]:
        """Train a network; return its error on the test rows, and its best epoch."""
        layers, width = NETWORKS[network]
        sizes = [self.x.shape[1], *[width] * layers, self.classes or 1]
        net = bp.Network(
            sizes,
            activation,
            "softmax" if self.classes else "identity",
            init=initializers(init, sizes),
            seed=self.seed,
        )
        stop = bp.callbacks.EarlyStopping("val_loss", patience=EPOCHS, restore_best=True)
        history = net.fit(
            self.x[self.train],
            self.y[self.train],
            loss="cross_entropy" if self.classes else "mse",
            optimizer="adam",
            epochs=EPOCHS,
            batch_size=BATCH,
            validation_data=(self.x[self.validation], self.y[self.validation]),
            early_stopping=stop,
            seed=self.seed,
            progress=False,
        )
        predicted, truth = net.predict(self.x[self.test]), self.y[self.test]
        if self.classes:
            error = float(np.mean(predicted.argmax(axis=1) != truth))
            error = max(error, 0.5 / len(truth))  # a ratio needs a positive number
        else:
            error = float(np.sqrt(np.mean((predicted - truth) ** 2)) / truth.std())
        return error, int(np.argmin(history["val_loss"])) + 1


# ---- the table


def read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ratios(rows: list[dict[str, str]], activation: str, network: str) -> dict[str, Any]:
    """Return for each initializer log(error / error of He) by (set, seed), where both are there."""
    own = [r for r in rows if r["activation"] == activation and r["network"] == network]
    logs = {(r["init"], r["set"], int(r["seed"])): math.log(float(r["error"])) for r in own}
    return {
        init: {
            (name, seed): value - logs[REFERENCE, name, seed]
            for (other, name, seed), value in logs.items()
            if other == init and (REFERENCE, name, seed) in logs
        }
        for init in INITS
    }


def with_error(values: dict[Any, float]) -> str:
    """Return the geometric mean of ratios, and the standard error of its logarithm over sets."""
    if not values:
        return ""
    means = [
        np.mean([v for (other, _), v in values.items() if other == name])
        for name in dict.fromkeys(name for name, _ in values)
    ]
    error = np.std(means, ddof=1) / math.sqrt(len(means)) if len(means) > 1 else math.nan
    return f"{math.exp(over_sets(values)):.3f} ± {error:.3f}"


def tables(rows: list[dict[str, str]]) -> str:
    kinds = {
        "all sets": lambda _: True,
        "tables": lambda name: name not in IMAGES,
        "images": lambda name: name in IMAGES,
    }
    lines = []
    for activation in dict.fromkeys(row["activation"] for row in rows):
        for kind, belongs in kinds.items():
            if activation != "relu" and kind != "all sets":
                continue
            for network in NETWORKS:
                found = ratios(rows, activation, network)
                chosen = {
                    init: {pair: v for pair, v in values.items() if belongs(pair[0])}
                    for init, values in found.items()
                }
                if not chosen[REFERENCE]:
                    continue
                count = len(chosen[REFERENCE])
                lines.append(
                    [activation, kind, network, str(count)]
                    + [with_error(chosen[init]) for init in INITS if init != REFERENCE]
                )
    heads = ["activation", "sets", "hidden layers", "fits", *INITS[1:]]
    return table(heads, lines)


# ---- the run


@click.command(help=__doc__)
@click.option("--seeds", default=5, show_default=True)
@click.option("--activation", default="relu", show_default=True)
@click.option("--networks", default=",".join(NETWORKS), show_default=True)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("build/tabular"),
    show_default=True,
    help="Folder of the prepared tables.",
)
@click.option("--write/--no-write", default=True, help="Write docs/initial_weights.md.")
def main(seeds: int, activation: str, networks: str, cache: Path, write: bool) -> None:
    rows = read(FILE)
    there = {(r["set"], int(r["seed"]), r["activation"], r["network"], r["init"]) for r in rows}
    with FILE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not rows:
            writer.writerow(COLUMNS)
        for seed, data in itertools.product(range(seeds), sets.DEVELOPMENT):
            wanted = [
                (network, init)
                for network, init in itertools.product(networks.split(","), INITS)
                if (data.name, seed, activation, network, init) not in there
            ]
            if not wanted:
                continue
            sets.prepare(data, cache)
            problem = Problem(data.name, seed, sets.load(data.name, cache))
            for network, init in wanted:
                error, epoch = problem.error(activation, network, init)
                writer.writerow([data.name, seed, activation, network, init, f"{error:.5g}", epoch])
                file.flush()
    text = tables(read(FILE))
    click.echo(text)
    if write:
        replace_part(DOCUMENT, "ratios", text)


if __name__ == "__main__":
    main()
