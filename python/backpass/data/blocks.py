"""Blocks of an iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass._arguments import to_count
from backpass.data.source import Block, Source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Given = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike]

__all__ = ["Blocks"]


class Blocks(Source):
    """An iterable of blocks ``(x, y)`` or ``(x, y, sample_weight)``.

    Parameters
    ----------
    blocks : iterable, or function without arguments that returns one
        It is iterated once per epoch and must give the same rows each time. So a generator cannot
        be used, but the function that makes the generator can.
    rows : int, optional
        Number of all rows. By default they are counted first, by iterating once more.
    buffer_rows : int, optional
        As in `Source`.

    Raises
    ------
    TypeError
        If `blocks` is an iterator, which can be read only once.
    """

    def __init__(
        self,
        blocks: Iterable[Given] | Callable[[], Iterable[Given]],
        *,
        rows: int | None = None,
        buffer_rows: int | None = None,
    ) -> None:
        super().__init__(buffer_rows=buffer_rows)
        if isinstance(blocks, Iterator):
            raise TypeError(
                f"blocks must be iterable once per epoch, but a {type(blocks).__name__} can be "
                "read only once; give the function that makes it, or a list"
            )
        if not callable(blocks) and not isinstance(blocks, Iterable):
            raise TypeError(
                f"blocks must be an iterable or a function, got {blocks!r}; for a file use "
                "backpass.data.Parquet or backpass.data.Arrays"
            )
        self._blocks = blocks
        self._rows = None if rows is None else to_count(rows, "rows", 1)

    @property
    def rows(self) -> int:
        """Number of all rows."""
        if self._rows is None:
            self._rows = sum(len(np.atleast_1d(block.y)) for block in self)
        return self._rows

    def __iter__(self) -> Iterator[Block]:
        given = self._blocks() if callable(self._blocks) else self._blocks
        for number, block in enumerate(given):
            yield to_block(block, f"block {number}")


def to_block(block: Any, name: str) -> Block:
    """Return a `Block` for a block or a tuple."""
    if isinstance(block, (tuple, list)) and len(block) in (2, 3):
        return Block(*block)
    kind = f"{type(block).__name__} of {len(block)}" if hasattr(block, "__len__") else repr(block)
    raise TypeError(f"{name} must be (x, y) or (x, y, sample_weight), got a {kind}")
