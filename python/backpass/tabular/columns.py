"""The encoders of single columns. Each writes its inputs of the network to an array.

An encoder learns from the rows for training and is stored as JSON. It does arithmetic only, so that
every program can repeat it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backpass.tabular.dates import parse_dates, parts_of, to_seconds
from backpass.tabular.numbers import NumberStyle, style_from_json
from backpass.tabular.scales import AnyScale, Scale, input_scale_from_json
from backpass.tabular.unseen import EXAMPLES, Unseen
from backpass.tabular.values import count_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.kinds import Kind

    FitScale = Callable[[NDArray[np.float64]], AnyScale]

MAX_CATEGORIES = 100
_NO_TEXTS = pa.array([], pa.string())


@dataclass(frozen=True)
class NumberColumn:
    """A scaled number and, if training had missing values, an input that is 1 for them."""

    name: str
    style: NumberStyle
    scale: AnyScale
    missing: bool
    kind = "number"

    @property
    def width(self) -> int:
        """The number of inputs."""
        return self.scale.width + self.missing

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input."""
        names = self.scale.names(self.name)
        return names + ([f"{self.name} is missing"] if self.missing else [])

    @property
    def formulas(self) -> list[str]:
        """How to compute each input; an input without a formula is 1 if its meaning holds."""
        return self.scale.formulas()

    @classmethod
    def fit(
        cls,
        name: str,
        kind: Kind,
        values: Sequence[NDArray[np.float64]],
        fit_scale: FitScale = Scale.fit,
    ) -> NumberColumn:
        """Learn from the blocks of `read`."""
        together = np.concatenate(values)
        return cls(name, kind.style, fit_scale(together), bool(np.isnan(together).any()))

    def read(self, column: pa.Array) -> tuple[NDArray[np.float64], pa.Array]:
        """Return the numbers, with NaN for missing values, and the texts that are not numbers."""
        return read_numbers(column, self.style, self.name)

    def write(self, values: NDArray[np.float64], out: NDArray[Any]) -> Unseen:
        """Write the inputs; return what training did not have."""
        self.scale.write(values, out[:, : self.scale.width])
        return _write_missing(values, out, self.missing)

    def to_json(self) -> dict[str, Any]:
        """Return the data for `column_from_json`."""
        return {
            "kind": "number",
            "name": self.name,
            "style": self.style.to_json(),
            "scale": self.scale.to_json(),
            "missing": self.missing,
        }


@dataclass(frozen=True)
class CategoryColumn:
    """One input per frequent category, and one for all others, for rare and for missing values.

    The inputs for others and for missing values exist only if training had such values.
    """

    name: str
    categories: tuple[str, ...]
    other: bool
    missing: bool
    kind = "category"
    formulas = ()

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.categories) + self.other + self.missing

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input."""
        names = [f"{self.name} = {category}" for category in self.categories]
        names += [f"{self.name} is another value"] if self.other else []
        return names + ([f"{self.name} is missing"] if self.missing else [])

    @classmethod
    def fit(
        cls,
        name: str,
        kind: Kind,  # noqa: ARG003
        values: Sequence[pa.Array],
        fit_scale: FitScale = Scale.fit,  # noqa: ARG003
    ) -> CategoryColumn:
        """Learn from the blocks of `read`: the most frequent categories, in sorted order."""
        counts: Counter[str] = Counter()
        missing = rows = 0
        for block in values:
            count_values(counts, block.drop_null())
            missing += block.null_count
            rows += len(block)
        least = least_count(rows, len(counts))
        frequent = [text for text, count in counts.most_common(MAX_CATEGORIES) if count >= least]
        # If all are rare, an input for "another value" would be 1 wherever it is not missing.
        other = 0 < len(frequent) < len(counts)
        return cls(name, tuple(sorted(frequent)), other, missing > 0)

    def read(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the categories as texts; no text is stray."""
        return read_texts(column), _NO_TEXTS

    def write(self, values: pa.Array, out: NDArray[Any]) -> Unseen:
        """Write the inputs; return what training did not have."""
        categories = pa.array(self.categories, pa.string())
        known = pc.index_in(values.dictionary, value_set=categories)
        if known.null_count:  # pandas writes a column of whole numbers with a missing one as 1.0
            whole = pc.replace_substring_regex(values.dictionary, r"^([+-]?\d+)\.0+$", r"\1")
            known = pc.coalesce(known, pc.index_in(whole, value_set=categories))
        codes = known.fill_null(-1).to_numpy(zero_copy_only=False)
        codes = np.append(codes, -2)  # of a missing value
        indices = values.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
        codes = codes[indices]
        out[:] = 0.0
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1.0
        width = len(self.categories)
        if self.other:
            out[codes == -1, width] = 1.0
        if self.missing:
            out[codes == -2, width + self.other] = 1.0
        elif self.other:
            out[codes == -2, width] = 1.0
        unknown = int((codes == -1).sum())
        return Unseen(
            unknown=unknown,
            missing=0 if self.missing else int((codes == -2).sum()),
            examples=pc.filter(values.dictionary, known.is_null())[:EXAMPLES].to_pylist()
            if unknown
            else [],
        )

    def to_json(self) -> dict[str, Any]:
        """Return the data for `column_from_json`."""
        return {
            "kind": "category",
            "name": self.name,
            "categories": list(self.categories),
            "other": self.other,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class DateColumn:
    """Year, month, day of the week, hour and days: each that varies in training, scaled."""

    name: str
    formats: tuple[str, ...]
    parts: tuple[tuple[str, AnyScale], ...]
    missing: bool
    kind = "date"

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(scale.width for _, scale in self.parts) + self.missing

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input."""
        names = [
            text for part, scale in self.parts for text in scale.names(f"{part} of {self.name}")
        ]
        return names + ([f"{self.name} is missing"] if self.missing else [])

    @property
    def formulas(self) -> list[str]:
        """How to compute each input; an input without a formula is 1 if its meaning holds."""
        return [formula for _, scale in self.parts for formula in scale.formulas()]

    @classmethod
    def fit(
        cls,
        name: str,
        kind: Kind,
        values: Sequence[NDArray[np.float64]],
        fit_scale: FitScale = Scale.fit,
    ) -> DateColumn:
        """Learn from the blocks of `read`."""
        together = np.concatenate(values)
        missing = np.isnan(together)
        parts = []
        for part, numbers in parts_of(together).items():
            known = numbers[~missing]
            if len(known) and (known != known[0]).any():
                parts.append((part, fit_scale(numbers)))
        return cls(name, kind.formats, tuple(parts), bool(missing.any()))

    def read(self, column: pa.Array) -> tuple[NDArray[np.float64], pa.Array]:
        """Return seconds since 1970, with NaN for missing values, and texts that are not dates."""
        return read_dates(column, self.formats, self.name)

    def write(self, values: NDArray[np.float64], out: NDArray[Any]) -> Unseen:
        """Write the inputs; return what training did not have."""
        numbers = parts_of(values)
        start = 0
        for part, scale in self.parts:
            stop = start + scale.width
            scale.write(numbers[part], out[:, start:stop])
            start = stop
        return _write_missing(values, out, self.missing)

    def to_json(self) -> dict[str, Any]:
        """Return the data for `column_from_json`."""
        return {
            "kind": "date",
            "name": self.name,
            "formats": list(self.formats),
            "parts": {part: scale.to_json() for part, scale in self.parts},
            "missing": self.missing,
        }


def _write_missing(values: NDArray[np.float64], out: NDArray[Any], has_input: bool) -> Unseen:
    """Write the last input, which is 1 for a missing value, or count them if there is none."""
    missing = np.isnan(values)
    if has_input:
        out[:, -1] = missing
        return Unseen()
    return Unseen(missing=int(missing.sum()))


def least_count(rows: int, distinct: int) -> int:
    """Return how often a category must occur to get an input of its own."""
    return max(2, min(10, rows // 200)) if distinct > 2 else 1


Column = NumberColumn | CategoryColumn | DateColumn
CLASSES: dict[str, Any] = {c.kind: c for c in (NumberColumn, CategoryColumn, DateColumn)}


def read_numbers(
    column: pa.Array, style: NumberStyle, name: str
) -> tuple[NDArray[np.float64], pa.Array]:
    """Return the numbers of a normalised column, and the texts that are not numbers.

    Raises
    ------
    ValueError
        If the column contains dates or other objects.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type):
        values, strays = style.parse(column)
        return values, column.filter(pa.array(strays))
    if not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_boolean(column.type)
    ):
        raise ValueError(f"column {name!r} must be numeric, but it has the type {column.type}")
    values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(values, dtype=np.float64), _NO_TEXTS


def read_texts(column: pa.Array) -> pa.Array:
    """Return a normalised column as a dictionary of texts. Whole numbers have no decimal point."""
    if pa.types.is_dictionary(column.type):
        return column
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "True", "False").dictionary_encode()
    if pa.types.is_floating(column.type):
        present = column.drop_null()
        whole = pc.and_(
            pc.equal(present, pc.round(present)), pc.less(pc.abs(present), float(2**53))
        )
        if pc.all(whole).as_py() is not False:
            column = pc.cast(column, pa.int64(), safe=False)
    return pc.cast(column, pa.string()).dictionary_encode()


def read_dates(
    column: pa.Array, formats: Sequence[str], name: str
) -> tuple[NDArray[np.float64], pa.Array]:
    """Return a normalised column in seconds since 1970, and the texts that are not dates."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        zone = getattr(column.type, "tz", None)
        times = pc.cast(column, pa.timestamp("us", zone), safe=False)
        return to_seconds(times.to_pandas()), _NO_TEXTS
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_string(column.type):
        raise ValueError(f"column {name!r} must have dates, but it has the type {column.type}")
    values, strays = parse_dates(column, formats)
    return values, column.filter(pa.array(strays))


def column_from_json(data: Any) -> Column:
    """Return a column from its `to_json`.

    Raises
    ------
    ValueError
        If the data are not such a column.
    """
    try:
        return _column(**data)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        name = data.get("name") if isinstance(data, dict) else None
        raise ValueError(f"the encoding of the column {name!r} is damaged: {error}") from error


def _column(kind: str, name: Any, missing: Any, **data: Any) -> Column:
    if not isinstance(name, str) or not isinstance(missing, bool):
        raise TypeError("a name and a flag are expected")
    if kind == "number":
        scale = input_scale_from_json(data["scale"])
        return NumberColumn(name, style_from_json(data["style"]), scale, missing)
    if kind == "category":
        categories, other = tuple(data["categories"]), data["other"]
        if not all(isinstance(c, str) for c in categories) or not isinstance(other, bool):
            raise TypeError("texts and a flag are expected")
        if len(set(categories)) < len(categories):
            raise ValueError("two categories are equal")
        return CategoryColumn(name, categories, other, missing)
    if kind == "date":
        if not isinstance(data["parts"], dict):
            raise TypeError("parts of dates are expected")
        known = parts_of(np.zeros(1))
        parts = tuple((part, input_scale_from_json(scale)) for part, scale in data["parts"].items())
        formats = tuple(data["formats"])
        if not all(part in known for part, _ in parts) or not all(
            isinstance(text, str) for text in formats
        ):
            raise ValueError("parts and formats of dates are expected")
        return DateColumn(name, formats, parts, missing)
    raise ValueError(f"unknown kind {kind!r}")
