"""Data sets that are larger than memory: `Network.fit` reads them in blocks of rows.

`Blocks` takes an iterable of blocks, `Arrays` a memory-mapped or HDF5 array, `Parquet` the files of
a table, and `Dask` arrays and frames of Dask. A class of one's own derives from `Source` or
`BlockSource`.

Examples
--------
>>> import numpy as np
>>> import backpass as bp
>>> def blocks():
...     rng = np.random.default_rng(0)
...     for _ in range(10):
...         x = rng.normal(size=(1000, 2))
...         yield x, x[:, 0] * x[:, 1]
>>> net = bp.Network([2, 16, 1], activation="tanh", seed=0)
>>> source = bp.data.Blocks(blocks, buffer_rows=4096)
>>> source.rows
10000
>>> history = net.fit(source, loss="mse", optimizer="adam", epochs=3, seed=0)
>>> history["loss"][-1] < history["loss"][0]
True
"""

from backpass.data.arrays import Arrays
from backpass.data.blocks import Blocks
from backpass.data.dask import Dask
from backpass.data.parquet import Parquet
from backpass.data.source import Block, BlockSource, Source

__all__ = ["Arrays", "Block", "BlockSource", "Blocks", "Dask", "Parquet", "Source"]
