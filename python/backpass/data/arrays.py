"""Blocks of arrays that are read by slices."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass._arguments import to_count
from backpass.data.source import Block, BlockSource

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Arrays"]

_BLOCK_BYTES = 4 << 20


class Arrays(BlockSource):
    """Arrays that are read by slices of rows: memory-mapped files, HDF5, Zarr.

    Parameters
    ----------
    x : object with ``shape`` and slices
        (B, M_0). For a `numpy.memmap` of a whole array, each block is mapped on its own, so that
        the process keeps only the pages of the present blocks.
    y : object with ``shape`` and slices
        (B, M_N) or (B,).
    sample_weight : object with ``shape`` and slices, optional
        (B,).
    block_rows : int, optional
        Number of rows per block. The default is the number of rows in 4 MiB of `x`.
    buffer_rows : int, optional
        As in `Source`.

    Raises
    ------
    ValueError
        If the arrays have different numbers of rows.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        block_rows: int | None = None,
        buffer_rows: int | None = None,
    ) -> None:
        super().__init__(buffer_rows=buffer_rows)
        self._arrays = {"x": x, "y": y, "sample_weight": sample_weight}
        rows = {}
        for name, array in self._arrays.items():
            if array is not None:
                if not getattr(array, "shape", ()):
                    raise TypeError(f"{name} must be an array with rows, got {array!r}")
                rows[name] = int(array.shape[0])
        if len(set(rows.values())) > 1:
            raise ValueError(f"the numbers of rows differ: {rows}")
        self._rows = rows["x"]
        if block_rows is None:
            row_bytes = int(np.prod(x.shape[1:])) * np.dtype(x.dtype).itemsize
            block_rows = max(1, _BLOCK_BYTES // max(1, row_bytes))
        self._block_rows = to_count(block_rows, "block_rows", 1)

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return self._rows

    @property
    def num_blocks(self) -> int:
        """Number of blocks."""
        return -(-self._rows // self._block_rows)

    def read(self, block: int) -> Iterator[Block]:
        """Return the rows of a block."""
        begin = block * self._block_rows
        end = min(self._rows, begin + self._block_rows)
        x, y, sample_weight = (_rows_of(array, begin, end) for array in self._arrays.values())
        yield Block(x, y, sample_weight)


def _rows_of(array: Any, begin: int, end: int) -> Any:
    if array is None:
        return None
    # A view of a memmap, or one whose changes are not written, cannot be mapped by its file's name.
    whole = isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap)
    if not whole or array.mode == "c" or array.filename is None or not array.flags.c_contiguous:
        return array[begin:end]
    row_bytes = int(np.prod(array.shape[1:])) * array.itemsize
    return np.memmap(
        array.filename,
        dtype=array.dtype,
        mode="r",
        offset=array.offset + begin * row_bytes,
        shape=(end - begin, *array.shape[1:]),
    )
