"""Train and score one method on one set: python worker.py METHOD SET SEED CACHE

Prints the result as one line of JSON, the last line of stdout. The times are those of the fit and
of the prediction of the test rows: without imports and reading.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import sets
from methods import BY_NAME


def error_of(truth: np.ndarray, predicted: Any, classes: int) -> float:
    """Return the error rate, or RMSE / σ with the standard deviation σ of the test targets."""
    predicted = np.asarray(predicted)
    if classes:
        # CatBoost returns a column.
        return float(np.mean(predicted.reshape(len(truth)).astype(np.int64) != truth))
    predicted = predicted.astype(float).reshape(len(truth))
    if not np.isfinite(predicted).all():
        raise ValueError("a prediction is not finite")
    return float(np.sqrt(np.mean((predicted - truth) ** 2)) / np.std(truth))


def version_of(package: str) -> str:
    """Return the version of an installed package, or of a module of the path such as backpass."""
    try:
        return version(package)
    except PackageNotFoundError:
        return str(import_module(package).__version__)


def measure(method: str, name: str, seed: int, cache: Path) -> dict[str, Any]:
    table = sets.load(name, cache)
    train, test = sets.split(table, name, seed)
    rows, rest = table.take(train), table.take(test)
    chosen = BY_NAME[method]
    for module in chosen.imports:
        import_module(module)
    versions = " ".join(f"{package} {version_of(package)}" for package in chosen.packages)
    wall, cpu = time.perf_counter(), time.process_time()
    predict = chosen.fit(rows, seed)
    fitted_wall, fitted_cpu = time.perf_counter(), time.process_time()
    predicted = predict(rest.x)
    predicted_cpu = time.process_time()
    return {
        "error": error_of(rest.y, predicted, table.classes),
        "fit_cpu": fitted_cpu - cpu,
        "fit_wall": fitted_wall - wall,
        "predict_cpu": predicted_cpu - fitted_cpu,
        "test_rows": len(test),
        "versions": versions,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    _, method, name, seed, cache = sys.argv
    print(json.dumps(measure(method, name, int(seed), Path(cache))))
