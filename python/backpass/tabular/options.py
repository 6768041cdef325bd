"""What a user may decide about a table and its network."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from backpass._arguments import to_choice, to_count, to_number

# Unquoted cells with these texts are missing values.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A")


@dataclass(frozen=True)
class ReadOptions:
    """How to read a text file. None means: find out.

    Attributes
    ----------
    separator : str, optional
        One character between the cells.
    decimal : {".", ","}, optional
        The decimal sign of numbers.
    encoding : str, optional
        Name of a codec of Python.
    quote : {'"', "'"}, optional
        The character around cells that contain separators.
    missing : tuple of str
        Unquoted cells that are missing values. An empty cell always is.
    day_first : bool, optional
        Whether the day stands before the month in dates such as 02/03/2021.
    header : bool
        Whether the first line has the names of the columns. Otherwise they are "1", "2", ….
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    quote: str | None = None
    missing: tuple[str, ...] = MISSING_TEXTS
    day_first: bool | None = None
    header: bool = True


@dataclass(frozen=True)
class ColumnOptions:
    """What columns mean, where the user knows better than the rules of `backpass.tabular.kinds`.

    Each attribute is a tuple of column names. `text` and `category` columns are categories;
    `id` columns are left out, and predictions repeat them.
    """

    text: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    id: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for field in fields(self):
            names = column_names(getattr(self, field.name), field.name)
            object.__setattr__(self, field.name, tuple(names))
            for name in names:
                if name in seen:
                    raise ValueError(
                        f"column {name!r} is given as {seen[name]} and as {field.name}"
                    )
                seen[name] = field.name

    def of(self, name: str) -> str | None:
        """Return the option that names the column, or None."""
        for field in fields(self):
            if name in getattr(self, field.name):
                return field.name
        return None

    def names(self) -> list[str]:
        """Return all columns that an option names."""
        return [name for field in fields(self) for name in getattr(self, field.name)]


@dataclass(frozen=True)
class Settings:
    """Everything that determines the trained network, except the data.

    The defaults were chosen on public data sets, see docs/tables.md.

    Attributes
    ----------
    task : {"auto", "classification", "regression"}
        "auto" is a classification for texts, flags and at most 20 different whole numbers.
    hidden : tuple of int
        Widths of the hidden layers.
    activation : str
        Of the hidden layers.
    loss : str
        "auto" is cross_entropy for a classification, and mse for a regression.
    label_smoothing : float
    optimizer : str
    lr : float, optional
        The learning rate; by default that of the optimizer.
    epochs : int
        The largest number of epochs.
    batch_size : int
    dropout : float
        Fraction of hidden activations that training drops.
    l2 : float
        L2 penalty.
    early_stopping : int, optional
        Stop after this many epochs without a better validation loss, and keep the best network.
        None or 0, or no rows for validation: do every epoch and keep the last network.
    validation_split, test_split : float
        Fractions of the rows.
    seed : int
        Determines the split, the initial network and the order of the rows.
    dtype : {"float32", "float64"}
        Of the network.

    Raises
    ------
    TypeError, ValueError
        If a value is of another type or out of range.
    """

    task: str = "auto"
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    loss: str = "auto"
    label_smoothing: float = 0.0
    optimizer: str = "adam"
    lr: float | None = None
    epochs: int = 200
    batch_size: int = 32
    dropout: float = 0.2
    l2: float = 0.0
    early_stopping: int | None = 20
    validation_split: float = 0.1
    test_split: float = 0.2
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        hidden: Any = self.hidden
        widths = [hidden] if isinstance(hidden, (int, str)) else hidden
        object.__setattr__(self, "hidden", tuple(to_count(w, "hidden", 1) for w in widths))
        object.__setattr__(self, "early_stopping", self.early_stopping or None)
        for name in ("epochs", "batch_size"):
            to_count(getattr(self, name), name, 1)
        for name in ("validation_split", "test_split", "dropout", "label_smoothing"):
            value = to_number(getattr(self, name), name)
            if not 0.0 <= value < 1.0:
                raise ValueError(f"{name} must be in [0, 1), got {value}")
        to_choice(self.task, "task", "auto", "classification", "regression")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as values for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "hidden": list(self.hidden)}


def column_names(names: Any, what: str) -> list[str]:
    """Return one name, or several, as a list of texts.

    Raises
    ------
    TypeError
        If `names` is not a name, or a list, tuple or set of names; for example if it is a column.
    """
    if isinstance(names, (str, int)):
        return [str(names)]
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(
        isinstance(name, (str, int)) for name in names
    ):
        raise TypeError(f"{what} must be the name of a column, or a list of names")
    return [str(name) for name in names]


# Measured over 20 seeds: the test accuracy is 0.987 on average and never below 0.98.
DIGITS = Settings(
    hidden=(256, 128), dropout=0.3, label_smoothing=0.1, epochs=60, early_stopping=None
)


def default_settings(data: object) -> Settings:
    """Return the settings for data if the user gives none."""
    return DIGITS if isinstance(data, str) and data == "digits" else Settings()
