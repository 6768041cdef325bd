"""Tables in JSON lines: one object per line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.json

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 16 << 20  # bytes; no row may be longer
_KINDS = {str: "text", bool: "flag", int: "number", float: "number", list: "list", tuple: "object"}


def read_json_lines(name: str, open_file: Callable[[], BinaryIO]) -> pa.Table:
    """Read a file of JSON lines.

    Raises
    ------
    ValueError
        If a line is not such an object, or a column has values of two kinds. The message names the
        line and the column.
    """
    options = pa.json.ReadOptions(use_threads=False, block_size=_BLOCK)
    try:
        with open_file() as file:
            table = pa.json.read_json(file, read_options=options)
        table.validate(full=True)  # UTF-8
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"{name}{_fault(open_file)}") from error
    return table


def _fault(open_file: Callable[[], BinaryIO]) -> str:
    """Return the first fault of a file, with its line."""
    kinds: dict[str, str] = {}
    line = 0
    with open_file() as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                row: Any = json.loads(text.rstrip(), object_pairs_hook=tuple)  # a list is an array
            except json.JSONDecodeError as error:
                return f", line {line}, character {error.colno}: not JSON"
            except UnicodeDecodeError as error:
                return f", line {line}: the byte 0x{text[error.start]:02x} is not UTF-8"
            except RecursionError:
                return f", line {line}: not JSON"
            if not isinstance(row, tuple):
                return f", line {line}: each line must be one object, such as {{...}}"
            names = [key for key, _ in row]
            for key, value in row:
                if names.count(key) > 1:
                    return f", line {line}: column {key!r} occurs twice"
                kind = _KINDS.get(type(value))
                before = kinds.setdefault(key, kind) if kind is not None else None
                if kind != before:
                    return f", line {line}: column {key!r} has a {kind}, above it has a {before}"
    return ": not a table in JSON lines" if line else ": the file is empty"
