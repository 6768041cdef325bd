"""Small helpers for the values of columns: counts, and texts for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections import Counter


def count_values(counts: Counter[Any], column: pa.Array) -> None:
    """Add the values of a column without missing ones to `counts`."""
    found = pc.value_counts(column)
    values, numbers = found.field(0), found.field(1)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    for value, number in zip(values.to_pylist(), numbers.to_pylist(), strict=True):
        counts[value] += number


def shortened(text: str, width: int) -> str:
    """Return a text of at most `width` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"
