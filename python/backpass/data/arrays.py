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
        (B, M_0). Of a `numpy.memmap`, the process keeps only the pages of one block.
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
        self._arrays = {"x": x, "y": y}
        if sample_weight is not None:
            self._arrays["sample_weight"] = sample_weight
        rows = {}
        for name, array in self._arrays.items():
            if not getattr(array, "shape", ()) or not hasattr(array, "dtype"):
                kind = type(array).__name__
                raise TypeError(f"{name} must be an array with a shape and a dtype, got {kind}")
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
        yield Block(**{name: array[begin:end] for name, array in self._arrays.items()})
        for array in self._arrays.values():
            _drop_pages(array)


def _drop_pages(array: Any) -> None:
    """Let the system take back the pages of a mapped file; reading maps them again."""
    # With mode "c", changes are in the pages only.
    if not isinstance(array, np.memmap) or array.mode == "c":
        return
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)
