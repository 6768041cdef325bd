"""Saving of the training while it runs."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Literal

from backpass import _core
from backpass._arguments import suggestion, to_choice, to_count, to_flag, to_number
from backpass.callbacks.callback import Callback, Network, TrainInfo

if TYPE_CHECKING:
    from collections.abc import Mapping


class Checkpoint(Callback):
    """Save the training, so that ``fit(..., resume_from=path)`` can continue it exactly.

    The file contains the network, the optimizer, the schedule, the position, the seed, the history
    and the state of early stopping. `backpass.load` loads the network from it.

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
    every : int
        Number of epochs between two saves (or comparisons).
    every_seconds : float, optional
        Also save within epochs, between two steps, if the last save was at least this many seconds
        ago. The field ``{epoch}`` is then the number of the unfinished epoch, and other fields have
        no values.
    mode : {"auto", "min", "max"}
        Whether a smaller or a larger value of `monitor` is better; see `EarlyStopping`.
    metadata : dict of str to str, optional
        Additional strings. `backpass.load_checkpoint` returns them.

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
        every: int = 1,
        every_seconds: float | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.mode = to_choice(mode, "Checkpoint: mode", "auto", "min", "max")
        self.monitor = monitor
        self.save_best_only = to_flag(save_best_only, "Checkpoint: save_best_only")
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
        self.metadata = dict(metadata or {})
        self.best: float | None = None
        self._info: TrainInfo | None = None
        self._last_save = 0.0

    def on_train_begin(self, net: Network, info: TrainInfo) -> None:  # noqa: ARG002
        """Store the plan of the run, and the best value of the run that it resumes."""
        self._info = info
        self._last_save = time.monotonic()
        monitor, best = info.memory.best_saved
        self.best = best if monitor == (self.monitor or monitor) else None

    def on_epoch_end(self, net: Network, epoch: int, logs: Mapping[str, float]) -> None:
        """Save once per `every` epochs."""
        if (epoch + 1) % self.every:
            return
        if self.save_best_only and not self._improved(logs):
            return
        self._save(net, epoch, logs)

    def on_progress(self, net: Network, epoch: int, rows_done: int, loss: float) -> None:  # noqa: ARG002
        """Save once per `every_seconds` seconds."""
        if time.monotonic() - self._last_save >= self.every_seconds:
            self._save(net, epoch, {})

    def _save(self, net: Network, epoch: int, logs: Mapping[str, float]) -> None:
        self._last_save = time.monotonic()
        fields = {**logs, "epoch": epoch + 1}
        try:
            path = self.path.format_map(fields)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"Checkpoint: cannot fill in the path {self.path!r} ({error}); "
                f"the possible fields are: {', '.join(sorted(fields))}"
            ) from error
        info = self._info
        if info is None:
            raise RuntimeError("Checkpoint: on_train_begin was not called")
        net.save(
            path,
            optimizer=info.optimizer,
            schedule=info.schedule,
            memory=info.memory,
            metadata=self.metadata,
        )

    def _improved(self, logs: Mapping[str, float]) -> bool:
        monitor = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        if monitor not in logs:
            raise ValueError(
                f"Checkpoint: unknown series to monitor {monitor!r}{suggestion(monitor, logs)}"
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
        if self._info is not None:
            self._info.memory.best_saved = (monitor, value)
        return True
