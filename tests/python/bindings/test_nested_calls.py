"""A Python function that a network's call runs calls the network: every such call ends."""

import copy
import faulthandler
import pickle
import sys
import threading
import time

import numpy as np
import pytest

import backpass as bp

X = np.ones((8, 4), dtype="float32")
Y = np.full((8, 2), 0.5, dtype="float32")
MANY = np.ones((20_000, 4), dtype="float32")
Y_MANY = np.ones((20_000, 2), dtype="float32")
FIT = {"loss": "mse", "epochs": 2, "batch_size": 4, "seed": 0, "progress": False}


@pytest.fixture(autouse=True)
def watchdog():
    """Turn a hang into a failure."""
    faulthandler.dump_traceback_later(120, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


def at_epoch_end(function):
    return bp.callbacks.LambdaCallback(on_epoch_end=function)


class Hook:
    """A function that, when armed, runs other work once and keeps the results."""

    def __init__(self) -> None:
        self.work = None
        self.results = {}

    def __call__(self) -> None:
        work, self.work = self.work, None
        if work is not None:
            work(self.results)


def make(hook: Hook) -> tuple[bp.Network, bp.optim.Optimizer]:
    """Return a network whose Custom activation runs the hook."""

    def tanh(z):
        hook()
        return np.tanh(z)

    activation = bp.activations.Custom(tanh, lambda z: 1 - np.tanh(z) ** 2)
    net, optimizer = bp.Network([4, 16, 2], activation, seed=0), bp.optim.Adam()
    net.forward(X)
    net.backward(Y)
    net.step(optimizer)
    return net, optimizer


def make_loss(hook: Hook) -> bp.losses.Custom:
    def loss(a, y):
        hook()
        return float(np.mean((a - y) ** 2)), 2 * (a - y) / a.size

    return bp.losses.Custom(loss)


def readers(net, optimizer, path):
    """Calls that change nothing, with more rows than the outer call has room for."""
    return {
        "predict": lambda: net.predict(MANY),
        "call": lambda: net(X),
        "evaluate": lambda: net.evaluate(MANY, Y_MANY, loss="mse"),
        "copy": net.copy,
        "deepcopy": lambda: copy.deepcopy(net),
        "z": lambda: net.layers[0].z,
        "gradient_check": lambda: bp.gradient_check(net, X, Y, "mse"),
        "optimizer.state": lambda: optimizer.state,
    }


def writers(net, optimizer):
    layer = net.layers[0]
    return {
        "forward": lambda: net.forward(MANY),
        "backward": lambda: net.backward(Y_MANY),
        "step": lambda: net.step(optimizer),
        "train_step": lambda: net.train_step(MANY, Y_MANY, loss="mse", optimizer=optimizer),
        "loss_and_gradient": lambda: net.loss_and_gradient(MANY, Y_MANY, loss="mse"),
        "fit": lambda: net.fit(X, Y, optimizer=optimizer, **FIT),
        "initialize": lambda: net.initialize(1),
        "parameters": lambda: setattr(net, "parameters", np.zeros(net.num_parameters)),
        "gradients": lambda: setattr(net, "gradients", np.zeros(net.num_parameters)),
        "weight": lambda: setattr(layer, "weight", np.zeros((16, 4))),
        "bias": lambda: setattr(layer, "bias", np.zeros(16)),
        "weight_grad": lambda: setattr(layer, "weight_grad", np.zeros((16, 4))),
        "bias_grad": lambda: setattr(layer, "bias_grad", np.zeros(16)),
        "trainable": lambda: setattr(layer, "trainable", True),
        "lr_scale": lambda: setattr(layer, "lr_scale", 1.0),
        "bias_lr_scale": lambda: setattr(layer, "bias_lr_scale", 1.0),
        "optimizer.reset": optimizer.reset,
    }


def outcome(call):
    try:
        call()
    except bp.DivergenceError:
        return "done"
    except RuntimeError as error:
        return str(error)
    return "done"


def on_this_thread(calls):
    def work(results):
        for name, call in calls.items():
            results[name] = outcome(call)

    return work


def on_other_threads(calls):
    """Run all calls at once, each on a separate thread, and join the threads."""

    def work(results):
        def run(name, call):
            results[name] = outcome(call)

        threads = [threading.Thread(target=run, args=item) for item in calls.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return work


def outer_calls(net, hook):
    """Calls that run a Python function within a step, and whether they change the network."""
    sgd, loss = bp.optim.SGD(lr=0.0), make_loss(hook)
    with_loss = FIT | {"loss": loss}
    return {
        "predict": (lambda: net.predict(X), False),
        "forward": (lambda: net.forward(X), True),
        "evaluate": (lambda: net.evaluate(X, Y, loss="mse"), False),
        "evaluate with a Custom loss": (lambda: net.evaluate(X, Y, loss=loss), False),
        "train_step": (lambda: net.train_step(X, Y, loss="mse", optimizer=sgd), True),
        "Custom loss": (lambda: net.train_step(X, Y, loss=loss, optimizer=sgd), True),
        "fit": (lambda: net.fit(X, Y, optimizer=sgd, **FIT), True),
        "fit with a Custom loss": (lambda: net.fit(X, Y, optimizer=sgd, **with_loss), True),
    }


OUTER = (
    "predict",
    "forward",
    "evaluate",
    "evaluate with a Custom loss",
    "train_step",
    "Custom loss",
    "fit",
    "fit with a Custom loss",
)


@pytest.mark.parametrize("name", OUTER)
def test_a_nested_call_is_an_error(name, tmp_path):
    hook = Hook()
    net, optimizer = make(hook)
    before = net.parameters.copy()
    outer, _ = outer_calls(net, hook)[name]
    calls = readers(net, optimizer, tmp_path) | writers(net, optimizer)
    of_optimizer = {"optimizer.state", "optimizer.reset"}
    calls = {key: call for key, call in calls.items() if key not in of_optimizer}
    hook.work = on_this_thread(calls)
    outer()
    assert hook.results.keys() == calls.keys()
    assert {key for key, text in hook.results.items() if "middle of a step" not in text} == set()
    np.testing.assert_array_equal(net.parameters, before)
    assert np.isfinite(net.predict(X)).all()


def test_a_nested_call_of_a_callback_s_call_is_an_error():
    """The callback may use the network; the Custom activation of its call may not."""
    hook = Hook()
    net, optimizer = make(hook)
    seen = []

    def callback(net, epoch, logs):
        calls = {"forward": lambda: net.forward(MANY), "predict": lambda: net.predict(MANY)}
        hook.work = on_this_thread(calls)
        seen.append(net.forward(X).tobytes())

    net.fit(
        X,
        Y,
        optimizer=optimizer,
        **FIT,
        callbacks=at_epoch_end(callback),
    )
    assert len(seen) == 2
    assert {"middle of a step" in text for text in hook.results.values()} == {True}


@pytest.mark.parametrize("name", OUTER)
def test_a_thread_that_is_waited_for_ends(name, tmp_path):
    """A thread may read during a call that reads; a call that could wait for ever gets an error."""
    hook = Hook()
    net, optimizer = make(hook)
    outer, changes = outer_calls(net, hook)[name]
    reading, writing = readers(net, optimizer, tmp_path), writers(net, optimizer)
    for calls in (reading, writing):
        for key in ("optimizer.state", "optimizer.reset"):
            calls.pop(key, None)
    hook.work = on_other_threads(reading if not changes else reading | writing)
    start = time.monotonic()
    outer()
    if not changes:
        assert set(hook.results.values()) == {"done"}
        hook.work = on_other_threads(writing)
        outer()
    assert hook.results.keys() == (reading | writing).keys()
    for key in writing.keys() | (reading.keys() if changes else set()):
        assert "does not return" in hook.results[key] or "fit uses" in hook.results[key], key
    assert time.monotonic() - start < 60
    assert outcome(lambda: net.train_step(X, Y, loss="mse", optimizer=optimizer)) == "done"


def test_a_callback_may_use_the_network_between_two_steps(tmp_path):
    hook = Hook()
    net, optimizer = make(hook)
    calls = readers(net, optimizer, tmp_path) | writers(net, optimizer)
    calls["set lr"] = lambda: setattr(optimizer, "lr", 0.5)

    def callback(net, epoch, logs):
        on_this_thread(calls)(hook.results)

    settings = FIT | {"epochs": 1, "callbacks": at_epoch_end(callback)}
    net.fit(X, Y, optimizer=optimizer, **settings)
    assert hook.results == dict.fromkeys(calls, "done")


def test_other_threads_may_read_between_two_steps(tmp_path):
    """A callback may wait for readers. Writers are refused at once."""
    hook = Hook()
    net, optimizer = make(hook)
    reading, writing = readers(net, optimizer, tmp_path), writers(net, optimizer)
    seconds = []

    def callback(net, epoch, logs):
        on_other_threads(reading)(hook.results)
        start = time.monotonic()
        on_other_threads(writing)(hook.results)
        seconds.append(time.monotonic() - start)

    settings = FIT | {"epochs": 1, "callbacks": at_epoch_end(callback)}
    net.fit(X, Y, optimizer=optimizer, **settings)
    assert {hook.results[key] for key in reading} == {"done"}
    assert all("fit uses" in hook.results[key] for key in writing)


def test_a_progress_bar_may_use_the_network(monkeypatch):
    """The bar may write to a program's own window."""
    net = bp.Network([4, 8, 2], seed=0)
    results = []

    class Window:
        def write(self, text):
            thread = threading.Thread(target=lambda: results.append(net.predict(X)))
            thread.start()
            thread.join()
            results.append(net.predict(X))
            results.append(net.forward(X))
            return len(text)

        def flush(self):
            pass

        def isatty(self):
            return False

        def fileno(self):
            raise OSError

    monkeypatch.setattr(sys, "stderr", Window())
    settings = FIT | {"epochs": 3000, "progress": True}
    net.fit(X, Y, optimizer="sgd", **settings)
    assert len(results) > 3
    assert np.isfinite(results).all()


def test_fits_that_use_each_other_s_network_end():
    """Each callback calls the network that the other thread trains."""
    nets = [bp.Network([4, 8, 2], seed=seed) for seed in range(2)]
    both = threading.Barrier(2)
    outcomes = []

    def train(i):
        def callback(net, epoch, logs):
            both.wait()
            outcomes.append(outcome(lambda: nets[1 - i].forward(X)))
            assert np.isfinite(nets[1 - i].predict(X)).all()
            both.wait()

        nets[i].fit(
            X,
            Y,
            optimizer="sgd",
            **FIT,
            callbacks=at_epoch_end(callback),
        )

    threads = [threading.Thread(target=train, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert all("fit uses" in text for text in outcomes)


def test_steps_that_use_each_other_s_network_end():
    """The same within a step: at least one thread gets an error, and both continue."""
    hooks = [Hook(), Hook()]
    nets = [make(hook)[0] for hook in hooks]
    both = threading.Barrier(2)

    def work_of(i):
        def work(results):
            both.wait()
            results["predict"] = outcome(lambda: nets[1 - i].predict(X))

        return work

    for i in range(2):
        hooks[i].work = work_of(i)
    threads = [threading.Thread(target=net.forward, args=(X,)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [hook.results["predict"] for hook in hooks]
    assert any("does not return" in text for text in texts)


def test_pickle_and_save_of_a_network_that_trains(tmp_path):
    """Readers of a network without Custom functions, during a fit."""
    net = bp.Network([4, 8, 2], seed=0)
    results = {}
    calls = {
        "save": lambda: net.save(tmp_path / "net.safetensors"),
        "pickle": lambda: pickle.loads(pickle.dumps(net)),
        "copy": lambda: copy.copy(net),
    }

    def callback(n, epoch, logs):
        on_other_threads(calls)(results)
        on_this_thread(calls)(results)

    net.fit(X, Y, optimizer="sgd", **FIT, callbacks=at_epoch_end(callback))
    assert results == dict.fromkeys(calls, "done")


def reader_inside(hook, net, during):
    """Start a thread that predicts; its activation runs `during`. Return when it is inside."""
    inside = threading.Event()

    def work(results):
        inside.set()
        during()

    hook.work = work
    thread = threading.Thread(target=net.predict, args=(X,))
    thread.start()
    inside.wait()
    return thread


def test_a_callback_that_changes_the_network_waits_for_readers():
    hook, order = Hook(), []
    net, optimizer = make(hook)

    def slowly():
        time.sleep(0.3)
        order.append("reader")

    def callback(net, epoch, logs):
        thread = reader_inside(hook, net, slowly)
        net.initialize(1)
        order.append("callback")
        thread.join()

    settings = FIT | {"epochs": 1, "callbacks": at_epoch_end(callback)}
    net.fit(X, Y, optimizer=optimizer, **settings)
    assert order == ["reader", "callback"]


def test_a_callback_does_not_wait_for_ever_for_a_reader():
    """After the error, the fit still lends the network."""
    hook = Hook()
    net, optimizer = make(hook)
    release = threading.Event()

    def callback(net, epoch, logs):
        thread = reader_inside(hook, net, release.wait)
        try:
            assert "does not return" in outcome(lambda: net.initialize(1))
            on_other_threads({"predict": lambda: net.predict(X)})(hook.results)
        finally:
            release.set()
            thread.join()
        hook.results["initialize"] = outcome(lambda: net.initialize(1))

    settings = FIT | {"epochs": 1, "callbacks": at_epoch_end(callback)}
    net.fit(X, Y, optimizer=optimizer, **settings)
    assert hook.results == {"predict": "done", "initialize": "done"}


def test_a_call_that_waits_behind_a_fit_is_refused():
    """The fit has also waited: when the call arrived, it could not know of the fit."""
    hook, results = Hook(), {}
    net, optimizer = make(hook)
    release, called, end = threading.Event(), threading.Event(), threading.Event()

    def callback(net, epoch, logs):
        called.set()
        end.wait(20)

    def fit():
        settings = FIT | {"epochs": 1, "callbacks": at_epoch_end(callback)}
        results["fit"] = outcome(lambda: net.fit(X, Y, optimizer=optimizer, **settings))

    def step():
        sgd = bp.optim.SGD()
        results["step"] = outcome(lambda: net.train_step(X, Y, loss="mse", optimizer=sgd))

    threads = [reader_inside(hook, net, release.wait)]
    for work in (fit, step):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        time.sleep(0.1)  # each waits before the next one comes
    release.set()
    called.wait()
    threads[2].join(20)
    end.set()
    for thread in threads:
        thread.join()
    assert results["fit"] == "done"
    assert "fit uses the network" in results["step"]
