"""Numbers in texts are read as a person reads them."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.tabular.kinds import number_kind
from backpass.tabular.numbers import NumberStyle, find_style, style_from_json
from tables import kinds

NAN = float("nan")


def read(texts: list[str | None], style: NumberStyle) -> list[float]:
    values, _ = style.parse(pa.array(texts, pa.string()))
    return [float(value) for value in values]


class TestStyles:
    @pytest.mark.parametrize(
        ("texts", "values"),
        [
            (["1,234", "12,345.5", "1,234,567"], [1234, 12345.5, 1234567]),
            (["12,5", "0,25", "-3,0"], [12.5, 0.25, -3]),
            (["1.234,5", "2.000.000,25"], [1234.5, 2000000.25]),
            (["1 234,5", "12 345,0"], [1234.5, 12345]),
            (["1\u00a0234,5", "12\u202f345,0"], [1234.5, NAN]),  # one kind of space per column
            (["1'234.5", "12'345"], [1234.5, 12345]),
            (["12.3 %", "5%", "7\u00a0%"], [12.3, 5, 7]),
            (["5 kg", "7.25kg"], [5, 7.25]),
            (["$1,200.50", "$ 7"], [1200.5, 7]),
            (["12,50 €", "3,00€"], [12.5, 3]),
            (["20 °C", "-3.5 °C"], [20, -3.5]),
            (["1,5e3 m", "2,5 m"], [1500, 2.5]),
        ],
    )
    def test_the_style_of_a_column_is_found(self, texts: list[str], values: list[float]) -> None:
        style, _ = find_style(Counter(texts), has_point=False, decimal=None)
        np.testing.assert_allclose(read(texts, style), values)

    def test_three_digits_behind_a_comma_are_a_group_unless_told(self) -> None:
        texts = ["1,234", "5,678"]
        assert find_style(Counter(texts), has_point=False, decimal=None)[0].group == ","
        style, _ = find_style(Counter(texts), has_point=False, decimal=",")
        assert read(texts, style) == [1.234, 5.678]

    def test_a_decimal_comma_makes_points_groups(self) -> None:
        data = {"x": [f"{i + 1}.234" for i in range(60)], "y": ["a", "b"] * 30}
        from backpass.tabular.facts import examine
        from backpass.tabular.sources import open_table

        kind = number_kind(examine(open_table(data))["x"], ",")
        assert (kind.style.group, kind.style.decimal, kind.strays) == (".", ",", 0)
        assert read(["2.234", "7"], kind.style) == [2234, 7]
        assert number_kind(examine(open_table(data))["x"], None).style == NumberStyle()

    def test_several_units_are_no_numbers(self) -> None:
        style, count = find_style(Counter(["5 kg", "7 g"]), has_point=False, decimal=None)
        assert (style.unit, count) == ("", 0)

    def test_digits_of_other_scripts_are_texts(self) -> None:
        # Python's \d takes them, but the reader of the column does not.
        data = {"x": [chr(0x660 + i % 10) for i in range(60)], "y": ["a", "b"] * 30}
        assert kinds(data)["x"].kind == "category"

    @settings(deadline=None)
    @given(
        st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), min_size=1, max_size=20),
        st.sampled_from([",", ".", " ", "'"]),
    )
    def test_what_python_formats_is_read_back(self, numbers: list[float], group: str) -> None:
        decimal = "," if group == "." else "."
        table = str.maketrans({",": group, ".": decimal})
        texts = [f"{number:,.2f}".translate(table) for number in numbers]
        assert read([*texts, None], NumberStyle(decimal, group))[:-1] == numbers


class TestParse:
    @pytest.mark.parametrize("style", [NumberStyle(), NumberStyle(",", ".", "kg")])
    def test_strays_and_missing_values_are_kept_apart(self, style: NumberStyle) -> None:
        texts = pa.array(["-", None, "5", "n.v.", "", "inf", "nan", "1e999", "0x10", "1_000"])
        values, strays = style.parse(texts)
        assert np.flatnonzero(np.isfinite(values)).tolist() == [2]
        assert np.flatnonzero(~strays).tolist() == [1, 2]

    def test_plain_numbers_are_those_of_python(self) -> None:
        texts = ["5", "+5", "-5.", ".5", "1e5", "1E-3", "007", "9007199254740993", "1e200"]
        assert read([*texts, None, "x"], NumberStyle())[:-2] == [float(text) for text in texts]


@pytest.mark.parametrize("data", [None, [], [".", ""], [".", "", 3], ["x", "", ""], "abc", {}])
def test_damaged_styles_are_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|unknown"):
        style_from_json(data)


def test_styles_survive_json() -> None:
    style = NumberStyle(",", ".", "°C")
    assert style_from_json(style.to_json()) == style
