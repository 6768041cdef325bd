"""Saving the network during the training."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, Literal

from backpass import _core
from backpass._arguments import to_count, to_flag, to_mode, to_number
from backpass.callbacks.callback import Callback, Network, TrainInfo

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    mode : {"auto", "min", "max"}
        Whether a smaller or a larger value of `monitor` is better; see `EarlyStopping`.

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
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> None:
        self.path = os.fspath(path)
        self.mode = to_mode(mode, "Checkpoint: mode")
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
            # Save the schedule with its length: a resumed run would compute another length.
            epochs = self._info.first_epoch + self._info.epochs
            schedule = schedule.with_length(self._info.steps_before(epochs), epochs)
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
        if self.mode == "max" or (self.mode == "auto" and _core._rises(monitor)):  # noqa: SLF001
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
