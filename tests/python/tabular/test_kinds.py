"""What a column is, is found out, shown before the training, and can be decided otherwise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpass.tabular import ColumnOptions
from backpass.tabular.facts import examine
from backpass.tabular.kinds import common_decimal, decide, plan_lines, require_columns
from backpass.tabular.sources import open_table
from tables import kinds

N = 60
Y = ["a", "b"] * (N // 2)


def column(make: Callable[[int], Any], **options: Any) -> Any:
    other = [i % 2 for i in range(N)]
    table = {"x": [make(i) for i in range(N)], "other": other, "y": Y}
    return kinds(table, ColumnOptions(**options))["x"]


class TestFound:
    @pytest.mark.parametrize(
        ("make", "kind"),
        [
            (lambda i: i * 7 % 11, "number"),
            (lambda i: i * 0.5, "number"),
            (lambda i: f"{i * 0.5}", "number"),
            (lambda i: "?" if i % 4 == 0 else f"{i * 1.5}", "number"),
            (lambda i: "n.v." if i % 20 == 0 else f"{i * 1.5}", "number"),
            (lambda i: "-" if i == 7 else f"{i * 7 % 11}", "number"),
            (lambda i: f"{1000 + i * 371:,}", "number"),
            (lambda i: f"{i * 0.7:.1f} %", "number"),
            (lambda i: f"{i},5", "number"),
            (lambda i: f"{i * 1.5} kg", "number"),
            (lambda i: i % 3 == 0, "category"),
            (lambda i: ["yes", "no"][i % 2], "category"),
            (lambda i: ["red", "green", None][i % 3], "category"),
            (lambda i: f"00{i % 3 + 7}", "category"),
            (lambda i: f"2020-01-{i % 28 + 1:02d}", "date"),
            (lambda i: np.datetime64("2020-01-01") + i, "date"),
            (lambda i: i + 1000, "id"),
            (lambda i: f"{i}", "id"),
            (lambda i: f"user {i}", "left out"),
            (lambda i: f"{i * 131 % 9999:05d}", "left out"),
            (lambda i: 3.5, "left out"),
            (lambda i: "same", "left out"),
            (lambda i: None, "left out"),
        ],
    )
    def test_kinds(self, make: Callable[[int], Any], kind: str) -> None:
        assert column(make).kind == kind

    @pytest.mark.parametrize("name", ["year", "Day", "t", "time", "model_year", "age"])
    def test_names_of_times_keep_numbers_that_count_rows(self, name: str) -> None:
        table = {name: range(1960, 1960 + N), "size": [i % 7 for i in range(N)], "y": Y}
        assert kinds(table)[name].kind == "number"

    def test_numbers_of_rows_are_used_if_there_is_nothing_else(self) -> None:
        found = kinds({"x": range(N), "y": Y})["x"]
        assert (found.kind, found.note) == ("number", "there is no other column")
        assert kinds({"id": range(N), "y": Y})["id"].kind == "id"

    @pytest.mark.parametrize(
        "name", ["id", "ID", "customer_id", "customerId", "Unnamed: 0", "column 1", "row.number"]
    )
    def test_names_of_ids_make_different_integers_ids(self, name: str) -> None:
        numbers = np.random.default_rng(0).permutation(10_000)[:N]
        assert kinds({name: numbers, "y": Y})[name].kind == "id"
        assert kinds({name: numbers % 7, "y": Y})[name].kind == "number"
        assert kinds({"size": numbers, "y": Y})["size"].kind == "number"
        assert kinds({"citric acid": numbers, "y": Y})["citric acid"].kind == "number"
        assert kinds({name: numbers + 0.5, "y": Y})[name].kind == "number"

    def test_stray_texts_are_counted_and_shown(self) -> None:
        kind = column(lambda i: ["n.v.", "?"][i % 2] if i % 20 < 2 else f"{i * 1.5}")
        assert kind.strays == 6
        assert "6 values are not numbers ('n.v.', '?'); they count as missing" in kind.note

    def test_a_long_stray_text_is_cut(self) -> None:
        assert len(column(lambda i: "z" * 5000 if i == 7 else f"{i * 7 % 11}").note) < 120

    def test_too_many_stray_texts_make_categories(self) -> None:
        assert column(lambda i: "abcdefghijk"[i % 11] if i % 3 else f"{i % 7}").kind == "category"

    def test_twenty_thousand_rare_categories_are_left_out(self) -> None:
        data = {"x": [f"k{i % 20_000}" for i in range(40_000)], "y": ["a", "b"] * 20_000}
        kind = kinds(data)["x"]
        assert (kind.kind, kind.note) == ("left out", "no value is frequent")

    def test_nested_columns_are_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match=r"column 'x' has the type list<.*--drop"):
            column(lambda i: [i])
        assert column(lambda i: [i], drop=("x",)).kind == "left out"


class TestOptions:
    @pytest.mark.parametrize(
        ("make", "option", "kind"),
        [
            (lambda i: i % 3, "text", "category"),
            (lambda i: i % 3, "category", "category"),
            (lambda i: i + 1000, "numeric", "number"),
            (lambda i: "a" if i % 3 else f"{i}", "numeric", "number"),
            (lambda i: f"00{i % 3}", "numeric", "number"),
            (lambda i: f"user {i}", "category", "category"),
            (lambda i: f"2020010{i % 9 + 1}", "date", "date"),
            (lambda i: "a" if i % 3 else "2020-01-01", "date", "date"),
            (lambda i: i % 3, "id", "id"),
            (lambda i: i % 3, "drop", "left out"),
        ],
    )
    def test_the_user_decides(self, make: Callable[[int], Any], option: str, kind: str) -> None:
        assert column(make).kind != kind
        assert column(make, **{option: ("x",)}).kind == kind

    @pytest.mark.parametrize(
        ("make", "option", "message"),
        [
            (lambda i: "red", "numeric", "'x' has no values that are numbers"),
            (lambda i: None, "numeric", "'x' has no values that are numbers"),
            (lambda i: "red", "date", "'x' has no values that are dates"),
            (lambda i: i % 3, "date", "'x' has no values that are dates"),
            (lambda i: np.datetime64("2020-01-01") + i, "numeric", "'x' has the type time"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, make: Callable[[int], Any], option: str, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            column(make, **{option: ("x",)})

    def test_unknown_columns_are_refused_with_the_closest_name(self) -> None:
        with pytest.raises(ValueError, match=r"no column 'colour'; did you mean 'color'\?"):
            kinds({"color": Y, "y": Y}, ColumnOptions(drop=("colour",)))

    def test_two_options_for_a_column_are_refused(self) -> None:
        with pytest.raises(ValueError, match="column 'x' is given as text and as id"):
            ColumnOptions(text=("x",), id=("x",))

    @pytest.mark.parametrize("option", ["drop", "id"])
    def test_the_target_cannot_be_left_out(self, option: str) -> None:
        with pytest.raises(ValueError, match="'y' is the target and is also to be left out"):
            kinds({"x": Y, "y": Y}, ColumnOptions(**{option: ("y",)}))


class TestNotes:
    """What may be wrong with a column is said, and not changed."""

    def test_letter_case(self) -> None:
        note = column(lambda i: ["yes", "Yes", "no"][i % 3]).note
        assert note == "different letter case makes different values ('yes' and 'Yes')"

    def test_numbers_among_many_texts(self) -> None:
        note = column(lambda i: f"{i % 7}.5" if i % 3 else f"about {i % 7}").note
        assert note == "40 cells are numbers; --numeric makes it a number"


class TestDecimal:
    """One decimal sign holds for a whole file."""

    def test_a_comma_elsewhere_makes_points_separate_groups(self) -> None:
        table = {
            "height": [f"{i % 9},{i % 7}5" for i in range(N)],
            "sales": [f"{1 + i % 7}.{100 + i}" if i % 2 else f"{500 + i}" for i in range(N)],
            "y": Y,
        }
        facts = examine(open_table(table))
        assert common_decimal(facts) == ","
        style = decide(facts, ColumnOptions(), ["y"], ",")["sales"].style
        assert (style.decimal, style.group) == (",", ".")

    @pytest.mark.parametrize("other", ["0.5", "1.25", "12.3456", "1.5e3", ".5"])
    def test_a_point_that_is_a_decimal_sign_decides(self, other: str) -> None:
        table = {"a": ["1,25"] * N, "b": [other] * N, "y": Y}
        assert common_decimal(examine(open_table(table))) is None

    @pytest.mark.parametrize("other", ["1,234", "a,b", "1,2,3"])
    def test_other_commas_prove_nothing(self, other: str) -> None:
        assert common_decimal(examine(open_table({"a": [other] * N, "y": Y}))) is None


class TestRequireColumn:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("Y", "no column 'Y'; did you mean 'y'? There are: x, y"),
            ("q", "no column 'q'; there are: x, y"),
            (
                "3",
                (
                    "no column '3'; numbers are names in files without a header (--no-header). "
                    "There are: x, y"
                ),
            ),
        ],
    )
    def test_messages(self, name: str, message: str) -> None:
        with pytest.raises(ValueError, match="no column") as error:
            require_columns([name], ["x", "y"])
        assert str(error.value) == message

    def test_never_more_than_a_screen(self) -> None:
        with pytest.raises(ValueError, match="no column") as error:
            require_columns(["q" * 5000], [f"{'z' * 5000}{i}" for i in range(100)])
        assert len(str(error.value)) < 1000


class TestPlan:
    def plan(self, data: Any, target: str = "y") -> list[str]:
        facts = examine(open_table(data))
        return list(plan_lines(facts, decide(facts, ColumnOptions(), [target])))

    def test_shows_kind_missing_distinct_and_what_becomes_of_it(self) -> None:
        plan = self.plan(
            {
                "size": [None if i % 6 == 0 else i * 0.5 for i in range(N)],
                "colour": ["red", "green", "blue"] * 20,
                "when": [f"2020-01-{i % 28 + 1:02d}" for i in range(N)],
                "number": range(N),
                "same": ["s"] * N,
                "y": Y,
            }
        )
        shown = {line.split()[0]: line.split(maxsplit=4) for line in plan}
        assert plan[0].split() == [
            "column",
            "kind",
            "missing",
            "distinct",
            *["what", "becomes", "of", "it"],
        ]
        assert shown["size"][1:4] == ["number", "10", "50"]
        assert shown["size"][4] == "scaled; if missing, the median, and an input for that"
        assert shown["colour"][1:] == ["category", "0", "3", "an input for each frequent value"]
        assert shown["when"][1:4] == ["date", "0", "28"]
        assert shown["when"][4] == ("those of year, month, day of week, hour and days that vary")
        assert shown["number"][1:4] == ["id", "0", "60"]
        assert "a number of its own for each row" in shown["number"][4]
        assert "one value in all rows" in " ".join(shown["same"])
        assert shown["y"][1:] == ["target", "0", "2", "predicted"]

    def test_strays_count_as_missing(self) -> None:
        plan = self.plan({"x": ["-", None, *[f"{i * 7 % 11}" for i in range(N - 2)]], "y": Y})
        assert plan[1].split()[:3] == ["x", "number", "2"]

    def test_fits_on_a_screen(self) -> None:
        data: dict[str, Any] = {f"c{i}": np.arange(N) % 7 for i in range(500)}
        data["z" * 500] = ["?" if i % 9 == 0 else f"{i % 7}" for i in range(N)]
        plan = self.plan({**data, "y": Y})
        assert len(plan) == 40
        assert max(map(len, plan)) < 200
        assert any("7 values are not numbers" in line for line in plan)
        assert plan[-1] == "(502 columns; some are not shown)"
