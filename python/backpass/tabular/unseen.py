"""What a prediction finds in a table, and training did not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backpass.tabular.values import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES = 3  # of texts that a message shows


@dataclass
class Unseen:
    """Cells of one column that training did not have.

    Attributes
    ----------
    strays : int
        Texts that are not numbers, or not dates. They count as missing values.
    unknown : int
        Categories without an input of their own.
    missing : int
        Missing values, if training had none.
    examples : list of str
        Some of the texts.
    """

    strays: int = 0
    unknown: int = 0
    missing: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: Unseen) -> None:
        """Add the cells of another block."""
        self.strays += other.strays
        self.unknown += other.unknown
        self.missing += other.missing
        self.examples = list(dict.fromkeys([*self.examples, *other.examples]))[:EXAMPLES]

    def text(self, kind: str) -> str:
        """Return a description for a person; empty if there are no such cells.

        Parameters
        ----------
        kind : str
            Of the column.
        """
        shown = ", ".join(repr(shortened(text, 20)) for text in self.examples)
        parts = []
        if self.strays:
            which = _cells(self.strays, f"is not a {kind}", f"are not {kind}s")
            parts.append(f"{which} ({shown})")
        if self.unknown:
            which = _cells(self.unknown, "has a new or rare value", "have new or rare values")
            parts.append(f"{which} ({shown})")
        if self.missing:
            parts.append(
                _cells(self.missing, "is missing", "are missing") + ", as none in training"
            )
        return ", ".join(parts)


def unseen_lines(counts: Mapping[str, Unseen], kinds: Mapping[str, str]) -> Iterator[str]:
    """Return one line per column with such cells.

    Parameters
    ----------
    counts, kinds : mapping of str to Unseen, str
        For each column.
    """
    for name, unseen in counts.items():
        text = unseen.text(kinds.get(name, "value"))
        if text:
            yield f"column {name!r}: {text}"


def _cells(count: int, one: str, several: str) -> str:
    return f"1 cell {one}" if count == 1 else f"{count} cells {several}"
