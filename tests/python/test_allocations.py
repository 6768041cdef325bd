"""Memory as Python sees it: steady training and predict(out=) allocate next to nothing.

tests/cpp/train/test_allocations.cpp checks that the core itself allocates nothing.
"""

import gc
import tracemalloc

import numpy as np
import pytest

import backpass as bp


def traced_peak(call, repeats: int = 20) -> int:
    """Return the peak of traced bytes above the previous level, over warmed-up calls."""
    for _ in range(3):
        call()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(repeats):
            call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


@pytest.fixture
def problem(dtype):
    rng = np.random.default_rng(0)
    net = bp.Network([100, 64, 10], dtype=dtype, seed=0)
    x, y = rng.normal(size=(2000, 100)).astype(dtype), rng.normal(size=(2000, 10)).astype(dtype)
    return net, x, y


# Arguments, a float and a few views; a copy of the smallest array here would be 80 kB.
_SMALL = 20_000


def test_train_step_makes_no_arrays(problem):
    net, x, y = problem
    optimizer, loss = bp.optim.Adam(), bp.losses.MeanSquaredError()
    assert traced_peak(lambda: net.train_step(x, y, loss=loss, optimizer=optimizer)) < _SMALL


def test_predict_into_out_makes_no_arrays(problem):
    net, x, y = problem
    out = np.empty_like(y)
    assert traced_peak(lambda: net.predict(x, out=out)) < _SMALL


def test_views_make_no_arrays(problem):
    net, x, y = problem
    net.forward(x)
    net.backward(y)

    def look() -> None:
        for layer in net.layers:
            _ = (
                layer.weight,
                layer.bias,
                layer.weight_grad,
                layer.bias_grad,
                layer.z,
                layer.a,
                layer.xi,
            )
        _ = net.parameters, net.gradients

    assert traced_peak(look) < _SMALL


def test_the_counter_counts_an_array(problem):
    net, x, y = problem
    assert traced_peak(lambda: net.predict(x)) >= y.nbytes


def test_memory_does_not_grow_with_the_rows_of_a_gradient():
    """Full-batch gradients work block by block, so memory grows by less than the activations."""
    resource = pytest.importorskip("resource")
    rows, width = 20_000, 512
    net = bp.Network([2, width, width, 1], "relu", seed=0)
    x, y = np.ones((rows, 2), np.float32), np.ones((rows, 1), np.float32)
    net.loss_and_gradient(x[:1000], y[:1000], loss="mse")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    net.loss_and_gradient(x, y, loss="mse")
    net.evaluate(x, y, loss="mse")
    net.predict(x)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < rows * width * 4 / 2
