"""What a first pass over a table finds out about each column."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backpass.tabular.numbers import FRACTION, LEADING_ZERO, PLAIN
from backpass.tabular.values import count_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from backpass.tabular.sources import Table

# A column with more different values keeps the counts of some of them only. The texts that are kept
# tell the formats of dates; of numbers, fewer are enough.
_MAX_TEXTS, _KEPT_TEXTS = 50_000, 10_000
_MAX_NUMBERS, _KEPT_NUMBERS = 10_000, 100
_MAX_OTHERS = 10_000
_FLAGS = pa.array(["true", "TRUE", "false", "FALSE"])
_ROWS = 1 << 14  # per block, since the encoding of a row may be much larger than the row


@dataclass
class Facts:
    """Facts about one column.

    Attributes
    ----------
    name : str
    type : str
        "text", "number", "flag", "time", "category", or the name of a type that is not supported.
    rows, missing : int
    counts : Counter of str or float
        Values and how often they occur; incomplete if `many`.
    many : bool
        Whether there are too many different values to count.
    plain : int
        Texts only: numbers as programs write them.
    points, leading_zeros : bool
        Texts only: whether one of these has a point or an exponent, or, if none has, starts with 0.
    fractions : bool
        Texts only: whether one of these has a point that cannot separate groups of digits.
    others : Counter of str
        The texts that are not such numbers; incomplete if there are very many.
    whole : bool
        Numbers only: whether all are integers.
    counts_rows : bool
        Whether each number is the number of the row before plus 1.
    """

    name: str
    type: str = "null"
    rows: int = 0
    missing: int = 0
    counts: Counter[Any] = field(default_factory=Counter)
    many: bool = False
    plain: int = 0
    points: bool = False
    leading_zeros: bool = False
    fractions: bool = False
    others: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    counts_rows: bool = True
    _next: float | None = None  # the value of the next row if the numbers count the rows
    _distinct: int = 0

    @property
    def present(self) -> int:
        """The number of values that are not missing."""
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """The number of different values; at least this number if there are many."""
        return self._distinct

    def add(self, column: pa.Array) -> None:
        """Take a block of the column, as `normalised` returns it."""
        kind = type_of(column.type)
        if kind != "null":
            self.type = kind
        self.rows += len(column)
        self.missing += column.null_count
        if kind not in ("text", "number", "flag", "time", "category"):
            return
        if kind == "text":
            self._add_texts(column)
        elif kind == "number":
            self._add_numbers(column)
        if not self.many:
            self._count(column.drop_null())

    def _count(self, column: pa.Array) -> None:
        count_values(self.counts, column)
        self._distinct = len(self.counts)
        numbers = self.type == "number" or self.plain == self.present
        most, kept = (_MAX_NUMBERS, _KEPT_NUMBERS) if numbers else (_MAX_TEXTS, _KEPT_TEXTS)
        self.many = self._distinct > most
        if self.many:
            self.counts = Counter(dict(itertools.islice(self.counts.items(), kept)))

    def _add_texts(self, column: pa.Array) -> None:
        present = column.drop_null()
        plain = pc.match_substring_regex(present, PLAIN)
        numbers = present.filter(plain)
        others = present.filter(pc.invert(plain))
        self.plain += len(numbers)
        if not self.points:  # patterns take most of the time
            self.points = _any_match(numbers, r"[.eE]")
        if self.points and not self.fractions:
            self.fractions = _any_match(numbers, FRACTION)
        if not self.points and not self.leading_zeros:
            self.leading_zeros = _any_match(numbers, LEADING_ZERO)
        if len(self.others) <= _MAX_OTHERS:
            count_values(self.others, others)
        if len(others):
            self.counts_rows = False
        elif self.counts_rows:
            self._add_numbers(pc.cast(numbers, pa.float64()))

    def _add_numbers(self, column: pa.Array) -> None:
        values = np.asarray(column.drop_null().to_numpy(zero_copy_only=False), dtype=np.float64)
        if not len(values):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            self.whole = self.whole and bool((values == np.rint(values)).all())
        if self.counts_rows:
            first = values[0] if self._next is None else self._next
            self.counts_rows = bool((values == first + np.arange(len(values))).all())
            self._next = first + len(values)


def _any_match(texts: pa.Array, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(texts, pattern)).as_py() is True


def type_of(kind: pa.DataType) -> str:
    """Return the type of a column; see `Facts`."""
    types = pa.types
    if types.is_dictionary(kind):
        simple = type_of(kind.value_type) in ("text", "number", "flag", "time", "null")
        return "category" if simple else str(kind)
    for name, tests in {
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "flag": (types.is_boolean,),
        "number": (types.is_integer, types.is_floating, types.is_decimal),
        "time": (types.is_date, types.is_timestamp),
        "null": (types.is_null,),
    }.items():
        if any(test(kind) for test in tests):
            return name
    return str(kind)


def normalised(column: pa.Array) -> pa.Array:
    """Return a column with one Arrow type per type of `Facts`, without spaces around texts.

    Texts are strings, categories are dictionaries of strings, integers keep their type, and other
    numbers are float64. NaN and infinity are missing values.
    """
    kind = type_of(column.type)
    if kind == "category":
        texts = pc.cast(column.dictionary, pa.string())
        values = pa.DictionaryArray.from_arrays(column.indices, texts)
        return values.dictionary_decode().dictionary_encode()
    if kind == "text":
        return _same_flags(pc.utf8_trim_whitespace(pc.cast(column, pa.string())))
    if kind == "number" and not pa.types.is_integer(column.type):
        values = pc.cast(column, pa.float64(), safe=False)
        return pc.if_else(pc.is_finite(values), values, None)  # a null stays null
    if kind == "null":
        return pa.nulls(len(column), pa.string())
    return column


def _same_flags(texts: pa.Array) -> pa.Array:
    """Write flags as pandas writes them to a text file: True and False."""
    found = pc.index_in(texts, value_set=_FLAGS)
    if found.null_count == len(found):
        return texts
    return pc.coalesce(pc.if_else(pc.less(found, 2), "True", "False"), texts)


def blocks_of(table: Table, columns: Iterable[str] | None = None) -> Iterator[dict[str, pa.Array]]:
    """Return the rows of a table as blocks of normalised columns.

    Rows that repeat the names of the columns, as in files that were joined, are left out.
    """
    wanted = list(table.columns if columns is None else columns)
    indices = [table.columns.index(name) for name in wanted]
    for batch in table.blocks():
        rows = without_headers(table.columns, batch)
        for start in range(0, len(rows), _ROWS):
            block = rows.slice(start, _ROWS)
            yield {
                name: normalised(block.column(index))
                for name, index in zip(wanted, indices, strict=True)
            }


def without_headers(names: list[str], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a block without the rows that repeat the names of the columns."""
    if any(type_of(column.type) != "text" for column in batch.columns):
        return batch
    repeated = pc.equal(batch.column(0), names[0])
    if not pc.any(repeated).as_py():
        return batch
    for name, column in zip(names[1:], batch.columns[1:], strict=True):
        repeated = pc.and_(repeated, pc.equal(pc.utf8_trim_whitespace(column), name))
    return batch.filter(pc.invert(pc.fill_null(repeated, False)))


def examine(table: Table) -> dict[str, Facts]:
    """Return the facts about every column of a table, from one pass over its rows.

    Raises
    ------
    ValueError
        If the table has no rows.
    """
    facts = {name: Facts(name) for name in table.columns}
    repeated = 0
    for batch in table.blocks():
        block = without_headers(table.columns, batch)
        repeated += len(batch) - len(block)
        for name, column in zip(table.columns, block.columns, strict=True):
            facts[name].add(normalised(column))
    if not facts or not next(iter(facts.values())).rows:
        raise ValueError(f"{table.name}: no rows below the header")
    if repeated:
        table.notes.append(f"{table.name}: {repeated} rows repeat the header; they are left out")
    return facts
