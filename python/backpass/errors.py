"""Exception classes of backpass. All other errors are built-in exceptions."""

from __future__ import annotations

__all__ = ["DivergenceError", "FormatError"]


class FormatError(ValueError):
    """The file does not contain a valid backpass network."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class DivergenceError(ArithmeticError):
    """The loss of a step, or a parameter, became infinite or NaN during `Network.fit`.

    The network has its state from the end of the last finite epoch.

    Attributes
    ----------
    epoch, batch : int
        Zero-based epoch and batch of the failure. The message counts from one.
    member : int or None
        The number of the network in the ensemble, for `Ensemble.fit`.
    """

    def __init__(
        self, message: str, epoch: int = 0, batch: int = 0, member: int | None = None
    ) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.member = member


# Users import the classes from backpass, and tracebacks should name that module.
FormatError.__module__ = DivergenceError.__module__ = "backpass"
