"""Early stopping: the settings. The native training loop does the monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backpass._arguments import to_choice, to_count, to_flag, to_not_negative


@dataclass(frozen=True)
class EarlyStopping:
    """Stop if `monitor` has not improved by more than `min_delta` for `patience` epochs.

    Pass it to `Network.fit` as ``early_stopping=`` or in ``callbacks``. The native training loop
    does the monitoring. With a `patience` of all epochs, the training does not stop, and the
    network gets the parameters of its best epoch at the end.

    Parameters
    ----------
    monitor : str
        A series of the history.
    patience : int
        Number of epochs without improvement after which the training stops, at least 1.
    min_delta : float
        A change must be larger than this to count as an improvement. At least 0.
    restore_best : bool
        Whether the network gets the parameters of its best epoch at the end.
    mode : {"auto", "min", "max"}
        Whether a smaller or a larger value is better. ``"auto"`` means a larger one for accuracy,
        r2, AUC, F1, precision, recall and top-k, and a smaller one for all other series.
    ties : {"first", "last"}
        Which of several epochs with the best value is the best epoch. An equal value is not an
        improvement: it does not extend the wait.

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
    mode: Literal["auto", "min", "max"] = "auto"
    ties: Literal["first", "last"] = "first"

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str):
            raise TypeError(f"EarlyStopping: monitor must be a name, got {self.monitor!r}")
        if not self.monitor:
            raise ValueError("EarlyStopping: monitor must name a series of the history")
        to_count(self.patience, "EarlyStopping: patience", 1)
        to_flag(self.restore_best, "EarlyStopping: restore_best")
        to_choice(self.mode, "EarlyStopping: mode", "auto", "min", "max")
        to_choice(self.ties, "EarlyStopping: ties", "first", "last")
        to_not_negative(self.min_delta, "EarlyStopping: min_delta")
