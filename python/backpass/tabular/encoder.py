"""All input columns of a table: from rows of a table to the inputs of a network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from backpass.tabular.columns import CLASSES, Column, column_from_json
from backpass.tabular.kinds import require_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.kinds import Kind


@dataclass(frozen=True)
class TableEncoder:
    """The encoders of the input columns, in the order of the network's inputs."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return len(self.inputs)

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input of the network, in order."""
        return [name for column in self.columns for name in column.inputs]

    @property
    def names(self) -> list[str]:
        """The columns of the table that are inputs."""
        return [column.name for column in self.columns]

    def check(self, names: Sequence[str]) -> None:
        """Raise ValueError, with the name, if the table lacks a column."""
        for name in self.names:
            require_column(name, dict.fromkeys(names))

    def encode(
        self, block: Mapping[str, pa.Array], dtype: Any, counts: dict[str, Counter[str]]
    ) -> NDArray[Any]:
        """Return the inputs of one block of normalised columns, (rows, width).

        `counts` gets, for each column, the numbers of values that training did not have.
        """
        values = {}
        for column in self.columns:
            values[column.name], strays = column.read(block[column.name])
            if strays:
                what = "dates" if column.kind == "date" else "numbers"
                counts.setdefault(column.name, Counter())[f"values that are not {what}"] += strays
        rows = len(next(iter(block.values())))
        out = np.empty((rows, self.width), dtype)
        self.write(values, out, counts)
        return out

    def write(
        self, values: Mapping[str, Any], out: NDArray[Any], counts: dict[str, Counter[str]]
    ) -> None:
        """Write the inputs of values that the columns have read to `out`, (rows, width)."""
        start = 0
        for column in self.columns:
            stop = start + len(column.inputs)
            found = column.write(values[column.name], out[:, start:stop])
            start = stop
            if any(found.values()):
                counts.setdefault(column.name, Counter()).update(+found)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the data for `from_json`."""
        return [column.to_json() for column in self.columns]

    @classmethod
    def from_json(cls, data: Any) -> TableEncoder:
        """Return an encoder from its `to_json`; raise ValueError if `data` is not such data."""
        if not isinstance(data, list) or not data:
            raise ValueError("there are no input columns")
        return cls(tuple(column_from_json(column) for column in data))


def fit_column(name: str, kind: Kind, values: Sequence[Any]) -> Column:
    """Return the encoder of a column of the kind "number", "category" or "date".

    Parameters
    ----------
    values : sequence of arrays
        Blocks that the column of `reader_of` has read; the rows for training only.
    """
    column: Column = CLASSES[kind.kind].fit(name, kind, values)
    return column


def reader_of(name: str, kind: Kind) -> Column:
    """Return a column that reads values; it has learned nothing."""
    nothing: Any = np.empty(0)
    if kind.kind == "category":
        nothing = pa.array([], pa.string()).dictionary_encode()
    return fit_column(name, kind, [nothing])


def count_lines(counts: Mapping[str, Counter[str]]) -> Iterator[str]:
    """Return one line per column for `counts` of `TableEncoder.encode`."""
    for name, found in counts.items():
        shown = ", ".join(f"{count} {what}" for what, count in found.items() if count)
        yield f"column {name!r}: {shown}"
