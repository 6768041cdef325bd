"""A call without enough memory raises MemoryError, and the next call works."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, pickle, resource, sys
import numpy as np
import backpass as bp

bp.set_num_threads(1)
net = bp.Network([2000, 2000], seed=0)  # 16 MB
x = np.ones((1000, 2000), dtype="float32")  # 8 MB
y = np.zeros((100, 2000), dtype="float32")
calls = {
    "pickle": lambda: pickle.dumps(net),
    "copy": net.copy,
    "predict": lambda: net.predict(x),
    "forward": lambda: net.forward(x),
    "loss_and_gradient": lambda: net.loss_and_gradient(
        x[:100], y, loss="mse", input_gradient=True
    ),
    "lists": lambda: net.predict(x[:50].tolist()),
}
call = calls[sys.argv[1]]
pages = int(open("/proc/self/statm").read().split()[0])
used = pages * resource.getpagesize()
outcomes = []
for extra in range(0, 96_000_000, 4_000_000):
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, resource.RLIM_INFINITY))
    try:
        call()
        outcomes.append("done")
    except BaseException as error:
        outcomes.append(type(error).__name__)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
call()
print(json.dumps(outcomes))
"""

CALLS = ("pickle", "copy", "predict", "forward", "loss_and_gradient", "lists")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits address space by /proc")
@pytest.mark.parametrize("name", CALLS)
def test_no_memory_is_a_memory_error(name):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    outcomes = json.loads(run.stdout)
    assert set(outcomes) <= {"done", "MemoryError"}
    assert outcomes[-1] == "done"
    assert "MemoryError" in outcomes or name == "lists"
