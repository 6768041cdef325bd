"""The encoding of columns, beside a computation of it with NumPy and pandas alone."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.tabular import ColumnOptions
from backpass.tabular.columns import MAX_CATEGORIES, CategoryColumn, Scale, read_texts
from backpass.tabular.data import TableRows
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.facts import blocks_of
from backpass.tabular.sources import open_table
from backpass.tabular.unseen import Unseen

NAN = float("nan")


def fit(frame: pd.DataFrame, train: Any = None, **options: Any) -> TableEncoder:
    """Return an encoder that has learned from the given rows of a frame with the target y."""
    rows = TableRows(open_table(frame), ["y"], "auto", ColumnOptions(**options))
    return rows.fit(np.arange(len(frame)) if train is None else np.asarray(train))


def encode(encoder: TableEncoder, frame: Any) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    counts: dict[str, Unseen] = {}
    blocks = blocks_of(open_table(frame), encoder.names)
    x = [encoder.encode(block, np.float64, counts) for block in blocks]
    return np.concatenate(x), {name: found for name, found in counts.items() if found != Unseen()}


def frame_of(**columns: Any) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({**columns, "y": [["a", "b"][i % 2] for i in range(rows)]})


class TestNumbers:
    def test_standardised_with_median_and_indicator(self) -> None:
        values = np.random.default_rng(0).gamma(2.0, 100.0, 80)
        values[::9] = NAN
        known = values[~np.isnan(values)]
        frame = frame_of(x=values)
        x, counts = encode(fit(frame), frame)
        filled = np.where(np.isnan(values), np.median(known), values)
        np.testing.assert_allclose(x[:, 0], (filled - known.mean()) / known.std(), rtol=1e-12)
        assert x[:, 1].tolist() == np.isnan(values).tolist()
        assert counts == {}

    def test_learns_from_the_rows_for_training_only(self) -> None:
        values = np.random.default_rng(0).normal(size=80)
        values[50:] += 1000
        frame = frame_of(x=values)
        x, _ = encode(fit(frame, range(50)), frame)
        expected = (values - values[:50].mean()) / values[:50].std()
        np.testing.assert_allclose(x[:, 0], expected, rtol=1e-12)

    def test_a_missing_value_that_training_did_not_have_is_counted(self) -> None:
        values = np.arange(80) % 7.0
        frame = frame_of(x=values)
        encoder = fit(frame)
        assert encoder.inputs == ["x"]
        x, counts = encode(encoder, {"x": [NAN, 1.0, None]})
        middle = (np.median(values) - values.mean()) / values.std()
        np.testing.assert_allclose(x[[0, 2], 0], middle, rtol=1e-12)
        assert counts == {"x": Unseen(missing=2)}

    def test_texts_of_numbers_and_strays(self) -> None:
        texts = [f"{1000 + 37 * i:,}" for i in range(80)]
        texts[5] = "-"
        values = np.array([NAN if t == "-" else float(t.replace(",", "")) for t in texts])
        known = values[~np.isnan(values)]
        encoder = fit(frame_of(x=texts))
        x, counts = encode(encoder, {"x": [*texts, "unknown"]})
        expected = (np.append(values, NAN) - known.mean()) / known.std()
        middle = (np.median(known) - known.mean()) / known.std()
        expected[np.isnan(expected)] = middle
        np.testing.assert_allclose(x[:, 0], expected, rtol=1e-9)
        assert np.flatnonzero(x[:, 1]).tolist() == [5, 80]
        assert counts == {"x": Unseen(strays=2, examples=["-", "unknown"])}

    def test_flags_and_nullable_numbers(self) -> None:
        frame = frame_of(
            flag=pd.array([True, False, None] * 20, dtype="boolean"),
            count=pd.array([1, 2, None] * 20, dtype="Int64"),
        )
        x, _ = encode(fit(frame), frame)
        # A flag has an input each for False, True and a missing value.
        assert np.allclose(x[:3], [[0, 1, 0, -1, 0], [1, 0, 0, 1, 0], [0, 0, 1, 0, 1]])

    @pytest.mark.parametrize("words", [("True", "False"), ("TRUE", "FALSE"), ("true", "false")])
    def test_flags_are_the_same_in_every_spelling(self, words: tuple[str, str]) -> None:
        flags = np.arange(60) % 3 > 0
        texts = [words[0] if flag else words[1] for flag in flags]
        for learned, other in ((flags, texts), (texts, flags)):
            encoder = fit(frame_of(x=learned))
            assert encoder.inputs == ["x = False", "x = True"]
            x, counts = encode(encoder, {"x": other})
            assert x.tolist() == [[float(not flag), float(flag)] for flag in flags]
            assert counts == {}

    @settings(deadline=None)
    @given(st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=30))
    def test_no_finite_numbers_overflow(self, numbers: list[float]) -> None:
        values = np.array(numbers)
        scale = Scale.fit(values)
        encoded = scale.encode(np.append(values, NAN))
        assert np.isfinite(encoded).all()
        assert np.isfinite(encoded.astype(np.float32)).all()
        top = np.abs(values).max() or 1.0
        small = values / top  # the same computation where nothing overflows
        if small.std() > 1e-9:
            expected = (small - small.mean()) / small.std()
            np.testing.assert_allclose(encoded[:-1], expected, atol=1e-6)

    def test_a_number_far_outside_stays_finite(self) -> None:
        scale = Scale.fit(np.array([0.0, 1e-300]))
        assert np.isfinite(scale.encode(np.array([1e300, -1e300, np.inf])).astype("f4")).all()

    @pytest.mark.parametrize("constant", [0.0, 0.1, 1e-300, 1e300, -3.3e15])
    def test_a_constant_becomes_zero(self, constant: float) -> None:
        scale = Scale.fit(np.full(1000, constant))
        assert scale.scale == 1.0
        assert abs(scale.encode(np.array([constant]))[0]) <= 1e-12 * abs(constant)

    def test_small_differences_of_large_numbers_survive(self) -> None:
        values = 9e15 + np.arange(80) % 11
        x, _ = encode(fit(frame_of(x=values)), {"x": values})
        steps = np.diff(x[:11, 0])
        assert steps.min() == steps.max() > 0


class TestCategories:
    def test_one_hot_in_sorted_order(self) -> None:
        words = ["red", "Green", "blue", "ärmlich"] * 20
        frame = frame_of(x=words)
        encoder = fit(frame)
        expected = pd.get_dummies(pd.Series(words)).astype(float)
        assert encoder.inputs == [f"x = {name}" for name in expected.columns]
        assert np.array_equal(encode(encoder, frame)[0], expected.to_numpy())

    def test_missing_values_are_a_category_of_their_own(self) -> None:
        frame = frame_of(x=["red", None, "blue", np.nan] * 20)
        encoder = fit(frame)
        assert encoder.inputs == ["x = blue", "x = red", "x is missing"]
        x, counts = encode(encoder, frame)
        assert x[:4].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]
        assert counts == {}

    def test_rare_and_new_values_share_an_input_and_are_counted(self) -> None:
        frame = frame_of(x=[*(["red", "blue"] * 30), "pink", "teal"])
        encoder = fit(frame)
        assert encoder.inputs == ["x = blue", "x = red", "x is another value"]
        x, counts = encode(encoder, {"x": ["pink", "new", "red", None]})
        assert x.tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 1]]
        assert counts == {"x": Unseen(unknown=2, missing=1, examples=["pink", "new"])}

    def test_whole_numbers_may_have_a_decimal_point(self) -> None:
        numbers = np.arange(60) % 3 + 100
        encoder = fit(frame_of(x=numbers), category=("x",))
        expected = np.eye(3)[numbers - 100].tolist()
        for same in ([f"{n}.0" for n in numbers], [f"{n}" for n in numbers], numbers.astype(float)):
            x, counts = encode(encoder, {"x": same})
            assert (x.tolist(), counts) == (expected, {})

    def test_new_values_without_rare_ones_have_no_input(self) -> None:
        encoder = fit(frame_of(x=["red", "blue"] * 30))
        x, counts = encode(encoder, {"x": ["new", None]})
        assert x.tolist() == [[0, 0], [0, 0]]
        assert counts == {"x": Unseen(unknown=1, missing=1, examples=["new"])}

    def test_the_most_frequent_of_very_many(self) -> None:
        rng = np.random.default_rng(0)
        words = [f"k{int(rank)}" for rank in rng.zipf(1.3, 20_000) if rank < 20_000]
        counts = Counter(words)
        encoder = fit(frame_of(x=words))
        assert encoder.width == MAX_CATEGORIES + 1
        chosen = {name.removeprefix("x = ") for name in encoder.inputs[:-1]}
        least = min(counts[word] for word in chosen)
        assert all(count <= least for word, count in counts.items() if word not in chosen)
        x, _ = encode(encoder, {"x": words})
        assert x.sum(axis=1).tolist() == [1.0] * len(words)

    def test_if_all_are_rare_there_is_no_input(self) -> None:
        values = [pa.array([f"k{i}" for i in range(500)]).dictionary_encode()]
        kind: Any = None
        assert CategoryColumn.fit("x", kind, values).inputs == []

    def test_numbers_of_every_type_are_the_same_category(self) -> None:
        encoder = fit(frame_of(x=[1, 2] * 30), category=("x",))
        for values in ([2, 1], [2.0, 1.0], ["2", "1"], [2.0, 1.0, None]):
            assert encode(encoder, {"x": values})[0][:2].tolist() == [[0, 1], [1, 0]]

    def test_large_numbers_keep_their_digits(self) -> None:
        assert read_texts(pa.array([2**53 + 1, 2**53])).dictionary.to_pylist() == [
            "9007199254740993",
            "9007199254740992",
        ]
        assert read_texts(pa.array([1e19, 1e200])).dictionary.to_pylist() == ["1e+19", "1e+200"]


class TestDates:
    def test_each_part_that_varies_is_standardised(self) -> None:
        days = pd.Series(pd.date_range("2019-01-05 03:00", periods=80, freq="101h"))
        days[::7] = pd.NaT
        known = days.dropna()
        frame = frame_of(when=days)
        encoder = fit(frame)
        parts = {
            "year": days.dt.year,
            "month": days.dt.month,
            "day of week": days.dt.day_of_week,
            "hour": days.dt.hour,
            "days": (days - pd.Timestamp(0)) / pd.Timedelta(days=1),
        }
        varying = {name: p.to_numpy(float) for name, p in parts.items() if p.nunique() > 1}
        assert encoder.inputs == [*(f"{name} of when" for name in varying), "when is missing"]
        x, _ = encode(encoder, frame)
        for i, part in enumerate(varying.values()):
            present = part[~np.isnan(part)]
            filled = np.where(np.isnan(part), np.median(present), part)
            np.testing.assert_allclose(
                x[:, i], (filled - present.mean()) / present.std(), atol=1e-9
            )
        assert x[:, -1].tolist() == days.isna().tolist()
        assert len(known) == 80 - 12

    def test_texts_times_and_zones_are_the_same_dates(self) -> None:
        days = pd.date_range("2020-01-01", periods=60, freq="D")
        encoder = fit(frame_of(when=[day.strftime("%d.%m.%Y") for day in days]))
        expected, _ = encode(encoder, {"when": [day.strftime("%d.%m.%Y") for day in days]})
        for other in (days, days.date, days.tz_localize("UTC"), days.as_unit("ns")):
            assert np.array_equal(encode(encoder, pd.DataFrame({"when": other}))[0], expected)

    def test_numbers_are_no_dates(self) -> None:
        encoder = fit(frame_of(when=pd.date_range("2020-01-01", periods=60)))
        with pytest.raises(ValueError, match=r"column 'when' must have dates.* int64"):
            encode(encoder, {"when": [1, 2]})


def test_dates_are_no_numbers() -> None:
    encoder = fit(frame_of(x=np.arange(60) * 0.5))
    with pytest.raises(ValueError, match=r"column 'x' must be numeric.*timestamp"):
        encode(encoder, pd.DataFrame({"x": pd.date_range("2020-01-01", periods=3)}))
