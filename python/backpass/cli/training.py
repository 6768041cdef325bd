"""The work of ``backpass train``, without its command line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.cli.model_file import Model
from backpass.cli.tables.data import Dataset, split_rows
from backpass.cli.tables.preprocessing import (
    ClassTarget,
    InputEncoder,
    NumericTarget,
    Target,
    guess_task,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from backpass.callbacks.history import History
    from backpass.callbacks.progress import ProgressMode

Array = NDArray[Any]


DEFAULT_LOSSES = {"classification": "cross_entropy", "regression": "mse"}
# The task of a loss, by its targets.
_TASKS = {
    "real": "regression",
    "non_negative": "regression",
    "unit_interval": "classification",
    "distribution": "classification",
}


@dataclass(frozen=True)
class Settings:
    """Everything that determines the trained network, except the data."""

    task: str = "auto"
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    loss: str = "auto"
    label_smoothing: float = 0.0
    optimizer: str = "adam"
    lr: float | None = None
    epochs: int = 60
    batch_size: int = 32
    dropout: float = 0.0
    l2: float = 0.0
    early_stopping: int | None = None
    validation_split: float = 0.1
    test_split: float = 0.2
    seed: int = 0
    dtype: str = "float32"


@dataclass(frozen=True)
class Outcome:
    """A trained model with its history and its scores on the test rows."""

    model: Model
    history: History
    task: str
    rows: dict[str, int]
    test: dict[str, float]
    seconds: float


def train(
    data: Dataset,
    settings: Settings,
    *,
    progress: ProgressMode = "auto",
    report: Callable[[str], None] | None = None,
) -> Outcome:
    """Split the rows, learn the preprocessing, train, and test.

    Parameters
    ----------
    data : Dataset
        Must have a target.
    settings : Settings
    progress : {"auto", True, False}
    report : callable, optional
        Called with one line of text before the training.

    Raises
    ------
    ValueError
        If data and settings do not match.
    backpass.DivergenceError
        If the loss becomes infinite or NaN.
    """
    if data.target is None:
        raise ValueError("the data have no target to learn")
    task = guess_task(data.target) if settings.task == "auto" else settings.task
    loss_name = DEFAULT_LOSSES[task] if settings.loss == "auto" else settings.loss
    parts = split_rows(
        data.rows,
        {"test": settings.test_split, "validation": settings.validation_split},
        settings.seed,
    )
    target, y, outputs = _encode_target(
        data.target_name, data.target, task, loss_name, parts["train"]
    )
    encoder = InputEncoder.fit(data.inputs, parts["train"], shared=data.images)
    x = encoder.encode(data.inputs).astype(settings.dtype)
    loss = _make_loss(loss_name, settings.label_smoothing)
    net = bp.Network(
        [encoder.width, *settings.hidden, outputs],
        activation=settings.activation,
        output=bp.losses.get(loss_name).output,
        dropout=settings.dropout,
        dtype=settings.dtype,
        seed=settings.seed,
    )
    rows = {name: len(part) for name, part in parts.items()}
    if report is not None:
        report(
            f"{task} of {target.name!r} with {loss_name}: "
            f"network {'-'.join(map(str, net.sizes))}, rows: {rows['train']} to train, "
            f"{rows['validation']} to validate, {rows['test']} to test"
        )
    validation, test = parts["validation"], parts["test"]
    start = time.perf_counter()
    history = net.fit(
        x[parts["train"]],
        y[parts["train"]],
        loss=loss,
        optimizer=_make_optimizer(settings),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        validation_data=(x[validation], y[validation]) if len(validation) else None,
        early_stopping=settings.early_stopping,
        l2=settings.l2,
        metrics=["accuracy" if task == "classification" else "r2"],
        progress=progress,
        seed=settings.seed,
    )
    seconds = time.perf_counter() - start
    model = Model(net, encoder, target)
    scores: dict[str, float] = {}
    if len(test):
        scores = _score(model, x[test], data.target[test])
        scores["loss"] = float(net.evaluate(x[test], y[test], loss=loss_name))
    model.training = {
        "task": task,
        "loss": loss_name,
        "optimizer": settings.optimizer,
        "epochs": history.epochs,
        "seed": settings.seed,
        "rows": rows,
        "test": scores,
    }
    return Outcome(model, history, task, rows, scores, seconds)


def _encode_target(
    name: str, values: Array, task: str, loss: str, train_rows: NDArray[np.int64]
) -> tuple[Target, Array, int]:
    """Return the target's encoder, the encoded target of all rows, and the number of outputs."""
    targets = bp.losses.get(loss).targets
    loss_task = _TASKS[targets]
    if loss_task != task:
        raise ValueError(f"the loss {loss!r} is for {loss_task}, but target {name!r} is for {task}")
    if task == "classification":
        classes = ClassTarget.fit(name, values)
        codes = classes.encode(values)
        if targets == "distribution":
            return classes, codes, len(classes.labels)
        if len(classes.labels) != 2:
            raise ValueError(
                f"the loss {loss!r} is for 2 classes, target {name!r} has {len(classes.labels)}"
            )
        return classes, codes[:, np.newaxis].astype(np.float64), 1
    # Do not standardise a rate: some standardised values would be negative.
    NumericTarget.fit(name, values)  # all rows, so that errors name the row of the file
    quantity = NumericTarget.fit(name, values[train_rows], standardise=targets == "real")
    encoded = quantity.column.encode(values)
    if targets == "non_negative" and (encoded < 0).any():
        raise ValueError(f"the loss {loss!r} needs a target >= 0, but {name!r} has values < 0")
    return quantity, encoded, quantity.column.width


def _make_loss(name: str, label_smoothing: float) -> Any:
    if not label_smoothing:
        return name
    smoothed = [n for n in bp.losses.names() if hasattr(bp.losses.get(n), "label_smoothing")]
    if name not in smoothed:
        raise ValueError(f"label smoothing is for {' and '.join(smoothed)}, not {name}")
    make: Any = type(bp.losses.get(name))
    return make(label_smoothing=label_smoothing)


def _make_optimizer(settings: Settings) -> Any:
    optimizer: Any = bp.optim.get(settings.optimizer)
    if settings.lr is not None:
        optimizer.lr = settings.lr
    return optimizer


def _score(model: Model, x: Array, wanted: Array) -> dict[str, float]:
    """Return the scores in the classes or units of the target."""
    if isinstance(model.target, ClassTarget):
        predicted = model.probabilities(x).argmax(axis=1)
        return {"accuracy": float((predicted == model.target.encode(wanted)).mean())}
    truth = np.asarray(wanted, dtype=np.float64).reshape(len(x), -1)
    error = model.quantities(x) - truth
    variance = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    scores = {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}
    if (variance > 0).all():
        scores = {"r2": float((1.0 - (error**2).sum(axis=0) / variance).mean()), **scores}
    return scores
