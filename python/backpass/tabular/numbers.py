"""Numbers in texts: "1,234.5", "12,5", "12.3 %", "5 kg"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

# A number as programs write it. RE2 and Python read this pattern alike.
PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
LEADING_ZERO = r"^[+-]?0\d+$"
# Such a point is a decimal sign: the point of 1.234 may also separate groups of digits.
FRACTION = r"\.(\d{0,2}|\d{4,})$|\.\d*[eE]|^[+-]?0?\."
_COMMA = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d+)")
_CURRENCY = r"[$€£¥]"
_SPACE = "[ \t\u00a0\u202f]*"
_UNIT = r"(?:%|°?[A-Za-zµμΩ][A-Za-z0-9²³/·]{0,7}|[$€£¥])"
_GROUPS = (",", ".", " ", "'", "\u00a0", "\u202f")


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : {".", ","}
    group : str
        The character between groups of three digits, or "".
    unit : str
        What may stand behind or, if it is a currency, before the number; or "".
    """

    decimal: str = "."
    group: str = ""
    unit: str = ""

    def pattern(self) -> str:
        """Return the regular expression of RE2 with the group ``number``."""
        integer = r"\d+"
        if self.group:
            integer = rf"(?:\d{{1,3}}(?:{re.escape(self.group)}\d{{3}})+|\d+)"
        decimal = re.escape(self.decimal)
        number = rf"[+\-]?(?:{integer}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+\-]?\d+)?"
        unit = re.escape(self.unit)
        before = rf"(?:{unit}{_SPACE})?" if re.fullmatch(_CURRENCY, self.unit) else ""
        after = rf"(?:{_SPACE}{unit})?" if self.unit else ""
        return rf"^{before}(?P<number>{number}){after}$"

    def compiled(self) -> re.Pattern[str]:
        """Return `pattern` for Python, which like RE2 then takes ASCII digits only."""
        return re.compile(self.pattern(), re.ASCII)

    def to_json(self) -> list[str]:
        """Return the data for `style_from_json`."""
        return [self.decimal, self.group, self.unit]

    def parse(self, texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the numbers, and which texts are not numbers. NaN is a missing value.

        Parameters
        ----------
        texts : array of str
            Without spaces around them.
        """
        missing = _to_numpy(pc.is_null(texts))
        if self == NumberStyle():
            try:
                values = _to_floats(pc.cast(texts, pa.float64()))
            except pa.ArrowInvalid:
                pass
            else:  # a cast also reads "inf" and "nan"
                return _finite(values, missing)
        found = pc.struct_field(pc.extract_regex(texts, self.pattern()), "number")
        if self.group:
            found = pc.replace_substring(found, self.group, "")
        if self.decimal != ".":
            found = pc.replace_substring(found, self.decimal, ".")
        return _finite(_to_floats(pc.cast(found, pa.float64())), missing)


def style_from_json(data: Any) -> NumberStyle:
    """Return a style from its `to_json`; raise ValueError if `data` is not such a style."""
    if not isinstance(data, list) or len(data) != 3 or not all(isinstance(t, str) for t in data):
        raise ValueError("a style of numbers is expected")
    if data[0] not in (".", ","):
        raise ValueError(f"the decimal sign {data[0]!r} is unknown")
    return NumberStyle(*data)


def find_style(
    others: Mapping[str, int], has_point: bool, decimal: str | None
) -> tuple[NumberStyle, int]:
    """Return the style that reads most of the texts, and how many it reads.

    Parameters
    ----------
    others : mapping of str to int
        Texts that are not plain numbers, and how often each occurs.
    has_point : bool
        Whether plain numbers of the column have a decimal point.
    decimal : str, optional
        The decimal sign, if it is known.
    """
    best, most = NumberStyle(decimal or "."), 0
    units = {_unit(text) for text in others} - {None}
    if len(units - {""}) > 1:
        units = {""}  # numbers of several units cannot be compared
    for sign in (decimal,) if decimal else (".", ","):
        if sign == "," and has_point and not decimal:
            continue
        for group in ("", *_GROUPS):
            if group == sign:
                continue
            for unit in sorted(str(unit) for unit in units | {""}):
                style = NumberStyle(sign, group, unit)
                pattern = style.compiled()
                read = sum(count for text, count in others.items() if pattern.match(text))
                if read > most or (read == most and read and _simpler(style, best)):
                    best, most = style, read
    return best, most


def has_decimal_comma(texts: Iterable[str]) -> bool:
    """Return whether one of the texts is a number with a comma that separates no groups."""
    return any(_COMMA.fullmatch(text) for text in texts)


def _simpler(a: NumberStyle, b: NumberStyle) -> bool:
    """Return whether a is the more usual one of two styles that read the same texts.

    "1,234" is 1234: a group before a decimal comma.
    """

    def rank(style: NumberStyle) -> tuple[int, int, int]:
        return (len(style.unit), style.decimal == ",", bool(style.group))

    return rank(a) < rank(b)


def _unit(text: str) -> str | None:
    """Return the unit of a number with a unit; "" without one; None for another text."""
    match = re.fullmatch(
        rf"({_CURRENCY})?{_SPACE}[+-]?[\d.,' \u00a0\u202f]*\d[.]?(?:[eE][+-]?\d+)?{_SPACE}"
        rf"({_UNIT})?",
        text,
        re.ASCII,
    )
    return None if match is None else match[1] or match[2] or ""


def _finite(
    values: NDArray[np.float64], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    bad = ~np.isfinite(values)
    values[bad] = np.nan
    return values, bad & ~missing


def _to_floats(array: Any) -> NDArray[np.float64]:
    return np.array(_to_numpy(array), dtype=np.float64)  # a copy that can be written


def _to_numpy(array: Any) -> NDArray[Any]:
    result: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return result
