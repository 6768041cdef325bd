"""A progress bar for `Network.fit`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

ProgressMode = bool | Literal["auto"]

# Redrawing costs about 0.1 ms; faster than this the eye gains nothing.
_SECONDS_BETWEEN_DRAWS = 0.1


class Progress(Protocol):
    """What a training loop tells about itself."""

    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        """Tell the rows done so far in this epoch, and the running mean of its loss."""

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Tell that an epoch is complete, with these losses and metrics."""

    def close(self) -> None:
        """Tell that training has ended, in whatever way. May be called twice."""


class _Silent:
    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        pass

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


class _Bar:
    """A tqdm bar an epoch, each in the place of the one before; the last one stays."""

    def __init__(self, epochs: int, rows: int) -> None:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]  # not subscriptable at run time everywhere
            # No thread that watches the bar: nothing here is left to be drawn late.
            monitor_interval = 0

        self._epochs = epochs
        self._rows = rows
        self._epoch: int | None = None
        self._drawn = float("-inf")
        self._validation = ""
        # With a delay nothing is drawn on creation; from then on this class alone decides when.
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
    """Follow the terminal's size, except where it has none: some pseudo-terminals claim 0 x 0."""
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return {}
    return {"dynamic_ncols": True} if columns and lines else {"ncols": 80, "nrows": 24}


def _is_shown(name: str) -> bool:
    return name not in ("lr", "seconds")


def make_progress(mode: ProgressMode, epochs: int, rows: int) -> Progress:
    """Make the progress display of a training run.

    Parameters
    ----------
    mode : {"auto", True, False}
        ``"auto"`` shows a bar on standard error when that is a terminal; True always does.
    epochs : int
        Those planned and those of earlier runs together: what `Progress` is told counts on from
        these.
    rows : int
        Rows of an epoch.

    Returns
    -------
    Progress

    Raises
    ------
    ValueError
        For another `mode`.
    """
    if mode not in ("auto", True, False):
        raise ValueError(f'progress must be "auto", True or False, got {mode!r}')
    # Standard error is None under pythonw.
    shown = sys.stderr is not None and (sys.stderr.isatty() if mode == "auto" else mode)
    return _Bar(epochs, rows) if shown else _Silent()
