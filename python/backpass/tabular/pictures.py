"""The picture of a training: its curves, and a confusion matrix or predictions beside the truth."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.callbacks.plotting import plot_curves, save_figure
from backpass.tabular.scores import confusion
from backpass.tabular.targets import ClassTarget

if TYPE_CHECKING:
    from backpass.callbacks.history import History
    from backpass.tabular.scores import Scores
    from backpass.tabular.targets import Target

_MOST_LABELS = 20  # more labels cannot be read


def draw(
    path: str | os.PathLike[str], history: History, target: Target, scores: Scores | None, rows: str
) -> None:
    """Write the picture of a training to a file. Its suffix selects the format.

    Parameters
    ----------
    scores : Scores, optional
        Without them, there are only the curves.
    rows : str
        The name of the rows of the scores, for the title.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0 if scores is None else 10.0, 4.0), layout="constrained")
    columns = 1 if scores is None else 2
    losses = {name: v for name, v in history.items() if name.removeprefix("val_") == "loss"}
    plot_curves([losses], best_epoch=history.best_epoch, ax=figure.add_subplot(1, columns, 1))
    if scores is not None:
        axes = figure.add_subplot(1, 2, 2)
        if isinstance(target, ClassTarget):
            _draw_confusion(axes, target, scores)
        else:
            _draw_predictions(axes, target.names, scores)
        axes.set_title(f"{rows} rows")
    save_figure(figure, path)


def _draw_confusion(axes: Any, target: ClassTarget, scores: Scores) -> None:
    matrix = confusion(target, scores)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if len(matrix) > _MOST_LABELS:
        return
    labels = [str(label)[:12] for label in target.labels]
    axes.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 5 else 0)
    axes.set_yticks(range(len(labels)), labels)
    for (i, j), count in np.ndenumerate(matrix):
        color = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, str(count), ha="center", va="center", color=color, fontsize=8)


def _draw_predictions(axes: Any, names: tuple[str, ...], scores: Scores) -> None:
    for i, name in enumerate(names):
        axes.plot(scores.truth[:, i], scores.predicted[:, i], ".", ms=3, alpha=0.5, label=name)
    low, high = float(scores.truth.min()), float(scores.truth.max())
    axes.plot([low, high], [low, high], color="0.5", linestyle=":")
    axes.set_xlabel("true value")
    axes.set_ylabel("predicted value")
    if len(names) > 1:
        axes.legend()
