"""What the native training loop calls, and how it reaches the callbacks and the progress bar."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from backpass.callbacks.callback import Callback, Network, TrainInfo
from backpass.callbacks.checkpoint import Checkpoint
from backpass.callbacks.early_stopping import EarlyStopping
from backpass.callbacks.progress import Progress, ProgressMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


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
    for given in (callbacks, early_stopping, checkpoint):
        if isinstance(given, type):
            raise TypeError(f"got the class {given.__name__}: write {given.__name__}(...)")
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


class Hooks:
    """The callbacks and the progress bar of one training run."""

    def __init__(
        self,
        net: Network,
        callbacks: list[Callback],
        progress: ProgressMode,
        plan: Callable[..., TrainInfo],
    ) -> None:
        self._net = net
        self._callbacks = callbacks
        self._progress = progress
        self._plan = plan
        self._bar = Progress()  # no bar before the number of rows is known

    def begin(self, first_epoch: int, rows: int) -> None:
        """Create the bar and start the callbacks. `rows` is the number of rows per epoch."""
        info = self._plan(rows=rows, first_epoch=first_epoch)
        self._bar = Progress(self._progress, first_epoch, info.epochs, rows)
        for callback in self._callbacks:
            callback.on_train_begin(self._net, info)

    def progress(self, epoch: int, rows_done: int, loss: float) -> bool:
        """Report progress within an epoch. Returns whether a callback stops the training."""
        self._bar.update(epoch, rows_done, loss)
        return _stops(
            [
                callback.on_progress(self._net, epoch, rows_done, loss)
                for callback in self._callbacks
            ]
        )

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Report the end of an epoch. Returns whether a callback stops the training."""
        self._bar.epoch_end(epoch, logs)
        # Call all callbacks, even if one of them stops the training.
        return _stops([each.on_epoch_end(self._net, epoch, logs) for each in self._callbacks])

    def close(self) -> None:
        """End the bar, also after an error."""
        self._bar.close()


def _stops(results: list[bool | None]) -> bool:
    """Return whether a callback stops. Only a bool counts: functions may return other values."""
    return any(isinstance(result, (bool, np.bool_)) and bool(result) for result in results)
