"""How good a model is on rows that it has not seen, beside the simplest guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.tabular.targets import ClassTarget, NumberTarget, Target
from backpass.tabular.values import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.model import TableModel

_FEW_ROWS = 20
_MOST_CLASSES = 12  # of a table that fits on a screen


@dataclass(frozen=True)
class Scores:
    """Scores of a model on some rows.

    Attributes
    ----------
    values : dict of str to float
        Classes: accuracy and loss. Numbers: r2, rmse and mae, in the units of the target, and loss;
        with several targets, each of the three for every target, for example ``"rmse of price"``.
    baseline : dict of str to float
        The same without loss, for always the most frequent class, or always the mean, of the rows
        for training.
    truth, predicted : array
        Class numbers (rows,), or numbers (rows, targets).
    """

    values: dict[str, float]
    baseline: dict[str, float]
    truth: NDArray[Any] = field(repr=False)
    predicted: NDArray[Any] = field(repr=False)


def score(
    model: TableModel, outputs: NDArray[np.float64], truth: NDArray[Any], train: NDArray[Any]
) -> Scores:
    """Return the scores of outputs of the network.

    Parameters
    ----------
    outputs : array
        (rows, outputs), as `TableModel.outputs` returns them.
    truth, train : array
        The targets of these rows, and of the rows for training.
    """
    if isinstance(model.target, ClassTarget):
        predicted = model.probabilities(outputs).argmax(axis=1)
        guess = np.bincount(train).argmax()
        values = {"accuracy": float((predicted == truth).mean())}
        return Scores(values, {"accuracy": float((truth == guess).mean())}, truth, predicted)
    peak = np.abs(train).max(axis=0)
    peak[peak == 0.0] = 1.0
    guesses = np.broadcast_to((train / peak).mean(axis=0) * peak, truth.shape)
    names = model.target.names if isinstance(model.target, NumberTarget) else ()
    values, baseline = (_of_numbers(names, truth, found) for found in (outputs, guesses))
    return Scores(values, baseline, truth, outputs)


def _of_numbers(
    names: Sequence[str], truth: NDArray[Any], predicted: NDArray[Any]
) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, true, found in zip(names, truth.T, predicted.T, strict=True):
        suffix = f" of {name}" if len(names) > 1 else ""
        peak = float(np.abs(true).max()) or 1.0  # squares neither overflow nor underflow
        error = found / peak - true / peak
        spread = ((true / peak - (true / peak).mean()) ** 2).sum()
        if spread > 0:
            values[f"r2{suffix}"] = float(1.0 - (error**2).sum() / spread)
        values[f"rmse{suffix}"] = float(np.sqrt((error**2).mean()) * peak)
        values[f"mae{suffix}"] = float(np.abs(error).mean() * peak)
    return values


def test_lines(target: Target, test: Scores | None, unit: str) -> Iterator[str]:
    """Return the lines of the report on the test rows.

    Parameters
    ----------
    unit : str
        What the loss measures; see `unit_of`.
    """
    if test is None:
        return
    guess = "always the most frequent class" if isinstance(target, ClassTarget) else "the mean"
    for name, value in test.values.items():
        form = ".4f" if name.split(" ")[0] in ("accuracy", "r2", "loss") else ".6g"
        note = f"{guess}: {test.baseline[name]:{form}}" if name in test.baseline else unit
        yield f"test {name}: {value:{form}} ({note})"
    if isinstance(target, ClassTarget):
        for line in class_table(target, test):
            yield f"  {line}"
    if len(test.truth) < _FEW_ROWS:
        yield f"note: {len(test.truth)} test rows tell little; a cross-validation uses all rows"


def fold_lines(folds: Sequence[Mapping[str, float]]) -> Iterator[str]:
    """Return the lines of the report on a cross-validation: mean and standard deviation."""
    for name in folds[0] if folds else ():
        values = [fold[name] for fold in folds if name in fold]
        mean, spread = float(np.mean(values)), float(np.std(values, ddof=len(values) > 1))
        yield f"cross-validation {name}: {mean:.4g} ± {spread:.2g} ({len(values)} folds)"


def class_table(target: ClassTarget, scores: Scores) -> Iterator[str]:
    """Return the lines of a table with precision, recall, F1 and rows of each class.

    With many classes, only those with the lowest F1 are shown.
    """
    from sklearn.metrics import precision_recall_fscore_support

    numbers = np.arange(len(target.labels))
    columns = precision_recall_fscore_support(
        scores.truth, scores.predicted, labels=numbers, zero_division=0.0
    )
    table = list(zip(target.labels, *columns, strict=True))
    hidden = len(table) - _MOST_CLASSES
    if hidden > 0:
        table = sorted(table, key=lambda row: row[3])[:_MOST_CLASSES]
    width = max(5, *(len(shortened(str(row[0]), 24)) for row in table))
    yield f"{'class':{width}}  precision  recall    F1  rows"
    for label, precision, recall, f1, rows in table:
        scores_of = (
            f"{precision:9.3f}  {recall:6.3f}  {f1:.3f}"
            if rows
            else f"{'-':>9}  {'-':>6}  {'-':>5}"
        )
        yield f"{shortened(str(label), 24):{width}}  {scores_of}  {int(rows):4d}"
    if hidden > 0:
        yield f"({hidden} classes with a higher F1 are not shown)"


def confusion(target: ClassTarget, scores: Scores) -> NDArray[np.int64]:
    """Return the confusion matrix: [i, j] rows of class i that the model says are class j."""
    from sklearn.metrics import confusion_matrix

    numbers = np.arange(len(target.labels))
    matrix: NDArray[np.int64] = confusion_matrix(scores.truth, scores.predicted, labels=numbers)
    return matrix


def unit_of(target: Target, loss: str, label_smoothing: float) -> str:
    """Return what the printed loss, and the loss of the curves, measures."""
    if isinstance(target, NumberTarget) and any(scale.scale != 1.0 for scale in target.scales):
        return f"{loss} of the standardised target"
    return f"{loss}, label smoothing {label_smoothing:g}" if label_smoothing else loss
