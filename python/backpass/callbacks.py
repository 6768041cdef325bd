"""What `Network.fit` may call at the ends of epochs, and how it stops early."""

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

# Metrics that are better when they are higher; everything else is a cost.
_HIGHER_IS_BETTER = ("accuracy", "r2")


@dataclass(frozen=True)
class TrainInfo:
    """What a training run is going to do.

    Attributes
    ----------
    epochs : int
        Planned.
    batch_size : int
    rows : int
        Training rows of an epoch.
    optimizer, schedule
        The objects given to `Network.fit`.
    first_epoch, first_step : int
        Epochs and steps made before, when this run goes on with an earlier one.
    first_epoch_steps : int
        How many of these steps belong to the first epoch of this run, which the earlier one did not
        finish.
    memory : TrainingMemory
        What early stopping remembers and the place in the epoch, up to date whenever a callback is
        called; `Network.save` takes it.
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
        """Return the count of steps when `epoch`, counted as `Callback` does, begins."""
        steps_per_epoch = -(-self.rows // self.batch_size)
        whole = (epoch - self.first_epoch) * steps_per_epoch
        return self.first_step - self.first_epoch_steps + whole

    def steps_after(self, epoch: int) -> int:
        """Return the count of steps when `epoch`, counted as `Callback` does, is complete."""
        return self.steps_before(epoch + 1)


class Callback:
    """Base class: override what you need.

    An exception from any of these ends `Network.fit` and reaches its caller.
    """

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:
        """Before the first epoch."""

    def on_epoch_end(
        self,
        net: Network,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        logs: Mapping[str, float],  # noqa: ARG002
    ) -> bool | None:
        """After every epoch.

        Parameters
        ----------
        net : Network
            Being trained; it may be read, saved and changed.
        epoch : int
            Zero-based, counted on from `TrainInfo.first_epoch`.
        logs : mapping of str to float
            This epoch's entry of every series of the history.

        Returns
        -------
        bool or None
            True ends the training.
        """
        return None

    def on_progress(
        self,
        net: Network,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        rows_done: int,  # noqa: ARG002
        loss: float,  # noqa: ARG002
    ) -> bool | None:
        """Within an epoch, at most every 50 ms: between two steps, or during validation.

        Parameters
        ----------
        net : Network
            Being trained; it may be read, saved and changed.
        epoch : int
            As for `on_epoch_end`.
        rows_done : int
            Rows of this epoch that were trained on; all of them during validation and metrics.
        loss : float
            The mean over these rows.

        Returns
        -------
        bool or None
            True ends the training at once; the epoch does not enter the history.
        """
        return None

    def on_train_end(self, net: Network, history: History) -> None:
        """After the last epoch, when no exception came."""


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when `monitor` has not improved by more than `min_delta` for `patience` epochs.

    Given to `Network.fit` as ``early_stopping=`` or among its ``callbacks``. The watching itself
    is done by the native training loop.

    Parameters
    ----------
    monitor : str
        A series of the history. ``accuracy`` and ``r2`` improve by rising, all others by falling.
    patience : int
        Epochs without improvement that end the training, at least 1.
    min_delta : float
        Smallest change that counts as an improvement, at least 0.
    restore_best : bool
        Whether the network ends with the parameters of its best epoch.

    Raises
    ------
    ValueError
        When a parameter is out of range.
    TypeError
        When one is of a wrong type.
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
    """Save the network while it trains.

    Parameters
    ----------
    path : path
        Where to. May contain fields in braces: ``{epoch}`` (one-based) and every series of the
        history, as in ``"model-{epoch:03d}-{val_loss:.4f}.safetensors"``. Each file is written in
        full beside its place and then renamed to it.
    monitor : str, optional
        Series to judge epochs by; ``val_loss`` if there is one and else ``loss`` by default.
    save_best_only : bool
        Save only when `monitor` is better than at every save before, in this training: also before
        an interruption that `Network.fit` goes on from with ``resume_from``.
    optimizer : optimizer, optional
        Saved along, with the schedule, the counts of epochs and steps and what early stopping
        remembers, so that training can go on exactly: ``saved = load_checkpoint(path)``, then
        ``saved.network.fit(..., optimizer=saved.optimizer, schedule=saved.schedule,
        resume_from=saved)`` with the same data, seed and settings.
    every : int
        Save (or judge) every this many epochs.
    every_seconds : float, optional
        Save within epochs too, between two steps, when the last save is so many seconds ago. With
        an `optimizer`, training goes on from there exactly as well. The field ``{epoch}`` is then
        the number of the unfinished epoch, and other fields have no values.

    Raises
    ------
    ValueError
        When `every` is below 1 or `every_seconds` below 0, or when `every_seconds` is given with
        `save_best_only`; in training, when `monitor` or a field names no series.
    TypeError
        When `every` is not an integer, `every_seconds` not a number or `save_best_only` not a bool.
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
                    "Checkpoint: save_best_only judges whole epochs: use a second Checkpoint for "
                    "every_seconds"
                )
        self.best: float | None = None
        self._info: TrainInfo | None = None
        self._base_lr = 0.0
        self._last_save = 0.0

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:  # noqa: ARG002
        """Take note of the run, and of the best value of the run that it goes on with."""
        self.best = None
        self._info = info
        self._last_save = time.monotonic()
        if info.memory is not None:
            monitor, best = info.memory.best_saved
            self.best = best if monitor == (self.monitor or monitor) else None
        if self.optimizer is not None:
            self._base_lr = self.optimizer.lr

    def on_epoch_end(self, net: Network, epoch: int, logs: Mapping[str, float]) -> None:
        """Save when it is time."""
        if (epoch + 1) % self.every:
            return
        if self.save_best_only and not self._improved(logs):
            return
        self._save(net, epoch, logs, finished=True)

    def on_progress(self, net: Network, epoch: int, rows_done: int, loss: float) -> None:  # noqa: ARG002
        """Save when it is time."""
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
                f"its fields may be: {', '.join(sorted(fields))}"
            ) from error
        if self.optimizer is None or self._info is None:
            net.save(path)
            return
        # A schedule scales the rate that the optimizer had at first: this is what belongs into
        # the file, not what the schedule has made of it by now.
        scheduled_lr = self.optimizer.lr
        schedule = self._info.schedule
        if schedule is not None:
            self.optimizer.lr = self._base_lr
            # A length that was left to this run must not be left to the one that goes on from here.
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
        # Written so that NaN is never an improvement.
        if self.best is not None and not value < self.best:
            return False
        if math.isnan(value):
            return False
        self.best = value
        if self._info is not None and self._info.memory is not None:
            self._info.memory.best_saved = (monitor, value)
        return True


class LambdaCallback(Callback):
    """A callback made of functions; see `Callback` for their arguments.

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
        """Call the function given for it."""
        if self._begin is not None:
            self._begin(net, info)

    def on_epoch_end(self, net: Network, epoch: int, logs: Mapping[str, float]) -> bool | None:
        """Call the function given for it."""
        return self._epoch_end(net, epoch, logs) if self._epoch_end is not None else None

    def on_progress(self, net: Network, epoch: int, rows_done: int, loss: float) -> bool | None:
        """Call the function given for it."""
        return self._progress(net, epoch, rows_done, loss) if self._progress is not None else None

    def on_train_end(self, net: Network, history: History) -> None:
        """Call the function given for it."""
        if self._end is not None:
            self._end(net, history)


def collect(
    callbacks: Callback | EarlyStopping | Iterable[Callback | EarlyStopping] = (),
    early_stopping: EarlyStopping | int | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
) -> tuple[list[Callback], EarlyStopping | None]:
    """Sort the arguments of `Network.fit` into callbacks and the one early stopping.

    Parameters
    ----------
    callbacks : callback or iterable of callbacks
        May hold an `EarlyStopping`.
    early_stopping : EarlyStopping or int, optional
        A number is the patience.
    checkpoint : Checkpoint or path, optional
        Called after the callbacks.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For more than one `EarlyStopping`.
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
