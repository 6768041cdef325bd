"""A child forked after the parent used threads gives the same bits and never hangs."""

import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import backpass as bp
from network_pair import bits

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin", reason="fork is not used on this system"
)
_SECONDS = 60


def work() -> str:
    """Run everything that may start a parallel region: training, fit, prediction, evaluation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 300)).astype(np.float32)
    labels = rng.integers(0, 10, 512)
    net = bp.Network([300, 128, 10], "relu", "softmax", seed=1)
    optimizer = bp.optim.Adam()
    for _ in range(3):
        net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer)
    net.fit(
        x,
        labels,
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=2,
        batch_size=256,
        seed=0,
        progress=False,
    )
    value = net.evaluate(x, labels, loss="cross_entropy")
    small = bp.Network([8, 16, 3], seed=2)
    rows = rng.normal(size=(5000, 8)).astype(np.float32)
    small.train_step(rows, np.ones((5000, 3)), loss="mse", optimizer=bp.optim.SGD(lr=0.1))
    return bits(net.parameters, net.predict(x), np.array(value), small.parameters)


def in_a_fork(function: Callable[[], str]) -> str:
    """Return the function's result from a forked child; kill the child if it takes too long."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns that a child of a process with threads may deadlock. This must not
        # happen.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            os.write(writer, function().encode())
            code = 0
        except BaseException:  # noqa: BLE001 (a forked child must not raise)
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    deadline = time.monotonic() + _SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the forked child hung")
        time.sleep(0.005)
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    assert os.waitstatus_to_exitcode(status) == 0, "the forked child failed"
    return result


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_child_computes_the_same_bits(threads):
    bp.set_num_threads(threads)
    expected = work()
    assert in_a_fork(work) == expected
    assert work() == expected


def test_many_children_one_after_another():
    bp.set_num_threads(3)
    expected = work()
    for _ in range(10):
        assert in_a_fork(work) == expected


def test_nested_forks():
    """The child uses threads before it forks, and so does the grandchild."""
    bp.set_num_threads(2)
    expected = work()

    def grandchild() -> str:
        assert work() == expected
        return in_a_fork(work)

    def child() -> str:
        assert work() == expected
        return in_a_fork(grandchild)

    assert in_a_fork(child) == expected


def test_a_child_of_a_parent_that_has_not_used_threads():
    """The child forks before it uses threads; the grandchild then works."""
    expected = work()
    assert in_a_fork(lambda: in_a_fork(work)) == expected


def test_a_child_may_change_the_number_of_threads():
    bp.set_num_threads(2)
    expected = work()

    def child() -> str:
        results = set()
        for threads in (1, 4, 2, 3):
            bp.set_num_threads(threads)
            results.add(work())
        assert len(results) == 1
        return results.pop()

    assert in_a_fork(child) == expected


def test_a_network_made_before_the_fork_works_in_both_processes(dtype):
    bp.set_num_threads(2)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(512, 200)).astype(dtype), rng.normal(size=(512, 10)).astype(dtype)
    net, optimizer = bp.Network([200, 128, 10], dtype=dtype, seed=0), bp.optim.Adam()

    def go_on() -> str:
        for _ in range(3):
            net.train_step(x, y, loss="mse", optimizer=optimizer)
        return bits(net.parameters, net.predict(x))

    go_on()
    in_child = in_a_fork(go_on)
    assert in_child == go_on()


def test_a_fork_while_another_thread_trains():
    """The child's copy of the network may be within a step; a new network works."""
    import threading

    bp.set_num_threads(2)
    expected = work()
    stop = threading.Event()
    net = bp.Network([300, 128, 10], seed=0)
    x, y = np.ones((512, 300), np.float32), np.ones((512, 10), np.float32)

    def train() -> None:
        while not stop.is_set():
            net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=1e-4))

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(5):
            assert in_a_fork(work) == expected
    finally:
        stop.set()
        thread.join()


def pool_work(_: int) -> str:
    return work()


def test_a_multiprocessing_pool():
    bp.set_num_threads(2)
    expected = work()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(3) as pool:
            results = pool.map_async(pool_work, range(6)).get(timeout=_SECONDS)
    assert set(results) == {expected}


def test_forks_while_other_threads_predict_on_the_same_network():
    """``BACKPASS_TEST_FORKS=10000`` runs the long form."""
    import threading

    bp.set_num_threads(1)
    net = bp.Network([32, 64, 32], seed=0)
    x, y = np.ones((40, 32), np.float32), np.ones((40, 32), np.float32)  # enough to release the GIL

    def compute() -> str:
        return bits(net.predict(x), np.array(net.evaluate(x, y, loss="mse")))

    expected = compute()
    stop = threading.Event()

    def predict() -> None:
        out = np.empty((40, 32), np.float32)
        while not stop.is_set():
            net.predict(x, out=out)
            net.evaluate(x, y, loss="mse")

    threads = [threading.Thread(target=predict) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    for thread in threads:
        thread.start()
    try:
        for _ in range(int(os.environ.get("BACKPASS_TEST_FORKS", "150"))):
            assert in_a_fork(compute) == expected
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def hooked(function: Callable[[], None]) -> bp.Network:
    """Return a network whose activation calls the function."""

    def tanh(z):
        function()
        return np.tanh(z)

    activation = bp.activations.Custom(tanh, lambda z: 1 - np.tanh(z) ** 2)
    return bp.Network([4, 8, 2], activation, seed=0)


X, Y = np.ones((6, 4), "float32"), np.ones((6, 2), "float32")
FIT = {"loss": "mse", "optimizer": "sgd", "epochs": 1, "progress": False}


def test_a_child_of_a_callback_uses_the_network():
    """The fit of the parent has lent the network, and the child may change it."""
    same = []

    def use(net):
        predicted = net.predict(X)
        net.train_step(X, Y, loss="mse", optimizer=bp.optim.SGD())
        return bits(predicted, net.parameters)

    def callback(net, epoch, logs):
        there = in_a_fork(lambda: use(net))
        same.append(there == use(net))

    callbacks = bp.callbacks.LambdaCallback(on_epoch_end=callback)
    bp.Network([4, 8, 2], seed=0).fit(X, Y, callbacks=callbacks, **FIT)
    assert same == [True]


@pytest.mark.parametrize("outer", ["predict", "train_step"])
@pytest.mark.parametrize("in_callback", [False, True])
def test_a_child_forked_during_a_step_of_its_thread(outer, in_callback):
    """The child inherits the step, which excludes other calls. Other networks are free."""
    free = bp.Network([4, 8, 2], seed=1)
    expected = bits(free.predict(X))
    armed, seen = [], []

    def child():
        with pytest.raises(RuntimeError, match="in the middle of a step"):
            net.predict(X)
        return bits(free.predict(X))

    def fork_once():
        if armed:
            armed.clear()
            seen.append(in_a_fork(child))

    net = hooked(fork_once)
    sgd = bp.optim.SGD()

    def run(*_):
        armed.append(True)
        if outer == "predict":
            net.predict(X)
        else:
            net.train_step(X, Y, loss="mse", optimizer=sgd)

    if in_callback:
        net.fit(X, Y, callbacks=bp.callbacks.LambdaCallback(on_epoch_end=run), **FIT)
    else:
        run()
    assert seen == [expected]
    net.train_step(X, Y, loss="mse", optimizer=sgd)
