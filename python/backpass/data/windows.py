"""Windows of rows for the core, which are read ahead in a thread."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

# Imported with this module: NumPy imports it at its first use, and a fork must not come in between.
from numpy.random import Generator as Random
from numpy.random import Philox

from backpass._arguments import to_count
from backpass.data.blocks import Blocks, to_block
from backpass.data.buffer import Buffer, CheckedBlock, RowKind
from backpass.data.dask import Dask
from backpass.data.reader import Reader
from backpass.data.source import Block, BlockSource, Source

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from backpass._core.losses import Loss
    from backpass.network import Network

__all__ = ["Windows", "to_source"]

_WINDOW_BYTES = 64 << 20


def to_source(x: Any, y: Any, sample_weight: Any) -> Source | None:
    """Return the source of the rows, or None if they are arrays in memory."""
    if isinstance(x, Source):
        if y is not None or sample_weight is not None:
            raise TypeError("the source x has its own y and sample_weight; do not give them")
        return x
    if callable(x) and y is not None:
        raise TypeError("the blocks of a function have their own y; do not give y")
    if y is None:
        if hasattr(x, "shape") or isinstance(x, (str, bytes)):
            raise TypeError("y is missing; only a source of rows has its own y")
        if sample_weight is not None:
            raise TypeError("blocks of rows have their own sample_weight: (x, y, sample_weight)")
        return Blocks(x)
    if type(x).__module__.partition(".")[0] in ("dask", "dask_expr"):
        return Dask(x, y, sample_weight)
    return None


class Windows:
    """The windows of a training. A thread fills the next one while the network trains.

    Parameters
    ----------
    source : Source
        The rows.
    network : Network
        Decides the shapes and the dtype.
    loss : Loss
        Decides whether targets may be labels.
    """

    def __init__(self, source: Source, network: Network, loss: Loss) -> None:
        self._source = source
        self._kind = RowKind(network, loss)
        row_bytes = (network.sizes[0] + network.sizes[-1] + 1) * network.dtype.itemsize
        self.buffer_rows = source.buffer_rows or max(1, _WINDOW_BYTES // row_bytes)
        self._buffers: list[Buffer] = []
        self._reader: Reader[Buffer] = Reader()
        self._closed = False

    @functools.cached_property
    def rows(self) -> int:
        """Number of all rows. The source may have to read them all."""
        return to_count(self._source.rows, "rows of the source", 0)

    def begin(self, epoch: int, window_rows: int, shuffle: bool, seed: int) -> None:
        """Start an epoch. The order of the blocks is a function of the arguments."""
        order = None
        if shuffle and isinstance(self._source, BlockSource) and window_rows < self.rows:
            key = np.array([seed, epoch], np.uint64)
            order = Random(Philox(key=key)).permutation(self._source.num_blocks).tolist()
        if not self._buffers:
            count = 1 if window_rows == self.rows else 2
            self._buffers = [Buffer(window_rows) for _ in range(count)]
        self._reader.start(self._fill(self._checked(order)))

    def next(self) -> Block:
        """Return the next window. It is valid until the next call of `next` or `begin`."""
        buffer = self._reader.take()
        self._reader.read_ahead()
        return buffer.rows()

    def close(self) -> None:
        """End the thread, and free the memory."""
        self._closed = True
        self._reader.close()
        self._buffers.clear()

    def _fill(self, blocks: Iterator[CheckedBlock]) -> Generator[Buffer, None, None]:
        """Fill the buffers in turn: one is filled while the core uses the other."""
        buffers = list(self._buffers)
        block, begin, done = next(blocks, None), 0, 0
        while done < self.rows and not self._closed:
            buffer = buffers[done // buffers[0].size % len(buffers)]
            buffer.count = 0
            goal = min(buffer.size, self.rows - done)
            while buffer.count < goal and block is not None:
                begin += buffer.append(block, begin, goal - buffer.count)
                if begin == block.rows:
                    block, begin = next(blocks, None), 0
            done += buffer.count
            if buffer.count < goal or (done == self.rows and block is not None):
                given = f"only {done}" if block is None else f"more than {done}"
                raise ValueError(
                    f"the source has {self.rows} rows, but gave {given} in an epoch; "
                    "every epoch must have the same rows"
                )
            yield buffer

    def _checked(self, order: list[int] | None) -> Iterator[CheckedBlock]:
        """Check the blocks, and leave out those without rows."""
        for place, block in _named_blocks(self._source, order):
            if self._closed:
                return
            checked = CheckedBlock(to_block(block, place), self._kind, f"{place}: ")
            if checked.rows > 0:
                yield checked


def _named_blocks(source: Source, order: list[int] | None) -> Iterator[tuple[str, Any]]:
    """Yield the blocks of an epoch and their names for messages."""
    if not isinstance(source, BlockSource):
        for number, block in enumerate(source):
            yield f"block {number}", block
        return
    for number in range(source.num_blocks) if order is None else order:
        name = source.name_of(number)
        for block in source.read(number):
            yield name, block
