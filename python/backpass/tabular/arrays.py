"""Data sets that are arrays: NPZ, NPY and IDX files, and the digits of scikit-learn."""

from __future__ import annotations

import gzip
import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from backpass.tabular.sources import Table

Array = NDArray[Any]

# Type codes of IDX, the big-endian format of the MNIST database.
_IDX_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class ArrayData:
    """Inputs and targets of a data set that is not a table.

    Attributes
    ----------
    name : str
    x : array
        (rows, inputs).
    y : array or None
        (rows,) or (rows, targets).
    target : str
        The name of the target.
    images : bool
        Whether all inputs have the same unit, like the pixels of an image.
    """

    name: str
    x: Array
    y: Array | None = None
    target: str = "y"
    images: bool = False

    def __post_init__(self) -> None:
        if self.y is not None and len(self.x) != len(self.y):
            raise ValueError(
                f"{self.name}: {len(self.x)} rows of inputs, but {len(self.y)} of targets"
            )
        if not len(self.x):
            raise ValueError(f"{self.name}: there are no rows")


@dataclass(frozen=True)
class ArrayEncoder:
    """Standardised inputs: (x − mean) / scale, with `mean` and `scale` of shape (inputs,)."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return len(self.mean)

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input of the network, in order."""
        return [f"x[{i}]" for i in range(self.width)]

    @classmethod
    def fit(cls, x: Array, *, shared: bool) -> ArrayEncoder:
        """Learn mean and standard deviation. A constant gets a scale of 1.

        With `shared`, all inputs have the same mean and deviation: pixels that are rarely lit are
        then not scaled up.
        """
        block = x.astype(np.float64)
        axis = None if shared else 0
        # Divide by the largest value, so that squares neither overflow nor underflow.
        peak = np.atleast_1d(np.abs(block).max(axis=axis))
        peak[peak == 0.0] = 1.0
        block /= peak
        mean = np.atleast_1d(block.mean(axis=axis))
        deviation = np.atleast_1d(block.std(axis=axis))
        noise = 8 * np.finfo(np.float64).eps * math.sqrt(block.size)
        scale = np.where(deviation > noise, deviation * peak, 1.0)
        width = x.shape[1]
        return cls(np.broadcast_to(mean * peak, width), np.broadcast_to(scale, width))

    def encode(self, x: Array, dtype: Any) -> Array:
        """Return the inputs of the network, (rows, inputs)."""
        if x.shape[1] != self.width:
            raise ValueError(f"the model has {self.width} inputs, but the data have {x.shape[1]}")
        out = np.empty(x.shape, dtype)
        for start in range(0, len(x), 1 << 14):  # the differences are float64: a block at a time
            rows = slice(start, start + (1 << 14))
            with np.errstate(over="ignore"):
                difference = x[rows] - self.mean
            if np.isinf(difference).any():
                difference = x[rows] / self.scale - self.mean / self.scale
            else:
                difference /= self.scale
            out[rows] = np.clip(difference, -1e30, 1e30)
        return out

    def to_json(self) -> dict[str, Any]:
        """Return the data for `from_json`."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, data: Any) -> ArrayEncoder:
        """Return an encoder from its `to_json`; raise ValueError if `data` is not such data."""
        try:
            mean, scale = (np.array(data[key], dtype=np.float64) for key in ("mean", "scale"))
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"the encoding of the inputs is damaged: {error}") from error
        sound = mean.ndim == 1 and mean.shape == scale.shape and len(mean) > 0
        if not sound or not np.isfinite([mean, scale]).all() or not (scale > 0).all():
            raise ValueError("the encoding of the inputs is damaged")
        return cls(mean, scale)


def read_arrays(
    source: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None
) -> ArrayData:
    """Read a data set: ``"digits"``, or a ``.npz``, ``.npy`` or IDX file.

    Parameters
    ----------
    source : path or "digits"
    labels : path, optional
        The IDX or NPY file with the labels.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If the content of a file is wrong or damaged.
    """
    name = os.fspath(source)
    if name == "digits":
        return load_digits()
    if name.lower().endswith(".npz"):
        return _read_npz(name)
    x = _read_array(name)
    y = None
    if labels is not None:
        y = _read_array(os.fspath(labels))
        if y.ndim > 2 or (y.ndim == 2 and x.ndim == 1 and y.shape[1] > 1):
            hint = "" if x.ndim > 2 else ": the two files are swapped"
            raise ValueError(
                f"{os.fspath(labels)}: labels have one axis, but the shape is {y.shape}{hint}"
            )
    return ArrayData(name, _as_features(x, name), y, images=x.ndim > 2)


def load_digits() -> ArrayData:
    """Load 8 × 8 images of handwritten digits: 1797 rows, 64 inputs of 0 to 16, ten classes.

    The images are part of scikit-learn. Source: Alpaydin and Kaynak (1998), Optical Recognition of
    Handwritten Digits, UCI Machine Learning Repository.
    """
    from sklearn import datasets

    x, y = datasets.load_digits(return_X_y=True)
    return ArrayData("digits", x, y, "digit", images=True)


def stack_numbers(table: Table) -> Array:
    """Return all columns of a table side by side, (rows, columns), for a network without encoder.

    Raises
    ------
    ValueError
        If a value is missing or is not a number; the message names the column and the row.
    """
    from backpass.tabular.columns import read_numbers
    from backpass.tabular.facts import blocks_of
    from backpass.tabular.numbers import NumberStyle

    blocks = []
    rows = 0
    for block in blocks_of(table):
        columns = []
        for name, column in block.items():
            values, _ = read_numbers(column, NumberStyle(), name)
            if np.isnan(values).any():
                row = rows + int(np.isnan(values).argmax()) + 1
                raise ValueError(f"column {name!r}, row {row}: the value is not a number")
            columns.append(values)
        blocks.append(np.stack(columns, axis=1))
        rows += len(blocks[-1])
    return np.concatenate([np.empty((0, len(table.columns))), *blocks])


def _read_array(name: str) -> Array:
    return _read_npy(name) if name.lower().endswith(".npy") else read_idx(name)


def _read_npy(name: str) -> Array:
    try:
        array: Array = np.load(name, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{name}: not an .npy file of numbers: {error}") from error
    return array


def _read_npz(name: str) -> ArrayData:
    """Read the arrays ``x`` (rows, …) and, if it exists, ``y``. Pickled objects are refused."""
    with Path(name).open("rb") as raw:
        # np.load would report any other file as a pickle.
        if not zipfile.is_zipfile(raw):
            raise ValueError(f"{name}: not an .npz file")
        raw.seek(0)
        try:
            with np.load(raw, allow_pickle=False) as file:
                arrays = {key: file[key] for key in ("x", "y") if key in file.files}
                present = ", ".join(file.files) or "none"
        except (ValueError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            raise ValueError(f"{name}: not a valid .npz file: {error}") from error
    if "x" not in arrays:
        raise ValueError(f"{name}: no array 'x'; it has: {present}")
    y = arrays.get("y")
    if y is not None and y.ndim not in (1, 2):
        raise ValueError(f"{name}: 'y' must have 1 or 2 axes, got shape {y.shape}")
    x = arrays["x"]
    return ArrayData(name, _as_features(x, name), y, images=x.ndim > 2)


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read an array from an IDX file, the format of MNIST, optionally compressed with gzip.

    Returns
    -------
    array
        The array in native byte order, with the shape and type from the header.

    Raises
    ------
    ValueError
        If the header is invalid, or the file does not have the length that the header states.
    """
    name = os.fspath(path)
    with Path(path).open("rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        if not compressed:
            return _parse_idx(raw, name)
        try:
            with gzip.GzipFile(fileobj=raw) as file:
                return _parse_idx(cast("BinaryIO", file), name)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{name}: damaged gzip data: {error}") from error


def _parse_idx(file: BinaryIO, name: str) -> Array:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_TYPES or magic[3] == 0:
        raise ValueError(f"{name}: not an IDX file (it starts with {magic.hex(' ') or 'nothing'})")
    dtype, axes = _IDX_TYPES[magic[2]], magic[3]
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise ValueError(f"{name}: the header of the IDX file is incomplete")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    # Python integers do not overflow. read() does not allocate memory for missing data.
    expected = math.prod(shape) * dtype.itemsize
    data = file.read()
    if len(data) != expected:
        raise ValueError(
            f"{name}: an IDX array of shape {shape} has {expected} bytes, the file has {len(data)}"
        )
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def _as_features(x: Array, name: str) -> Array:
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name}: the inputs must be real numbers, got {x.dtype}")
    if x.ndim == 0:
        raise ValueError(f"{name}: the inputs must have rows, got a single number")
    features = x.reshape(len(x), math.prod(x.shape[1:]))
    bad = ~np.isfinite(features).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{name}: {int(bad.sum())} rows have missing or infinite values, the first is row "
            f"{int(bad.argmax()) + 1}"
        )
    return features
