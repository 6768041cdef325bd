"""Rows in memory, with the dtypes of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backpass._core.losses import Custom
from backpass._inputs import to_array
from backpass.data.source import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backpass._core.losses import Loss
    from backpass.network import Network

__all__ = ["Buffer", "CheckedBlock", "RowKind"]


class RowKind:
    """What a network and a loss need of a row.

    Parameters
    ----------
    network : Network
        Has M_0 inputs, M_N outputs and a dtype.
    loss : Loss
        A cross-entropy, or a function, may have labels as targets.
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        self.inputs, self.outputs = network.sizes[0], network.sizes[-1]
        self.dtype = network.dtype
        self.has_labels = loss.targets == "distribution"
        self.may_have_labels = self.has_labels or (isinstance(loss, Custom) and self.outputs > 1)

    def are_labels(self, y: NDArray[Any]) -> bool:
        """Return whether targets are class labels; see the rules of `Network.train_step`."""
        return self.may_have_labels and y.ndim == 1 and y.dtype.kind in "biu"

    def dtype_of(self, y: NDArray[Any]) -> np.dtype[Any]:
        """Return the dtype of targets for the core, which refuses labels that are not integers."""
        if self.are_labels(y):
            return np.dtype(np.int64)
        return y.dtype if self.has_labels and y.ndim == 1 else self.dtype


class CheckedBlock:
    """A block as arrays.

    Parameters
    ----------
    block : Block
        Any array-likes.
    kind : RowKind
        What the rows are for.
    place : str
        Start of the messages.

    Raises
    ------
    ValueError
        If a shape, a label or a weight is wrong.
    TypeError
        If a dtype is not real.
    """

    def __init__(self, block: Block, kind: RowKind, place: str) -> None:
        given = {name: value for name, value in block._asdict().items() if value is not None}
        arrays = {name: _real(value, f"{place}{name}") for name, value in given.items()}
        self.arrays = arrays
        self.place = place
        shapes = {name: array.shape for name, array in arrays.items()}
        if "y" not in arrays:
            raise ValueError(f"{place}y is missing")
        if len(shapes["x"]) != 2 or shapes["x"][1] != kind.inputs:
            raise ValueError(f"{place}x must have shape (rows, {kind.inputs}), got {shapes['x']}")
        if not all(shape and shape[0] == shapes["x"][0] for shape in shapes.values()):
            raise ValueError(f"{place}the arrays have different numbers of rows: {shapes}")
        self.rows: int = shapes["x"][0]
        #: What all blocks of a source must have in common: the dtype and the shape of a row.
        self.kinds = {name: (kind.dtype, shape[1:]) for name, shape in shapes.items()}
        self.kinds["y"] = (kind.dtype_of(arrays["y"]), shapes["y"][1:])
        if kind.are_labels(arrays["y"]) and kind.has_labels:
            _check(
                arrays["y"],
                (arrays["y"] >= 0) & (arrays["y"] < kind.outputs),
                f"{place}label y",
                f"labels must be from 0 to {kind.outputs - 1}",
            )
        if (weights := arrays.get("sample_weight")) is not None:
            _check(
                weights,
                (weights >= 0) & np.isfinite(weights),
                f"{place}sample_weight",
                "weights must be finite and not negative",
            )


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


def _real(values: Any, name: str) -> NDArray[Any]:
    array = to_array(values, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must have a real dtype, got {array.dtype}")
    return array


def _check(values: NDArray[Any], right: NDArray[Any], name: str, rule: str) -> None:
    """Raise ValueError with the first value that is not right."""
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(f"{name}[{row}] is {values[row]}: {rule}")


def _text(kinds: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} of {dtype} with rows of shape {shape}" for name, (dtype, shape) in kinds.items()
    )
