"""The interpreter may end while daemon threads are inside native calls."""

import importlib.util
from pathlib import Path

import pytest

from network_pair import run_python

SCRIPT = Path(__file__).parents[2] / "reliability/exit_with_daemon_threads.py"
SPEC = importlib.util.spec_from_file_location("exit_with_daemon_threads", SCRIPT)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


@pytest.mark.slow
@pytest.mark.parametrize("name", script.names())
def test_the_exit_code_is_the_programs_own(name):
    assert script.failures(name, runs=2) == {}


WAIT_AT_THE_END = """
import builtins, threading, time
import numpy as np, backpass as bp

net, sgd, x, y = bp.Network([3, 2], seed=0), bp.optim.SGD(), np.ones((4, 3)), np.ones((4, 2))
inside = threading.Event()

def loss(a, y):
    inside.set()
    time.sleep(100)

class Last:
    def __init__(self):
        self.call, self.show = (lambda: net.predict(x)), print

    def __del__(self):
        try:
            self.call()
        except RuntimeError as error:
            self.show(error, flush=True)

step = {"loss": bp.losses.Custom(loss), "optimizer": sgd}
threading.Thread(target=net.train_step, args=(x, y), kwargs=step, daemon=True).start()
inside.wait()
builtins.last = Last()  # its __del__ runs after the interpreter has begun to end
"""


def test_a_call_at_the_end_does_not_wait_for_a_daemon_thread():
    assert run_python(WAIT_AT_THE_END).startswith("the interpreter is shutting down")
