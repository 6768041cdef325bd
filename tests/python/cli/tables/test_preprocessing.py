"""Encoding of columns and targets, and its conversion to and from JSON."""

import json
from typing import Any, ClassVar

import numpy as np
import pytest

from backpass.cli.tables.preprocessing import (
    MAX_CATEGORIES,
    CategoricalColumn,
    ClassTarget,
    InputEncoder,
    NumericColumn,
    NumericTarget,
    guess_task,
    preprocessing_from_json,
    preprocessing_to_json,
    stack_numbers,
)

RNG = np.random.default_rng(0)
EPS = np.finfo(np.float64).eps


def texts(*values: str | None) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=object)


class TestNumbers:
    @pytest.mark.parametrize("shape", [(50,), (50, 3)])
    def test_have_mean_zero_and_deviation_one(self, shape: tuple[int, ...]) -> None:
        values = RNG.normal(5.0, 3.0, size=shape)
        encoded = NumericColumn.fit("a", values).encode(values)
        assert encoded.shape == (50, 1 if len(shape) == 1 else 3)
        # The rounding error of the mean enters each value, relative to the magnitude of the values.
        assert np.abs(encoded.mean(axis=0)).max() < 50 * EPS * 5
        assert np.abs(encoded.std(axis=0) - 1).max() < 50 * EPS * 5

    def test_decode_undoes_encode(self) -> None:
        values = RNG.normal(5.0, 3.0, size=(50, 2))
        column = NumericColumn.fit("a", values)
        np.testing.assert_allclose(column.decode(column.encode(values)), values, rtol=20 * EPS)

    @pytest.mark.parametrize("constant", [0.0, 0.1, -1e300, 1e-300, 12345.678])
    def test_constant_columns_become_zero(self, constant: float) -> None:
        values = np.full(1000, constant)
        column = NumericColumn.fit("a", values)
        assert column.scale.tolist() == [1.0]
        assert np.abs(column.encode(values)).max() <= 1000 * EPS * abs(constant)

    def test_nearly_constant_columns_are_scaled(self) -> None:
        values = 1.0 + 1e-6 * RNG.normal(size=100)
        assert NumericColumn.fit("a", values).encode(values).std() == pytest.approx(1, rel=1e-6)

    def test_shared_scale_keeps_proportions(self) -> None:
        values = np.column_stack([RNG.normal(0, 1, 200), RNG.normal(0, 100, 200)])
        encoded = NumericColumn.fit("a", values, shared=True).encode(values)
        assert encoded.std() == pytest.approx(1)
        ratio = values[:, 1].std() / values[:, 0].std()
        assert encoded[:, 1].std() / encoded[:, 0].std() == pytest.approx(ratio)

    def test_input_is_not_changed(self) -> None:
        values = RNG.normal(size=(4, 2))
        before = values.copy()
        NumericColumn.fit("a", values).encode(values)
        assert np.array_equal(values, before)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_missing_values_name_column_and_row(self, bad: float) -> None:
        with pytest.raises(ValueError, match=r"column 'age' has 2 rows .* first is row 2"):
            NumericColumn.fit("age", np.array([1.0, bad, 3.0, bad]))

    def test_texts_are_refused(self) -> None:
        column = NumericColumn.fit("age", np.ones(3))
        with pytest.raises(ValueError, match=r"column 'age' must be numeric, got 'old'"):
            column.encode(texts(None, "old"))

    def test_no_rows_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"column 'a' has no rows to learn from"):
            NumericColumn.fit("a", np.ones(0))

    def test_a_column_without_any_value_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"column 'a' has 2 missing values"):
            NumericColumn.fit("a", texts(None, None))

    def test_width_must_agree(self) -> None:
        column = NumericColumn.fit("a", np.ones((3, 4)))
        with pytest.raises(ValueError, match="expected 4 features, got 5"):
            column.encode(np.ones((2, 5)))


class TestCategories:
    def test_one_hot_in_sorted_order(self) -> None:
        column = CategoricalColumn.fit("c", texts("red", "blue", "red", "green"))
        assert column.categories == ("blue", "green", "red")
        assert column.encode(texts("red", "blue")).tolist() == [[0, 0, 1], [1, 0, 0]]

    def test_unknown_category_names_column_row_and_value(self) -> None:
        column = CategoricalColumn.fit("c", texts("a", "b"))
        with pytest.raises(
            ValueError, match=r"column 'c', row 2: 'x' is unknown; known values: 'a', 'b'"
        ):
            column.encode(texts("a", "x"))

    @pytest.mark.parametrize("bad", [None, np.nan])
    def test_missing_values_name_column_and_row(self, bad: Any) -> None:
        with pytest.raises(
            ValueError, match=r"column 'c' has 1 missing values, the first is row 2"
        ):
            CategoricalColumn.fit("c", texts("a", bad))

    def test_numbers_stand_for_their_text(self) -> None:
        column = CategoricalColumn.fit("c", texts("1", "a"))
        assert column.encode(np.array([1])).tolist() == [[1, 0]]

    def test_too_many_are_refused(self) -> None:
        names = texts(*map(str, range(MAX_CATEGORIES + 1)))
        with pytest.raises(ValueError, match=f"column 'c' holds {MAX_CATEGORIES + 1} different"):
            CategoricalColumn.fit("c", names)


class TestInputEncoder:
    INPUTS: ClassVar[dict[str, np.ndarray[Any, Any]]] = {
        "n": np.array([1.0, 2.0, 3.0, 6.0]),
        "c": texts("a", "b", "a", "c"),
        "m": np.arange(8.0).reshape(4, 2),
        "b": np.array([True, False, True, True]),
    }

    def test_columns_stand_side_by_side(self) -> None:
        encoder = InputEncoder.fit(self.INPUTS)
        encoded = encoder.encode(self.INPUTS)
        assert encoder.width == encoded.shape[1] == 1 + 3 + 2 + 1
        mean, std = self.INPUTS["n"].mean(), self.INPUTS["n"].std()
        np.testing.assert_allclose(encoded[:, 0], (self.INPUTS["n"] - mean) / std)
        assert encoded[:, 1:4].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
        assert encoder.text_columns == ["c"]

    def test_statistics_come_from_the_given_rows_and_categories_from_all(self) -> None:
        encoder = InputEncoder.fit(self.INPUTS, np.array([0, 1]))
        number, categories = encoder.columns[:2]
        assert isinstance(number, NumericColumn)
        assert number.mean.tolist() == [1.5]
        assert number.scale.tolist() == [0.5]
        assert isinstance(categories, CategoricalColumn)
        assert categories.categories == ("a", "b", "c")

    def test_missing_values_outside_the_given_rows_are_found(self) -> None:
        with pytest.raises(ValueError, match=r"column 'n' .* row 3"):
            InputEncoder.fit({"n": np.array([1.0, 2.0, np.nan])}, np.array([0, 1]))

    def test_order_of_columns_does_not_matter_and_others_are_ignored(self) -> None:
        encoder = InputEncoder.fit(self.INPUTS)
        mixed = {"other": texts(*"wxyz"), **dict(reversed(self.INPUTS.items()))}
        assert np.array_equal(encoder.encode(mixed), encoder.encode(self.INPUTS))

    def test_missing_column_is_named(self) -> None:
        encoder = InputEncoder.fit({"a": np.ones(2), "b": np.ones(2)})
        with pytest.raises(ValueError, match=r"no column 'b' in the data.*there are: a, c"):
            encoder.encode({"a": np.ones(2), "c": np.ones(2)})

    def test_a_table_may_stand_for_an_array(self) -> None:
        x = RNG.normal(size=(5, 3))
        encoder = InputEncoder.fit({"x": x})
        table = {f"p{i}": x[:, i] for i in range(3)}
        assert np.array_equal(encoder.encode(table), encoder.encode({"x": x}))

    def test_but_a_single_column_is_known_by_its_name(self) -> None:
        encoder = InputEncoder.fit({"height": np.arange(3.0)})
        with pytest.raises(ValueError, match="no column 'height'"):
            encoder.encode({"weight": np.arange(3.0)})


class TestClasses:
    @pytest.mark.parametrize(
        ("values", "labels"),
        [
            (texts("b", "a", "b"), ("a", "b")),
            (np.array(["b", "a", "b"]), ("a", "b")),
            (np.array([7, -1, 7]), (-1, 7)),
            (np.array([2.5, 0.5, 2.5]), (0.5, 2.5)),
            (np.array([True, False, True]), (False, True)),
            (np.array([9, 3, 9], dtype="u1"), (3, 9)),
        ],
    )
    def test_any_type_is_numbered_in_order(
        self, values: np.ndarray[Any, Any], labels: tuple[Any, ...]
    ) -> None:
        target = ClassTarget.fit("y", values)
        assert target.labels == labels
        assert [type(label) for label in target.labels] == [type(label) for label in labels]
        assert target.encode(values).tolist() == [1, 0, 1]
        assert target.decode(np.array([1, 0, 1])) == values.tolist()
        again = preprocessing_from_json(
            preprocessing_to_json(InputEncoder.fit({"x": np.ones(1)}), target)
        )[1]
        assert again == target
        assert isinstance(again, ClassTarget)
        assert [type(label) for label in again.labels] == [type(label) for label in labels]

    def test_single_class_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"target 'y' has a single class"):
            ClassTarget.fit("y", texts("a", "a"))

    @pytest.mark.parametrize("values", [texts("a", None), np.array([1.0, np.nan])])
    def test_missing_labels_are_named(self, values: np.ndarray[Any, Any]) -> None:
        with pytest.raises(ValueError, match=r"column 'y' has 1 missing values, .* row 2"):
            ClassTarget.fit("y", values)

    def test_unknown_label_is_named(self) -> None:
        target = ClassTarget.fit("y", np.array([0, 1]))
        with pytest.raises(
            ValueError, match=r"column 'y', row 1: .*2.* is unknown; known values: 0, 1"
        ):
            target.encode(np.array([2, 1]))

    def test_two_axes_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"must be 1-D, got shape \(2, 2\)"):
            ClassTarget.fit("y", np.eye(2))


class TestQuantities:
    def test_are_standardised_unless_told_otherwise(self) -> None:
        values = RNG.normal(100.0, 10.0, size=40)
        assert NumericTarget.fit("y", values).column.encode(values).std() == pytest.approx(1)
        raw = NumericTarget.fit("y", values, standardise=False)
        assert np.array_equal(raw.column.encode(values)[:, 0], values)

    def test_texts_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"target 'y' is not numeric"):
            NumericTarget.fit("y", texts("a"))


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (texts("a", "b"), "classification"),
        (np.array([True, False]), "classification"),
        (np.array([0, 1, 2]), "classification"),
        (np.arange(20), "classification"),
        (np.arange(21), "regression"),
        (np.array([0.0, 1.0]), "regression"),
        (np.eye(3, dtype=int), "regression"),
    ],
)
def test_task_is_guessed_from_the_target(values: np.ndarray[Any, Any], task: str) -> None:
    assert guess_task(values) == task


class TestJson:
    ENCODER = InputEncoder.fit(TestInputEncoder.INPUTS)

    def test_round_trip_encodes_to_the_same_bits(self) -> None:
        target = NumericTarget.fit("y", RNG.normal(size=(9, 2)))
        text = preprocessing_to_json(self.ENCODER, target)
        encoder, target_again = preprocessing_from_json(text)
        inputs = TestInputEncoder.INPUTS
        assert encoder.encode(inputs).tobytes() == self.ENCODER.encode(inputs).tobytes()
        assert isinstance(target_again, NumericTarget)
        values = RNG.normal(size=(5, 2))
        assert np.array_equal(target_again.column.decode(values), target.column.decode(values))
        assert preprocessing_to_json(encoder, target_again) == text

    def damaged(self) -> list[str]:
        """Return valid text with one value removed or replaced, in every way."""
        sound = json.loads(preprocessing_to_json(self.ENCODER, ClassTarget("y", ("a", "b"))))
        variants: list[Any] = []

        def visit(node: Any, rebuild: Any) -> None:
            variants.extend(rebuild(other) for other in (None, 7, [None], {}, "\0", [1e999]))
            if isinstance(node, dict):
                for key in node:
                    variants.append(rebuild({k: v for k, v in node.items() if k != key}))
                    visit(node[key], lambda v, key=key: rebuild({**node, key: v}))
            if isinstance(node, list):
                for i in range(len(node)):
                    visit(node[i], lambda v, i=i: rebuild([*node[:i], v, *node[i + 1 :]]))

        visit(sound, lambda value: value)
        return [json.dumps(variant) for variant in variants]

    def test_damage_is_a_value_error_or_harmless(self) -> None:
        texts = self.damaged()
        refused = 0
        for text in texts:
            try:
                encoder, _ = preprocessing_from_json(text)
                assert encoder.width > 0
            except ValueError:
                refused += 1
        assert len(texts) > 200
        assert refused > len(texts) / 2

    @pytest.mark.parametrize("text", ["", "no", "[" * 100_000, "[]", "null"])
    def test_no_json_object_is_a_value_error(self, text: str) -> None:
        with pytest.raises(ValueError, match="the preprocessing in the file"):
            preprocessing_from_json(text)

    def test_numbers_beyond_the_range_are_damage(self) -> None:
        text = preprocessing_to_json(self.ENCODER, ClassTarget("y", ("a", "b")))
        data = json.loads(text)
        data["inputs"][0]["mean"] = [10**400]
        with pytest.raises(ValueError, match="is damaged"):
            preprocessing_from_json(json.dumps(data))

    def test_a_column_of_categories_is_not_a_target(self) -> None:
        data = json.loads(preprocessing_to_json(self.ENCODER, ClassTarget("y", ("a", "b"))))
        data["target"] = {"kind": "categorical", "name": "c", "categories": ["a", "b"]}
        with pytest.raises(ValueError, match="the target in the file is damaged"):
            preprocessing_from_json(json.dumps(data))

    def test_another_version_says_so(self) -> None:
        data = json.loads(preprocessing_to_json(self.ENCODER, ClassTarget("y", ("a", "b"))))
        data["version"] = 99
        with pytest.raises(ValueError, match="version 99"):
            preprocessing_from_json(json.dumps(data))


def test_stack_numbers_names_the_column_that_is_none() -> None:
    assert stack_numbers({"a": np.ones(2), "b": np.zeros((2, 2))}).shape == (2, 3)
    with pytest.raises(ValueError, match=r"column 'c' must be numeric"):
        stack_numbers({"a": np.ones(1), "c": texts("x")})
