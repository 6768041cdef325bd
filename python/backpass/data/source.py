"""What `Network.fit` needs of a data set that it reads in blocks."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, NamedTuple

from backpass._arguments import to_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

__all__ = ["Block", "BlockSource", "Source"]


class Block(NamedTuple):
    """Some rows of a data set.

    Attributes
    ----------
    x : array_like
        (B, M_0).
    y : array_like
        (B, M_N), or (B,): labels, or the targets of a network with one output.
    sample_weight : array_like or None
        (B,).
    """

    x: ArrayLike
    y: ArrayLike
    sample_weight: ArrayLike | None = None


class Source(abc.ABC):
    """A data set whose blocks are read in one order. Iterating gives its `Block` objects.

    Parameters
    ----------
    buffer_rows : int, optional
        Number of rows that `Network.fit` has in memory and shuffles, rounded up to whole batches.
        It reads the next ones at the same time, so there are two such buffers. The default is the
        number of rows in 64 MiB.
    """

    buffer_rows: int | None = None

    def __init__(self, *, buffer_rows: int | None = None) -> None:
        self.buffer_rows = None if buffer_rows is None else to_count(buffer_rows, "buffer_rows", 1)

    @property
    @abc.abstractmethod
    def rows(self) -> int:
        """Number of all rows."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Block]:
        """Return a new iterator over the blocks of one epoch, which may have any number of rows."""


class BlockSource(Source):
    """A data set whose blocks can be read in any order.

    With `shuffle`, every epoch reads the blocks in a new order, unless all rows are in memory.
    """

    @property
    @abc.abstractmethod
    def num_blocks(self) -> int:
        """Number of blocks."""

    @abc.abstractmethod
    def read(self, block: int) -> Iterator[Block]:
        """Return the rows of a block, as one `Block` or as several smaller ones.

        Parameters
        ----------
        block : int
            0, …, `num_blocks` - 1.
        """

    def name_of(self, block: int) -> str:
        """Return a block's name for messages."""
        return f"block {block}"

    def __iter__(self) -> Iterator[Block]:
        for block in range(self.num_blocks):
            yield from self.read(block)
