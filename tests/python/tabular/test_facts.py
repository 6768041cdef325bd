"""The first pass over a table counts what is there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from backpass.tabular.facts import examine, type_of
from backpass.tabular.sources import open_table
from tables import lines, write


def test_counts_are_those_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = rng.choice(["1", "2.5", "007", "x", "NA", ""], 5000)
    path = write(tmp_path / "a.csv", lines(lambda i: f"{words[i]},{i}", 5000))
    expected = pd.read_csv(path, dtype=str)["x"]
    facts = examine(open_table(path))["x"]
    assert facts.rows == 5000
    assert facts.missing == expected.isna().sum()
    assert facts.distinct == expected.nunique()
    assert dict(facts.counts) == expected.value_counts().to_dict()
    assert facts.plain == expected.isin(["1", "2.5", "007"]).sum()
    assert facts.points
    assert dict(facts.others) == {"x": (expected == "x").sum()}


def test_leading_zeros_are_seen_where_no_number_has_a_point() -> None:
    def facts(last: str) -> tuple[bool, bool]:
        found = examine(open_table({"x": ["1", "x", "20", None, last]}))["x"]
        return found.points, found.leading_zeros

    assert facts("7") == (False, False)
    assert facts("-007") == (False, True)
    assert facts("0.5") == facts("1e3") == (True, False)


def test_row_numbers_are_seen_over_blocks(tmp_path: Path) -> None:
    rows = 400_000
    path = write(tmp_path / "a.csv", lines(lambda i: f"{i + 5},{i - i % 2}", rows))
    facts = examine(open_table(path))
    assert facts["x"].counts_rows
    assert not facts["y"].counts_rows
    assert facts["x"].many
    assert facts["x"].distinct >= 10_000


def test_repeated_headers_are_counted_once(tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "a.csv", "x,y\n1,a\nx,y\n2,b\nx,y\n"))
    assert examine(table)["x"].rows == 2
    assert len(table.notes) == 1
    assert "2 rows repeat the header; they are left out" in table.notes[0]


@pytest.mark.parametrize("content", ["x,y\n", "x,y\n\n\n", "x,y\nx,y\n"])
def test_a_table_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match=r"a\.csv: no rows below the header"):
        examine(open_table(write(tmp_path / "a.csv", content)))


def test_no_number_is_too_large() -> None:
    facts = examine(open_table({"x": [1.7e308, -1.7e308, 0.5], "i": [2**63 - 1, -(2**63), 0]}))
    assert not facts["x"].counts_rows
    assert facts["i"].distinct == 3


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.string_view(), "text"),
        (pa.large_string(), "text"),
        (pa.decimal128(5, 2), "number"),
        (pa.float16(), "number"),
        (pa.dictionary(pa.int8(), pa.int64()), "category"),
        (pa.date32(), "time"),
        (pa.null(), "null"),
        (pa.list_(pa.int64()), "list<item: int64>"),
        (pa.binary(), "binary"),
    ],
)
def test_types(kind: pa.DataType, name: str) -> None:
    assert type_of(kind) == name
