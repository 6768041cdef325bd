"""What becomes of each column: rules, decisions of the user, and the table that shows them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from backpass.tabular.columns import least_count
from backpass.tabular.dates import find_formats, looks_like_dates, parse_dates
from backpass.tabular.numbers import PLAIN, NumberStyle, find_style, has_decimal_comma
from backpass.tabular.options import ColumnOptions
from backpass.tabular.values import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from backpass.tabular.facts import Facts

# Integers of a column with such a name count rows; they measure nothing.
_ID_NAME = re.compile(
    r"(.*[ _.-])?(id|ids|index|key|uuid|guid|rownames?|row[_.]?(num|number|id))|unnamed: \d+|"
    r"column 1|(?-i:.*[a-z]I[Dd])",
    re.IGNORECASE,
)
# Such a column measures time, also if its values are the numbers of the rows.
_TIME_NAME = re.compile(
    r"(.*[ _.-])?(t|time|year|quarter|month|week|day|date|hour|minute|second|period|age)s?",
    re.IGNORECASE,
)
_NUMBER = re.compile(PLAIN)
_MOST_LINES = 40  # of the table of columns, so that it fits on a screen
_MANY_ROWS = 20  # in fewer rows, all values may differ by chance


@dataclass(frozen=True)
class Kind:
    """What a column is, and how its values are read.

    Attributes
    ----------
    kind : str
        "number", "category", "date", "id" or "left out".
    style : NumberStyle
        Of a number in texts.
    formats : tuple of str
        Of a date in texts.
    strays : int
        Number of values that are not numbers or dates. They count as missing values.
    note : str
        The reason, or what happens to some values.
    """

    kind: str
    style: NumberStyle = field(default_factory=NumberStyle)
    formats: tuple[str, ...] = ()
    strays: int = 0
    note: str = ""

    @property
    def is_input(self) -> bool:
        """Whether the network predicts from the column."""
        return self.kind in ("number", "category", "date")


def decide(
    facts: Mapping[str, Facts],
    options: ColumnOptions | None,
    targets: Sequence[str],
    decimal: str | None = None,
    day_first: bool | None = None,
) -> dict[str, Kind]:
    """Return the kind of every column except the targets.

    Parameters
    ----------
    facts : mapping of str to Facts
        Of all columns.
    options : ColumnOptions or None
        None if the caller has no such options. Then no text advises them.
    targets : sequence of str
    decimal, day_first : optional
        See `ReadOptions`.

    Raises
    ------
    ValueError
        If an option names a column that does not exist, or a column has a type that is not
        supported.
    """
    advises = options is not None
    options = options or ColumnOptions()
    require_columns([*targets, *options.names()], list(facts))
    for name in targets:
        if options.of(name) in ("drop", "id"):
            raise ValueError(f"column {name!r} is the target and is also to be left out")
    kinds = {
        name: _forced(entry, chosen, decimal, day_first)
        if (chosen := options.of(name)) is not None
        else _found(entry, decimal, day_first, advises)
        for name, entry in facts.items()
        if name not in targets
    }
    if any(kind.is_input for kind in kinds.values()):
        return kinds
    # Rather predict from numbers of rows, which may be times, than from nothing.
    for name, kind in kinds.items():
        if kind.kind == "id" and options.of(name) is None and not _ID_NAME.fullmatch(name):
            kinds[name] = replace(
                number_kind(facts[name], decimal), note="there is no other column"
            )
    return kinds


def require_columns(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValueError, with the closest names, unless there are columns of these names."""
    absent = [name for name in names if name not in known]
    if not absent:
        return
    shown = ", ".join(shortened(other, 32) for other in known[:20]) + (
        ", …" if len(known) > 20 else ""
    )
    if len(absent) > 1:
        which = ", ".join(repr(shortened(name, 32)) for name in absent[:20])
        raise ValueError(f"no columns {which}; there are: {shown}")
    name = absent[0]
    close = [other for other in known if other.lower() == name.lower()]
    close += difflib.get_close_matches(name, known, 1, cutoff=0.75)
    hint = f"did you mean {close[0]!r}? There" if close else "there"
    if name.isdigit():
        hint = f"numbers are names in files without a header (--no-header). {hint.capitalize()}"
    raise ValueError(f"no column {shortened(name, 32)!r}; {hint} are: {shown}")


def check_header(name: str, header: Sequence[str], facts: Mapping[str, Facts]) -> None:
    """Raise ValueError if the first line of a text file looks like data.

    Parameters
    ----------
    name : str
        Of the file.
    header : sequence of str
        The cells of the first line; empty if the names are from elsewhere.
    facts : mapping of str to Facts
        Of the columns, in the same order.
    """
    if len(header) < 2:
        return
    numbers = [cell for cell in header if _NUMBER.match(cell)]
    data = [
        cell
        for cell, entry in zip(header, facts.values(), strict=True)
        if cell in numbers or cell in entry.counts
    ]
    if len(data) == len(header) or any("." in cell for cell in numbers):
        raise ValueError(
            f"{name}, line 1: {', '.join(map(repr, data[:3]))} look like data, not like names of "
            "columns: add a line with the names, or use --no-header and the names 1, 2, …"
        )


def common_decimal(facts: Mapping[str, Facts]) -> str | None:
    """Return "," if some column has numbers with a decimal comma, and none has a decimal point."""
    texts = [entry for entry in facts.values() if entry.type == "text"]
    if any(entry.fractions for entry in texts):
        return None
    found = any(has_decimal_comma(e.others) and looks_numeric(e, ",") for e in texts)
    return "," if found else None


def number_kind(facts: Facts, decimal: str | None) -> Kind:
    """Return the kind of a column whose texts are numbers, with the texts that are not."""
    if facts.type != "text":
        return Kind("number")
    plain, others = _plain_and_others(facts, decimal)
    style, read = find_style(others, facts.points, decimal)
    strays = facts.present - plain - read
    notes = []
    if style.group:
        notes.append(f"'{style.group}' separates groups of digits")
    if style.decimal == ",":
        notes.append("',' is the decimal sign")
    if style.unit:
        notes.append(f"the unit is {style.unit!r}")
    if strays:
        pattern = style.compiled()
        examples = [text for text in others if not pattern.match(text)]
        notes.append(_strays_note(strays, "numbers", examples))
    return Kind("number", style, strays=strays, note="; ".join(notes))


def looks_numeric(facts: Facts, decimal: str | None) -> bool:
    """Return whether the texts of a column are numbers, perhaps with some other texts."""
    if facts.leading_zeros and not facts.points:
        return False  # "007" is a text
    if facts.plain == 0 and not any(any(c.isdigit() for c in text) for text in facts.others):
        return False
    plain, others = _plain_and_others(facts, decimal)
    style, read = find_style(others, facts.points, decimal)
    numbers = plain + read
    pattern = style.compiled()
    strays = sum(not pattern.match(text) for text in others)
    return numbers >= 0.9 * facts.present or (numbers >= 0.5 * facts.present and strays <= 5)


def _plain_and_others(facts: Facts, decimal: str | None) -> tuple[int, Mapping[str, int]]:
    """Return how many texts are plain numbers, and the other texts with their counts.

    If the decimal sign is a comma, a text with a point is not a plain number.
    """
    if decimal != ",":
        return facts.plain, facts.others
    others = dict(facts.others)
    pointed = {text: n for text, n in facts.counts.items() if "." in text and text not in others}
    return facts.plain - sum(pointed.values()), {**others, **pointed}


def plan_lines(facts: Mapping[str, Facts], kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Return a table of the columns: kind, missing and distinct values, what becomes of them."""
    rows = [("column", "kind", "missing", "distinct", "what becomes of it")]
    for name, entry in facts.items():
        kind = kinds.get(name, Kind("target"))
        distinct = f"{entry.distinct}{'+' if entry.many else ''}"
        missing = entry.missing + kind.strays
        fate = "; ".join(filter(None, (_fate(kind.kind, missing), kind.note)))
        rows.append((shortened(name, 32), kind.kind, str(missing), distinct, fate))
    hidden = len(rows) - _MOST_LINES
    if hidden > 1:
        # Columns with a note come before others, and the order stays.
        plain = [name in kinds and not kinds[name].note for name in facts]
        chosen = sorted(range(len(facts)), key=plain.__getitem__)[: _MOST_LINES - 2]
        rows = [rows[0], *(rows[i + 1] for i in sorted(chosen))]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        numbers = f"{row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}"
        yield f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {numbers}  {row[4]}".rstrip()
    if hidden > 1:
        yield f"({len(facts)} columns; some are not shown)"


def _fate(kind: str, missing: int) -> str:
    """Return what becomes of a column, given its kind and its number of missing values."""
    if kind == "target":
        return "predicted" + ("; rows without it are left out" if missing else "")
    if kind == "id":
        return "left out; predictions repeat it"
    if kind == "category":
        return "an input for each frequent value" + (" and for missing ones" if missing else "")
    fate = {
        "number": "scaled",
        "date": "those of year, month, day of week, hour and days that vary",
    }.get(kind)
    if fate is None:
        return ""
    return fate + ("; if missing, the median, and an input for that" if missing else "")


def _forced(facts: Facts, chosen: str, decimal: str | None, day_first: bool | None) -> Kind:
    """Return the kind that an option demands."""
    if chosen == "drop":
        return Kind("left out", note="by option")
    if chosen == "id":
        return Kind("id", note="by option")
    if chosen in ("text", "category"):
        return Kind("category", note="by option")
    if chosen == "date":
        kind = _date(facts, day_first, by_option=True)
        if kind is None:
            raise ValueError(f"column {facts.name!r} has no values that are dates")
        return kind
    if facts.type not in ("text", "number", "flag"):
        raise ValueError(f"column {facts.name!r} has the type {facts.type}; it is not numeric")
    kind = number_kind(facts, decimal)
    if kind.strays == facts.present:
        raise ValueError(f"column {facts.name!r} has no values that are numbers")
    return kind


def _found(facts: Facts, decimal: str | None, day_first: bool | None, advises: bool) -> Kind:
    """Return the kind that the values suggest."""
    if facts.present == 0:
        return Kind("left out", note="no values")
    if facts.type not in ("text", "number", "flag", "time", "category"):
        raise ValueError(
            f"column {facts.name!r} has the type {facts.type}, which is not supported: "
            f"leave it out{' with --drop' if advises else ''}"
        )
    if facts.distinct == 1 and not facts.missing:
        return Kind("left out", note="one value in all rows")
    unique = not facts.many and facts.distinct == facts.present >= _MANY_ROWS
    if facts.type == "number" or facts.type == "text":
        numeric = facts.type == "number" or looks_numeric(facts, decimal)
        whole = facts.whole if facts.type == "number" else not facts.points
        if numeric and whole and facts.missing == 0:
            counts_rows = facts.counts_rows and facts.present >= _MANY_ROWS
            counts_rows = counts_rows and _TIME_NAME.fullmatch(facts.name) is None
            named = _ID_NAME.fullmatch(facts.name) is not None
            if counts_rows or (named and (unique or facts.many)):
                advice = "; --numeric keeps it" if advises else ""
                return Kind("id", note=f"a number of its own for each row{advice}")
        if numeric:
            return number_kind(facts, decimal)
    if facts.type == "flag":
        return Kind("category")
    date = _date(facts, day_first)
    if date is not None:
        return date
    if unique or facts.many:
        which = "each row" if unique else "nearly each row"
        advice = "; --category keeps the most frequent ones" if advises else ""
        return Kind("left out", note=f"a text of its own for {which}{advice}")
    if max(facts.counts.values()) < least_count(facts.rows, facts.distinct):
        return Kind("left out", note="no value is frequent")
    return Kind("category", note=_category_note(facts, decimal))


def _category_note(facts: Facts, decimal: str | None) -> str:
    """Return what may be wrong with the values of a category; empty if nothing is."""
    notes = []
    same = same_but_for_case(facts.counts)
    if same:
        notes.append(f"different letter case makes different values ({same})")
    if facts.type == "text":
        plain, others = _plain_and_others(facts, decimal)
        _, read = find_style(others, facts.points, decimal)
        if plain + read >= 0.5 * facts.present and not facts.leading_zeros:
            notes.append(f"{plain + read} cells are numbers; --numeric makes it a number")
    return "; ".join(notes)


def same_but_for_case(values: Iterable[object]) -> str:
    """Return an example of values that differ only in letter case, or an empty text."""
    first: dict[str, str] = {}
    for value in values:
        text = str(value)
        other = first.setdefault(text.casefold(), text)
        if other != text:
            return f"{shortened(other, 20)!r} and {shortened(text, 20)!r}"
    return ""


def _date(facts: Facts, day_first: bool | None, *, by_option: bool = False) -> Kind | None:
    if facts.type == "time":
        return Kind("date", formats=("ISO8601",))  # as a text file has such dates
    if facts.type != "text" or not (by_option or looks_like_dates(facts.counts)):
        return None
    texts = list(facts.counts)
    formats, note = find_formats(texts[:10_000], day_first)
    if not formats:
        return None
    _, wrong = parse_dates(pa.array(texts, pa.string()), formats)
    others = [text for text, bad in zip(texts, wrong, strict=True) if bad]
    strays = sum(facts.counts[text] for text in others)
    notes = [note] if note else []
    if strays:
        notes.append(_strays_note(strays, "dates", others))
    return Kind("date", formats=formats, strays=strays, note="; ".join(notes))


def _strays_note(strays: int, what: str, texts: Sequence[str]) -> str:
    shown = ", ".join(repr(shortened(text, 20)) for text in texts[:3])
    if strays == 1:
        return f"1 value is not a {what[:-1]} ({shown}); it counts as missing"
    return f"{strays} values are not {what} ({shown}); they count as missing"
