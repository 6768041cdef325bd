"""Small tables for the tests of backpass.tabular."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from backpass.tabular import ColumnOptions, Outcome, ReadOptions, Settings, train
from backpass.tabular.facts import blocks_of, examine
from backpass.tabular.kinds import Kind, decide
from backpass.tabular.sources import open_table
from backpass.tabular.training import Extra

QUICK = Settings(epochs=2, hidden=(4,))


def lines(row: Callable[[int], str], rows: int = 60, header: str = "x,y") -> str:
    """Return a text file with a header and `row(i)` for each row."""
    return "\n".join([header, *map(row, range(rows))]) + "\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class Learned(NamedTuple):
    outcome: Outcome
    said: list[str]


def learn(data: Any, target: Any = "y", *, settings: Settings = QUICK, **options: Any) -> Learned:
    """Train for a moment, and return what was reported, too."""
    names = ("validation", "test", "folds", "checkpoint", "resume_from", "shards")
    extra = {name: options.pop(name) for name in names if name in options}
    said: list[str] = []
    outcome = train(
        data,
        target,
        settings=settings,
        extra=Extra(report=said.append, progress=False, **extra),
        **options,
    )
    return Learned(outcome, said)


def kinds(data: Any, options: ColumnOptions | None = None, read: ReadOptions | None = None,
          target: str = "y") -> dict[str, Kind]:  # fmt: skip
    """Return what the columns are found to be."""
    facts = examine(open_table(data, read))
    decimal = None if read is None else read.decimal
    return decide(facts, options or ColumnOptions(), [target], decimal)


def cells(data: Any, read: ReadOptions | None = None) -> dict[str, list[Any]]:
    """Return all values of a table, as the encoders get them."""
    table = open_table(data, read)
    result: dict[str, list[Any]] = {name: [] for name in table.columns}
    for block in blocks_of(table):
        for name, column in block.items():
            values: pa.Array = column
            result[name] += values.to_pylist()
    return result
