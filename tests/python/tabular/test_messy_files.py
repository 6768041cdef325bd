"""Files as people have them: a model that is right, or one line that names line and column."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass.tabular import ColumnOptions, ReadOptions, load
from tables import learn, lines, write


def y(i: int) -> str:
    return "ab"[i % 2]


def date(i: int) -> str:
    day = pd.Timestamp("2020-01-01") + pd.Timedelta(days=5 * i)
    return "soon" if i == 11 else day.strftime(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"][i % 3])


# Each has one input column x; what becomes of it, and the inputs of the network.
GOOD: dict[str, tuple[str | bytes, str, int]] = {
    "an empty cell of numbers": (
        lines(lambda i: f"{i * 1.5 if i % 7 else ''},{y(i)}"), "number", 2),
    "an empty cell of categories": (
        lines(lambda i: f"{['red', 'blue', ''][i % 3]},{y(i)}"), "category", 3),
    "an empty cell of dates": (
        lines(lambda i: f"{f'2020-01-{i % 28 + 1:02d}' if i % 7 else ''},{y(i)}"), "date", 3),
    "an empty cell of flags": (
        lines(lambda i: f"{['True', 'False', ''][i % 3]},{y(i)}"), "category", 3),
    "a byte order mark": ("\ufeff" + lines(lambda i: f"{i * 1.5},{y(i)}"), "number", 1),
    "CRLF": (lines(lambda i: f"{i * 1.5},{y(i)}").replace("\n", "\r\n"), "number", 1),
    "CR": (lines(lambda i: f"{i * 1.5},{y(i)}").replace("\n", "\r"), "number", 1),
    "quoted newlines": (lines(lambda i: f'"two\nlines {i % 3}",{y(i)}'), "category", 3),
    "decimal commas": (lines(lambda i: f"{i},5;{y(i)}", header="x;y"), "number", 1),
    "tabs": (lines(lambda i: f"{i}.5\t{y(i)}", header="x\ty"), "number", 1),
    "latin-1": (lines(lambda i: f"{['müde', 'wach'][i // 2 % 2]},{y(i)}").encode("latin-1"),
                "category", 2),
    "UTF-16": (lines(lambda i: f"{['müde', 'wach'][i // 2 % 2]},{y(i)}").encode("utf-16"),
               "category", 2),
    "a lone dash": (lines(lambda i: f"{'-' if i in (5, 6, 7) else i},{y(i)}"), "number", 2),
    "thousands": (lines(lambda i: f'"{1000 + i * 371:,}",{y(i)}'), "number", 1),
    "percent": (lines(lambda i: f"{i * 0.7:.1f} %,{y(i)}"), "number", 1),
    "three formats of dates": (lines(lambda i: f"{date(i)},{y(i)}"), "date", 3),
    "the header twice": (lines(lambda i: "x,y" if i == 20 else f"{i * 3 % 7},{y(i)}"), "number", 1),
    "leading zeros": (lines(lambda i: f"{['007', '008'][i // 2 % 2]},{y(i)}"), "category", 2),
    "NA as a country": (lines(lambda i: f'{["DE", "FR", chr(34) + "NA" + chr(34)][i % 3]},{y(i)}'),
                        "category", 3),
    "integers beyond 2^53": (lines(lambda i: f"{2**53 + 1 + i * 3 % 11},{y(i)}"), "number", 1),
    "1e200": (lines(lambda i: f"{i + 0.5}e200,{y(i)}"), "number", 1),
    "1.7e308": (lines(lambda i: f"{'-' if i % 3 else ''}1.{i % 8}e308,{y(i)}"), "number", 1),
    "infinity": (lines(lambda i: f"{'inf' if i % 9 == 0 else i * 1.5},{y(i)}"), "number", 2),
    "yes and no": (lines(lambda i: f"{['yes', 'no'][i // 2 % 2]},{y(i)}"), "category", 2),
    "cells of a megabyte": (
        lines(lambda i: f"{f'{i}' * 500_000 if i in (13, 14, 15) else 'uv'[i // 2 % 2]},{y(i)}"),
        "category", 3),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:column .* (is|are) not|column .* have:UserWarning")
@pytest.mark.parametrize("name", GOOD)
def test_becomes_a_model(tmp_path: Path, name: str) -> None:
    content, kind, width = GOOD[name]
    path = write(tmp_path / "a.csv", content)
    outcome, _ = learn(path)
    assert outcome.plan[1].split()[:2] == ["x", kind]
    assert outcome.model.encoder is not None
    assert outcome.model.encoder.width == width
    assert outcome.model.target is not None
    assert outcome.model.target.labels == ("a", "b")  # type: ignore[union-attr]
    outcome.model.save(tmp_path / "m.safetensors")
    predicted = load(tmp_path / "m.safetensors").predict(path)
    assert len(predicted) == (59 if name == "the header twice" else 60)
    assert set(predicted) <= {"a", "b"}


def test_columns_that_say_nothing_are_left_out_by_name(tmp_path: Path) -> None:
    for header in ("id", "Unnamed: 0", ""):
        path = write(
            tmp_path / "a.csv",
            lines(lambda i: f"{i},{i * 3 % 7},3,u{i},{y(i)}", header=f"{header},x,same,name,y"),
        )
        outcome, _ = learn(path)
        assert outcome.model.encoder is not None
        assert outcome.model.encoder.inputs == ["x"]
        assert outcome.model.ids == (header or "column 1",)


def test_twenty_thousand_categories_are_grouped(tmp_path: Path) -> None:
    rows = 40_000
    rng = np.random.default_rng(0)
    names = rng.permutation(np.where(np.arange(rows) % 2, np.arange(rows), np.arange(rows) % 60))
    path = write(tmp_path / "a.csv", lines(lambda i: f"k{names[i]},{i % 5},{y(i)}", rows, "k,x,y"))
    outcome, _ = learn(path)
    assert outcome.model.encoder is not None
    counts = pd.Series(names).value_counts()
    assert len(counts) > 20_000
    frequent = (counts > 100).sum()
    assert outcome.model.encoder.width == frequent + 1 + 1  # others, and x


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["0.0", "1.0"], (0, 1)),
        (["007", "008"], ("007", "008")),
        (["yes", "no"], ("no", "yes")),
        (["True", "False"], ("False", "True")),
        (['"NA"', "DE"], ("DE", "NA")),
        ([str(2**53 + 1), str(2**53)], (2**53, 2**53 + 1)),
        (["müde", "wach"], ("müde", "wach")),
    ],
)
def test_targets_of_classes(tmp_path: Path, values: list[str], labels: tuple[object, ...]) -> None:
    path = write(tmp_path / "a.csv", lines(lambda i: f"{i % 2 * 5 + i * 3 % 4},{values[i % 2]}"))
    model = learn(path).outcome.model
    assert model.target is not None
    assert model.target.labels == labels  # type: ignore[union-attr]
    assert set(model.predict(path).tolist()) <= set(labels)


def test_na_is_a_value_if_the_option_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(lambda i: f"{['DE', 'FR', 'NA'][i % 3]},{y(i)}"))
    inputs = [
        learn(path, read=read).outcome.model.encoder.inputs  # type: ignore[union-attr]
        for read in (None, ReadOptions(missing=("",)))
    ]
    assert inputs == [["x = DE", "x = FR", "x is missing"], ["x = DE", "x = FR", "x = NA"]]


def test_a_target_with_missing_values_loses_these_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(lambda i: f"{i % 7},{y(i) if i % 20 else ''}", 200))
    outcome, said = learn(path)
    assert sum(outcome.rows.values()) == 190
    assert "note: target 'y': 10 rows have no value; they are left out" in said


def test_a_target_of_1e200_is_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(lambda i: f"{i * 7 % 31},{i * 7 % 31 + 0.5}e200"))
    outcome, _ = learn(path)
    assert outcome.task == "regression"
    predicted = outcome.model.predict(path)
    assert np.isfinite(predicted).all()
    assert 1e199 < np.abs(predicted).max() < 1e202


IDS = ["the file is empty", "no header", "no header", "too wide", "too narrow", "open quote",
       "a wrong byte", "two targets in the header", "one class", "600 classes", "dates", "no input",
       "no rows", "an unknown target", "zero bytes"]  # fmt: skip
BAD: list[tuple[str | bytes, str]] = [
    ("", "a.csv: the file is empty"),
    (lines(lambda i: f"{i},{i % 2}", header="0,1"), "a.csv: line 1 contains only numbers"),
    (lines(lambda i: f"{i},{y(i)}", header="0,a"), "a.csv, line 1: '0', 'a' look like data"),
    (lines(lambda i: f"{i},{y(i)}{',3' * (i == 30)}"), "a.csv, line 32: 3 cells, but the header"),
    (lines(lambda i: f"{i},{y(i)}" if i != 30 else "3"), "a.csv, line 32: 1 cells, but the header"),
    (lines(lambda i: f"{i},{y(i)}" if i != 30 else '"3,a'), "a.csv, line 32: a quote opens"),
    (lines(lambda i: f"{i},{y(i)}", 200_000).encode() + b"5,\xff\n", "a.csv, line 200002: the b"),
    (lines(lambda i: f"{i % 7},{y(i)},{y(i // 2)}", header="x,y,y"),
     "a.csv, line 1: several columns are named 'y', the target"),
    (lines(lambda i: f"{i % 7},a"), "target 'y' has the single class 'a'"),
    (lines(lambda i: f"{i % 7},c{i}", 600), "target 'y' has 600 classes in 600 rows"),
    (lines(lambda i: f"{i % 7},2020-01-{i % 9 + 1:02d}"), "target 'y' has dates"),
    ("x\n5\n\n-5\n" * 20, "no column 'y'"),
    ("x,y\n", "a.csv: no rows below the header"),
    (lines(lambda i: f"{i % 7},{y(i)}", header="x,Y"), "no column 'y'; did you mean 'Y'?"),
    (lines(lambda i: f"{i},{y(i)}" if i != 30 else "3\0,a"), "a.csv: contains zero bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD, ids=IDS)
def test_is_refused_in_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        learn(path)
    text = str(error.value).replace(f"{tmp_path}/", "")
    assert text.startswith(message)
    assert "\n" not in text
    assert len(text) < 400
    for word in ("pandas", "pyarrow", "Arrow", "CSV parse error", "dtype"):
        assert word not in text


def test_one_column_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.csv: no column is left to predict 'x' from"):
        learn(write(tmp_path / "a.csv", "x\n5\n\n-5\n"), "x")


def test_parquet_with_every_type(tmp_path: Path) -> None:
    rows = 60
    frame = pd.DataFrame(
        {
            "int": pd.array([None if i % 7 == 0 else i * 3 % 11 for i in range(rows)], "Int64"),
            "kind": pd.Categorical([["u", "v", None][i % 3] for i in range(rows)]),
            "time": pd.date_range("2020-01-01", periods=rows, freq="37h"),
            "nested": [[i] for i in range(rows)],
            "y": [y(i) for i in range(rows)],
        }
    )
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    with pytest.raises(ValueError, match=r"column 'nested' has the type list<.*--drop"):
        learn(path)
    outcome, _ = learn(path, columns=ColumnOptions(drop=("nested",)))
    assert [line.split()[1] for line in outcome.plan[1:4]] == ["number", "category", "date"]
    expected = outcome.model.predict(frame.drop(columns="nested"))
    assert np.array_equal(outcome.model.predict(path), expected)


@pytest.mark.parametrize(
    "make", [lambda p: None, lambda p: p.mkdir()], ids=["missing", "directory"]
)
def test_places_that_are_no_files(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.csv")
    with pytest.raises(OSError, match=r"a\.csv"):
        learn(tmp_path / "a.csv")


def test_a_url_is_not_fetched() -> None:
    with pytest.raises(ValueError, match="URLs are not read; download the file first"):
        learn("https://example.com/a.csv")


def test_every_model_of_a_messy_file_is_plain_json(tmp_path: Path) -> None:
    for content, _, _ in GOOD.values():
        model = learn(write(tmp_path / "a.csv", content)).outcome.model
        for text in model.metadata().values():
            json.loads(text, parse_constant=lambda name: pytest.fail(name))
