"""Blocks of Parquet files and other datasets of Arrow."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.data.source import Block, BlockSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Path = str | os.PathLike[str]

__all__ = ["Parquet"]

# Rows that are decoded at a time. A larger number needs more memory for all columns.
_BATCH_ROWS = 16384
_READ_BYTES = 1 << 20  # per column


class Parquet(BlockSource):
    """The row groups of Parquet files.

    Parameters
    ----------
    path : path, list of paths, or pyarrow.dataset.Dataset
        One file, a folder of files (``key=value`` in names of folders is a column), or several
        files. A dataset of another format is read file by file.
    y : str or list of str
        Name of the target column, or names of M_N columns.
    x : list of str, optional
        Names of the M_0 input columns. The default is all other columns.
    sample_weight : str, optional
        Name of a column.
    buffer_rows : int, optional
        As in `Source`.

    Raises
    ------
    ImportError
        Without pyarrow.
    ValueError
        If a column does not exist, is not numeric, or has missing values.

    Notes
    -----
    All columns must be numbers or booleans. `backpass.tabular` encodes categories, dates and
    missing values, but reads the whole table.
    """

    def __init__(
        self,
        path: Path | Sequence[Path] | Any,
        *,
        y: str | Sequence[str],
        x: Sequence[str] | None = None,
        sample_weight: str | None = None,
        buffer_rows: int | None = None,
    ) -> None:
        super().__init__(buffer_rows=buffer_rows)
        self._dataset = _open(path)
        targets = _names(y, "y")
        weights = [] if sample_weight is None else _names(sample_weight, "sample_weight")
        names = self._dataset.schema.names
        others = [name for name in names if name not in (*targets, *weights)]
        self._x = others if x is None else _names(x, "x")
        if isinstance(x, str) or not self._x or not targets:
            raise ValueError(f"x and y must be names of columns, got x={x!r} and y={y!r}")
        if twice := set(self._x) & set(targets):
            raise ValueError(f"columns are both inputs and targets: {sorted(twice)}")
        self._y = y if isinstance(y, str) else targets
        self._weight = sample_weight
        self._columns = list(dict.fromkeys([*self._x, *targets, *weights]))
        for name in self._columns:
            _check_column(self._dataset.schema, name)
        whole = self._dataset.get_fragments()
        self._fragments = [part for fragment in whole for part in _split(fragment)]
        self._rows = sum(_count(fragment) for fragment in self._fragments)

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self._rows

    @property
    def num_blocks(self) -> int:
        """Number of row groups."""
        return len(self._fragments)

    def name_of(self, block: int) -> str:
        """Return the file and the row group of a block, for messages."""
        fragment = self._fragments[block]
        groups = getattr(fragment, "row_groups", None)
        group = f", row group {groups[0].id}" if groups else ""
        return f"{getattr(fragment, 'path', None) or 'the table'}{group}"

    def read(self, block: int) -> Iterator[Block]:
        """Return the rows of a row group, some at a time."""
        place = self.name_of(block)
        for batch in _batches(self._fragments[block], self._columns, self._dataset.schema):
            columns = {
                name: _numbers(batch, name, self._dataset.schema.field(name).type, place)
                for name in self._columns
            }
            y = (
                columns[self._y]
                if isinstance(self._y, str)
                else _side_by_side([columns[name] for name in self._y])
            )
            x = _side_by_side([columns[name] for name in self._x])
            yield Block(x, y, None if self._weight is None else columns[self._weight])


def _names(given: Any, what: str) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} must be names of columns, got {given!r}")
    return list(names)


def _open(path: Any) -> Any:
    try:
        import pyarrow.dataset
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install 'backpass[tabular]'") from error
    if isinstance(path, pyarrow.dataset.Dataset):
        return path
    several = not isinstance(path, (str, os.PathLike)) and isinstance(path, Iterable)
    files = [os.fspath(file) for file in path] if several else os.fspath(path)
    return pyarrow.dataset.dataset(files, format="parquet", partitioning="hive")


def _check_column(schema: Any, name: str) -> None:
    import pyarrow.types as types

    if name not in schema.names:
        raise ValueError(f"there is no column {name!r}; the columns are {schema.names}")
    kind = schema.field(name).type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise ValueError(
            f"column {name!r} has the type {kind}, but must be numeric; choose the columns with x="
        )


def _split(fragment: Any) -> list[Any]:
    """Return the row groups of a Parquet file, or the file."""
    return fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else [fragment]


def _count(fragment: Any) -> int:
    # count_rows() of a row group counts the rows of the whole file.
    groups = getattr(fragment, "row_groups", None)
    return fragment.count_rows() if groups is None else sum(group.num_rows for group in groups)


def _batches(fragment: Any, columns: list[str], schema: Any) -> Iterator[Any]:
    """Yield the rows of a fragment in small parts, with the columns that its folders name."""
    groups = getattr(fragment, "row_groups", None)
    if groups is None:
        options: dict[str, Any] = {
            "batch_readahead": 0,
            "fragment_readahead": 0,
            "use_threads": False,
        }
        yield from fragment.to_batches(schema, columns=columns, batch_size=_BATCH_ROWS, **options)
        return
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    keys = ds.get_partition_keys(fragment.partition_expression)
    stored = [name for name in columns if name not in keys]
    # to_batches() of a fragment would read the whole row group into memory.
    with (
        fragment.filesystem.open_input_file(fragment.path) as source,
        pq.ParquetFile(source, pre_buffer=False, buffer_size=_READ_BYTES) as file,
    ):
        numbers = [group.id for group in groups]
        options = {"row_groups": numbers, "columns": stored, "use_threads": False}
        for batch in file.iter_batches(_BATCH_ROWS, **options):
            full = batch
            for name in keys.keys() & set(columns):
                full = full.append_column(name, pa.repeat(keys[name], len(batch)))
            yield full


def _numbers(batch: Any, name: str, kind: Any, place: str) -> np.ndarray[Any, Any]:
    """Return a column, with the type that it has in the whole dataset."""
    import pyarrow as pa

    if name not in batch.schema.names:
        raise ValueError(f"{place}: there is no column {name!r}")
    column = batch.column(name)
    if column.null_count:
        raise ValueError(
            f"{place}: column {name!r} has {column.null_count} missing values; "
            "fill them, or use backpass.tabular"
        )
    try:
        return np.asarray(column.cast(kind).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid as error:
        raise ValueError(f"{place}: column {name!r} is not {kind}: {error}") from None


def _side_by_side(columns: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    # In Fortran's order a column is contiguous, so that it is written twice as fast.
    result = np.empty((len(columns[0]), len(columns)), np.result_type(*columns), order="F")
    for i, column in enumerate(columns):
        result[:, i] = column
    return result
