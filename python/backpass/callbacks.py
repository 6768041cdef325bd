"""Callbacks of `Network.fit`, among them early stopping and checkpoints."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backpass._arguments import to_count, to_flag, to_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from backpass.history import History
    from backpass.network import Network

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "LambdaCallback", "TrainInfo"]

# Metrics that improve by rising. All other series improve by falling.
_HIGHER_IS_BETTER = ("accuracy", "r2")


@dataclass(frozen=True)
class TrainInfo:
    """The plan of a training run.

    Attributes
    ----------
    epochs : int
        Number of planned epochs.
    batch_size : int
    rows : int
        Training rows per epoch.
    optimizer, schedule
        The objects that were passed to `Network.fit`.
    first_epoch, first_step : int
        Numbers of epochs and steps made before, if this run resumes an earlier run.
    first_epoch_steps : int
        Number of these steps that belong to the first epoch of this run, which the earlier run did
        not finish.
    memory : TrainingMemory
        State of early stopping and position in the epoch, up to date in every call of a callback.
        `Network.save` accepts it.
    """

    epochs: int
    batch_size: int
    rows: int
    optimizer: Any = None
    schedule: Any = None
    first_epoch: int = 0
    first_step: int = 0
    first_epoch_steps: int = 0
    memory: Any = None

    def steps_before(self, epoch: int) -> int:
        """Return the number of steps before `epoch`, which is counted as in `Callback`."""
        steps_per_epoch = -(-self.rows // self.batch_size)
        whole = (epoch - self.first_epoch) * steps_per_epoch
        return self.first_step - self.first_epoch_steps + whole

    def steps_after(self, epoch: int) -> int:
        """Return the number of steps after `epoch`, which is counted as in `Callback`."""
        return self.steps_before(epoch + 1)


class Callback:
    """Base class of callbacks. Override the methods that you need.

    An exception from a method ends `Network.fit` and reaches the caller of `Network.fit`.
    """

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:
        """React to the start of the training, before the first epoch."""

    def on_epoch_end(
        self,
        net: Network,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        logs: Mapping[str, float],  # noqa: ARG002
    ) -> bool | None:
        """React to the end of an epoch.

        Parameters
        ----------
        net : Network
            The network in training. The callback may read, save and change it.
        epoch : int
            Zero-based number of the epoch. The first epoch of this run is `TrainInfo.first_epoch`.
        logs : mapping of str to float
            The value of every series of the history in this epoch.

        Returns
        -------
        bool or None
            True stops the training.
        """
        return None

    def on_progress(
        self,
        net: Network,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        rows_done: int,  # noqa: ARG002
        loss: float,  # noqa: ARG002
    ) -> bool | None:
        """React to progress within an epoch.

        Called at most every 50 ms, between two steps or during validation and metrics.

        Parameters
        ----------
        net : Network
            The network in training. The callback may read, save and change it.
        epoch : int
            See `on_epoch_end`.
        rows_done : int
            Number of rows trained so far in this epoch; all rows during validation and metrics.
        loss : float
            Mean loss over these rows.

        Returns
        -------
        bool or None
            True stops the training immediately. The history does not contain this epoch.
        """
        return None

    def on_train_end(self, net: Network, history: History) -> None:
        """React to the end of the training. Not called after an exception."""


@dataclass(frozen=True)
class EarlyStopping:
    """Stop if `monitor` has not improved by more than `min_delta` for `patience` epochs.

    Pass it to `Network.fit` as ``early_stopping=`` or in ``callbacks``. The native training loop
    does the monitoring.

    Parameters
    ----------
    monitor : str
        A series of the history. ``accuracy`` and ``r2`` improve by rising, all others by falling.
    patience : int
        Number of epochs without improvement after which the training stops, at least 1.
    min_delta : float
        A change must be larger than this to count as an improvement. At least 0.
    restore_best : bool
        Whether the network gets the parameters of its best epoch at the end.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    TypeError
        If a parameter has a wrong type.
    """

    monitor: str = "val_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str):
            raise TypeError(f"EarlyStopping: monitor must be a name, got {self.monitor!r}")
        if not self.monitor:
            raise ValueError("EarlyStopping: monitor must name a series of the history")
        to_count(self.patience, "EarlyStopping: patience", 1)
        to_flag(self.restore_best, "EarlyStopping: restore_best")
        if not 0 <= to_number(self.min_delta, "EarlyStopping: min_delta") < math.inf:
            raise ValueError(
                f"EarlyStopping: min_delta must be finite and at least 0, got {self.min_delta}"
            )


class Checkpoint(Callback):
    """Save the network during the training.

    Parameters
    ----------
    path : path
        The file. It may contain fields in braces: ``{epoch}`` (one-based) and every series of the
        history, as in ``"model-{epoch:03d}-{val_loss:.4f}.safetensors"``. A temporary file in the
        same directory is written completely and then renamed to `path`.
    monitor : str, optional
        The series that decides which epoch is better. By default ``val_loss`` if it exists,
        otherwise ``loss``.
    save_best_only : bool
        Whether to save only if `monitor` is better than at every earlier save of this training. If
        `Network.fit` resumes a training by ``resume_from``, this includes the saves before the
        interruption.
    optimizer : optimizer, optional
        Saved with the network, together with the schedule, the numbers of epochs and steps and the
        state of early stopping. The training can then be resumed exactly: ``saved =
        load_checkpoint(path)``, then ``saved.network.fit(..., optimizer=saved.optimizer,
        schedule=saved.schedule, resume_from=saved)`` with the same data, seed and settings.
    every : int
        Number of epochs between two saves (or comparisons).
    every_seconds : float, optional
        Also save within epochs, between two steps, if the last save was at least this many seconds
        ago. With an `optimizer`, the training can be resumed exactly from there, too. The field
        ``{epoch}`` is then the number of the unfinished epoch, and other fields have no values.

    Raises
    ------
    ValueError
        If `every` is below 1, `every_seconds` is below 0, or `every_seconds` is given together with
        `save_best_only`. During the training, if `monitor` or a field is not a series.
    TypeError
        If `every` is not an integer, `every_seconds` is not a number, or `save_best_only` is not a
        bool.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = None,
        save_best_only: bool = False,
        optimizer: Any = None,
        every: int = 1,
        every_seconds: float | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.monitor = monitor
        self.save_best_only = to_flag(save_best_only, "Checkpoint: save_best_only")
        self.optimizer = optimizer
        self.every = to_count(every, "Checkpoint: every", 1)
        self.every_seconds = math.inf
        if every_seconds is not None:
            self.every_seconds = to_number(every_seconds, "Checkpoint: every_seconds")
            if not self.every_seconds >= 0:
                raise ValueError(
                    f"Checkpoint: every_seconds must be at least 0, got {self.every_seconds}"
                )
            if self.save_best_only:
                raise ValueError(
                    "Checkpoint: save_best_only compares whole epochs: use a second Checkpoint for "
                    "every_seconds"
                )
        self.best: float | None = None
        self._info: TrainInfo | None = None
        self._base_lr = 0.0
        self._last_save = 0.0

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:  # noqa: ARG002
        """Store the plan of the run, and the best value of the run that it resumes."""
        self.best = None
        self._info = info
        self._last_save = time.monotonic()
        if info.memory is not None:
            monitor, best = info.memory.best_saved
            self.best = best if monitor == (self.monitor or monitor) else None
        if self.optimizer is not None:
            self._base_lr = self.optimizer.lr

    def on_epoch_end(self, net: Network, epoch: int, logs: Mapping[str, float]) -> None:
        """Save once per `every` epochs."""
        if (epoch + 1) % self.every:
            return
        if self.save_best_only and not self._improved(logs):
            return
        self._save(net, epoch, logs, finished=True)

    def on_progress(self, net: Network, epoch: int, rows_done: int, loss: float) -> None:  # noqa: ARG002
        """Save once per `every_seconds` seconds."""
        if time.monotonic() - self._last_save >= self.every_seconds:
            self._save(net, epoch, {}, finished=False)

    def _save(self, net: Network, epoch: int, logs: Mapping[str, float], *, finished: bool) -> None:
        self._last_save = time.monotonic()
        fields = {**logs, "epoch": epoch + 1}
        try:
            path = self.path.format_map(fields)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"Checkpoint: cannot fill in the path {self.path!r} ({error}); "
                f"the possible fields are: {', '.join(sorted(fields))}"
            ) from error
        if self.optimizer is None or self._info is None:
            net.save(path)
            return
        # Save the base learning rate, not the scheduled one: in a resumed training, the schedule
        # scales the saved rate.
        scheduled_lr = self.optimizer.lr
        schedule = self._info.schedule
        if schedule is not None:
            self.optimizer.lr = self._base_lr
            # Save a OneCycle with its length: a resumed run would compute another length.
            last = self._info.first_epoch + self._info.epochs - 1
            schedule = schedule.with_length(self._info.steps_after(last))
        try:
            net.save(
                path,
                optimizer=self.optimizer,
                schedule=schedule,
                epochs=epoch + finished,
                steps=self._info.steps_before(epoch + finished) + self._info.memory.epoch_steps,
                memory=self._info.memory,
            )
        finally:
            self.optimizer.lr = scheduled_lr

    def _improved(self, logs: Mapping[str, float]) -> bool:
        monitor = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        if monitor not in logs:
            raise ValueError(
                f"Checkpoint: no series {monitor!r} to monitor; there are: {', '.join(logs)}"
            )
        value = logs[monitor]
        if monitor.removeprefix("val_") in _HIGHER_IS_BETTER:
            value = -value
        # `not value < best` is also true for NaN, which is never an improvement.
        if self.best is not None and not value < self.best:
            return False
        if math.isnan(value):
            return False
        self.best = value
        if self._info is not None and self._info.memory is not None:
            self._info.memory.best_saved = (monitor, value)
        return True


class LambdaCallback(Callback):
    """A callback from functions. See `Callback` for their arguments.

    Parameters
    ----------
    on_train_begin, on_epoch_end, on_train_end, on_progress : callable, optional

    Examples
    --------
    >>> stop_when_good = LambdaCallback(on_epoch_end=lambda net, epoch, logs: logs["loss"] < 0.1)
    """

    def __init__(
        self,
        on_train_begin: Callable[[Network, TrainInfo], object] | None = None,
        on_epoch_end: Callable[[Network, int, Mapping[str, float]], bool | None] | None = None,
        on_train_end: Callable[[Network, History], object] | None = None,
        on_progress: Callable[[Network, int, int, float], bool | None] | None = None,
    ) -> None:
        self._begin = on_train_begin
        self._epoch_end = on_epoch_end
        self._progress = on_progress
        self._end = on_train_end

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:
        """Call the function for this event."""
        if self._begin is not None:
            self._begin(net, info)

    def on_epoch_end(self, net: Network, epoch: int, logs: Mapping[str, float]) -> bool | None:
        """Call the function for this event."""
        return self._epoch_end(net, epoch, logs) if self._epoch_end is not None else None

    def on_progress(self, net: Network, epoch: int, rows_done: int, loss: float) -> bool | None:
        """Call the function for this event."""
        return self._progress(net, epoch, rows_done, loss) if self._progress is not None else None

    def on_train_end(self, net: Network, history: History) -> None:
        """Call the function for this event."""
        if self._end is not None:
            self._end(net, history)


def collect(
    callbacks: Callback | EarlyStopping | Iterable[Callback | EarlyStopping] = (),
    early_stopping: EarlyStopping | int | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
) -> tuple[list[Callback], EarlyStopping | None]:
    """Separate the arguments of `Network.fit` into callbacks and at most one `EarlyStopping`.

    Parameters
    ----------
    callbacks : callback or iterable of callbacks
        May contain an `EarlyStopping`.
    early_stopping : EarlyStopping or int, optional
        An int is the patience.
    checkpoint : Checkpoint or path, optional
        Added after the other callbacks.

    Raises
    ------
    TypeError
        If an argument has another type.
    ValueError
        If there is more than one `EarlyStopping`.
    """
    if isinstance(callbacks, (Callback, EarlyStopping)):
        callbacks = [callbacks]
    stoppings: list[EarlyStopping] = []
    others: list[Callback] = []
    for callback in callbacks:
        if isinstance(callback, EarlyStopping):
            stoppings.append(callback)
        elif isinstance(callback, Callback):
            others.append(callback)
        else:
            raise TypeError(
                f"callbacks must be backpass.callbacks.Callback objects, got {callback!r}; "
                "LambdaCallback wraps a function"
            )
    if isinstance(early_stopping, int) and not isinstance(early_stopping, bool):
        early_stopping = EarlyStopping(patience=early_stopping)
    if isinstance(early_stopping, EarlyStopping):
        stoppings.append(early_stopping)
    elif early_stopping is not None:
        raise TypeError(
            f"early_stopping must be an EarlyStopping or an int, got {early_stopping!r}"
        )
    if len(stoppings) > 1:
        raise ValueError("more than one EarlyStopping was given")
    if isinstance(checkpoint, (str, os.PathLike)):
        checkpoint = Checkpoint(checkpoint)
    if isinstance(checkpoint, Checkpoint):
        others.append(checkpoint)
    elif checkpoint is not None:
        raise TypeError(f"checkpoint must be a Checkpoint or a path, got {checkpoint!r}")
    return others, stoppings[0] if stoppings else None
