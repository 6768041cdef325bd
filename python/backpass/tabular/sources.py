"""Where tables come from: files of several formats, data frames, standard input."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from backpass.tabular.json_lines import read_json_lines
from backpass.tabular.options import ReadOptions
from backpass.tabular.text_files import TextTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROWS = 1 << 16  # rows per block
_DECOMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)
_ARROW_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)
_ARRAYS = (".npz", ".npy", ".idx", "-ubyte")
_MAGICS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"FEA1": "arrow"}
_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".json": "json lines",
}
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


class Table(Protocol):
    """Rows of named columns. `blocks` may be called several times."""

    name: str
    columns: list[str]
    notes: list[str]
    doubles: set[str]  # names of columns that further columns had, too
    header: list[str]  # the cells of the first line of a text file

    def blocks(self) -> Iterator[pa.RecordBatch]:
        """Return the rows, one block after another."""


class ArrowTable:
    """A table in memory, or a file that pyarrow reads.

    Parameters
    ----------
    name : str
    columns : list of str
    batches : callable
        Returns the blocks. It is called once per pass over the rows.
    """

    def __init__(
        self, name: str, columns: list[str], batches: Callable[[], Iterator[pa.RecordBatch]]
    ) -> None:
        self.name = name
        self.columns = columns
        self.notes: list[str] = []
        self.doubles: set[str] = set()
        self.header: list[str] = []
        self._batches = batches
        double = next((name for name in columns if columns.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"{name}: two columns are named {double!r}: rename one")

    def blocks(self) -> Iterator[pa.RecordBatch]:
        """Return the rows, one block after another."""
        try:
            for batch in self._batches():
                batch.validate(full=True)  # what a damaged file has may not be a text
                yield batch
        except _ARROW_ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{self.name}: the file is damaged") from error


def format_of(data: object) -> str:
    """Return "frame", "digits", "arrays", "parquet", "arrow", "json lines" or "text"."""
    if not isinstance(data, (str, os.PathLike)):
        return "frame"
    name = os.fspath(data)
    if name == "digits":
        return "digits"
    path = Path(name.lower())
    inner = path.with_suffix("") if path.suffix in _COMPRESSED else path
    if inner.name.endswith(_ARRAYS) or re.search(r"[.-]idx\d*[.-]", inner.name):
        return "arrays"
    return _FORMATS.get(inner.suffix, "text")


def open_table(data: Any, options: ReadOptions | None = None) -> Table:
    """Open a table.

    Parameters
    ----------
    data : path, "-" or data frame
        A CSV, Parquet, Feather, Arrow or JSON lines file, where ``.gz``, ``.bz2``, ``.xz`` and
        ``.zst`` mean a compressed text file; ``"-"`` for standard input; a pandas or polars data
        frame, an Arrow table, or a dict of columns.
    options : ReadOptions, optional
        For text files.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If the content of a file is not such a table.
    TypeError
        If `data` is none of these.
    """
    kind = format_of(data)
    if kind == "frame":
        return _from_frame(data)
    name = os.fspath(data)
    _check_path(name)
    if name == "-":
        return _from_standard_input(options or ReadOptions())
    if kind == "text":
        return TextTable(name, lambda: _open(name), options or ReadOptions())
    return _from_arrow_file(name, kind, lambda: _open(name))


def _check_path(name: str) -> None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name):
        raise ValueError(f"{name}: URLs are not read; download the file first")
    if Path(name).suffix.lower() in (".xls", ".xlsx", ".ods"):
        raise ValueError(f"{name}: spreadsheets are not read; save the sheet as CSV")
    if Path(name).is_dir():
        raise IsADirectoryError(f"{name} is a directory, not a file")


def _open(name: str) -> BinaryIO:
    """Open a file for reading. Its suffix tells the compression."""
    suffix = Path(name).suffix.lower()
    if suffix == ".zst":
        file: Any = pa.CompressedInputStream(pa.OSFile(name), "zstd")
    elif suffix in (".gz", ".bz2", ".xz"):
        opener: Any = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}[suffix]
        file = opener(name, "rb")
    else:
        return cast("BinaryIO", Path(name).open("rb"))
    return cast("BinaryIO", io.BufferedReader(_Decompressed(file, name), 1 << 20))


class _Decompressed(io.RawIOBase):
    """A decompressor whose errors name the file."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except (*_DECOMPRESSION_ERRORS, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{self._name}: cannot be decompressed: {error}") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _from_standard_input(options: ReadOptions) -> Table:
    """Copy standard input to a temporary file, since the rows are read more than once."""
    stream = sys.stdin.buffer
    copy = tempfile.NamedTemporaryFile(prefix="backpass-")  # noqa: SIM115  (lives as the table)
    shutil.copyfileobj(stream, copy)
    copy.flush()

    def reopen() -> BinaryIO:
        return cast("BinaryIO", Path(copy.name).open("rb"))

    with reopen() as file:
        head = file.read(6)
    kind = next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)
    if kind is not None:
        return _from_arrow_file("standard input", kind, reopen)
    return TextTable("standard input", reopen, options)


def _from_arrow_file(name: str, kind: str, open_file: Callable[[], BinaryIO]) -> Table:
    with open_file():  # raises an OSError that names the file
        pass
    if kind == "json lines":
        return _from_arrow(name, read_json_lines(name, open_file))
    try:
        if kind == "parquet":
            with open_file() as file:
                columns = pa.parquet.read_schema(file).names
            return ArrowTable(name, columns, lambda: _parquet_blocks(open_file))
        return _from_arrow(name, _read_ipc(open_file))
    except _ARROW_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        title = "a Parquet" if kind == "parquet" else "an Arrow or Feather"
        raise ValueError(f"{name}: not {title} file, or damaged") from error


def _read_ipc(open_file: Callable[[], BinaryIO]) -> pa.Table:
    """Read a Feather file, or an Arrow file or stream."""
    try:
        with open_file() as file:
            return pa.feather.read_table(file)
    except pa.ArrowInvalid:
        with open_file() as file, pa.ipc.open_stream(file) as reader:
            return reader.read_all()


def _parquet_blocks(open_file: Callable[[], BinaryIO]) -> Iterator[pa.RecordBatch]:
    with open_file() as file, contextlib.closing(pa.parquet.ParquetFile(file)) as parquet:
        yield from parquet.iter_batches(_ROWS)


def _from_arrow(name: str, table: pa.Table) -> Table:
    return ArrowTable(
        name, list(table.column_names), lambda: iter(table.to_batches(max_chunksize=_ROWS))
    )


def _from_frame(data: Any) -> Table:
    if isinstance(data, pa.Table):
        return _from_arrow("the table", data)
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "iloc"):  # polars and others
        return _from_arrow("the data frame", pa.table(data))
    if isinstance(data, dict):
        lengths = {name: len(column) for name, column in data.items() if hasattr(column, "__len__")}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name!r}: {length}" for name, length in lengths.items())
            raise ValueError(f"the columns have different numbers of rows: {shown[:200]}")
        single = next((name for name, column in data.items() if is_single(column)), None)
        if single is not None:
            raise ValueError(f"the column {single!r} must be a list of values, not one value")
        data = pd.DataFrame(data)
    if not hasattr(data, "iloc") or not hasattr(data, "columns"):
        raise TypeError(
            f"expected a path, a data frame or a dict of columns, got {type(data).__name__}"
        )
    names = [str(name) for name in data.columns]
    columns = [_from_series(data.iloc[:, i], name) for i, name in enumerate(names)]
    return _from_arrow("the data frame", pa.Table.from_arrays(columns, names))


def is_single(column: object) -> bool:
    """Return whether a column is one text or one number."""
    return isinstance(column, (str, bytes)) or not hasattr(column, "__len__")


def _from_series(series: Any, name: str) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        categories = series.cat.categories
        if isinstance(categories, (pd.IntervalIndex, pd.PeriodIndex)):
            series = series.cat.rename_categories(categories.astype(str))
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        pass
    # Objects of several types: their texts.
    from numbers import Number

    missing = series.isna()
    kinds = {type(value) for value in series[~missing]}
    simple = (str, bytes, int, float, Number, pd.Timestamp)
    if not all(issubclass(kind, simple) and not issubclass(kind, complex) for kind in kinds):
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(
            f"column {name!r} contains objects of type {shown}: a cell of this argument must be a "
            "string or a number"
        )
    return pa.array([None if m else str(v) for v, m in zip(series, missing, strict=True)])
