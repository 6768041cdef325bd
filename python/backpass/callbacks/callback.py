"""The base class of callbacks: the events of a training and their data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backpass.callbacks.history import History

# A backpass.Network. Its module imports this one.
Network = Any


@dataclass(frozen=True)
class TrainInfo:
    """The plan of a training run.

    Attributes
    ----------
    epochs : int
        Number of all epochs, including those before an interruption.
    batch_size : int
    rows : int
        Training rows per epoch.
    optimizer, schedule
        The objects that were passed to `Network.fit`.
    first_epoch : int
        Number of epochs that were finished before this run, if it resumes a training.
    memory : TrainingMemory
        State of the training, up to date in every call of a callback. ``net.save(path,
        optimizer=info.optimizer, schedule=info.schedule, memory=info.memory)`` writes a file for
        ``resume_from``.
    """

    epochs: int
    batch_size: int
    rows: int
    optimizer: Any = None
    schedule: Any = None
    first_epoch: int = 0
    memory: Any = None


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
