"""Shared by the tests of fit: a small problem, and the order in which fit uses the rows."""

import numpy as np

import backpass as bp
from network_pair import Spec

SPEC = Spec([4, 9, 3], ["tanh", "identity"], dtype="float64", seed=2)
SILENT = {"progress": False}


def data(rows: int = 25, seed: int = 0, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(dtype)
    return x, np.sin(2 * x[:, :3]) + 0.1 * rng.normal(size=(rows, 3)).astype(dtype)


def sgd(lr: float = 0.1) -> bp.optim.SGD:
    return bp.optim.SGD(lr=lr)


def assert_same_parameters(net: bp.Network, reference, tolerance: float = 1e-12) -> None:
    for layer, expected in zip(net.layers, reference.layers, strict=True):
        np.testing.assert_allclose(layer.weight, expected.weight, atol=tolerance)
        np.testing.assert_allclose(layer.bias, expected.bias, atol=tolerance)


def recorded_orders(
    seed, *, shuffle=True, epochs=3, rows=23, batch_size=5, split=0.0
) -> list[list[int]]:
    """Return the rows that each epoch saw, in order: the targets are the row numbers."""
    seen: list[int] = []

    def loss(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        seen.extend(int(v) for v in y[:, 0])
        return float(a.sum()), np.ones_like(a) * 1e-3

    net = bp.Network([2, 1], dtype="float64", seed=0)
    x, y = np.ones((rows, 2)), np.arange(rows, dtype=float)[:, None]
    net.fit(
        x,
        y,
        loss=bp.losses.Custom(loss),
        optimizer=sgd(),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=split,
        **SILENT,
    )
    per_epoch = len(seen) // epochs
    return [seen[e * per_epoch : (e + 1) * per_epoch] for e in range(epochs)]
