"""Markdown tables, and the parts of documents that programs write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. The first column is aligned to the left, the others to the right."""
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replace_part(path: Path, name: str, text: str) -> None:
    """Replace what is between the lines `<!-- begin NAME -->` and `<!-- end NAME -->` of a file."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    old = path.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise ValueError(f"{path} needs one line {begin.strip()!r} before one line {end.strip()!r}")
    before, after = old[: old.index(begin) + len(begin)], old[old.index(end) :]
    path.write_text(f"{before}\n{text.strip()}\n\n{after}", encoding="utf-8")
