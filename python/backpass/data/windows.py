"""Windows of rows for the core, which are read ahead in a thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.data.blocks import Blocks
from backpass.data.buffer import Buffer, CheckedBlock
from backpass.data.dask import Dask
from backpass.data.source import Block, BlockSource, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backpass.network import Network

__all__ = ["Windows", "to_source"]

_WINDOW_BYTES = 64 << 20


def to_source(x: Any, y: Any, sample_weight: Any) -> Source | None:
    """Return the source of the rows, or None if they are arrays in memory."""
    if isinstance(x, Source):
        if y is not None or sample_weight is not None:
            raise TypeError("the source x has its own y and sample_weight; do not give them")
        return x
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
    """

    def __init__(self, source: Source, network: Network) -> None:
        self._source = source
        self._inputs = network.sizes[0]
        self._dtype = network.dtype
        self.rows = source.rows
        if self.rows < 1:
            raise ValueError("the source has no rows: the mean loss of zero samples is undefined")
        row_bytes = (network.sizes[0] + network.sizes[-1] + 1) * self._dtype.itemsize
        self.buffer_rows = source.buffer_rows or max(1, _WINDOW_BYTES // row_bytes)
        self._buffers: list[Buffer] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="backpass-data")
        self._filler: Iterator[Buffer] = iter(())
        self._filling: Future[Buffer] = Future()
        self._closed = False

    def begin(self, epoch: int, window_rows: int, shuffle: bool, seed: int) -> None:
        """Start an epoch. The order of the blocks is a function of the arguments."""
        self._wait()
        source = self._source
        if shuffle and isinstance(source, BlockSource) and window_rows < self.rows:
            random = np.random.Generator(np.random.Philox(key=[seed, epoch]))
            blocks = source.in_order(random.permutation(source.num_blocks).tolist())
        else:
            blocks = iter(source)
        if not self._buffers:
            self._buffers = [
                Buffer(window_rows) for _ in range(1 if window_rows == self.rows else 2)
            ]
        self._filler = self._fill(blocks)
        self._read_ahead()

    def next(self) -> Block:
        """Return the next window. It is valid until the next call of `next` or `begin`."""
        buffer = self._filling.result()
        self._read_ahead()
        return buffer.rows()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wait()
        self._thread.shutdown()

    def _read_ahead(self) -> None:
        self._filling = self._thread.submit(next, self._filler)

    def _wait(self) -> None:
        """Wait until the thread does not use the buffers."""
        if not self._filling.cancel():
            self._filling.exception()

    def _fill(self, blocks: Iterator[Block]) -> Iterator[Buffer]:
        """Fill the buffers in turn: one is filled while the core uses the other."""
        checked = self._checked(blocks)
        block, begin, done = next(checked, None), 0, 0
        while done < self.rows:
            buffer = self._buffers[done // self._buffers[0].size % len(self._buffers)]
            buffer.count = 0
            goal = min(buffer.size, self.rows - done)
            while buffer.count < goal and block is not None:
                begin += buffer.append(block, begin, goal - buffer.count)
                if begin == block.rows:
                    block, begin = next(checked, None), 0
            done += buffer.count
            if buffer.count < goal or (done == self.rows and block is not None):
                given = f"only {done}" if block is None else f"more than {done}"
                raise ValueError(f"the source has {self.rows} rows, but gave {given} in an epoch")
            yield buffer

    def _checked(self, blocks: Iterator[Block]) -> Iterator[CheckedBlock]:
        """Check the blocks, and leave out those without rows."""
        for number, block in enumerate(blocks):
            if self._closed:
                return
            checked = CheckedBlock(
                block, self._inputs, self._dtype, f"block {number} of the epoch: "
            )
            if checked.rows > 0:
                yield checked
