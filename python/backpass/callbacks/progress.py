"""The progress bar of `Network.fit`: one tqdm bar for all epochs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from backpass._arguments import to_choice
from backpass.callbacks.history import BOOKKEEPING

if TYPE_CHECKING:
    from collections.abc import Mapping

ProgressMode = bool | Literal["auto"]


class Progress:
    """The progress display of one training run.

    Parameters
    ----------
    mode : {"auto", True, False}
        True shows a bar on standard error. ``"auto"`` shows it if standard error is a terminal, or
        in a notebook.
    first_epoch : int
        Number of epochs that were finished before this run.
    epochs : int
        Number of all epochs.
    rows : int
        Rows per epoch.

    Raises
    ------
    ValueError
        If `mode` has another value.
    """

    def __init__(
        self, mode: ProgressMode = False, first_epoch: int = 0, epochs: int = 0, rows: int = 0
    ) -> None:
        to_choice(mode, "progress", "auto", True, False)
        self._epochs = epochs
        self._rows = rows
        self._validation = ""
        self._bar: Any = None
        notebook = _in_notebook()
        # sys.stderr is None under pythonw.
        if sys.stderr is not None and (notebook or sys.stderr.isatty() if mode == "auto" else mode):
            self._bar = _tqdm_without_thread(notebook)(
                initial=first_epoch * rows,
                total=epochs * rows,
                unit=" rows",
                unit_scale=True,
                miniters=1,
                **({} if notebook else {"file": sys.stderr, **_size()}),
            )

    def update(self, epoch: int, rows_done: int, loss: float) -> None:
        """Report the rows done so far in this epoch, and the running mean of its loss."""
        if self._bar is not None:
            self._show(epoch, rows_done, f"loss={loss:.4g}{self._validation}")

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Report that an epoch is complete, with its losses and metrics."""
        if self._bar is None:
            return
        shown = {n: f", {n}={value:.4g}" for n, value in logs.items() if n not in BOOKKEEPING}
        self._validation = "".join(text for n, text in shown.items() if n.startswith("val_"))
        self._show(epoch, self._rows, "".join(shown.values()).removeprefix(", "))

    def close(self) -> None:
        """Report that the training has ended, also after an error. May be called twice."""
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()
            self._bar = None

    def _show(self, epoch: int, rows_done: int, values: str) -> None:
        self._bar.set_description_str(f"epoch {epoch + 1}/{self._epochs}", refresh=False)
        self._bar.set_postfix_str(values, refresh=False)
        self._bar.update(epoch * self._rows + rows_done - self._bar.n)


def _size() -> dict[str, Any]:
    """Return a size for tqdm, which draws nothing on a pseudo-terminal that reports 0 x 0."""
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return {}  # not a terminal
    return {"dynamic_ncols": True} if columns and lines else {"ncols": 80, "nrows": 24}


def _in_notebook() -> bool:
    """Whether this is a kernel of Jupyter, which shows a bar as a widget."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


def _tqdm_without_thread(notebook: bool) -> Any:
    import tqdm
    import tqdm.auto

    base: Any = tqdm.auto.tqdm if notebook else tqdm.tqdm

    class Bar(base):  # type: ignore[misc]
        # tqdm's monitor thread redraws a bar that is rarely updated. A fork would lose it.
        monitor_interval = 0

    return Bar
