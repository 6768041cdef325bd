"""fit without enough memory: the network has the state of the last finished epoch."""

import json
import subprocess
import sys

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, data
from network_pair import bits

# The address space is limited to slightly more than the process uses. So some allocation within fit
# fails; which one depends on the limit.
PROGRAM = """
import json, resource, sys
import numpy as np
import backpass as bp
bp.set_num_threads(1)
sizes = [200, 400, 400, 5]
rng = np.random.default_rng(0)
x = rng.normal(size=(600, 200)).astype("float32")
y = rng.normal(size=(600, 5)).astype("float32")
def run(limit):
    net, optimizer = bp.Network(sizes, "relu", dropout=0.1, seed=0), bp.optim.Adam(lr=1e-3)
    states = [net.parameters.tobytes()]
    def note(net, epoch, logs):
        states.append(net.parameters.tobytes())
    callback = bp.callbacks.LambdaCallback(on_epoch_end=note)
    net.predict(x[:1])
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_AS, (used + limit, resource.RLIM_INFINITY))
    try:
        net.fit(x, y, loss="mse", optimizer=optimizer, epochs=2, batch_size=64, seed=0,
                validation_split=0.25, early_stopping=5, callbacks=callback, progress=False)
        outcome = "done"
    except MemoryError:
        outcome = "MemoryError"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    # A callback that could not copy the parameters has not returned: the epoch before it counts.
    return outcome, net.parameters.tobytes() == states[-1] or outcome == "done"
print(json.dumps(run(int(sys.argv[1]) << 10)))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS is Linux's")
def test_an_address_space_that_ends_within_fit():
    outcomes = []
    for kib in (0, 256, 1024, 2048, 3072, 4096, 6144, 8192, 65536):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(kib)], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        outcome, unchanged = json.loads(done.stdout)
        assert unchanged, f"{kib} KiB: {outcome}"
        outcomes.append(outcome)
    assert "MemoryError" in outcomes
    assert outcomes[-1] == "done"


def test_a_memory_error_of_a_callback():
    x, y = data()
    net, expected = SPEC.make(), SPEC.make()
    optimizers = [bp.optim.Adam(lr=0.01) for _ in range(2)]
    common = {"loss": "mse", "batch_size": 8, "seed": 0, **SILENT}
    expected.fit(x, y, optimizer=optimizers[1], epochs=2, **common)

    def fail(net, epoch, logs):
        if epoch == 2:
            raise MemoryError("of the callback")

    callback = bp.callbacks.LambdaCallback(on_epoch_end=fail)
    with pytest.raises(MemoryError, match="of the callback"):
        net.fit(x, y, optimizer=optimizers[0], epochs=5, callbacks=callback, **common)
    assert bits(net.parameters) == bits(expected.parameters)
    for a, b in zip(optimizers[0].state.values(), optimizers[1].state.values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_exception_of_a_callback_leaves_the_last_step():
    x, y = data()
    net, expected = SPEC.make(), SPEC.make()
    common = {"loss": "mse", "batch_size": 8, "seed": 0, **SILENT}
    expected.fit(x, y, optimizer="adam", epochs=3, **common)

    def fail(net, epoch, logs):
        if epoch == 2:
            raise KeyError("mine")

    callback = bp.callbacks.LambdaCallback(on_epoch_end=fail)
    with pytest.raises(KeyError, match="mine"):
        net.fit(x, y, optimizer="adam", epochs=5, callbacks=callback, **common)
    assert bits(net.parameters) == bits(expected.parameters)
