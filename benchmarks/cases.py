"""The measured cases: train steps, full batches, predictions and epochs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
LR = 1e-5  # of every step: so small that the parameters hardly change; the arithmetic is the same


@dataclass(frozen=True)
class Case:
    """One measurement.

    ``kind`` is "train" (one optimizer step), "gradient" (value and gradient), "predict" (one
    forward pass, with `out` if the library has it) or "epoch" (one pass of mini-batches over
    ``rows`` shuffled rows).
    """

    name: str
    kind: str
    sizes: tuple[int, ...]
    activation: str  # of the hidden layers: "relu" or "tanh"; the output is linear
    batch: int
    loss: str = "mse"  # or "ce", softmax cross-entropy with integer labels
    optimizer: str = "adam"  # or "sgd", with momentum 0.9
    rows: int = 0
    dtype: str = "float32"

    @property
    def flops(self) -> float:
        """Count 2 per multiply-add of the products Z, ∂E/∂W, and ∂E/∂a except for the input."""
        products = [a * b for a, b in pairwise(self.sizes)]
        if self.kind == "predict":
            return 2.0 * self.batch * sum(products)
        return 2.0 * (self.rows or self.batch) * (3 * sum(products) - products[0])

    def data(self) -> tuple[Array, Array | NDArray[np.int64]]:
        """Return x and y, the same for every library."""
        rng = np.random.default_rng(0)
        rows = self.rows or self.batch
        x = rng.standard_normal((rows, self.sizes[0]), dtype=np.float32).astype(self.dtype)
        if self.loss == "ce":
            return x, rng.integers(0, self.sizes[-1], rows)
        return x, rng.standard_normal((rows, self.sizes[-1]), dtype=np.float32).astype(self.dtype)

    def weights(self) -> list[Array]:
        """Return initial weights, (M_{i-1}, M_i)."""
        rng = np.random.default_rng(1)
        return [
            (rng.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32)
            for a, b in pairwise(self.sizes)
        ]


MNIST512 = (784, 512, 512, 10)
WIDE = (1024, 2048, 2048, 1024)

CASES = [
    Case("rl", "train", (4, 64, 64, 2), "tanh", 64),
    Case("tab", "train", (32, 64, 64, 8), "relu", 64, "ce"),
    Case("mnist128", "train", (784, 128, 10), "relu", 64, "ce", "sgd"),
    Case("mnist512", "train", MNIST512, "relu", 128, "ce"),
    Case("wide", "train", WIDE, "relu", 256),
    Case("deep", "train", (256,) * 21, "tanh", 256, optimizer="sgd"),
    Case("small-10k", "train", (4, 32, 16, 4), "tanh", 10_000),
    Case("24-8-2", "gradient", (24, 8, 2), "tanh", 200),
    Case("fashion", "epoch", (784, 256, 128, 10), "relu", 128, "ce", rows=60_000),
    Case("predict 4-64-64-2", "predict", (4, 64, 64, 2), "tanh", 1),
    Case("predict 32-64-64-8", "predict", (32, 64, 64, 8), "relu", 1),
    Case("predict 784-512-512-10", "predict", MNIST512, "relu", 1),
    Case("predict 1024-2048-2048-1024", "predict", WIDE, "relu", 1),
    Case("predict 784-512-512-10 x 1024", "predict", MNIST512, "relu", 1024),
]


def parse(text: str) -> Case:
    """Make a case of "kind:64-128-10:batch[:activation[:loss[:optimizer]]]"."""
    kind, sizes, batch, *rest = text.split(":")
    activation, loss, optimizer = (*rest, *("relu", "mse", "adam")[len(rest) :])
    return Case(
        text, kind, tuple(map(int, sizes.split("-"))), activation, int(batch), loss, optimizer
    )
