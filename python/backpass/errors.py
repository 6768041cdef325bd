"""Exceptions that Python has no class for; everything else is a built-in one."""

from __future__ import annotations

__all__ = ["DivergenceError", "FormatError"]


class FormatError(ValueError):
    """The bytes of a file are no sound backpass network."""


class DivergenceError(ArithmeticError):
    """The loss of a step, or a parameter, stopped being finite during `Network.fit`.

    The network is as it was at the end of the last finite epoch.

    Attributes
    ----------
    epoch, batch : int
        Zero-based epoch and batch in which it happened; the message counts from one.
    """

    def __init__(self, message: str, epoch: int = 0, batch: int = 0) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch


# Where users find them, and what a traceback says.
FormatError.__module__ = DivergenceError.__module__ = "backpass"
