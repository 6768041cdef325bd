"""Every long call ends soon after a signal, and leaves the network at a step boundary."""

import functools
import os
import pickle
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from alarms import assert_ends_soon, handlers_during, seconds_of, seconds_until_interrupted
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
    "evaluate with metrics": lambda net, rule: net.evaluate(
        X, Y, loss="mse", metrics=["mae", "r2", "rmse"]
    ),
    "evaluate a custom loss": lambda net, rule: net.evaluate(X, Y, loss=HALF_SQUARES),
    "train_step": train,
    "train_step with a custom loss": lambda net, rule: train(net, rule, HALF_SQUARES),
    "loss_and_gradient": lambda net, rule: net.loss_and_gradient(X, Y, loss="mse"),
    "input gradient": lambda net, rule: net.loss_and_gradient(
        X, Y, loss="mse", input_gradient=True
    ),
    "forward": lambda net, rule: net.forward(X),
    "backward": lambda net, rule: forward_then_backward(net),
    "fit, batches of 32": lambda net, rule: fit(net, rule, 32),
    "fit, batches of 4096": lambda net, rule: fit(net, rule, 4096),
    "fit, all rows": lambda net, rule: fit(net, rule, ROWS),
    "gradient_check": lambda net, rule: bp.gradient_check(net, X[:2000], Y[:2000], "mse"),
}
# Calls that take a minute or more.
ENDLESS = {
    "backward",
    "fit, batches of 32",
    "fit, batches of 4096",
    "fit, all rows",
    "gradient_check",
}


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

    def check() -> None:
        if name.startswith("fit, batches"):
            assert np.isfinite(net.parameters).all()
        else:
            assert bits(net.parameters) == untouched
            assert not rule.state or name.startswith("fit")
        if name == "forward":
            with pytest.raises(RuntimeError):
                net.backward(Y)

    assert_ends_soon(lambda: CALLS[name](net, rule), delay, check)
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
        assert_ends_soon(call, seconds_of(call) / 3)


def test_fit_leaves_the_last_finished_step() -> None:
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

    def check() -> None:
        assert bits(net.parameters) in whole

    assert_ends_soon(lambda: forever(lambda: net.initialize(1)), 0.2, check)


class Large:
    """A network of 9 million parameters with the state of Adam, and what the calls below need."""

    def __init__(self, folder: Path, width: int = 3000) -> None:
        self.net = bp.Network([width, width], "identity", init="zeros", seed=0)
        self.rule = bp.optim.Adam()
        self.x = np.ones((8, width), "float32")
        self.net.train_step(self.x, self.x, loss="mse", optimizer=self.rule)
        self.state = self.rule.state
        self.pickled = pickle.dumps(self.net)
        self.path = folder / "net"
        self.net.save(self.path, optimizer=self.rule)
        self.z = np.full((width, width), 0.5, "float32")

    def set_state(self) -> None:
        self.rule.state = self.state

    def step(self) -> None:
        self.net.step(self.rule)

    def train(self, rule: bp.optim.Adam) -> None:
        self.net.train_step(self.x, self.x, loss="mse", optimizer=rule)


LARGE: dict[str, Callable[[Large], object]] = {
    "copy": lambda a: a.net.copy(),
    "astype": lambda a: a.net.astype("float64"),
    "pickle": lambda a: pickle.dumps(a.net),
    "unpickle": lambda a: pickle.loads(a.pickled),
    "read a state": lambda a: a.rule.state,
    "assign a state": lambda a: a.set_state(),
    "save": lambda a: a.net.save(a.path, optimizer=a.rule),
    "load": lambda a: bp.load_checkpoint(a.path),
    "activation": lambda a: bp.activations.get("gelu")(a.z),
    "activation of rows": lambda a: bp.activations.get("softmax")(a.z),
    "loss": lambda a: bp.losses.get("mse")(a.z, a.z),
    "loss of probabilities": lambda a: bp.losses.get("binary_cross_entropy")(a.z, a.z),
    "metric": lambda a: bp.metrics.compute("mae", a.z, a.z, loss="mse"),
    # Updates of this size take much less than 100 ms.
    "step": lambda a: a.step(),
    "train_step": lambda a: a.train(a.rule),
    "first train_step": lambda a: a.train(bp.optim.Adam()),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_signal_ends_calls_on_large_arrays_soon(name: str, tmp_path: Path) -> None:
    large = Large(tmp_path)
    untouched = bits(large.net.parameters)

    def check() -> None:
        assert "step" in name or bits(large.net.parameters) == untouched
        assert bp.load(large.path).num_parameters == large.net.num_parameters

    assert_ends_soon(lambda: forever(lambda: LARGE[name](large)), 0.1, check)


@pytest.mark.slow
def test_calls_on_large_arrays_run_handlers(tmp_path: Path) -> None:
    """The calls above may be too short to show that they run the handlers of signals."""
    bp.set_num_threads(1)
    large = Large(tmp_path, 5000)
    for name, call in LARGE.items():
        runs, seconds = handlers_during(functools.partial(call, large))
        print(f"{name}: {runs} handlers in {seconds * 1e3:.0f} ms")
        # The polls are up to 60 ms apart. Updates do not poll.
        assert runs >= 2 or seconds < 0.08 or "step" in name


def test_an_interrupted_assignment_keeps_the_state(tmp_path: Path) -> None:
    large = Large(tmp_path)
    other = bp.optim.Adam()
    other.state = {**large.state, "step": [7]}
    for i in range(1, 20):
        passed = seconds_until_interrupted(lambda: setattr(other, "state", large.state), i * 0.001)
        if passed is not None and other.state["step"] == [7]:
            return  # the handler's exception ended the assignment before its end
        other.state = {**large.state, "step": [7]}
    pytest.fail("no assignment was interrupted")


def test_other_threads_continue() -> None:
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
