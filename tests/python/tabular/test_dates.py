"""Dates in texts become year, month, day of the week, hour and days."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.tabular import ColumnOptions
from backpass.tabular.dates import find_formats, looks_like_dates, parse_dates, parts_of
from tables import kinds

UTC = dt.timezone.utc
DAYS = [dt.datetime(2020, 1 + i % 12, 1 + i * 5 % 28, tzinfo=UTC) for i in range(40)]


def read(texts: list[str]) -> list[dt.datetime]:
    seconds, strays = parse_dates(pa.array(texts), find_formats(texts)[0])
    assert not strays.any()
    return [dt.datetime.fromtimestamp(value, UTC) for value in seconds]


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
        *("%m-%d-%Y", "%d.%m.%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y"),
        *("%B %d, %Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S"),
        *("%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00"),
    ],
)
def test_one_format(form: str) -> None:
    assert read([day.strftime(form) for day in DAYS]) == DAYS


def test_zones_become_utc() -> None:
    [moment] = read(["2020-03-01T12:00:00+02:00"])
    assert moment == dt.datetime(2020, 3, 1, 10, tzinfo=UTC)


def test_three_formats_in_one_column_each_with_its_own_order() -> None:
    forms = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"]
    assert read([day.strftime(forms[i % 3]) for i, day in enumerate(DAYS)]) == DAYS


def test_an_unparsable_date_is_counted() -> None:
    texts = [day.strftime("%d.%m.%Y") for day in DAYS]
    texts[7], texts[9] = "soon", "31.02.2020"
    kind = kinds({"x": texts, "y": ["a", "b"] * 20})["x"]
    assert kind.kind == "date"
    assert kind.strays == 2
    assert "2 values are not dates ('soon', '31.02.2020'); they count as missing" in kind.note
    seconds, strays = parse_dates(pa.array([*texts, None]), kind.formats)
    assert np.flatnonzero(strays).tolist() == [7, 9]
    assert np.flatnonzero(np.isnan(seconds)).tolist() == [7, 9, 40]


def test_an_ambiguous_order_is_said() -> None:
    texts = [f"{1 + i % 12}/{1 + i % 11}/2020" for i in range(40)]
    formats, note = find_formats(texts)
    assert formats == ("%m/%d/%Y",)
    assert note == "read as month/day/year; --day-first changes this"
    assert find_formats(texts, day_first=True) == (("%d/%m/%Y",), "")
    assert find_formats(texts, day_first=False) == (("%m/%d/%Y",), "")
    assert find_formats([text.replace("/", ".") for text in texts]) == (("%d.%m.%Y",), "")
    assert find_formats([*texts, "25/3/2020"]) == (("%d/%m/%Y",), "")
    assert "ambiguous date has the day first" in find_formats([*texts, "25/3/2020", "3/25/2020"])[1]


@pytest.mark.parametrize(
    ("texts", "dates"),
    [
        (["2020-01-01", "2020-01-02"], True),
        (["2020-01-01", "a", "b"], False),
        (["1.5", "2.5"], False),
        (["192.168.0.1", "10.0.0.1"], False),
        (["20200101", "20200102"], False),  # rather numbers; --date decides otherwise
        (["a-b-c"], False),
    ],
)
def test_what_looks_like_dates(texts: list[str], dates: bool) -> None:
    assert looks_like_dates(dict.fromkeys(texts, 1)) == dates


def test_compact_dates_by_option() -> None:
    data = {"x": [day.strftime("%Y%m%d") for day in DAYS], "y": ["a", "b"] * 20}
    assert kinds(data)["x"].kind == "number"
    kind = kinds(data, ColumnOptions(date=("x",)))["x"]
    seconds, strays = parse_dates(pa.array(data["x"]), kind.formats)
    assert not strays.any()
    assert seconds.tolist() == [day.timestamp() for day in DAYS]


@settings(deadline=None)
@given(st.lists(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)), min_size=1))
def test_parts_are_those_of_the_standard_library(moments: list[dt.datetime]) -> None:
    moments = [moment.replace(microsecond=0, tzinfo=UTC) for moment in moments]
    epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
    seconds = np.array([(moment - epoch).total_seconds() for moment in moments] + [np.nan])
    parts = parts_of(seconds)
    assert parts["year"].tolist()[:-1] == [m.year for m in moments]
    assert parts["month"].tolist()[:-1] == [m.month for m in moments]
    assert parts["day of week"].tolist()[:-1] == [m.weekday() for m in moments]
    assert parts["hour"].tolist()[:-1] == [m.hour for m in moments]
    assert np.allclose(parts["days"][:-1], seconds[:-1] / 86400)
    assert all(np.isnan(part[-1]) for part in parts.values())
