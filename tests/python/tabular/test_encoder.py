"""All columns side by side, and their description in JSON."""

import copy
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.tabular import ColumnOptions
from backpass.tabular.data import TableRows
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.facts import blocks_of
from backpass.tabular.sources import open_table

FRAME = pd.DataFrame(
    {
        "size": [None if i % 9 == 0 else i * 0.5 for i in range(60)],
        "price": [f"{i * 37 + 1000:,}" for i in range(60)],
        "colour": ["red", "green", None] * 20,
        "when": [f"{i % 28 + 1}.{i % 12 + 1}.2020" for i in range(60)],
        "y": ["a", "b"] * 30,
    }
)


@pytest.fixture(scope="module")
def encoder() -> TableEncoder:
    return TableRows(open_table(FRAME), ["y"], "auto", ColumnOptions()).fit(np.arange(60))


def encode(encoder: TableEncoder, frame: Any = FRAME) -> np.ndarray[Any, Any]:
    encoder.check(open_table(frame).columns)
    return np.concatenate(
        [encoder.encode(b, np.float64, {}) for b in blocks_of(open_table(frame), encoder.names)]
    )


def test_the_order_of_the_table_is_that_of_the_inputs(encoder: TableEncoder) -> None:
    assert encoder.inputs == [
        *("size", "size is missing", "price", "colour = green", "colour = red"),
        *("colour is missing", "month of when", "day of week of when", "days of when"),
    ]
    assert encoder.names == ["size", "price", "colour", "when"]
    assert encode(encoder).shape == (60, encoder.width)


def test_columns_are_found_by_name_and_others_are_ignored(encoder: TableEncoder) -> None:
    other = FRAME[["when", "colour", "size", "price"]].assign(more=1)
    assert np.array_equal(encode(encoder, other), encode(encoder))


def test_a_missing_column_is_named(encoder: TableEncoder) -> None:
    with pytest.raises(ValueError, match=r"no column 'price'; did you mean 'Price'\?"):
        encode(encoder, FRAME.rename(columns={"price": "Price"}))


def test_all_missing_columns_are_named(encoder: TableEncoder) -> None:
    with pytest.raises(ValueError, match=r"no columns 'price', 'when'; there are: size, colour"):
        encode(encoder, FRAME[["size", "colour"]])


def test_json_keeps_every_bit(encoder: TableEncoder) -> None:
    text = json.dumps(encoder.to_json(), allow_nan=False)
    again = TableEncoder.from_json(json.loads(text))
    assert again == encoder
    assert np.array_equal(encode(again), encode(encoder))


def test_counts_become_one_line_per_column(encoder: TableEncoder) -> None:
    counts: dict[str, Any] = {}
    data = {"size": ["x"], "price": ["-"], "colour": ["pink"], "when": ["31.2.2020"]}
    [block] = blocks_of(open_table(data))
    encoder.encode(block, np.float32, counts)
    assert sorted(encoder.describe(counts)) == [
        "column 'colour': 1 cell has a new or rare value ('pink')",
        "column 'price': 1 cell is not a number ('-')",
        "column 'size': 1 cell is not a number ('x')",
        "column 'when': 1 cell is not a date ('31.2.2020')",
    ]
    data = {"size": ["1"] * 9, "price": [None] * 9, "colour": list("abcdefghi")}
    [block] = blocks_of(open_table({**data, "when": ["2020-01-02"] * 9}))
    counts = {}
    encoder.encode(block, np.float32, counts)
    assert sorted(encoder.describe(counts)) == [
        "column 'colour': 9 cells have new or rare values ('a', 'b', 'c')",
        "column 'price': 9 cells are missing, as none in training",
        "column 'when': 9 cells are not dates ('2020-01-02')",
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values of a JSON document."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            found += places(item, (*path, i))
    return found


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=True)
    | st.text(max_size=3)
    | st.sampled_from(["number", "category", "date", ".", ",", "year", "[", "(", "%"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(data=st.data())
def test_every_change_of_the_json_is_a_value_error_or_a_working_encoder(
    encoder: TableEncoder, data: st.DataObject
) -> None:
    document = copy.deepcopy(encoder.to_json())
    path = data.draw(st.sampled_from(places(document)[1:]))
    parent: Any = document
    for key in path[:-1]:
        parent = parent[key]
    if data.draw(st.booleans()):
        del parent[path[-1]]
    else:
        parent[path[-1]] = data.draw(JSON_VALUES)
    try:
        changed = TableEncoder.from_json(document)
        x = encode(changed)
    except ValueError:
        return
    assert x.shape == (60, changed.width)
    assert np.isfinite(x).all()
    json.dumps(changed.to_json(), allow_nan=False)
