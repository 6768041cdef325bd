"""Blocks of Dask's arrays and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.data.source import Block, BlockSource

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Dask"]


class Dask(BlockSource):
    """The chunks of Dask arrays, or the partitions of a Dask frame.

    Parameters
    ----------
    x : dask.array.Array or dask.dataframe.DataFrame
        (B, M_0).
    y : dask.array.Array, dask.dataframe.Series or DataFrame, str or list of str
        (B, M_N) or (B,), or names of columns of the frame `x`, which are then not inputs.
    sample_weight : dask.array.Array, dask.dataframe.Series or str, optional
        (B,), or the name of a column of the frame `x`.
    buffer_rows : int, optional
        As in `Source`.

    Raises
    ------
    ValueError
        If the chunks of `x`, `y` and `sample_weight` have different numbers of rows.

    Notes
    -----
    A block is computed when it is read, with Dask's scheduler at that time: threads by default, or
    the cluster of a `distributed.Client`. `persist()` or a file avoids computing it once per epoch.
    """

    def __init__(
        self, x: Any, y: Any, sample_weight: Any = None, *, buffer_rows: int | None = None
    ) -> None:
        super().__init__(buffer_rows=buffer_rows)
        if _is_frame(x):
            x, y, sample_weight = _columns_of(x, y, sample_weight)
        self._parts = {
            name: _parts_of(data, name)
            for name, data in {"x": x, "y": y, "sample_weight": sample_weight}.items()
            if name != "sample_weight" or data is not None
        }
        counts = {name: len(parts) for name, parts in self._parts.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"the numbers of chunks of rows differ: {counts}; use rechunk")
        sizes = {
            tuple(data.chunks[0])
            for data in (x, y, sample_weight)
            if data is not None and not _is_series_or_frame(data)
        }
        known = [rows for rows in sizes if not np.isnan(rows).any()]
        if len(known) > 1:
            raise ValueError(f"the rows of the chunks differ: {sorted(known)}; use rechunk")
        self._rows = int(sum(known[0])) if known else None

    @property
    def rows(self) -> int:
        """Number of all rows. If Dask does not know it, all chunks are computed once."""
        if self._rows is None:
            import dask

            (counts,) = dask.compute([dask.delayed(len)(part) for part in self._parts["y"]])
            self._rows = int(sum(counts))
        return self._rows

    @property
    def num_blocks(self) -> int:
        """Number of chunks of rows."""
        return len(self._parts["x"])

    def read(self, block: int) -> Iterator[Block]:
        """Compute a chunk."""
        import dask

        names = list(self._parts)
        values = dask.compute(*(self._parts[name][block] for name in names))
        yield Block(**dict(zip(names, values, strict=True)))


def _is_series_or_frame(data: Any) -> bool:
    return hasattr(data, "npartitions") and not hasattr(data, "rechunk")


def _is_frame(data: Any) -> bool:
    return hasattr(data, "npartitions") and hasattr(data, "columns")


def _columns_of(frame: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return x, y and sample_weight, with columns of the frame in place of names."""
    taken: list[str] = []
    for given in (y, sample_weight):
        if isinstance(given, (str, list)):
            taken += [given] if isinstance(given, str) else given
    inputs = frame[[name for name in frame.columns if name not in taken]] if taken else frame
    return (
        inputs,
        frame[y] if isinstance(y, (str, list)) else y,
        frame[sample_weight] if isinstance(sample_weight, str) else sample_weight,
    )


def _parts_of(data: Any, name: str) -> list[Any]:
    """Return one delayed object per chunk of rows."""
    if not hasattr(data, "to_delayed"):
        kind = type(data).__name__
        raise TypeError(
            f"{name} must be an array or a frame of Dask, got {kind}; use dask.array.from_array"
        )
    if _is_series_or_frame(data):
        return list(data.to_delayed())
    if data.ndim > 1:
        data = data.rechunk(dict.fromkeys(range(1, data.ndim), -1))
    return list(data.to_delayed().ravel())
