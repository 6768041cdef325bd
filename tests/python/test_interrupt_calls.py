"""Every long call ends soon after a signal, and leaves the network at a step boundary."""

import os
import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest

import backpass as bp
from alarms import seconds_of, seconds_until_interrupted
from network_pair import bits

ROWS = 40_000
SIZES = [64, 600, 600, 8]


X = np.random.default_rng(0).normal(size=(ROWS, SIZES[0])).astype("float32")
Y = np.random.default_rng(1).normal(size=(ROWS, SIZES[-1])).astype("float32")
HALF_SQUARES = bp.losses.Custom(lambda a, y: (float(((a - y) ** 2).sum()), 2 * (a - y)))


def train(net: bp.Network, rule: bp.optim.Adam, loss: object = "mse") -> None:
    net.train_step(X, Y, loss=loss, optimizer=rule)


def fit(net: bp.Network, rule: bp.optim.Adam, batch: int) -> None:
    net.fit(X, Y, loss="mse", optimizer=rule, epochs=99, batch_size=batch, seed=0, progress=False)


def forever(call: Callable[[], object]) -> None:
    while True:
        call()


def forward_then_backward(net: bp.Network) -> None:
    net.forward(X[:20_000])
    forever(lambda: net.backward(Y[:20_000]))


CALLS: dict[str, Callable[[bp.Network, bp.optim.Adam], object]] = {
    "predict": lambda net, rule: net.predict(X),
    "evaluate": lambda net, rule: net.evaluate(X, Y, loss="mse"),
    "evaluate a custom loss": lambda net, rule: net.evaluate(X, Y, loss=HALF_SQUARES),
    "train_step": train,
    "train_step with a custom loss": lambda net, rule: train(net, rule, HALF_SQUARES),
    "loss_and_gradient": lambda net, rule: net.loss_and_gradient(X, Y, loss="mse"),
    "input gradient": lambda net, rule: net.loss_and_gradient(
        X, Y, loss="mse", input_gradient=True
    ),
    "forward": lambda net, rule: net.forward(X),
    "backward": lambda net, rule: forward_then_backward(net),
    "fit, batches of 4096": lambda net, rule: fit(net, rule, 4096),
    "fit, all rows": lambda net, rule: fit(net, rule, ROWS),
    "gradient_check": lambda net, rule: bp.gradient_check(net, X[:2000], Y[:2000], "mse"),
}
# Calls that take a minute or more.
ENDLESS = {"backward", "fit, batches of 4096", "fit, all rows", "gradient_check"}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_a_signal_ends_the_call_soon(name: str, threads: int) -> None:
    bp.set_num_threads(threads)
    net = bp.Network(SIZES, seed=0, activation="tanh")
    rule = bp.optim.Adam()
    untouched = bits(net.parameters)
    delay = 0.25
    if name not in ENDLESS:
        copy = bp.Network(SIZES, seed=0, activation="tanh")
        delay = seconds_of(lambda: CALLS[name](copy, bp.optim.Adam())) / 3
    passed = seconds_until_interrupted(lambda: CALLS[name](net, rule), delay)
    assert passed is not None
    print(f"{name}, {threads} threads: {passed * 1e3:.0f} ms")
    # An idle machine needs at most 100 ms.
    assert passed < 1.0
    if name.startswith("fit, batches"):
        assert np.isfinite(net.parameters).all()
    else:
        assert bits(net.parameters) == untouched
        assert not rule.state or name.startswith("fit")
    if name == "forward":
        with pytest.raises(RuntimeError):
            net.backward(Y)
    # The next call gives the results of a new network.
    other = bp.Network(SIZES, seed=0, activation="tanh")
    other.parameters = net.parameters
    assert np.array_equal(net.predict(X[:300]), other.predict(X[:300]))
    value = net.loss_and_gradient(X[:300], Y[:300], loss="mse")
    assert value == other.loss_and_gradient(X[:300], Y[:300], loss="mse")
    assert bits(net.gradients) == bits(other.gradients)


def test_custom_activations_end_soon() -> None:
    """The handler runs inside the function, or between blocks."""
    tanh = bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    net = bp.Network(SIZES, [tanh, "tanh", "identity"], seed=0)
    for call in (lambda: net.predict(X), lambda: net.loss_and_gradient(X, Y, loss="mse")):
        passed = seconds_until_interrupted(call, seconds_of(call) / 3)
        assert passed is not None
        assert passed < 1.0


def test_fit_stands_at_its_last_finished_step() -> None:
    """Also if the signal comes within a step: Adam's count gives the number of finished steps."""
    bp.set_num_threads(1)
    net, rule = bp.Network(SIZES, seed=0), bp.optim.Adam()
    passed = seconds_until_interrupted(
        lambda: net.fit(
            X,
            Y,
            loss="mse",
            optimizer=rule,
            batch_size=2000,
            shuffle=False,
            epochs=50,
            progress=False,
        ),
        0.6,
    )
    assert passed is not None
    other, other_rule = bp.Network(SIZES, seed=0), bp.optim.Adam()
    steps = int(rule.state["step"][0]) if rule.state else 0
    for i in range(steps):
        first = i * 2000 % ROWS
        other.train_step(
            X[first : first + 2000], Y[first : first + 2000], loss="mse", optimizer=other_rule
        )
    assert bits(net.parameters) == bits(other.parameters)


def test_initialize_ends_soon_and_leaves_whole_parameters() -> None:
    net = bp.Network([3000, 3000], "relu", seed=0)
    whole = {bits(net.parameters), bits(bp.Network([3000, 3000], "relu", seed=1).parameters)}
    passed = seconds_until_interrupted(lambda: forever(lambda: net.initialize(1)), 0.2)
    assert passed is not None
    assert passed < 1.0
    assert bits(net.parameters) in whole


def test_other_threads_go_on() -> None:
    """A signal ends only the call of the main thread."""
    net = bp.Network(SIZES, seed=0)
    expected = net.predict(X)
    results: list[np.ndarray] = []
    worker = threading.Thread(target=lambda: results.append(net.predict(X, num_threads=1)))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        worker.start()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            forever(lambda: net.predict(X, num_threads=1))
    finally:
        signal.signal(signal.SIGINT, before)
    worker.join()
    assert np.array_equal(results[0], expected)
