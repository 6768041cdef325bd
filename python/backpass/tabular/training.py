"""Training on a table: split, encode, fit, score."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.distributed import share
from backpass.tabular.arrays import ArrayEncoder, read_arrays
from backpass.tabular.data import ArrayRows, TableRows, encode_table
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.model import TABLE_KEY, TableModel, load
from backpass.tabular.networks import fit_net, make_loss, make_net
from backpass.tabular.options import (
    ColumnOptions,
    ReadOptions,
    Settings,
    column_names,
    make_settings,
)
from backpass.tabular.outcome import Extra, Outcome
from backpass.tabular.scores import Scores, score
from backpass.tabular.sources import format_of, open_table
from backpass.tabular.splits import folds, split_rows
from backpass.tabular.targets import ClassTarget, NumberTarget, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backpass.callbacks.history import History

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
    settings = _checked("settings", settings, Settings) or make_settings(data)
    columns = _checked("columns", columns, ColumnOptions) or ColumnOptions()
    read = _checked("read", read, ReadOptions) or ReadOptions()
    extra = _checked("extra", extra, Extra) or Extra()
    rows = _open(data, target, labels, settings.task, columns, read)
    _check_settings(settings, extra, rows)
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


def _check_settings(settings: Settings, extra: Extra, rows: Rows) -> None:
    """Raise ValueError if the settings do not match the data or the other options."""
    if isinstance(rows, ArrayRows) and (settings.preset != "plain" or settings.bins):
        raise ValueError("the preset 'tabular' and bins are for tables; arrays have no columns")
    if settings.members > 1 and (extra.checkpoint or extra.resume_from) is not None:
        raise ValueError("a checkpoint is of one network: use 1 member, or no checkpoint")
    if settings.members > 1 and extra.communicator is not None:
        raise ValueError("several processes train one network: use 1 member, or one process")
    if settings.members > 1 and extra.shards is not None:
        raise ValueError("shards are for one network: use 1 member")


class _Run:
    """One training, in the order of `run`."""

    def __init__(self, rows: Rows, settings: Settings, extra: Extra, read: ReadOptions) -> None:
        self.data = rows
        self.extra = extra
        self.read = read
        classes = isinstance(rows.target, ClassTarget)
        self.task = "classification" if classes else "regression"
        self.loss = DEFAULT_LOSSES[self.task] if settings.loss == "auto" else settings.loss
        self.settings = settings.resolved(self.task, self.loss)
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
        encoder: Any = self._fit_encoder(parts["train"])
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
        count = len(model.members)
        extra.report(
            f"{self.task} of {data.target.name!r} with {self.loss}: "
            f"{'network' if count == 1 else f'{count} networks'} "
            f"{'-'.join(map(str, model.members[0].sizes))}, rows: {rows['train']} to train, "
            f"{rows['validation']} to validate, {rows['test']} to test"
        )
        model.training = {"task": self.task, "loss": self.loss, "settings": settings.to_json()}
        start = time.perf_counter()
        histories, interrupted = self._fit(model, x, y, truth["validation"])
        seconds = time.perf_counter() - start
        test = None
        if rows["test"]:
            test = self._score(model, x["test"], truth["test"], truth["train"])
        model.training |= {
            "epochs": histories[0].epochs,
            "rows": rows,
            "test": {} if test is None else test.values,
            "baseline": {} if test is None else test.baseline,
        }
        return Outcome(
            model=model,
            histories=histories,
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

    def _fit_encoder(self, train: NDArray[np.int64]) -> TableEncoder | ArrayEncoder:
        """Return the encoder of the inputs, by the settings."""
        if isinstance(self.data, ArrayRows):
            return self.data.fit(train)
        return self.data.fit(train, self.settings.fit_scale())

    def _make(self, encoder: Any, train: NDArray[np.int64]) -> tuple[TableModel, Array]:
        """Return a model with a new network, and the targets of the rows for training."""
        settings, target = self.settings, self.data.target
        if isinstance(target, NumberTarget):
            # Do not standardise a rate: some standardised values would be negative.
            target = target.fit(
                self.data.values[train],
                standardise=self.targets == "real",
                limit=settings.preset == "tabular",
            )
        y = self._encode_target(target, self.data.values[train])
        outputs = len(target.names)
        if isinstance(target, ClassTarget):
            outputs = len(target.labels) if self.targets == "distribution" else 1
        output = bp.losses.get(self.loss).output
        net = make_net(settings, encoder.width, outputs, output)
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
    ) -> tuple[list[History], bool]:
        """Train. Returns the histories, and whether Ctrl-C ended the training."""
        extra = self.extra
        infos: list[Any] = []
        others: dict[str, Any] = {"progress": extra.progress}
        if extra.checkpoint is not None:
            others["checkpoint"] = bp.callbacks.Checkpoint(
                extra.checkpoint, metadata=model.metadata()
            )
        if extra.resume_from is not None:
            _check_resumed(extra.resume_from, model)
            others["resume_from"] = extra.resume_from
        if len(model.members) == 1:
            others["callbacks"] = bp.callbacks.LambdaCallback(
                on_train_begin=lambda net, info: infos.append(info)  # noqa: ARG005
            )
        if extra.shards is not None:
            others["shards"] = extra.shards
        held_out = None
        if len(validation):
            target: Any = model.target
            held_out = x["validation"], self._encode_target(target, validation)
        inputs = x["train"]
        if extra.communicator is not None:
            others["communicator"] = extra.communicator
            inputs, y = share(extra.communicator, inputs, y)
            held_out = None if held_out is None else share(extra.communicator, *held_out)
        try:
            histories = fit_net(
                model.net, self.settings, self.task, self.loss, inputs, y, held_out, **others
            )
        except KeyboardInterrupt:
            if not infos:
                raise
            return [bp.History(infos[0].memory.history, stopped_early=True)], True
        return histories, False

    def _score(self, model: TableModel, x: Array, truth: Array, train: Array) -> Scores:
        target = model.target
        assert target is not None  # noqa: S101
        scores = score(model, model.outputs_of(x), truth, train)
        # The same quantity as in the curves: the loss of the training. Of an ensemble, that of the
        # mean output.
        loss = make_loss(self.loss, self.settings.label_smoothing or 0.0)
        value = float(model.net.evaluate(x, self._encode_target(target, truth), loss=loss))
        scores.values["loss"] = value
        return scores

    def _cross_validate(self) -> list[dict[str, float]]:
        data, extra = self.data, self.extra
        assert extra.folds is not None  # noqa: S101
        classes = data.values if isinstance(data.target, ClassTarget) else None
        results = []
        settings = self.settings
        own = Extra(progress=extra.progress, communicator=extra.communicator, shards=extra.shards)
        once = _Run(data, settings, own, self.read)
        for rest, test in folds(data.rows, extra.folds, settings.seed, classes):
            parts = split_rows(
                len(rest),
                {"validation": settings.validation_split},
                settings.seed,
                None if classes is None else classes[rest],
            )
            parts = {"test": test, **{name: rest[part] for name, part in parts.items()}}
            encoder: Any = self._fit_encoder(parts["train"])
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
