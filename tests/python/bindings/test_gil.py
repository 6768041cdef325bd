"""Reference counts need the GIL: no native call changes one without it."""

import gc
import itertools
import sys
import threading
import time

import numpy as np
import pytest

import backpass as bp

SECONDS = 2.0


@pytest.fixture(autouse=True)
def frequent_switches():
    """And no garbage collection, which would drop references that other tests left."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-3)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    sys.setswitchinterval(before)


def drift(shared: object, work) -> int:
    """Return the change of the reference count of an object that two threads use."""
    end = time.monotonic() + SECONDS

    def use_the_object() -> None:
        while time.monotonic() < end:
            list(itertools.repeat(shared, 10_000))  # mostly changes the reference count

    thread = threading.Thread(target=use_the_object)
    before = sys.getrefcount(shared)
    thread.start()
    while time.monotonic() < end:
        work()
    thread.join()
    return sys.getrefcount(shared) - before


def make() -> tuple[bp.Network, np.ndarray]:
    """Return a network with just enough work to make calls release the GIL."""
    return bp.Network([64, 32, 10], seed=0), np.ones((128, 64), dtype="float32")


def test_predict_returns_out_with_the_gil_held():
    net, x = make()
    out = np.empty((128, 10), dtype="float32")
    assert drift(out, lambda: net.predict(x, out=out, num_threads=1)) == 0


def test_calls_return_none_with_the_gil_held():
    net, x = make()
    other, _ = make()
    gradient = np.full((128, 10), 1e-9, dtype="float32")
    sgd = bp.optim.SGD(lr=1e-6)

    def work() -> None:
        net.backward(gradient)
        other.step(sgd)

    net.forward(x)
    other.gradients[...] = 1e-9
    # Other threads and the interpreter itself keep and drop a few references to None.
    assert abs(drift(None, work)) < 8
