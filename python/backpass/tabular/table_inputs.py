"""The inputs of the rows of a table: what its columns are, their encoders, and the encoded rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from backpass.tabular.encoder import TableEncoder, fit_column, reader_of
from backpass.tabular.facts import Facts, blocks_of, examine
from backpass.tabular.kinds import check_header, common_decimal, decide
from backpass.tabular.options import ReadOptions
from backpass.tabular.scales import Scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.columns import FitScale
    from backpass.tabular.options import ColumnOptions
    from backpass.tabular.sources import Table

    Rows = NDArray[np.int64]

# The encoder of a large table learns from about _MOST_FITTED values, and from at least
# _LEAST_FITTED rows.
_MOST_FITTED = 1 << 22
_LEAST_FITTED = 10_000


class TableInputs:
    """The input columns of a table.

    A table may be larger than the memory. So each step reads it again, block by block: the first
    pass finds out what the columns are, `fit` reads the rows to learn the encoder from, and
    `encode` writes the inputs of the network.

    Attributes
    ----------
    facts : dict of str to Facts
        Of all columns.
    decimal : str, optional
        The decimal sign, if it is known.
    kinds : dict of str to Kind
        Of all columns except the targets.
    """

    def __init__(
        self,
        table: Table,
        options: ColumnOptions | None = None,
        read: ReadOptions | None = None,
        targets: Sequence[str] = (),
    ) -> None:
        read = read or ReadOptions()
        self.facts: dict[str, Facts] = examine(table)
        check_header(table.name, table.header, self.facts)
        self.decimal = read.decimal or common_decimal(self.facts)
        self.kinds = decide(self.facts, options, targets, self.decimal, read.day_first)
        self._inputs = {name: kind for name, kind in self.kinds.items() if kind.is_input}
        if not self._inputs:
            why = ", ".join(f"{name!r} ({kind.note})" for name, kind in self.kinds.items())
            what = f" to predict {', '.join(targets)!r} from" if targets else ""
            raise ValueError(
                f"{table.name}: no column is left{what}"
                + (f"; left out: {why[:200]}" if why else "")
            )
        self._table = table
        self._readers = {name: reader_of(name, kind) for name, kind in self._inputs.items()}
        # The rows that count; `TableRows` leaves out rows without a target.
        self._known: NDArray[np.bool_] = np.ones(next(iter(self.facts.values())).rows, dtype=bool)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self._known.sum())

    @property
    def ids(self) -> list[str]:
        """The columns that identify rows."""
        return [name for name, kind in self.kinds.items() if kind.kind == "id"]

    def fit(self, train: Rows, fit_scale: FitScale = Scale.fit) -> TableEncoder:
        """Return an encoder that has learned from the given rows.

        Of a large table, it learns from rows at random, so that their values take little memory.
        """
        most = max(_LEAST_FITTED, _MOST_FITTED // len(self._inputs))
        if len(train) > most:
            train = np.random.default_rng(0).choice(train, most, replace=False)
        chosen = np.zeros(self.rows, dtype=bool)
        chosen[train] = True
        values: dict[str, list[Any]] = {name: [] for name in self._inputs}
        for _, block in self._read(chosen, self._inputs):
            for name, column in block.items():
                values[name].append(column)
        columns = [
            fit_column(name, kind, values.pop(name), fit_scale)
            for name, kind in self._inputs.items()
        ]
        used = tuple(column for column in columns if column.width)
        if not used:
            names = ", ".join(self._inputs)
            raise ValueError(f"no column has two frequent values in the rows for training: {names}")
        return TableEncoder(used)

    def encode(
        self, encoder: TableEncoder, parts: Sequence[Rows], dtype: Any
    ) -> list[NDArray[Any]]:
        """Return the inputs of the rows of each part, (rows, width).

        All parts are views of one array, which is filled block by block.
        """
        chosen = np.zeros(self.rows, dtype=bool)
        place = np.empty(self.rows, dtype=np.int64)
        sizes = [len(part) for part in parts]
        for start, part in zip(np.cumsum([0, *sizes[:-1]]), parts, strict=True):
            chosen[part] = True
            place[part] = start + np.arange(len(part))
        x = np.empty((sum(sizes), encoder.width), dtype)
        for rows, block in self._read(chosen, encoder.names):
            out = np.empty((len(rows), encoder.width), dtype)
            encoder.write(block, out, {})
            x[place[rows]] = out
        return np.split(x, np.cumsum(sizes[:-1]))

    def _read(
        self, chosen: NDArray[np.bool_], names: Iterable[str]
    ) -> Iterator[tuple[Rows, dict[str, Any]]]:
        """Yield the numbers of the chosen rows of each block, and the values of their columns."""
        mask = self._known.copy()
        mask[mask] = chosen
        row = start = 0
        for block in blocks_of(self._table, names):
            part = mask[start : start + len(next(iter(block.values())))]
            known = int(self._known[start : start + len(part)].sum())
            start += len(part)
            rows = row + np.flatnonzero(chosen[row : row + known])
            row += known
            where = pa.array(part)
            yield (
                rows,
                {
                    name: self._readers[name].read(column.filter(where))[0]
                    for name, column in block.items()
                },
            )
        if start != len(mask):
            raise ValueError(f"{self._table.name}: the file changed while it was read")
