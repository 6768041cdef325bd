"""How good a model is on rows that it has not seen, beside the simplest guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.tabular.targets import ClassTarget, NumberTarget, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backpass.tabular.model import TableModel

_MOST_CLASSES = 12  # of a table that fits on a screen


@dataclass(frozen=True)
class Scores:
    """Scores of a model on some rows.

    Attributes
    ----------
    values : dict of str to float
        Classes: accuracy and loss. Numbers: r2, rmse and mae, in the units of the target, and loss.
    baseline : dict of str to float
        The same without loss, for always the most frequent class, or always the mean, of the rows
        for training.
    truth, predicted : array
        Class numbers (rows,), or numbers (rows, targets).
    """

    values: dict[str, float]
    baseline: dict[str, float]
    truth: NDArray[Any]
    predicted: NDArray[Any]


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
    return Scores(_of_numbers(truth, outputs), _of_numbers(truth, guesses), truth, outputs)


def _of_numbers(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    peak = float(np.abs(truth).max()) or 1.0  # squares neither overflow nor underflow
    error = predicted / peak - truth / peak
    spread = ((truth / peak - (truth / peak).mean(axis=0)) ** 2).sum(axis=0)
    values = {}
    if (spread > 0).all():
        values["r2"] = float((1.0 - (error**2).sum(axis=0) / spread).mean())
    values["rmse"] = float(np.sqrt((error**2).mean()) * peak)
    values["mae"] = float(np.abs(error).mean() * peak)
    return values


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
    width = max(5, *(len(_short(row[0])) for row in table))
    yield f"{'class':{width}}  precision  recall    F1  rows"
    for label, precision, recall, f1, rows in table:
        yield f"{_short(label):{width}}  {precision:9.3f}  {recall:6.3f}  {f1:.3f}  {rows:4d}"
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


def _short(label: Any) -> str:
    text = str(label)
    return text if len(text) <= 24 else text[:23] + "…"
