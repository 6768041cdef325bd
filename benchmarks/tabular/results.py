"""The file of results: one line per fit, appended, so that a run can continue another one."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FILE = Path(__file__).with_name("results.csv")
Key = tuple[str, int, str]


@dataclass(frozen=True)
class Result:
    """A fit: its error (error rate, or RMSE / σ) and its seconds, or the message of a failure."""

    set: str
    seed: int
    method: str
    error: float | None = None
    fit_cpu: float | None = None
    fit_wall: float | None = None
    predict_cpu: float | None = None
    test_rows: int | None = None
    versions: str = ""
    machine: str = ""
    failure: str = ""

    @property
    def key(self) -> Key:
        return self.set, self.seed, self.method


COLUMNS = [field.name for field in fields(Result)]
_NUMBERS = {"error": float, "fit_cpu": float, "fit_wall": float, "predict_cpu": float}
_COUNTS = {"seed": int, "test_rows": int}


def append(path: Path, result: Result) -> None:
    """Add a line, as a whole: a run that ends in the middle leaves a file that can be read."""
    is_new = not path.exists() or path.stat().st_size == 0
    row = asdict(result)
    for name in _NUMBERS:
        if row[name] is not None:
            row[name] = f"{row[name]:.6g}"
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def read(path: Path) -> list[Result]:
    """Return the results of a file. A later line of the same fit replaces an earlier one."""
    if not path.exists():
        return []
    latest: dict[Key, Result] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if list(row) != COLUMNS or None in row.values():
                raise ValueError(f"{path}: a line does not have the columns {', '.join(COLUMNS)}")
            values = {
                name: (_NUMBERS | _COUNTS)[name](text) if text else None
                for name, text in row.items()
                if name in _NUMBERS or name in _COUNTS
            }
            result = Result(**{**row, **values})
            latest.pop(result.key, None)
            latest[result.key] = result
    return list(latest.values())
