"""What a network of a table predicts: classes, or one or several numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from backpass.tabular.columns import read_numbers, read_texts
from backpass.tabular.dates import looks_like_dates
from backpass.tabular.kinds import looks_numeric, number_kind, same_but_for_case
from backpass.tabular.numbers import NumberStyle, style_from_json
from backpass.tabular.scales import Scale, scale_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.facts import Facts
    from backpass.tabular.options import ColumnOptions

Label = str | int | bool
# A whole number with more different values than this is a quantity.
MAX_CLASSES_OF_NUMBERS = 20
# The exact whole numbers of a float64 end here.
_EXACT = 2.0**53


@dataclass(frozen=True)
class ClassTarget:
    """Classes, numbered in sorted order of their labels."""

    name: str
    labels: tuple[Label, ...]

    @property
    def names(self) -> list[str]:
        """The names of the columns of a prediction."""
        return [self.name]

    def read(self, column: pa.Array) -> tuple[NDArray[np.int64], int]:
        """Return the class numbers of a normalised column, and how many values are not labels.

        A missing value and a value that is not a label have the number −1.
        """
        texts = read_texts(column)
        index = {str(label): i for i, label in enumerate(self.labels)}
        found = [
            index.get(_whole(text) if self.has_numbers else text, -1)
            for text in texts.dictionary.to_pylist()
        ]
        codes = np.array([*found, -1], dtype=np.int64)
        rows = codes[texts.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)]
        return rows, int((rows < 0).sum()) - column.null_count

    @property
    def has_numbers(self) -> bool:
        """Whether the labels are numbers."""
        return all(isinstance(label, int) and not isinstance(label, bool) for label in self.labels)

    def decode(self, codes: NDArray[np.integer[Any]]) -> list[Label]:
        """Return the labels of class numbers."""
        return [self.labels[code] for code in codes]

    def to_json(self) -> dict[str, Any]:
        """Return the data for `target_from_json`."""
        return {"kind": "classes", "name": self.name, "labels": list(self.labels)}


@dataclass(frozen=True)
class NumberTarget:
    """One or several quantities, standardised for the training.

    Attributes
    ----------
    names, styles, scales : tuple
        One entry per quantity. Without scales before `fit`.
    ranges : tuple of (float, float)
        The smallest and the largest prediction of each quantity; empty without limits.
    """

    names: tuple[str, ...]
    styles: tuple[NumberStyle, ...]
    scales: tuple[Scale, ...]
    ranges: tuple[tuple[float, float], ...] = ()

    @property
    def name(self) -> str:
        """The names in one text."""
        return ", ".join(self.names)

    def fit(
        self, values: NDArray[np.float64], *, standardise: bool, limit: bool = False
    ) -> NumberTarget:
        """Return a target with the scales of the rows for training, (rows, targets).

        With `limit`, predictions stay in the range of these rows.
        """
        if standardise:
            scales = tuple(Scale.fit(column) for column in values.T)
        else:
            scales = tuple(Scale(0.0, 0.0, 1.0) for _ in self.names)
        ranges = tuple((float(c.min()), float(c.max())) for c in values.T) if limit else ()
        return NumberTarget(self.names, self.styles, scales, ranges)

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the targets of the network, (rows, targets)."""
        return np.stack(
            [scale.encode(column) for scale, column in zip(self.scales, values.T, strict=True)],
            axis=1,
        )

    def decode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return outputs of the network in the units of the target, (rows, targets)."""
        decoded = np.stack(
            [scale.decode(column) for scale, column in zip(self.scales, values.T, strict=True)],
            axis=1,
        )
        return np.clip(decoded, *np.transpose(self.ranges)) if self.ranges else decoded

    def to_json(self) -> dict[str, Any]:
        """Return the data for `target_from_json`."""
        return {
            "kind": "numbers",
            "names": list(self.names),
            "styles": [style.to_json() for style in self.styles],
            "scales": [scale.to_json() for scale in self.scales],
            "ranges": [list(limits) for limits in self.ranges],
        }


Target = ClassTarget | NumberTarget


def decide_target(
    names: Sequence[str],
    facts: Mapping[str, Facts],
    task: str,
    options: ColumnOptions,
    decimal: str | None = None,
) -> tuple[Target, list[str]]:
    """Return the target of a table, without scales, and warnings.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.
    task : {"auto", "classification", "regression"}

    Raises
    ------
    ValueError
        If the values cannot be learned: one class, nearly as many classes as rows, dates, or texts
        for a regression.
    """
    kinds = []
    warnings: list[str] = []
    for name in names:
        entry = facts[name]
        if entry.present == 0:
            raise ValueError(f"target {name!r} has no values")
        if entry.type not in ("text", "number", "flag", "category"):
            raise ValueError(f"target {name!r} has the type {entry.type}, which cannot be learned")
        by_option = options.of(name) in ("text", "category")
        if entry.type == "text" and not by_option and looks_like_dates(entry.counts):
            raise ValueError(
                f"target {name!r} has dates, which cannot be learned; --category makes them classes"
            )
        numeric = entry.type == "number" or (
            entry.type == "text"
            and (options.of(name) == "numeric" or looks_numeric(entry, decimal))
            and not by_option
        )
        kind = number_kind(entry, decimal) if numeric else None
        kinds.append(kind)
    classes = task == "classification" or (
        task == "auto"
        and len(names) == 1
        and (
            kinds[0] is None
            or options.of(names[0]) in ("text", "category")
            or (
                options.of(names[0]) != "numeric"
                and _few_whole_numbers(facts[names[0]], kinds[0].style)
            )
        )
    )
    if classes:
        if len(names) > 1:
            raise ValueError("several targets are for a regression; classes are one target")
        kind = kinds[0]
        if kind is not None and kind.strays and kind.style == NumberStyle():
            warnings.append(f"target {names[0]!r}: {kind.note}")
        result = _classes(facts[names[0]], None if kind is None else kind.style)
        same = same_but_for_case(result.labels)
        if same:
            warnings.append(f"target {names[0]!r}: {same} are different classes")
        if task == "auto" and result.has_numbers:
            warnings.append(
                f"target {names[0]!r}: {len(result.labels)} whole numbers are taken as classes; "
                "--task regression predicts a quantity"
            )
        return result, warnings
    for name, kind in zip(names, kinds, strict=True):
        if kind is None and facts[name].type != "flag":
            example = next(iter(facts[name].counts))
            raise ValueError(
                f"target {name!r} is not numeric ({example!r}); a regression needs numbers"
            )
        if kind is not None and kind.note:
            warnings.append(f"target {name!r}: {kind.note}")
        if facts[name].distinct == 1:
            raise ValueError(f"target {name!r} has the same value in all rows: nothing to learn")
    styles = tuple(NumberStyle() if kind is None else kind.style for kind in kinds)
    return NumberTarget(tuple(names), styles, ()), warnings


def read_target(
    target: Target, columns: Sequence[pa.Array]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return class numbers (rows,) or numbers (rows, targets), and which rows have a target."""
    if isinstance(target, ClassTarget):
        codes, _ = target.read(columns[0])
        return codes, np.asarray(codes >= 0)
    values = np.stack(
        [
            read_numbers(column, style, name)[0]
            for column, style, name in zip(columns, target.styles, target.names, strict=True)
        ],
        axis=1,
    )
    return values, np.asarray(np.isfinite(values).all(axis=1))


def target_from_json(data: Any) -> Target:
    """Return a target from its `to_json`; raise ValueError if `data` is not such a target."""
    try:
        return _target(**data)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise ValueError(f"the target in the file is damaged: {error}") from error


def _target(kind: str, **data: Any) -> Target:
    if kind == "classes":
        name, labels = data["name"], tuple(data["labels"])
        if not isinstance(name, str) or len(labels) < 2:
            raise ValueError("a name and at least two labels are expected")
        if not all(isinstance(label, (str, int)) for label in labels):
            raise ValueError("a label is a text, a whole number or a flag")
        if len(set(labels)) < len(labels):
            raise ValueError("two labels are equal")
        return ClassTarget(name, labels)
    if kind == "numbers":
        names = tuple(data["names"])
        styles = tuple(style_from_json(style) for style in data["styles"])
        scales = tuple(scale_from_json(scale) for scale in data["scales"])
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError("names are expected")
        if len(names) != len(styles) or len(names) != len(scales):
            raise ValueError("a style and a scale for each name are expected")
        return NumberTarget(names, styles, scales, _ranges(data.get("ranges", []), len(names)))
    raise ValueError(f"unknown kind {kind!r}")


def _ranges(data: Any, count: int) -> tuple[tuple[float, float], ...]:
    """Return the ranges of predictions from JSON; files of older versions have none."""
    ranges = tuple((float(low), float(high)) for low, high in data)
    if len(ranges) not in (0, count) or not all(low <= high for low, high in ranges):
        raise ValueError("a range for each name is expected")
    return ranges


def _few_whole_numbers(facts: Facts, style: NumberStyle) -> bool:
    if facts.type == "text":
        values, _ = style.parse(pa.array([str(text) for text in facts.counts], pa.string()))
        values = values[np.isfinite(values)]
    else:
        values = np.array(list(facts.counts), dtype=np.float64)
    whole = bool((values == np.rint(values)).all()) and not facts.many
    # Large integers that differ may be equal as float64.
    different = {_whole(str(value)) for value in facts.counts}
    return whole and len(different) - (len(facts.counts) - len(values)) <= MAX_CLASSES_OF_NUMBERS


def _classes(facts: Facts, style: NumberStyle | None) -> ClassTarget:
    name = facts.name
    values = list(facts.counts)
    if style is not None and style != NumberStyle():
        style = None  # numbers with groups or units are texts
    if style is not None and isinstance(values[0], str):  # without the texts that are not numbers
        numbers, _ = style.parse(pa.array(values))
        values = [v for v, number in zip(values, numbers, strict=True) if np.isfinite(number)]
    labels: dict[Any, Label] = {value: value for value in values}
    if style is not None:
        whole = {value: _whole(str(value)) for value in values}
        if all(re.fullmatch(r"-?\d+", text) for text in whole.values()):
            labels = {value: int(text) for value, text in whole.items()}
        else:
            texts = read_texts(pa.array(values)).dictionary_decode().to_pylist()
            labels = dict(zip(values, texts, strict=True))
    counts: Counter[Label] = Counter()
    for value in values:
        counts[labels[value]] += facts.counts[value]
    number = f"{facts.distinct} or more" if facts.many else str(len(counts))
    hint = "; use --task regression for numbers" if style is not None else ""
    check_classes(name, list(counts), facts.present, facts.many, number, hint)
    return ClassTarget(name, tuple(sorted(counts, key=lambda label: (str(type(label)), label))))


def check_classes(
    name: str,
    labels: Sequence[Label],
    rows: int,
    many: bool = False,
    number: str = "",
    hint: str = "",
) -> None:
    """Raise ValueError if there is one class, or nearly as many classes as rows.

    Parameters
    ----------
    name : str
        Of the target.
    labels : sequence of label
        The different labels; incomplete if `many`.
    rows : int
        Number of rows with a target.
    many : bool
        Whether there are too many labels to count.
    number, hint : str
        For the message: the number of labels, and what to use instead.
    """
    if many or len(labels) > max(2, rows // 2):
        raise ValueError(
            f"target {name!r} has {number or len(labels)} classes in {rows} rows: a class needs "
            f"several rows to learn from{hint}"
        )
    if len(labels) < 2:
        raise ValueError(f"target {name!r} has the single class {labels[0]!r}: nothing to learn")


def _whole(text: str) -> str:
    """Return "1" for "1.0" and "+1", and other texts without a change."""
    if re.fullmatch(r"[+-]?\d+", text):
        return str(int(text))
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else text
