"""A signal's handler runs soon, at any point of fit, and its exception ends fit."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import backpass as bp
from alarms import assert_ends_soon, seconds_of
from fit_problem import SILENT, sgd

ROWS = 60_000


@pytest.mark.parametrize("settings", ["validation", "custom", "metrics", "steps"])
def test_fit_ends_soon(settings: str) -> None:
    """Within the validation rows, within metrics over the training rows, and within many steps."""
    bp.set_num_threads(1)
    net = bp.Network([64, 512, 512, 1], seed=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, 64)).astype("float32"), np.ones((ROWS, 1), "float32")
    whole = seconds_of(lambda: net.predict(x))

    mse = bp.losses.Custom(lambda a, y: (float(((a - y) ** 2).mean()), 2 * (a - y) / a.size))
    few = {"x": x[:8], "y": y[:8]}
    arguments = {
        "validation": {**few, "loss": "mse", "validation_data": (x, y)},
        "custom": {**few, "loss": mse, "validation_data": (x, y)},
        "metrics": {"x": x, "y": y, "loss": "mse", "metrics": ["mae"], "batch_size": 20_000},
        "steps": {"x": x, "y": y, "loss": "mse", "batch_size": 64},
    }[settings]
    delay = whole / 3
    if settings == "metrics":  # training comes first, and its steps are not interrupted
        training = {**arguments, "metrics": []}
        delay += seconds_of(lambda: net.fit(optimizer=sgd(0.0), epochs=1, **training, **SILENT))
    assert_ends_soon(lambda: net.fit(optimizer=sgd(0.0), epochs=100, **arguments, **SILENT), delay)
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize(
    ("threading", "error"),
    [
        (None, ImportError),
        (SimpleNamespace(), AttributeError),
        (SimpleNamespace(main_thread=object), AttributeError),
        (SimpleNamespace(main_thread=lambda: SimpleNamespace(ident="x")), TypeError),
    ],
)
def test_a_long_call_fails_if_python_cannot_name_the_main_thread(monkeypatch, threading, error):
    """If Python cannot answer, the call ends with Python's error."""
    net = bp.Network([64, 512, 512, 1], seed=0)
    x = np.ones((ROWS, 64), "float32")
    monkeypatch.setitem(sys.modules, "threading", threading)
    with pytest.raises(error):
        net.predict(x)
