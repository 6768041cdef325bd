"""Conversion of arguments, and the texts of errors. The error messages name the argument."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

Choice = TypeVar("Choice")


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


def to_not_negative(value: Any, name: str) -> float:
    """Return a finite float of at least 0; raise TypeError or ValueError for other values."""
    number = to_number(value, name)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be finite and at least 0, got {number}")
    return number


def to_flag(value: Any, name: str) -> bool:
    """Return a bool; raise TypeError for other types."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
    return bool(value)


def to_choice(value: Choice, name: str, *choices: Choice) -> Choice:
    """Return the value; raise ValueError unless it is one of the choices."""
    if value not in choices:
        *first, last = (f'"{one}"' if isinstance(one, str) else str(one) for one in choices)
        raise ValueError(f"{name} must be {', '.join(first)} or {last}, got {value!r}")
    return value


def suggestion(name: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """Return the end of a message about an unknown name: the closest name, and all names.

    The core's messages end in the same way (unknown_text() in base/text.hpp).
    """
    names = list(known)
    synonym = (synonyms or {}).get(name)
    close = [synonym] if synonym in names else difflib.get_close_matches(name, names, 1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{hint}; there are: {', '.join(names) or 'none'}"
