"""Counts of epochs and steps reserve no memory and do not overflow."""

import subprocess
import sys

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, data, sgd
from network_pair import bits

PROGRAM = """
import resource
import numpy as np
import backpass as bp
limit = 2 << 30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
net = bp.Network([2, 2], seed=0)
stop = bp.callbacks.LambdaCallback(on_epoch_end=lambda net, epoch, logs: epoch == 2)
x = np.zeros((4, 2))
h = net.fit(x, x, loss="mse", optimizer="sgd", epochs=10**10, callbacks=stop, progress=False)
assert h.epochs == 3, h
"""


def test_ten_billion_epochs_reserve_nothing():
    """A reserved history would need 80 GB, but the address space has 2 GB."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


@pytest.mark.parametrize(
    "counts",
    [
        {"epochs": 2**63 - 1},
        {"epochs": 2**62},
        {"epochs": (2**63 - 1) // 5 + 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("schedule", [None, bp.schedules.OneCycle(max_lr=0.1)], ids=str)
def test_counts_that_do_not_fit_are_refused(counts, schedule):
    x, y = data(20)
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises(ValueError, match=r"2\^63"):
        net.fit(
            x, y, loss="mse", optimizer=sgd(), batch_size=4, schedule=schedule, **counts, **SILENT
        )
    assert bits(net.parameters) == before


def test_the_largest_counts_that_fit():
    x, y = data(20)
    net = SPEC.make()
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(),
        batch_size=4,
        epochs=(2**63 - 1) // 5,
        callbacks=bp.callbacks.LambdaCallback(on_epoch_end=lambda net, epoch, logs: True),
        **SILENT,
    )
    assert history.epochs == 1


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [2**63, 2**64, 10**30])
def test_integers_beyond_64_bits_are_value_errors(name, value):
    x, y = data(20)
    options = {"epochs": 1, name: value}
    with pytest.raises(ValueError, match=name):
        SPEC.make().fit(x, y, loss="mse", optimizer=sgd(), **options, **SILENT)


def test_a_batch_of_every_size_is_one_batch():
    x, y = data(20)
    whole, large = SPEC.make(), SPEC.make()
    for net, size in ((whole, 20), (large, 2**63 - 1)):
        net.fit(x, y, loss="mse", optimizer=sgd(), epochs=2, batch_size=size, seed=0, **SILENT)
    assert bits(whole.parameters) == bits(large.parameters)
    assert np.isfinite(whole.parameters).all()
