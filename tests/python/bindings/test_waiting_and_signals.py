"""A signal's handler runs while a call waits for another thread's call."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make

Y = np.zeros((4, 3))


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """Turn a hang into a failure."""
    faulthandler.dump_traceback_later(60, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


class HandlerError(Exception):
    """Raised by the signal's handler."""


def step(net: bp.Network, loss: object = "mse") -> float:
    return net.train_step(VALUES, Y, loss=loss, optimizer=bp.optim.SGD())


def wait_with(handler: Callable[[threading.Event, threading.Thread], None]) -> bp.Network:
    """Make a step of this thread wait for a step of another thread. The handler runs meanwhile."""
    net = make()
    inside, release = threading.Event(), threading.Event()

    def loss(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        inside.set()
        release.wait(20)
        return 0.0, np.zeros_like(a)

    other = threading.Thread(target=step, args=(net, bp.losses.Custom(loss)))
    before = signal.signal(signal.SIGALRM, lambda *_: handler(release, other))
    try:
        other.start()
        inside.wait()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        step(net)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        release.set()
        other.join()
    return net


def test_the_turn_may_come_while_the_handler_runs() -> None:
    def handler(release: threading.Event, other: threading.Thread) -> None:
        release.set()
        other.join()

    assert step(wait_with(handler)) >= 0


@pytest.mark.parametrize("ends", [False, True])
def test_an_exception_of_the_handler_ends_the_wait(ends: bool) -> None:
    """Also if the turn has come while the handler ran: the next call of any thread can enter."""
    nets = []

    def handler(release: threading.Event, other: threading.Thread) -> None:
        nets.extend(other._args[:1])  # type: ignore[attr-defined]
        if ends:
            release.set()
            other.join()
        raise HandlerError

    with pytest.raises(HandlerError):
        wait_with(handler)
    if nets:
        assert step(nets[0]) >= 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_handler_may_fork() -> None:
    """In the child there is no thread for which the call could wait."""
    children = []

    def handler(release: threading.Event, other: threading.Thread) -> None:
        children.append(os.fork())
        if children != [0]:
            release.set()

    try:
        wait_with(handler)
    except RuntimeError as error:
        if children == [0]:
            os._exit(0 if "a signal handler forked this process" in str(error) else 1)
        raise
    finally:
        if children == [0]:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_a_handler_may_raise_while_a_callback_waits_for_readers() -> None:
    inside, release = threading.Event(), threading.Event()

    def tanh(z: np.ndarray) -> np.ndarray:
        if threading.current_thread() is not threading.main_thread():
            inside.set()
            release.wait(20)
        return np.tanh(z)

    activation = bp.activations.Custom(tanh, lambda z: 1 - np.tanh(z) ** 2)
    net = bp.Network([5, 7, 3], activation, seed=0)
    reader = threading.Thread(target=net.predict, args=(VALUES,))

    def handler(*_: object) -> None:
        release.set()
        reader.join()
        raise HandlerError

    def callback(net: bp.Network, epoch: int, logs: object) -> None:
        reader.start()
        inside.wait()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        net.initialize(1)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(HandlerError):
            net.fit(
                VALUES,
                Y,
                loss="mse",
                optimizer="sgd",
                epochs=1,
                callbacks=bp.callbacks.LambdaCallback(on_epoch_end=callback),
                progress=False,
            )
    finally:
        signal.signal(signal.SIGALRM, before)
        release.set()
    assert step(net) >= 0
