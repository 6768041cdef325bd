"""Users' functions compute as outside of a call: denormal numbers are not flushed."""

import ctypes
import ctypes.util
import platform
import sys
from decimal import Decimal

import numpy as np
import pytest

import backpass as bp

# A denormal number: the smallest normal one is about exp(-708.4).
TINY = float(Decimal(-720).exp())
X = np.random.default_rng(0).normal(size=(300, 20))
Y = np.ones((300, 3))


def computes(values: list[float]) -> bool:
    assert len(values) > 0
    return all(value == TINY for value in values)


def seen() -> float:
    return float(np.exp(np.array([-720.0]))[0])


def test_outside():
    assert seen() == TINY


@pytest.mark.parametrize("threads", [1, 2])
def test_custom_activations(threads):
    bp.set_num_threads(threads)
    values = []

    def function(z):
        values.append(seen())
        return np.tanh(z)

    def derivative(z):
        values.append(seen())
        return 1 - np.tanh(z) ** 2

    net = bp.Network(
        [20, 30, 3], bp.activations.Custom(function, derivative), dtype="float64", seed=0
    )
    optimizer = bp.optim.SGD(lr=1e-3)
    net.predict(X)
    net.forward(X)
    net.backward(Y)
    net.train_step(X, Y, loss="mse", optimizer=optimizer)
    net.evaluate(X, Y, loss="mse")
    net.fit(X, Y, loss="mse", optimizer=optimizer, epochs=2, progress=False)
    assert computes(values)


def test_custom_losses_and_callbacks():
    values = []

    def loss(a, y):
        values.append(seen())
        return float(np.mean((a - y) ** 2)), 2 * (a - y) / a.size

    class Looks(bp.callbacks.Callback):
        def on_epoch_end(self, *args, **kwargs):
            values.append(seen())

    net = bp.Network([20, 30, 3], dtype="float64", seed=0)
    optimizer = bp.optim.SGD(lr=1e-3)
    custom = bp.losses.Custom(loss)
    net.train_step(X, Y, loss=custom, optimizer=optimizer)
    net.evaluate(X, Y, loss=custom)
    net.fit(X, Y, loss=custom, optimizer=optimizer, epochs=2, progress=False, callbacks=[Looks()])
    assert computes(values)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="knows this system's fenv.h"
)
@pytest.mark.parametrize("direction", [0x400, 0x800, 0xC00], ids=["down", "up", "to zero"])
def test_the_rounding_direction_of_the_caller_changes_nothing(direction):
    """FE_DOWNWARD, FE_UPWARD and FE_TOWARDZERO, with glibc's values on x86-64."""
    libm = ctypes.CDLL(ctypes.util.find_library("m"))

    def results() -> bytes:
        out = []
        for threads in (1, 2):
            bp.set_num_threads(threads)
            net = bp.Network([20, 60, 3], "tanh", dtype="float64", seed=0)
            net.fit(X, Y, loss="mse", optimizer="adam", epochs=2, seed=0, progress=False)
            out += [net.parameters.tobytes(), net.predict(X).tobytes()]
        assert out[:2] == out[2:]
        return b"".join(out)

    expected = results()
    try:
        assert libm.fesetround(direction) == 0
        got = results()
        assert libm.fegetround() == direction
    finally:
        libm.fesetround(0)
    assert got == expected
