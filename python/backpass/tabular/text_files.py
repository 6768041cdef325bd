"""CSV and other tables in text files: their encoding, separator and header, and their rows."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backpass.tabular.options import ReadOptions

_HEAD = 1 << 20  # bytes that are examined before the whole file is read
# Bytes per block of rows; no row may be longer. Larger blocks cost memory: pyarrow reads ahead.
_BLOCK, _BLOCK_OF_LONG_ROWS = 1 << 20, 16 << 20
_SEPARATORS = ",;\t|"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Dialect:
    """How a text file is written."""

    encoding: str
    separator: str
    quote: str
    header: bool

    @contextlib.contextmanager
    def rows(self, file: BinaryIO) -> Iterator[Any]:
        """Return a reader of the rows. Its `line_num` is the last line that it has read, from 1."""
        with io.TextIOWrapper(file, self.encoding, newline="") as text, _long_cells():
            yield csv.reader(text, delimiter=self.separator, quotechar=self.quote, strict=True)


class TextTable:
    """The rows of a text file.

    Parameters
    ----------
    name : str
        The name of the file in messages.
    open_file : callable
        Opens the decompressed file. It is called once per pass over the rows.
    options : ReadOptions

    Attributes
    ----------
    doubles : set of str
        Names in the header that several columns have; see `Table`.

    Raises
    ------
    ValueError
        If the file is not such a table. The message names the line and the column.
    """

    def __init__(self, name: str, open_file: Callable[[], BinaryIO], options: ReadOptions) -> None:
        self.name = name
        self._open = open_file
        self._options = options
        with open_file() as file:
            head = file.read(_HEAD)
            whole = not file.read(1)
        if not head.strip():
            raise ValueError(f"{name}: the file is empty")
        self._block = _BLOCK if whole or head.count(b"\n") > 8 else _BLOCK_OF_LONG_ROWS
        self.dialect, self.notes = _examine(name, head, whole, options)
        with self.dialect.rows(open_file()) as rows:
            try:
                first: list[str] = next(rows, [])
            except csv.Error as error:
                raise ValueError(f"{name}, line 1: {_csv_fault(error)}") from error
        self.columns, renamed = _names(first, self.dialect.header)
        counts = Counter(cell.strip() for cell in first)
        self.header = [cell.strip() for cell in first] if self.dialect.header else []
        self.doubles = {name for name in self.columns if counts[name] > 1}
        self.notes += [f"{name}: {note}" for note in renamed]
        if self.dialect.header and len(first) > 1 and all(_is_number(cell) for cell in first):
            raise ValueError(
                f"{name}: line 1 contains only numbers, so there is no header line: add a line "
                "with the names of the columns, or use --no-header and the names 1, 2, …"
            )

    def blocks(self) -> Iterator[pa.RecordBatch]:
        """Return the rows as blocks of texts. None is a missing value."""
        with self._open() as file:
            try:
                yield from pa.csv.open_csv(
                    file,
                    read_options=pa.csv.ReadOptions(
                        use_threads=False,
                        block_size=self._block,
                        column_names=self.columns,
                        skip_rows_after_names=int(self.dialect.header),
                        encoding=self.dialect.encoding,
                    ),
                    parse_options=pa.csv.ParseOptions(
                        delimiter=self.dialect.separator,
                        quote_char=self.dialect.quote,
                        newlines_in_values=True,
                        # In a table of one column, an empty line is a missing value.
                        ignore_empty_lines=len(self.columns) > 1,
                    ),
                    convert_options=pa.csv.ConvertOptions(
                        column_types=dict.fromkeys(self.columns, pa.string()),
                        null_values=["", *self._options.missing],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                    ),
                )
            except (pa.ArrowInvalid, UnicodeError) as error:
                raise ValueError(self._fault()) from error

    def _fault(self) -> str:
        """Return the message for a file that cannot be read: it names the line."""
        line = 1
        with self.dialect.rows(self._open()) as rows:
            try:
                for row in rows:
                    if row and len(row) != len(self.columns):
                        first = "header has" if self.dialect.header else "first line has"
                        return (
                            f"{self.name}, line {line}: {len(row)} cells, but the {first} "
                            f"{len(self.columns)}; a cell that contains the separator needs quotes"
                        )
                    line = rows.line_num + 1
            except csv.Error as error:
                return f"{self.name}, line {line}: {_csv_fault(error)}"
            except UnicodeError:
                return self._wrong_byte(line)
        return f"{self.name}: a row is too long, or a quote is not closed"

    def _wrong_byte(self, line: int) -> str:
        """Return the message for bytes that are not of the encoding, at or soon after a line."""
        with self._open() as file:
            for number, text in enumerate(file, 1):
                wrong = _first_error(text) if self.dialect.encoding.startswith("utf-8") else None
                if wrong is not None:
                    return (
                        f"{self.name}, line {number}: the byte 0x{text[wrong]:02x} is not UTF-8: "
                        "use --encoding, for example --encoding latin-1"
                    )
        return f"{self.name}, line {line} or later: not {self.dialect.encoding}: use --encoding"


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let the module csv read cells of any length."""
    before = csv.field_size_limit(_BLOCK_OF_LONG_ROWS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_fault(error: csv.Error) -> str:
    """Return a fault that the module csv found, in plain words."""
    if "end of data" in str(error):
        return "a quote opens here or later and never closes"
    if "expected after" in str(error):
        return "a quote within a quoted cell must be doubled"
    return str(error)


def _first_error(text: bytes) -> int | None:
    """Return the place of the first byte that is not UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _examine(
    name: str, head: bytes, whole: bool, options: ReadOptions
) -> tuple[Dialect, list[str]]:
    notes: list[str] = []
    if options.quote not in (None, '"', "'"):
        raise ValueError(f"the quote must be \" or ', got {options.quote!r}")
    separator = options.separator
    if separator is not None and not re.fullmatch(r"[^\"'\r\n\0\u0080-\U0010ffff]", separator):
        raise ValueError(
            f"the separator must be one ASCII character, not a quote or an end of line, "
            f"got {separator!r}"
        )
    encoding = options.encoding
    if encoding is None:
        encoding = _find_encoding(name, head, whole)
        if not encoding.startswith("utf"):
            notes.append(f"{name}: not UTF-8, read as {encoding}; --encoding changes this")
    try:
        io.TextIOWrapper(io.BytesIO(), encoding).close()  # a codec of texts?
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding {encoding!r}") from None
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    except UnicodeDecodeError as error:
        line = head[: error.start].decode(encoding, "ignore").count("\n") + 1
        byte = head[error.start]
        raise ValueError(f"{name}, line {line}: the byte 0x{byte:02x} is not {encoding}") from error
    except UnicodeError as error:
        raise ValueError(f"{name}: not {encoding}: {error}") from error
    separator, quote = _find_marks(text, whole, options)
    if options.quote is None and quote == "'":
        notes.append(f"{name}: ' quotes cells; --quote changes this")
    return Dialect(encoding, separator, quote, options.header), notes


def _find_encoding(name: str, head: bytes, whole: bool) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    zeros = [head[start::2].count(0) for start in (0, 1)]
    # Of UTF-16, every second byte of English text is zero, and nearly none of the other bytes.
    if max(zeros) > len(head) // 8 and min(zeros) <= max(zeros) // 16:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if any(zeros):
        raise ValueError(f"{name}: contains zero bytes, so it is not a text file")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _find_marks(text: str, whole: bool, options: ReadOptions) -> tuple[str, str]:
    """Return the separator and the quote that fit most rows."""
    lines = text.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines.pop()  # cut off by the end of the head
    separators = _SEPARATORS if options.separator is None else [options.separator]
    quotes = [options.quote or '"']
    if options.quote is None and '"' not in text and re.search(rf"(?m)(^|[{_SEPARATORS}])'", text):
        quotes = ["'", '"']
    found = max(
        ((_fit(lines, one, quote), one, quote) for quote in quotes for one in separators),
        key=lambda candidate: candidate[0],
    )
    if found[0] <= 0.0:  # one column
        return options.separator or ",", options.quote or '"'
    return found[1], found[2]


def _fit(lines: list[str], separator: str, quote: str) -> float:
    """Return the share of rows with as many cells as the header; 0 if it has one cell only.

    A separator within texts splits few rows into that number of cells.
    """
    with _long_cells():
        reader = csv.reader(lines, delimiter=separator, quotechar=quote, strict=quote == "'")
        try:
            rows = list(itertools.islice(reader, 200))
        except csv.Error:  # an apostrophe that is not a quote
            return 0.0
    widths = Counter(len(row) for row in rows if row)
    width = len(rows[0]) if rows else 0
    return widths[width] / sum(widths.values()) + width / 1000 if width > 1 else 0.0


def _names(first: list[str], header: bool) -> tuple[list[str], list[str]]:
    """Return unique names of the columns, and notes on names that were changed."""
    if not header:
        return [str(i + 1) for i in range(len(first))], []
    names: list[str] = []
    notes: list[str] = []
    taken = {cell.strip() for cell in first}
    for position, cell in enumerate(first, 1):
        name = cell.strip()
        if not name:
            name = f"column {position}"
            notes.append(f"column {position} has no name; its name is now {name!r}")
        if name in names:
            number = next(n for n in itertools.count(2) if f"{name} ({n})" not in taken)
            notes.append(
                f"columns {names.index(name) + 1} and {position} are both named {name!r}; "
                f"the latter is now '{name} ({number})'"
            )
            name = f"{name} ({number})"
            taken.add(name)
        names.append(name)
    return names, notes


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
