"""Dates in texts. pandas reads each format."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

# A day, a month and a year in digits, or with the name of the month; perhaps a time.
_LIKE_A_DATE = re.compile(
    r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
    r"|\d{1,2}[ -][a-z]{3,9}[ -]\d{2,4}|[a-z]{3,9} \d{1,2},? \d{4})"
    r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_OTHERS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d-%B-%Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
)


def find_formats(
    texts: Sequence[str], day_first: bool | None = None
) -> tuple[tuple[str, ...], str]:
    """Return the formats that read the most of the texts, and a note on the order of day and month.

    Each format reads at least one text that the formats before it do not read.

    Parameters
    ----------
    texts : sequence of str
    day_first : bool, optional
        Whether the day stands before the month in dates that leave this open.
    """
    series = pd.Series(list(texts), dtype=object)
    parts = series.str.extract(r"^(\d{1,2})([-/.])(\d{1,2})\2\d{2,4}").dropna()
    above = {sign: (part[[0, 2]].astype(int) > 12).any() for sign, part in parts.groupby(1)}
    any_day, any_month = (any(found[place] for found in above.values()) for place in (0, 2))
    formats = ["ISO8601", *_with_times(_OTHERS)]
    for sign, found in above.items():
        orders = [[f"%d{sign}%m{sign}%{year}" for year in "Yy"]]
        orders.append([f"%m{sign}%d{sign}%{year}" for year in "Yy"])
        # Without evidence for this sign, that for the others counts. Points mean: the day first.
        here = found[0] or found[2]
        elsewhere = any_day if any_day or any_month else sign == "."
        first = found[0] if here else elsewhere if day_first is None else day_first
        if not first:
            orders.reverse()
        formats += _with_times(itertools.chain(*orders) if found[0] and found[2] else orders[0])
    used = []
    left = series
    for format_ in formats:
        if left.empty:
            break
        read = pd.to_datetime(left, format=format_, errors="coerce", utc=True).notna()
        if read.any():
            used.append(format_)
            left = left[~read]
    note = ""
    if day_first is None and above and not any_day and not any_month and set(above) != {"."}:
        note = "read as month/day/year; --day-first changes this"
    elif any(found[0] and found[2] for found in above.values()):
        note = (
            "some dates have the day first and some the month; an ambiguous date has the day first"
        )
    return tuple(used), note


def parse_dates(
    texts: Any, formats: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return seconds since 1970 in UTC, and which texts no format reads. NaN is a missing value.

    Parameters
    ----------
    texts : array of str
        An Arrow array; None is a missing value.
    """
    encoded = texts.dictionary_encode()
    unique = pd.Series(encoded.dictionary.to_pylist(), dtype=object)
    seconds = np.full(len(unique) + 1, np.nan)  # the last one is for missing values
    left = unique
    for format_ in formats:
        read = pd.to_datetime(left, format=format_, errors="coerce", utc=True).dropna()
        seconds[read.index] = to_seconds(read)
        left = left.drop(read.index)
    codes = encoded.indices.fill_null(len(unique)).to_numpy(zero_copy_only=False)
    values = seconds[codes]
    return values, np.isnan(values) & (codes < len(unique))


def to_seconds(times: Any) -> NDArray[np.float64]:
    """Return pandas times as seconds since 1970."""
    if times.dt.tz is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    moments = np.asarray(times, dtype="datetime64[us]")
    seconds: NDArray[np.float64] = moments.astype(np.int64) / 1e6
    seconds[np.isnat(moments)] = np.nan
    return seconds


def parts_of(seconds: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return year, month, day of the week (Monday is 0), hour, and days since 1970."""
    known = np.isfinite(seconds)
    times = pd.to_datetime(pd.Series(np.where(known, seconds, 0.0)), unit="s").dt
    parts = {
        "year": times.year,
        "month": times.month,
        "day of week": times.day_of_week,
        "hour": times.hour,
    }
    result = {
        name: np.where(known, np.asarray(part, dtype=np.float64), np.nan)
        for name, part in parts.items()
    }
    return {**result, "days": seconds / 86400.0}


def _with_times(formats: Iterable[str]) -> list[str]:
    return [day + time for day, time in itertools.product(formats, _TIMES)]


def looks_like_dates(counts: Mapping[str, int]) -> bool:
    """Return whether at least four of five texts look like dates.

    Parameters
    ----------
    counts : mapping of str to int
        Texts, and how often each occurs.
    """
    like = sum(count for text, count in counts.items() if _LIKE_A_DATE.fullmatch(text))
    return like > 0 and like >= 0.8 * sum(counts.values())
