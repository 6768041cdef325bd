"""Conversion of arguments. The error messages name the argument."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


def to_count(value: Any, name: str, least: int) -> int:
    """Return an integer of at least `least`; raise TypeError or ValueError for other values."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    if number >= 2**63:
        raise ValueError(f"{name} must be below 2**63, got {number}")
    return number


def to_number(value: Any, name: str) -> float:
    """Return a float; raise TypeError if the value is not a number."""
    try:
        # float() would also convert a text such as 1.5.
        if not isinstance(value, (str, bytes, bytearray)):
            return float(value)
    except TypeError:
        pass
    raise TypeError(f"{name} must be a number, not {type(value).__name__}")


def to_flag(value: Any, name: str) -> bool:
    """Return a bool; raise TypeError for other types."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
    return bool(value)


def to_mode(value: Any, name: str) -> str:
    """Return "auto", "min" or "max"; raise ValueError for other values."""
    if value not in ("auto", "min", "max"):
        raise ValueError(f'{name} must be "auto", "min" or "max", got {value!r}')
    return str(value)
