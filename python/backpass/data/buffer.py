"""Rows in memory, with the dtypes of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.data.source import Block

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Buffer", "CheckedBlock"]


class CheckedBlock:
    """A block as arrays.

    Parameters
    ----------
    block : Block
        Any array-likes.
    inputs : int
        M_0.
    dtype : numpy.dtype
        Of the network.
    place : str
        Start of the messages.

    Raises
    ------
    ValueError
        If a shape is wrong.
    TypeError
        If a dtype is not real.
    """

    def __init__(self, block: Block, inputs: int, dtype: np.dtype[Any], place: str) -> None:
        self.arrays: dict[str, NDArray[Any]] = {"x": _real(block.x, "x", place)}
        self.arrays["y"] = _real(block.y, "y", place)
        if block.sample_weight is not None:
            self.arrays["sample_weight"] = _real(block.sample_weight, "sample_weight", place)
        shapes = {name: array.shape for name, array in self.arrays.items()}
        if len(shapes["x"]) != 2 or shapes["x"][1] != inputs:
            raise ValueError(f"{place}x must have shape (rows, {inputs}), got {shapes['x']}")
        if not all(shape and shape[0] == shapes["x"][0] for shape in shapes.values()):
            raise ValueError(f"{place}the arrays have different numbers of rows: {shapes}")
        labels = self.arrays["y"].ndim == 1 and self.arrays["y"].dtype.kind in "iu"
        #: What all blocks of a source must have in common: the dtype and the shape of a row.
        self.kinds = {name: (dtype, shape[1:]) for name, shape in shapes.items()}
        if labels:
            self.kinds["y"] = (np.dtype(np.int64), ())
        self.rows: int = shapes["x"][0]
        self.place = place


class Buffer:
    """Memory for `size` rows."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._kinds: dict[str, Any] = {}
        self._arrays: dict[str, NDArray[Any]] = {}

    def append(self, block: CheckedBlock, begin: int, most: int) -> int:
        """Copy at most `most` rows of a block, from row `begin` on; return their number."""
        if not self._arrays:
            self._kinds = block.kinds
            self._arrays = {
                name: np.empty((self.size, *shape), dtype)
                for name, (dtype, shape) in block.kinds.items()
            }
        if block.kinds != self._kinds:
            raise ValueError(
                f"{block.place}the arrays differ from those of other blocks: "
                f"{_text(block.kinds)} instead of {_text(self._kinds)}"
            )
        rows = min(most, block.rows - begin, self.size - self.count)
        with np.errstate(over="ignore"):
            for name, array in self._arrays.items():
                to = array[self.count : self.count + rows]
                np.copyto(to, block.arrays[name][begin : begin + rows], casting="unsafe")
        self.count += rows
        return rows

    def rows(self) -> Block:
        """Return the rows so far, without a copy."""
        return Block(**{name: array[: self.count] for name, array in self._arrays.items()})


def _real(values: ArrayLike, name: str, place: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{place}{name} must have a real dtype, got {array.dtype}")
    return array


def _text(kinds: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} of {dtype} with rows of shape {shape}" for name, (dtype, shape) in kinds.items()
    )
