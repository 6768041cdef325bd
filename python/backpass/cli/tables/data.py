"""Readers of data sets (CSV, NPZ, IDX, digits) for the command line and the examples."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import math
import os
import tarfile
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
class Dataset:
    """Samples as named columns, and the target to predict.

    Attributes
    ----------
    inputs : mapping of str to array
        Columns of shape (rows,), or (rows, width) for several features with one name.
    target : array or None
        (rows,) or (rows, outputs); None if the data have no target.
    target_name : str
    images : bool
        Whether all features have the same unit, like the pixels of an image.
    """

    inputs: Mapping[str, Array]
    target: Array | None = None
    target_name: str = "y"
    images: bool = False

    def __post_init__(self) -> None:
        counts = {name: len(column) for name, column in self.inputs.items()}
        if not counts:
            raise ValueError("the data have no input column")
        if self.target is not None:
            counts[self.target_name] = len(self.target)
        if len(set(counts.values())) > 1:
            raise ValueError(f"all columns must have the same number of rows, got {counts}")

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(next(iter(self.inputs.values())))


def read_dataset(
    source: str | os.PathLike[str],
    *,
    target: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    drop: Collection[str] = (),
    as_text: Collection[str] = (),
) -> Dataset:
    """Read a data set. The name of the source tells its kind.

    Parameters
    ----------
    source : path or "digits"
        The word ``digits``, a ``.npz`` file, an IDX file (``.idx`` or ``…-ubyte``, also with
        ``.gz``), or a CSV file with any other name.
    target : str, optional
        The column to predict, for a CSV file.
    labels : path, optional
        The IDX file with the labels, for an IDX file.
    drop, as_text
        See `read_csv`.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If the content of a file is wrong or damaged.
    ImportError
        If the library for this kind of file is not installed.
    """
    if os.fspath(source) == "digits":
        return load_digits()
    kind = kind_of(source)
    if kind == "npz":
        return read_npz(source)
    if kind == "idx":
        return Dataset(
            {"x": _as_features(read_idx(source), os.fspath(source))},
            None if labels is None else read_idx(labels),
            images=True,
        )
    return read_csv(source, target=target, drop=drop, as_text=as_text)


def kind_of(source: str | os.PathLike[str]) -> str:
    """Return ``"digits"``, ``"npz"``, ``"idx"`` or ``"csv"``, the kind of a source."""
    name = Path(source).name.lower()
    if os.fspath(source) == "digits":
        return "digits"
    if name.endswith(".npz"):
        return "npz"
    stem = name.removesuffix(".gz")
    if stem.endswith((".idx", "-ubyte")) or ".idx" in stem or "-idx" in stem:
        return "idx"
    return "csv"


def read_csv(
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    drop: Collection[str] = (),
    as_text: Collection[str] = (),
) -> Dataset:
    """Read a table with a header line. Needs pandas (the extra ``cli``).

    Parameters
    ----------
    path : path
        The file may be compressed. Its suffix tells the compression.
    target : str, optional
        Column to predict. The other columns are inputs.
    drop : collection of str
        Columns to leave out.
    as_text : collection of str
        Columns of text, even if the values look like numbers.

    Raises
    ------
    ValueError
        If the file is not such a table, is damaged, or does not have a named column.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("reading CSV needs pandas: pip install backpass[cli]") from error

    try:
        with warnings.catch_warnings():
            # Refuse rows longer than the header. pandas would use their start as an index, or
            # drop their end.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                dtype=dict.fromkeys(as_text, str),
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
            )
    except (
        pd.errors.ParserError,
        pd.errors.ParserWarning,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
    ) as error:
        raise ValueError(f"{os.fspath(path)}: not a CSV table: {str(error).strip()}") from error
    except _decompression_errors(OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the operating system, which names the file
        raise ValueError(f"{os.fspath(path)}: cannot be decompressed: {error}") from error
    columns = {str(name): _column_values(frame[name]) for name in frame.columns}
    wanted = [*drop, *([] if target is None else [target])]
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ValueError(
            f"{os.fspath(path)}: no column {missing[0]!r}; it has: {', '.join(columns) or 'none'}"
        )
    inputs = {
        name: values for name, values in columns.items() if name not in drop and name != target
    }
    return Dataset(
        inputs, None if target is None else columns[target], "y" if target is None else target
    )


def _decompression_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the exceptions of decompressors for damaged data, and `others`."""
    # zipfile raises RuntimeError for an encrypted file or an unknown compression.
    errors: list[type[Exception]] = [
        *others,
        EOFError,
        RuntimeError,
        zlib.error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ]
    # Python may be built without lzma. pandas reads .zst files with zstandard.
    for module, name in (("lzma", "LZMAError"), ("zstandard", "ZstdError")):
        with contextlib.suppress(ImportError):
            errors.append(getattr(importlib.import_module(module), name))
    return tuple(errors)


def _column_values(series: Any) -> Array:
    """Convert a pandas column: numbers, booleans, or objects that are str or None."""
    if series.dtype.kind in "biuf":
        return cast("Array", series.to_numpy())
    missing = series.isna().to_numpy()
    return np.array(
        [
            None if is_missing else str(value)
            for value, is_missing in zip(series, missing, strict=True)
        ],
        dtype=object,
    )


def read_npz(path: str | os.PathLike[str]) -> Dataset:
    """Read the array ``x`` (rows, …) and, if it exists, ``y`` from a NumPy ``.npz`` file.

    Pickled objects are refused. An ``x`` with more than two axes contains images and is flattened.
    """
    name = os.fspath(path)
    with Path(path).open("rb") as raw:
        # np.load would report any other file as a pickle.
        if not zipfile.is_zipfile(raw):
            raise ValueError(f"{name}: not an .npz file")
        raw.seek(0)
        try:
            with np.load(raw, allow_pickle=False) as file:
                arrays = {key: file[key] for key in ("x", "y") if key in file.files}
                present = ", ".join(file.files) or "none"
        except _decompression_errors(ValueError) as error:
            raise ValueError(f"{name}: not a valid .npz file: {error}") from error
    if "x" not in arrays:
        raise ValueError(f"{name}: no array 'x'; it has: {present}")
    target = arrays.get("y")
    if target is not None and target.ndim not in (1, 2):
        raise ValueError(f"{name}: 'y' must have 1 or 2 axes, got shape {target.shape}")
    if target is not None and target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    return Dataset({"x": _as_features(arrays["x"], name)}, target, images=arrays["x"].ndim > 2)


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


def load_digits() -> Dataset:
    """Load 8 x 8 images of handwritten digits: 1797 rows, 64 features of 0 to 16, ten classes.

    The images are part of scikit-learn (the extra ``cli``). Source: Alpaydin and Kaynak (1998),
    Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError("the digits need scikit-learn: pip install backpass[cli]") from error
    x, y = datasets.load_digits(return_X_y=True)
    return Dataset({"x": x}, y, "digit", images=True)


def _as_features(x: Array, name: str) -> Array:
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name}: the inputs must be real numbers, got {x.dtype}")
    if x.ndim == 0:
        raise ValueError(f"{name}: the inputs must have rows, got a single number")
    return x.reshape(len(x), math.prod(x.shape[1:]))


def split_rows(rows: int, shares: Mapping[str, float], seed: int) -> dict[str, NDArray[np.int64]]:
    """Split rows at random into parts. The same seed gives the same parts.

    Parameters
    ----------
    rows : int
        Number of rows.
    shares : mapping of str to float
        Fraction of the rows for each named part. ``train`` gets the other rows.
    seed : int

    Returns
    -------
    dict of str to array of int
        Row numbers of every part and of ``train``. Every row is in exactly one of these.

    Raises
    ------
    ValueError
        If a share is outside [0, 1), or if ``train`` or a part with a share above 0 has no rows.
    """
    order = np.random.default_rng(seed).permutation(rows)
    parts: dict[str, NDArray[np.int64]] = {}
    start = 0
    for name, share in shares.items():
        if not 0.0 <= share < 1.0:
            raise ValueError(f"the share of {name} rows must be in [0, 1), got {share}")
        count = round(rows * share)
        if share and not count:
            raise ValueError(f"{rows} rows are too few to put a share of {share} into {name}")
        parts[name] = order[start : start + count]
        start += count
    if start >= rows:
        raise ValueError(f"the shares {dict(shares)} leave no row of {rows} to train on")
    parts["train"] = order[start:]
    return parts
