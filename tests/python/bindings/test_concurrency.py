"""Threads, the GIL, callbacks into the network, interrupts."""

import gc
import os
import signal
import threading
import time

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make


def counts_while(work) -> int:
    """Return how often another Python thread ran during the work."""
    count = 0
    stop = threading.Event()

    def run() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.02)
    before = count
    work()
    during = count - before
    stop.set()
    thread.join()
    return during


def big() -> tuple[bp.Network, np.ndarray, np.ndarray]:
    net = bp.Network([400, 800, 800, 10], seed=0)
    x = np.random.default_rng(0).normal(size=(4000, 400)).astype("float32")
    return net, x, np.zeros((4000, 10), dtype="float32")


@pytest.mark.parametrize(
    "call", ["predict", "forward", "train_step", "loss_and_gradient", "evaluate", "fit"]
)
def test_other_threads_run_meanwhile(call):
    net, x, y = big()
    sgd = bp.optim.SGD(lr=1e-6)
    calls = {
        "predict": lambda: net.predict(x),
        "forward": lambda: net.forward(x),
        "train_step": lambda: net.train_step(x, y, loss="mse", optimizer=sgd),
        "loss_and_gradient": lambda: net.loss_and_gradient(x, y, loss="mse"),
        "evaluate": lambda: net.evaluate(x, y, loss="mse"),
        "fit": lambda: net.fit(x, y, loss="mse", optimizer=sgd, epochs=1, progress=False),
    }
    # If the call held the GIL, the other thread could not even finish its sleep.
    assert counts_while(calls[call]) >= 3


def test_two_threads_may_train_one_network():
    """Calls that change the network take turns: no step is lost, and nothing crashes."""
    net = bp.Network([20, 64, 5], "tanh", dtype="float64", seed=0)
    sgd = bp.optim.SGD(lr=1e-3)
    rng = np.random.default_rng(0)
    errors = []

    def work(rows: int) -> None:
        try:
            x, y = rng.normal(size=(rows, 20)), np.zeros((rows, 5))
            for _ in range(150):
                net.train_step(x, y, loss="mse", optimizer=sgd)
                a = net.forward(x)
                assert a.shape == (rows, 5)
                _ = net.layers[0].z.sum(), sgd.state, net.predict(x)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(rows,)) for rows in (3, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sgd.state["step"] == [450, 450]


def test_a_custom_function_cannot_use_the_step_it_is_in():
    net = make()
    sgd = bp.optim.SGD()

    def loss(a, y):
        net.train_step(VALUES, y, loss="mse", optimizer=sgd)
        return 0.0, a

    with pytest.raises(RuntimeError, match="middle of a step"):
        net.train_step(VALUES, np.zeros((4, 3)), loss=bp.losses.Custom(loss), optimizer=sgd)
    assert net.train_step(VALUES, np.zeros((4, 3)), loss="mse", optimizer=sgd) > 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_during_a_step_is_an_error_and_not_a_hang():
    net, x, y = big()
    sgd = bp.optim.SGD(lr=1e-6)
    inside = threading.Event()

    def loss(a, y):
        inside.set()
        time.sleep(0.5)
        return 0.0, np.zeros_like(a)

    step = {"loss": bp.losses.Custom(loss), "optimizer": sgd}
    thread = threading.Thread(target=net.train_step, args=(x[:4], y[:4]), kwargs=step)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # turns a hang into a failure
        try:
            net.predict(x[:4])
            net.train_step(x[:4], y[:4], loss="mse", optimizer=sgd)
        except RuntimeError as error:
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert net.train_step(x[:4], y[:4], loss="mse", optimizer=sgd) >= 0


def test_a_callback_may_use_the_network():
    net = make()
    twin = make()
    seen = []

    def look(n, epoch, logs):
        n.forward(VALUES)
        n.loss_and_gradient(VALUES, np.zeros((4, 3)), loss="mse")
        seen.append(float(np.linalg.norm(n.gradients)))

    settings = {"loss": "mse", "epochs": 5, "seed": 0, "batch_size": 2, "progress": False}
    watched = net.fit(
        VALUES,
        np.zeros((4, 3)),
        optimizer=bp.optim.Adam(),
        **settings,
        callbacks=bp.callbacks.LambdaCallback(on_epoch_end=look),
    )
    plain = twin.fit(VALUES, np.zeros((4, 3)), optimizer=bp.optim.Adam(), **settings)
    assert len(seen) == 5
    assert watched["loss"] == plain["loss"]
    np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_custom_functions_get_arrays_that_they_may_keep():
    kept = []

    def tanh(z):
        kept.append((z, z.copy()))
        return np.tanh(z)

    net = bp.Network([5, 4, 3], bp.activations.Custom(tanh, lambda z: 1 - np.tanh(z) ** 2), seed=0)
    for rows in (1, 3, 700):
        net.predict(np.ones((rows, 5)))
    gc.collect()
    for array, same in kept:
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, same)


@pytest.fixture
def interrupts():
    """Install Python's SIGINT handler: a process started in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_leaves_fit_within_100_ms():
    """The signal's handler runs between two steps, and the network remains usable."""
    net = bp.Network([50, 64, 1], seed=0)
    x = np.random.default_rng(0).normal(size=(2000, 50)).astype("float32")
    y = x[:, 0]
    sent = []

    def interrupt() -> None:
        time.sleep(0.4)
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        net.fit(x, y, loss="mse", optimizer="adam", epochs=100_000, progress=False)
    late = time.perf_counter() - sent[0]
    thread.join()
    assert late < 0.1
    assert np.isfinite(net.parameters).all()
    untrained = bp.Network([50, 64, 1], seed=0).evaluate(x, y, loss="mse")
    assert net.evaluate(x, y, loss="mse") < untrained / 10
    history = net.fit(x, y, loss="mse", optimizer="adam", epochs=2, progress=False)
    assert history["loss"][-1] < untrained / 10


def test_errors_in_callbacks_reach_the_caller():
    net = make()

    def fail(n, epoch, logs):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        net.fit(
            VALUES,
            np.zeros((4, 3)),
            loss="mse",
            optimizer="sgd",
            epochs=3,
            progress=False,
            callbacks=bp.callbacks.LambdaCallback(on_epoch_end=fail),
        )
    assert net.train_step(VALUES, np.zeros((4, 3)), loss="mse", optimizer=bp.optim.SGD()) > 0
