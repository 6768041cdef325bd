"""Training on a table: split, encode, fit, score."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.tabular.arrays import read_arrays
from backpass.tabular.data import ArrayRows, TableRows, encode_table
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.model import TABLE_KEY, TableModel, load
from backpass.tabular.options import (
    ColumnOptions,
    ReadOptions,
    Settings,
    column_names,
    default_settings,
)
from backpass.tabular.pictures import draw
from backpass.tabular.scores import Scores, fold_lines, score, test_lines, unit_of
from backpass.tabular.sources import format_of, open_table
from backpass.tabular.splits import folds, split_rows
from backpass.tabular.targets import ClassTarget, NumberTarget, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from backpass.callbacks.history import History
    from backpass.callbacks.progress import ProgressMode

Array = NDArray[Any]
_T = TypeVar("_T")
Rows = TableRows | ArrayRows

DEFAULT_LOSSES = {"classification": "cross_entropy", "regression": "mse"}
# The task of a loss, by its targets.
_TASKS = {
    "real": "regression",
    "non_negative": "regression",
    "unit_interval": "classification",
    "distribution": "classification",
}


@dataclass(frozen=True, repr=False)
class Outcome:
    """A trained model with its history and its scores. ``print(outcome)`` shows the report.

    Attributes
    ----------
    model : TableModel
    history : History
    task, loss : str
    rows : dict of str to int
        Numbers of rows for "train", "validation" and "test".
    test : Scores or None
        Of the test rows, if there are any.
    folds : list of dict
        The scores of each fold of a cross-validation.
    plan, notes : list of str
        A table of the columns and of what becomes of them, and what else a user should know.
    interrupted : bool
        Whether Ctrl-C ended the training. The model is then that of the last step.
    seconds : float
        Duration of the training.
    """

    model: TableModel
    history: History
    task: str
    loss: str
    rows: dict[str, int]
    test: Scores | None
    folds: list[dict[str, float]]
    plan: list[str]
    notes: list[str]
    interrupted: bool
    seconds: float

    def __repr__(self) -> str:
        """Return the model and the scores."""
        test = None if self.test is None else self.test.values
        return f"Outcome(model={self.model!r}, test={test})"

    def __str__(self) -> str:
        """Return the report: the scores of the test rows beside those of the simplest guess."""
        smoothing = float(self.model.training["settings"]["label_smoothing"])
        unit = unit_of(self._target, self.loss, smoothing)
        return "\n".join([*test_lines(self._target, self.test, unit), *fold_lines(self.folds)])

    @property
    def _target(self) -> Target:
        target = self.model.target
        assert target is not None  # noqa: S101
        return target

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the learning curves, and the confusion matrix or the predictions of the test rows.

        Parameters
        ----------
        path : path
            An image file; its suffix tells the format, e.g. ``.png`` or ``.svg``. Needs the extra
            ``plot``.
        """
        draw(path, self.history, self._target, self.test, "test")


@dataclass(frozen=True)
class Extra:
    """Options of a run that do not change the network.

    Attributes
    ----------
    validation, test : path, data frame, optional
        Rows for validation and test, instead of a share of the data.
    folds : int, optional
        Number of folds of a cross-validation before the training.
    checkpoint, resume_from : path, optional
        See `Network.fit`.
    progress : {"auto", True, False}
    report : callable
        Called with lines of text for the user.
    """

    validation: Any = None
    test: Any = None
    folds: int | None = None
    checkpoint: str | os.PathLike[str] | None = None
    resume_from: str | os.PathLike[str] | None = None
    progress: ProgressMode = "auto"
    report: Callable[[str], None] = field(default=lambda _: None)


def train(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    labels: Any = None,
    settings: Settings | None = None,
    columns: ColumnOptions | None = None,
    read: ReadOptions | None = None,
    extra: Extra | None = None,
) -> Outcome:
    """Train a network on a table and score it on rows that it has not seen.

    Parameters
    ----------
    data : path, data frame, or "digits"
        A CSV, Parquet, Feather, Arrow or JSON lines file, a data frame, or an NPZ, NPY or IDX file.
    target : str or sequence of str
        The column to predict; several numbers may be predicted together. Arrays need none.
    labels : path, optional
        The labels of an IDX or NPY file.
    settings, columns, read, extra : optional
        What differs from the defaults. For ``"digits"`` the default settings are
        `backpass.tabular.options.DIGITS`.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the data cannot be learned, or data and settings do not match.
    OSError
        If a file cannot be read.
    backpass.DivergenceError
        If the loss becomes infinite or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass.tabular
    >>> rng = np.random.default_rng(0)
    >>> size = rng.uniform(1, 9, 300)
    >>> table = {"size": size, "kind": np.where(size > 5, "large", "small")}
    >>> outcome = backpass.tabular.train(table, "kind")
    >>> outcome.test.values["accuracy"] > 0.9
    True
    >>> outcome.model.predict({"size": [2.0, 8.0]}).tolist()
    ['small', 'large']
    """
    settings = _checked("settings", settings, Settings) or default_settings(data)
    columns = _checked("columns", columns, ColumnOptions) or ColumnOptions()
    read = _checked("read", read, ReadOptions) or ReadOptions()
    extra = _checked("extra", extra, Extra) or Extra()
    rows = _open(data, target, labels, settings.task, columns, read)
    return _Run(rows, settings, extra, read).run()


def _checked(name: str, value: Any, kind: type[_T]) -> _T | None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


def _open(
    data: Any,
    target: str | Sequence[str] | None,
    labels: Any,
    task: str,
    columns: ColumnOptions,
    read: ReadOptions,
) -> Rows:
    kind = format_of(data)
    if kind in ("digits", "arrays"):
        if target is not None or columns != ColumnOptions():
            raise ValueError(f"{data}: arrays have no columns with names")
        return ArrayRows(read_arrays(data, labels), task)
    if target is None:
        raise ValueError("a table needs a target, the column to predict")
    names = column_names(target, "target")
    if len(set(names)) < len(names):
        raise ValueError(f"a target is given twice: {', '.join(names)}")
    return TableRows(open_table(data, read), names, task, columns, read)


class _Run:
    """One training, in the order of `run`."""

    def __init__(self, rows: Rows, settings: Settings, extra: Extra, read: ReadOptions) -> None:
        self.data = rows
        self.settings = settings
        self.extra = extra
        self.read = read
        classes = isinstance(rows.target, ClassTarget)
        self.task = "classification" if classes else "regression"
        self.loss = DEFAULT_LOSSES[self.task] if settings.loss == "auto" else settings.loss
        self.targets = bp.losses.get(self.loss).targets
        _check_loss(self.loss, self.targets, self.task, rows.target, rows.values)

    def run(self) -> Outcome:
        settings, extra, data = self.settings, self.extra, self.data
        plan = data.plan()
        for line in plan:
            extra.report(line)
        for note in data.notes:
            extra.report(f"note: {note}")
        scores = self._cross_validate() if extra.folds is not None else []
        shares = {
            "test": 0.0 if extra.test is not None else settings.test_split,
            "validation": 0.0 if extra.validation is not None else settings.validation_split,
        }
        classes = data.values if isinstance(data.target, ClassTarget) else None
        parts = split_rows(data.rows, shares, settings.seed, classes)
        encoder: Any = data.fit(parts["train"])
        model, y = self._make(encoder, parts["train"])
        names = ("train", "validation", "test")
        x = dict(
            zip(
                names,
                data.encode(encoder, [parts[name] for name in names], settings.dtype),
                strict=True,
            )
        )
        truth = {name: data.values[parts[name]] for name in names}
        for name, other in (("validation", extra.validation), ("test", extra.test)):
            if other is not None:
                x[name], truth[name] = self._read_other(other, model)
        rows = {name: len(truth[name]) for name in ("test", "validation", "train")}
        extra.report(
            f"{self.task} of {data.target.name!r} with {self.loss}: network "
            f"{'-'.join(map(str, model.net.sizes))}, rows: {rows['train']} to train, "
            f"{rows['validation']} to validate, {rows['test']} to test"
        )
        model.training = {"task": self.task, "loss": self.loss, "settings": settings.to_json()}
        start = time.perf_counter()
        history, interrupted = self._fit(model, x, y, truth["validation"])
        seconds = time.perf_counter() - start
        test = None
        if rows["test"]:
            test = self._score(model, x["test"], truth["test"], truth["train"])
        model.training |= {
            "epochs": history.epochs,
            "rows": rows,
            "test": {} if test is None else test.values,
            "baseline": {} if test is None else test.baseline,
        }
        return Outcome(
            model=model,
            history=history,
            task=self.task,
            loss=self.loss,
            rows=rows,
            test=test,
            folds=scores,
            plan=plan,
            notes=data.notes,
            interrupted=interrupted,
            seconds=seconds,
        )

    def _make(self, encoder: Any, train: NDArray[np.int64]) -> tuple[TableModel, Array]:
        """Return a model with a new network, and the targets of the rows for training."""
        settings, target = self.settings, self.data.target
        if isinstance(target, NumberTarget):
            # Do not standardise a rate: some standardised values would be negative.
            target = target.fit(self.data.values[train], standardise=self.targets == "real")
        y = self._encode_target(target, self.data.values[train])
        outputs = len(target.names)
        if isinstance(target, ClassTarget):
            outputs = len(target.labels) if self.targets == "distribution" else 1
        net = bp.Network(
            [encoder.width, *settings.hidden, outputs],
            activation=settings.activation,
            output=bp.losses.get(self.loss).output,
            dropout=settings.dropout,
            dtype=settings.dtype,
            seed=settings.seed,
        )
        return TableModel(net, encoder, target, tuple(self.data.ids)), y

    def _encode_target(self, target: Target, values: Array) -> Array:
        if isinstance(target, NumberTarget):
            return target.encode(values).astype(self.settings.dtype)
        if self.targets == "distribution":
            return values
        return values[:, np.newaxis].astype(self.settings.dtype)

    def _read_other(self, data: Any, model: TableModel) -> tuple[Array, Array]:
        """Return inputs and targets of another data set."""
        target: Any = model.target
        dtype = self.settings.dtype
        if not isinstance(model.encoder, TableEncoder):
            rows = ArrayRows(read_arrays(data), self.task)
            if rows.target.names != target.names:
                raise ValueError(f"{data}: the target is not {target.name!r}")
            [x] = rows.encode(model.encoder, [np.arange(rows.rows)], dtype)  # type: ignore[arg-type]
            return x, rows.values
        x, values, notes = encode_table(open_table(data, self.read), model.encoder, target, dtype)
        for line in notes:
            self.extra.report(f"{data}: {line}")
        return x, values

    def _fit(
        self, model: TableModel, x: dict[str, Array], y: Array, validation: Array
    ) -> tuple[History, bool]:
        """Train. Returns the history, and whether Ctrl-C ended the training."""
        settings, extra = self.settings, self.extra
        infos: list[Any] = []
        checkpoint = None
        if extra.checkpoint is not None:
            checkpoint = bp.callbacks.Checkpoint(extra.checkpoint, metadata=model.metadata())
        if extra.resume_from is not None:
            _check_resumed(extra.resume_from, model)
        has_validation = len(validation) > 0
        try:
            history = model.net.fit(
                x["train"],
                y,
                loss=_make_loss(self.loss, settings.label_smoothing),
                optimizer=_make_optimizer(settings),
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                validation_data=(
                    x["validation"],
                    self._encode_target(model.target, validation),  # type: ignore[arg-type]
                )
                if has_validation
                else None,
                early_stopping=settings.early_stopping if has_validation else None,
                l2=settings.l2,
                metrics=["accuracy" if self.task == "classification" else "r2"],
                callbacks=bp.callbacks.LambdaCallback(
                    on_train_begin=lambda net, info: infos.append(info)  # noqa: ARG005
                ),
                progress=extra.progress,
                seed=settings.seed,
                checkpoint=checkpoint,
                resume_from=extra.resume_from,
            )
        except KeyboardInterrupt:
            if not infos:
                raise
            return bp.History(infos[0].memory.history, stopped_early=True), True
        return history, False

    def _score(self, model: TableModel, x: Array, truth: Array, train: Array) -> Scores:
        net, target = model.net, model.target
        assert target is not None  # noqa: S101
        raw = np.asarray(net.predict(x), dtype=np.float64)
        outputs = target.decode(raw) if isinstance(target, NumberTarget) else raw
        scores = score(model, outputs, truth, train)
        # The same quantity as in the curves: the loss of the training.
        loss = _make_loss(self.loss, self.settings.label_smoothing)
        value = float(net.evaluate(x, self._encode_target(target, truth), loss=loss))
        scores.values["loss"] = value
        return scores

    def _cross_validate(self) -> list[dict[str, float]]:
        data, extra = self.data, self.extra
        assert extra.folds is not None  # noqa: S101
        classes = data.values if isinstance(data.target, ClassTarget) else None
        results = []
        settings = self.settings
        once = _Run(data, settings, Extra(progress=extra.progress), self.read)
        for rest, test in folds(data.rows, extra.folds, settings.seed, classes):
            parts = split_rows(
                len(rest),
                {"validation": settings.validation_split},
                settings.seed,
                None if classes is None else classes[rest],
            )
            parts = {"test": test, **{name: rest[part] for name, part in parts.items()}}
            encoder: Any = data.fit(parts["train"])
            model, y = self._make(encoder, parts["train"])
            arrays = data.encode(encoder, list(parts.values()), settings.dtype)
            x = dict(zip(parts, arrays, strict=True))
            _, interrupted = once._fit(model, x, y, data.values[parts["validation"]])
            if interrupted:
                raise KeyboardInterrupt
            scores = self._score(model, x["test"], data.values[test], data.values[parts["train"]])
            results.append(scores.values)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.values.items())
            extra.report(f"fold {len(results)} of {extra.folds}: {shown}")
        return results


def _check_loss(loss: str, targets: str, task: str, target: Target, values: Array) -> None:
    if _TASKS[targets] != task:
        raise ValueError(
            f"the loss {loss!r} is for {_TASKS[targets]}, but target {target.name!r} is for {task}"
        )
    if isinstance(target, ClassTarget):
        if targets != "distribution" and len(target.labels) != 2:
            raise ValueError(
                f"the loss {loss!r} is for 2 classes, target {target.name!r} has "
                f"{len(target.labels)}"
            )
    elif targets == "non_negative" and (values < 0).any():
        raise ValueError(
            f"the loss {loss!r} needs a target >= 0, but {target.name!r} has values < 0"
        )


def _check_resumed(path: str | os.PathLike[str], model: TableModel) -> None:
    """Raise ValueError unless the file is a checkpoint of the same settings, table and split."""
    started = load(path)
    settings = started.training.get("settings", {})
    for name, now in model.training["settings"].items():
        before = settings.get(name, now)
        if name != "epochs" and before != now:
            raise ValueError(
                f"{os.fspath(path)}: {name} is {before} in this checkpoint, and {now} here; resume "
                "with the same settings"
            )
    if started.metadata().get(TABLE_KEY) != model.metadata()[TABLE_KEY]:
        before, now = (set(getattr(one.encoder, "names", [])) for one in (started, model))
        changed = sorted(before ^ now)
        what = f"the columns {', '.join(map(repr, changed))}" if changed else "their values"
        raise ValueError(
            f"{os.fspath(path)}: the data differ from those of this checkpoint in {what}; "
            "resume with the same file, target, options of columns, splits and seed"
        )


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
