"""The scales and bins of the preset "tabular", beside NumPy and scikit-learn."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import RobustScaler

from backpass.tabular import Settings
from backpass.tabular.bins import check_edges, find_edges, piecewise_linear
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.scales import RobustScale, Scale, input_scale_from_json
from backpass.tabular.sources import open_table
from backpass.tabular.table_inputs import TableInputs

NAN = float("nan")
Array = np.ndarray[Any, Any]


def written(scale: RobustScale | Scale, values: Any, dtype: str = "float64") -> Array:
    out = np.full((len(values), scale.width), NAN, dtype)
    scale.write(np.asarray(values, dtype=np.float64), out)
    return out


def interpolated(values: Any, edges: Any) -> Array:
    """Return the piecewise-linear encoding by np.interp: the part of each bin below the value."""
    place = np.interp(values, edges, np.arange(len(edges)))
    return np.clip(place[:, np.newaxis] - np.arange(len(edges) - 1), 0.0, 1.0)


class TestSmoothClip:
    @pytest.mark.parametrize("seed", range(5))
    def test_as_sklearns_robust_scaler_and_the_papers_formula(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        values = rng.standard_t(2.0, int(rng.integers(5, 300))) * 10.0 ** rng.integers(-9, 9)
        scaled = RobustScaler().fit_transform(values[:, np.newaxis])[:, 0]
        found = written(RobustScale.fit(values), values)
        np.testing.assert_allclose(
            found[:, 0], scaled / np.sqrt(1 + (scaled / 3) ** 2), rtol=1e-10, atol=1e-12
        )

    def test_half_the_range_if_the_quartiles_are_equal(self) -> None:
        values = np.array([0.0] * 20 + [4.0])
        t = np.array([0.0, 2.0])  # (x − 0) / (4 / 2)
        found = written(RobustScale.fit(values), [0.0, 4.0])
        np.testing.assert_allclose(found[:, 0], t / np.sqrt(1 + (t / 3) ** 2))

    def test_a_constant_is_zero_for_every_value(self) -> None:
        scale = RobustScale.fit(np.full(30, 0.1), bins=8)
        assert written(scale, [0.1, 5.0, NAN]).tolist() == [[0.0], [0.0], [0.0]]

    def test_no_values_at_all(self) -> None:
        assert written(RobustScale.fit(np.full(3, NAN), bins=4), [1.0]).tolist() == [[0.0]]

    def test_missing_values_are_the_median(self) -> None:
        values = np.array([1.0, NAN, 3.0, 10.0, NAN])
        scale = RobustScale.fit(values, bins=2)
        np.testing.assert_array_equal(written(scale, [NAN]), written(scale, [3.0]))

    @settings(deadline=None)
    @given(st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=30), st.integers(0, 9))
    def test_no_finite_numbers_overflow(self, numbers: list[float], bins: int) -> None:
        values = np.array(numbers)
        scale = RobustScale.fit(values, bins)
        json.dumps(scale.to_json(), allow_nan=False)
        found = written(scale, np.append(values, [NAN, 1.7e308, -1.7e308, 5e-324]), "float32")
        assert np.isfinite(found).all()
        assert (np.abs(found[:, 0]) <= 3.0).all()
        assert ((found[:, 1:] >= 0) & (found[:, 1:] <= 1)).all()


class TestBins:
    @pytest.mark.parametrize("bins", [2, 3, 8, 16, 50])
    @pytest.mark.parametrize("seed", range(4))
    def test_as_interpolation_between_the_quantiles(self, seed: int, bins: int) -> None:
        rng = np.random.default_rng(seed)
        values = rng.normal(size=200)
        if seed % 2:
            values = np.round(values, 1)  # many equal values, so some quantiles are equal
        places = np.linspace(0, len(values) - 1, bins + 1)
        edges = np.unique(np.sort(values)[np.rint(places).astype(int)])
        np.testing.assert_array_equal(find_edges(values, bins, 1.0), edges)
        new = np.concatenate([rng.normal(size=300) * 3, edges, values])
        out = np.empty((len(new), len(edges) - 1))
        piecewise_linear(new, edges, out)
        np.testing.assert_allclose(out, interpolated(new, edges), atol=1e-10)

    def test_two_values_need_no_bins(self) -> None:
        values = np.array([0.0, 1.0] * 20)
        assert find_edges(values, 16, 1.0).tolist() == []
        assert RobustScale.fit(values, 16).width == 1
        assert RobustScale.fit(np.arange(3.0), 16).width == 3

    def test_zero_and_one_bin_are_none(self) -> None:
        assert find_edges(np.arange(9.0), 0, 1.0).tolist() == []
        assert find_edges(np.arange(9.0), 1, 1.0).tolist() == []

    def test_names_and_formulas(self) -> None:
        """The formulas are what a C++ program computes. Evaluate them."""
        values = np.random.default_rng(0).gamma(2.0, 5.0, 100)
        scale = RobustScale.fit(values, bins=4)
        names = scale.names("age")
        assert names[0] == "age"
        assert names[1] == f"age in {values.min():.6g} to {np.sort(values)[25]:.6g}"  # of 0 … 99
        x = 7.5
        found = written(scale, [x])[0]
        for formula, value in zip(scale.formulas(), found, strict=True):
            how, missing = formula.split("; ")
            assert missing == f"x = {scale.median!r} if missing"
            assert evaluated(how, x) == pytest.approx(value, rel=1e-12)


def evaluated(how: str, x: float) -> float:
    """Return the value of a formula of `backpass info --inputs`."""
    names: dict[str, Any] = {"x": x, "sqrt": np.sqrt}
    if ", t = " in how:
        how, t = how.split(", t = ")
        names["t"] = eval(t, names)
    clipped = how.endswith(" clipped to 0 .. 1")
    value = eval(how.removesuffix(" clipped to 0 .. 1").replace("^", "**"), names)
    return float(np.clip(value, 0.0, 1.0) if clipped else value)


class TestFiles:
    @pytest.mark.parametrize("bins", [0, 5])
    def test_round_trip(self, bins: int) -> None:
        scale = RobustScale.fit(np.random.default_rng(0).normal(size=70), bins)
        assert input_scale_from_json(json.loads(json.dumps(scale.to_json()))) == scale

    def test_a_standardised_number_stays_three_numbers(self) -> None:
        assert input_scale_from_json([1.0, 2.0, 3.0]) == Scale(1.0, 2.0, 3.0)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"scale": -1.0}, "a scale of at least 0"),
            ({"scale": NAN}, "finite numbers"),
            ({"median": "1"}, "finite numbers"),
            ({"edges": [0.0, 1.0]}, "at least three edges"),
            ({"edges": [0.0, 2.0, 1.0]}, "ascending"),
            ({"edges": [0.0, 1.0, float("inf")]}, "finite numbers"),
            ({"edges": [0.0, 1.0, True]}, "finite numbers"),
        ],
    )
    def test_damage_is_refused(self, changes: dict[str, Any], message: str) -> None:
        data = {"median": 0.0, "scale": 1.0, "edges": [0.0, 1.0, 2.0], **changes}
        with pytest.raises(ValueError, match=message):
            input_scale_from_json(data)

    def test_edges_beyond_the_range_of_differences(self) -> None:
        check_edges([-1.7e308, 0.0, 1.7e308])


def test_columns_of_a_table_with_bins() -> None:
    """Numbers and the parts of dates have bins; each is the encoding of its values alone."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=90)
    values[::7] = NAN
    days = pd.date_range("2024-01-01", periods=90)
    frame = pd.DataFrame({"x": values, "c": ["a", "b", "c"] * 30, "d": days})
    inputs = TableInputs(open_table(frame))
    fit_scale = Settings(preset="tabular", bins=6).fit_scale()
    encoder = inputs.fit(np.arange(90), fit_scale)
    [x] = inputs.encode(encoder, [np.arange(90)], "float64")
    assert x.shape == (90, encoder.width) == (90, len(encoder.inputs))
    assert encoder.inputs[0] == "x"
    assert encoder.inputs[1].startswith(f"x in {np.nanmin(values):.6g} to ")
    number = written(RobustScale.fit(values, 6), values)
    np.testing.assert_array_equal(x[:, : 6 + 1], number)
    assert x[:, 7].tolist() == np.isnan(values).tolist()
    week = encoder.inputs.index("day of week of d")
    weekdays = np.arange(90) % 7.0  # 2024-01-01 was a Monday
    expected = written(RobustScale.fit(weekdays, 6), weekdays)
    np.testing.assert_array_equal(x[:, week : week + expected.shape[1]], expected)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
