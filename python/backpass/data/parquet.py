"""Blocks of Parquet files and other datasets of Arrow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.data.source import Block, BlockSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = str | os.PathLike[str]

__all__ = ["Parquet"]

_BATCH_ROWS = 16384


class Parquet(BlockSource):
    """The row groups of Parquet files.

    Parameters
    ----------
    path : path, list of paths, or pyarrow.dataset.Dataset
        One file, a folder of files, or several files. A dataset of another format is read file by
        file.
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
        dataset = _open(path)
        self._y: list[str] | str = y if isinstance(y, str) else list(y)
        targets = [y] if isinstance(y, str) else list(y)
        self._weight = sample_weight
        others = [*targets, *([] if sample_weight is None else [sample_weight])]
        names = dataset.schema.names
        self._x = [name for name in names if name not in others] if x is None else list(x)
        for name in [*self._x, *others]:
            _check_column(dataset.schema, name)
        self._columns = list(dict.fromkeys([*self._x, *others]))
        self._fragments = [part for whole in dataset.get_fragments() for part in _split(whole)]
        self._rows = sum(_count(fragment) for fragment in self._fragments)

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self._rows

    @property
    def num_blocks(self) -> int:
        """Number of row groups."""
        return len(self._fragments)

    def read(self, block: int) -> Iterator[Block]:
        """Return the rows of a row group, some at a time."""
        fragment = self._fragments[block]
        # Without read-ahead: `fit` reads ahead itself, and each batch that waits needs memory.
        batches = fragment.to_batches(
            columns=self._columns,
            batch_size=_BATCH_ROWS,
            batch_readahead=0,
            fragment_readahead=0,
            use_threads=False,
        )
        for batch in batches:
            columns = {name: _numbers(batch.column(name), name, fragment) for name in self._columns}
            y = (
                columns[self._y]
                if isinstance(self._y, str)
                else _side_by_side([columns[name] for name in self._y])
            )
            x = _side_by_side([columns[name] for name in self._x])
            yield Block(x, y, None if self._weight is None else columns[self._weight])


def _open(path: Any) -> Any:
    try:
        import pyarrow.dataset
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install 'backpass[tabular]'") from error
    if isinstance(path, pyarrow.dataset.Dataset):
        return path
    if not isinstance(path, (str, os.PathLike)) and isinstance(path, Iterable):
        return pyarrow.dataset.dataset([os.fspath(file) for file in path], format="parquet")
    return pyarrow.dataset.dataset(os.fspath(path), format="parquet")


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


def _numbers(column: Any, name: str, fragment: Any) -> np.ndarray[Any, Any]:
    if column.null_count:
        raise ValueError(
            f"column {name!r} has {column.null_count} missing values in {fragment.path}; "
            "fill them, or use backpass.tabular"
        )
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _side_by_side(columns: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    result = np.empty((len(columns[0]), len(columns)), np.result_type(*columns))
    for i, column in enumerate(columns):
        result[:, i] = column
    return result
