"""Targets: classes or numbers, and what cannot be learned."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from backpass.tabular import ColumnOptions
from backpass.tabular.data import TableRows
from backpass.tabular.sources import open_table
from backpass.tabular.targets import ClassTarget, NumberTarget, target_from_json

N = 60
X = np.arange(N) * 7 % 11


def rows(y: Any, task: str = "auto", names: Any = ("y",), **options: Any) -> TableRows:
    data = y if isinstance(y, dict) else {"y": y}
    frame = pd.DataFrame({"x": X, **data})
    return TableRows(open_table(frame), list(names), task, ColumnOptions(**options))


def labels(y: Any, **options: Any) -> tuple[Any, ...]:
    target = rows(y, **options).target
    assert isinstance(target, ClassTarget)
    return target.labels


class TestClasses:
    @pytest.mark.parametrize(
        ("y", "expected"),
        [
            (["b", "a"] * 30, ("a", "b")),
            ([True, False] * 30, (False, True)),
            ([3, 1, 2] * 20, (1, 2, 3)),
            ([0.0, 1.0] * 30, (0, 1)),
            (["0.0", "1.0"] * 30, (0, 1)),
            (["+1", "1.0", "-1"] * 20, (-1, 1)),
            (["-0.0", "0", "1"] * 20, (0, 1)),
            (["yes", "no"] * 30, ("no", "yes")),
            (["True", "False"] * 30, ("False", "True")),
            (["007", "008"] * 30, ("007", "008")),
            (["10 %", "20 %"] * 30, ("10 %", "20 %")),
            ([2**53 + 1, 2**53] * 30, (2**53, 2**53 + 1)),
            (np.array([2**64 - 1, 2**64 - 2] * 30, np.uint64), (2**64 - 2, 2**64 - 1)),
            ([str(2**70 + 1), str(2**70)] * 30, (2**70, 2**70 + 1)),
            ([1e200, 2e200] * 30, ("1e+200", "2e+200")),
            (pd.Categorical(["u", "v"] * 30), ("u", "v")),
            (pd.array([1, None, 2] * 20, dtype="Int64"), (1, 2)),
            (pd.array([True, None, False] * 20, dtype="boolean"), (False, True)),
        ],
    )
    def test_labels_and_their_numbers(self, y: Any, expected: tuple[Any, ...]) -> None:
        found = rows(y)
        assert isinstance(found.target, ClassTarget)
        assert found.target.labels == expected
        assert [type(label) for label in found.target.labels] == [type(e) for e in expected]
        # The oracle: pandas' own codes, in the order of first occurrence within equal labels.
        present = pd.Series(y).dropna()
        assert found.rows == len(present)
        assert len(np.unique(found.values)) == len(expected)
        if len(expected) == present.nunique():
            for code in range(len(expected)):
                assert present.reset_index(drop=True)[found.values == code].nunique() == 1

    def test_few_whole_numbers_are_classes_and_many_are_quantities(self) -> None:
        assert labels(np.arange(N) % 20) == tuple(range(20))
        assert isinstance(rows(np.arange(N) % 21).target, NumberTarget)
        assert isinstance(rows(np.arange(N) % 3 + 0.5).target, NumberTarget)
        assert isinstance(rows(np.arange(N) % 3, "regression").target, NumberTarget)
        assert labels(np.arange(N) % 25, task="classification") == tuple(range(25))
        assert labels(np.arange(N) % 21, category=("y",)) == tuple(range(21))

    def test_an_option_makes_few_whole_numbers_a_quantity(self) -> None:
        assert isinstance(rows(np.arange(N) % 3, numeric=("y",)).target, NumberTarget)

    def test_stray_texts_among_classes_of_numbers_are_missing_and_counted(self) -> None:
        found = rows(["1", "2", "?"] * 20)
        assert isinstance(found.target, ClassTarget)
        assert found.target.labels == (1, 2)
        assert found.rows == 40
        assert "20 values are not numbers ('?'); they count as missing" in found.notes[0]

    def test_rows_without_a_target_are_left_out_and_counted(self) -> None:
        found = rows([None if i % 20 == 3 else "ab"[i % 2] for i in range(N)])
        assert found.rows == 57
        assert found.notes == ["target 'y': 3 rows have no value; they are left out"]
        encoder = found.fit(np.arange(57))
        [x] = found.encode(encoder, [np.arange(57)], np.float64)
        kept = X[[i % 20 != 3 for i in range(N)]]
        np.testing.assert_allclose(x[:, 0], (kept - kept.mean()) / kept.std(), atol=1e-12)

    def test_labels_of_another_table_are_the_same_whatever_their_type(self) -> None:
        target = rows([0.0, 1.0] * 30).target
        assert isinstance(target, ClassTarget)
        for column in (["1", "0", None], [1, 0, None], [1.0, 0.0, None], ["1.0", "+0", None]):
            assert target.read(pa.array(column))[0].tolist() == [1, 0, -1]
        codes, strays = target.read(pa.array(["7", "x", None]))
        assert (codes.tolist(), strays) == ([-1, -1, -1], 2)


class TestWarnings:
    def test_whole_numbers_as_classes_are_said(self) -> None:
        frame = pd.DataFrame({"x": range(60), "y": [i % 5 for i in range(60)]})
        notes = TableRows(open_table(frame), ["y"], "auto", ColumnOptions()).notes
        note = "5 whole numbers are taken as classes; --task regression predicts a quantity"
        assert f"target 'y': {note}" in notes
        assert TableRows(open_table(frame), ["y"], "classification", ColumnOptions()).notes == []

    def test_classes_that_differ_in_letter_case_are_said(self) -> None:
        frame = pd.DataFrame({"x": range(60), "y": ["yes", "Yes", "no"] * 20})
        notes = TableRows(open_table(frame), ["y"], "auto", ColumnOptions()).notes
        assert "target 'y': 'Yes' and 'yes' are different classes" in notes


class TestNumbers:
    def test_are_standardised_inside_and_returned_in_their_unit(self) -> None:
        y = np.random.default_rng(0).normal(5e6, 1e3, N)
        found = rows(y)
        assert isinstance(found.target, NumberTarget)
        target = found.target.fit(found.values, standardise=True)
        encoded = target.encode(found.values)
        np.testing.assert_allclose(encoded[:, 0], (y - y.mean()) / y.std(), atol=1e-9)
        np.testing.assert_allclose(target.decode(encoded)[:, 0], y, rtol=1e-12)

    def test_of_1e200_neither_overflow_nor_lose_digits(self) -> None:
        y = (np.arange(N) + 0.5) * 1e200
        found = rows(y)
        assert isinstance(found.target, NumberTarget)
        target = found.target.fit(found.values, standardise=True)
        encoded = target.encode(found.values)
        small = np.arange(N) + 0.5
        np.testing.assert_allclose(encoded[:, 0], (small - small.mean()) / small.std(), atol=1e-9)

    def test_several_together(self) -> None:
        found = rows({"y": np.arange(N) * 0.5, "z": [f"{i},5" for i in range(N)]}, names=["z", "y"])
        assert found.target.names == ("z", "y")
        assert found.values[3].tolist() == [3.5, 1.5]

    def test_texts_that_are_not_numbers_are_counted(self) -> None:
        found = rows(["-" if i == 7 else f"{i * 1517:,}" for i in range(N)])
        assert found.rows == N - 1
        assert "1 value is not a number ('-'); it counts as missing" in found.notes[0]
        assert "1 row has no value" in found.notes[1]
        assert found.values[6:8, 0].tolist() == [6 * 1517, 8 * 1517]


class TestRefusals:
    @pytest.mark.parametrize(
        ("y", "task", "message"),
        [
            (["a"] * N, "auto", "the single class 'a': nothing to learn"),
            (["a", None] * 30, "auto", "the single class 'a': nothing to learn"),
            ([1] * N, "auto", "the single class 1: nothing to learn"),
            ([2.5] * N, "auto", "the same value in all rows: nothing to learn"),
            ([f"c{i}" for i in range(N)], "auto", "60 classes in 60 rows: a class needs several"),
            (range(N), "classification", "60 classes in 60 rows.*--task regression"),
            (["a", "b"] * 30, "regression", r"not numeric \('[ab]'\); a regression needs numbers"),
            ([None] * N, "auto", "has no values"),
            ([f"2020-01-{i % 9 + 1:02d}" for i in range(N)], "auto", "has dates.*--category"),
            (np.datetime64("2020-01-01") + np.arange(N), "auto", "the type time"),
            ([[1]] * N, "auto", "the type list<"),
        ],
    )
    def test_what_cannot_be_learned(self, y: Any, task: str, message: str) -> None:
        with pytest.raises(ValueError, match=f"target 'y'.*{message}"):
            rows(y, task)

    def test_six_hundred_classes_in_as_many_rows(self) -> None:
        frame = pd.DataFrame({"x": np.arange(600) % 7, "y": [f"c{i}" for i in range(600)]})
        with pytest.raises(ValueError, match="target 'y' has 600 classes in 600 rows"):
            TableRows(open_table(frame), ["y"], "auto", ColumnOptions())

    def test_dates_may_be_classes_by_option(self) -> None:
        y = [f"2020-01-{i % 3 + 1:02d}" for i in range(N)]
        assert labels(y, category=("y",)) == ("2020-01-01", "2020-01-02", "2020-01-03")

    def test_several_classes_together(self) -> None:
        data = {"y": ["a", "b"] * 30, "z": [1.5, 2.5] * 30}
        with pytest.raises(ValueError, match="target 'y' is not numeric"):
            rows(data, names=["y", "z"])
        with pytest.raises(ValueError, match="several targets are for a regression"):
            rows(data, "classification", names=["y", "z"])

    def test_an_unknown_target(self) -> None:
        with pytest.raises(ValueError, match=r"no column 'Y'; did you mean 'y'\?"):
            rows(["a", "b"] * 30, names=["Y"])

    def test_no_column_is_left(self) -> None:
        frame = pd.DataFrame({"one": ["s"] * N, "y": ["a", "b"] * 30})
        with pytest.raises(ValueError, match=r"from; left out: 'one' \(one value in all rows\)"):
            TableRows(open_table(frame), ["y"], "auto", ColumnOptions())


class TestJson:
    def test_survives(self) -> None:
        for y in (["a", "b"] * 30, [True, False] * 30, [2**70, 1] * 30):
            target = rows([str(v) if v == 2**70 else v for v in y]).target
            assert target_from_json(target.to_json()) == target
        found = rows(np.arange(N) * 0.1)
        assert isinstance(found.target, NumberTarget)
        numbers = found.target.fit(found.values, standardise=True)
        assert target_from_json(numbers.to_json()) == numbers

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            {},
            {"kind": "classes"},
            {"kind": "other", "name": "y"},
            {"kind": "classes", "name": "y", "labels": ["a"]},
            {"kind": "classes", "name": "y", "labels": ["a", "a"]},
            {"kind": "classes", "name": "y", "labels": ["a", 1.5]},
            {"kind": "classes", "name": "y", "labels": ["a", None]},
            {"kind": "classes", "name": 3, "labels": ["a", "b"]},
            {"kind": "classes", "name": "y", "labels": 7},
            {"kind": "numbers", "names": [], "styles": [], "scales": []},
            {"kind": "numbers", "names": "y", "styles": [[".", "", ""]], "scales": [[0, 0, 0]]},
            {"kind": "numbers", "names": ["y"], "styles": [], "scales": [[0, 0, 1]]},
            {"kind": "numbers", "names": ["y"], "styles": [[".", "", ""]], "scales": [[0, 0, "1"]]},
            {"kind": "numbers", "names": ["y"], "styles": [[".", "", ""]], "scales": [None]},
            {"kind": "numbers", "names": [1], "styles": [[".", "", ""]], "scales": [[0, 0, 1]]},
        ],
    )
    def test_damage_is_a_value_error(self, data: Any) -> None:
        with pytest.raises(ValueError, match="the target in the file is damaged"):
            target_from_json(data)
