"""A progress bar for `Network.fit`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

ProgressMode = bool | Literal["auto"]

# Redrawing takes about 0.1 ms. A user would not see a higher rate.
_SECONDS_BETWEEN_DRAWS = 0.1


class Progress(Protocol):
    """Receiver of the progress of a training loop."""

    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        """Report the rows done so far in this epoch, and the running mean of its loss."""

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Report that an epoch is complete, with its losses and metrics."""

    def close(self) -> None:
        """Report that the training has ended, also after an error. May be called twice."""


class _Silent:
    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        pass

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


class _Bar:
    """A tqdm bar that starts again at zero in every epoch. The bar of the last epoch stays."""

    def __init__(self, epochs: int, rows: int) -> None:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]  # not every version is subscriptable
            # tqdm's monitor thread is not needed, because this class draws the bar in time.
            monitor_interval = 0

        self._epochs = epochs
        self._rows = rows
        self._epoch: int | None = None
        self._drawn = float("-inf")
        self._validation = ""
        # With a delay, tqdm draws nothing on creation. Then only this class draws the bar.
        self._bar = Bar(
            total=rows,
            unit=" rows",
            unit_scale=True,
            file=sys.stderr,
            **_shape(),
            delay=1e-9,
        )

    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        self._start(epoch)
        self._show(rows_done, f"loss={loss:.4g}" + self._validation)

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self._start(epoch)
        shown = [f"{name}={value:.4g}" for name, value in logs.items() if _is_shown(name)]
        self._validation = "".join(
            f", {name}={value:.4g}"
            for name, value in logs.items()
            if name.startswith("val_") and _is_shown(name)
        )
        self._show(self._rows, ", ".join(shown), last=epoch + 1 == self._epochs)

    def close(self) -> None:
        if not self._bar.disable:
            if self._epoch is not None:
                self._bar.refresh()
            self._bar.close()

    def _start(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        self._epoch = epoch
        bar = self._bar
        bar.n = bar.last_print_n = 0
        bar.start_t = bar.last_print_t = time.time()
        bar.set_description_str(f"epoch {epoch + 1}/{self._epochs}", refresh=False)

    def _show(self, rows_done: int, postfix: str, last: bool = False) -> None:
        self._bar.n = rows_done
        self._bar.set_postfix_str(postfix, refresh=False)
        now = time.monotonic()
        if last or now - self._drawn >= _SECONDS_BETWEEN_DRAWS:
            self._drawn = now
            self._bar.refresh()


def _shape() -> dict[str, Any]:
    """Return the size for tqdm: dynamic, or 80 x 24 if a pseudo-terminal reports 0 x 0."""
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return {}
    return {"dynamic_ncols": True} if columns and lines else {"ncols": 80, "nrows": 24}


def _is_shown(name: str) -> bool:
    return name not in ("lr", "seconds")


def make_progress(mode: ProgressMode, epochs: int, rows: int) -> Progress:
    """Create the progress display of a training run.

    Parameters
    ----------
    mode : {"auto", True, False}
        True shows a bar on standard error. ``"auto"`` shows it if standard error is a terminal.
    epochs : int
        Number of planned epochs plus the epochs of earlier runs that this run resumes. The epochs
        in `Progress` also count the earlier runs.
    rows : int
        Rows per epoch.

    Returns
    -------
    Progress

    Raises
    ------
    ValueError
        If `mode` has another value.
    """
    if mode not in ("auto", True, False):
        raise ValueError(f'progress must be "auto", True or False, got {mode!r}')
    # sys.stderr is None under pythonw.
    shown = sys.stderr is not None and (sys.stderr.isatty() if mode == "auto" else mode)
    return _Bar(epochs, rows) if shown else _Silent()
