"""Calls that read a network while another thread trains it see it between two steps."""

import faulthandler
import sys
import threading

import numpy as np
import pytest

import backpass as bp

STEPS = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 48)).astype("float32")
Y = RNG.normal(size=(600, 4)).astype("float32")
STEP = {"loss": "mse"}


def make() -> tuple[bp.Network, bp.optim.Optimizer]:
    return bp.Network([48, 160, 160, 4], "tanh", seed=0), bp.optim.SGD(lr=0.05)


def predict(net):
    return net.predict(X).tobytes()


def predict_out(net):
    out = np.empty((len(X), 4), dtype="float32")
    return net.predict(X, out=out).tobytes()


def evaluate(net):
    return np.float64(net.evaluate(X, Y, loss="mse")).tobytes()


def copied(net):
    return net.copy().parameters.tobytes()


def pickled(net):
    return net.__reduce_ex__(2)[2][0]


READERS = (predict, predict_out, evaluate, copied, pickled)


@pytest.fixture(autouse=True)
def watchdog():
    """Turn a hang into a failure."""
    faulthandler.dump_traceback_later(120, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


def valid_results():
    """Return what each reader gives between two steps of the same training on one thread."""
    net, optimizer = make()
    valid = {read: {read(net)} for read in READERS}
    for _ in range(STEPS):
        net.train_step(X, Y, **STEP, optimizer=optimizer)
        for read in READERS:
            valid[read].add(read(net))
    return valid, net.parameters.tobytes()


def by_train_step(net, optimizer):
    for _ in range(STEPS):
        net.train_step(X, Y, **STEP, optimizer=optimizer)


def by_three_moves(net, optimizer):
    for _ in range(STEPS):
        a = net.forward(X, training=True)
        net.backward(2 * (a - Y) / Y.size)
        net.step(optimizer)


def by_fit(net, optimizer):
    settings = {"epochs": STEPS, "batch_size": len(X), "shuffle": False, "progress": False}
    net.fit(X, Y, **STEP, optimizer=optimizer, **settings)


@pytest.mark.parametrize("train", [by_train_step, by_fit])
def test_every_result_is_that_of_a_whole_number_of_steps(train):
    valid, last = valid_results()
    mixed = {read.__name__: 0 for read in READERS}
    seen = {read: set() for read in READERS}
    net, optimizer = make()
    ends = threading.Event()
    errors = []

    def look() -> None:
        try:
            while not ends.is_set():
                for read in READERS:
                    result = read(net)
                    mixed[read.__name__] += result not in valid[read]
                    seen[read].add(result)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    train(net, optimizer)
    ends.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert mixed == dict.fromkeys(mixed, 0)
    assert all(seen.values())
    if train is by_train_step:  # fit may end before a reader gets in
        assert len(seen[predict]) > 2
    assert net.parameters.tobytes() == last  # the readers did not disturb the training


def test_predictions_between_backward_and_step():
    """forward, backward and step are three calls, and each is atomic."""
    net, optimizer = make()
    twin, twin_optimizer = make()
    by_three_moves(twin, twin_optimizer)
    ends = threading.Event()
    results = set()

    def look() -> None:
        while not ends.is_set():
            results.add(predict(net))

    thread = threading.Thread(target=look)
    thread.start()
    by_three_moves(net, optimizer)
    ends.set()
    thread.join()
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    valid = set()
    again, again_optimizer = make()
    valid.add(predict(again))
    for _ in range(STEPS):
        a = again.forward(X, training=True)
        again.backward(2 * (a - Y) / Y.size)
        again.step(again_optimizer)
        valid.add(predict(again))
    assert results <= valid


def test_readers_run_at_the_same_time():
    """The first call stays in its Custom function until the second is there too."""
    inside = threading.Barrier(2)

    def identity(z):
        inside.wait(timeout=60)
        return z

    net = bp.Network([3, 2], [bp.activations.Custom(identity, np.ones_like)], seed=0)
    x = np.ones((4, 3), dtype="float32")
    results = []
    threads = [threading.Thread(target=lambda: results.append(net.predict(x))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(*results)


def test_calls_take_turns_in_the_order_in_which_they_came():
    """Readers that follow each other let a writer in, and the writer lets readers in."""
    net, optimizer = make()
    ends = threading.Event()
    predictions = [0, 0]

    def read(i) -> None:
        while not ends.is_set():
            net.predict(X)
            predictions[i] += 1

    threads = [threading.Thread(target=read, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        before = sum(predictions)
        while sum(predictions) < before + 2:
            net.train_step(X, Y, **STEP, optimizer=optimizer)
    ends.set()
    for thread in threads:
        thread.join()
