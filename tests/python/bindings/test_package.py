"""The package around the network."""

import subprocess
import sys

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make


def test_import_is_light():
    """The import loads NumPy, but none of the extras."""
    code = (
        "import sys, backpass\n"
        "heavy = {'tqdm', 'matplotlib', 'click', 'pandas', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_show_config(capsys):
    bp.show_config()
    shown = capsys.readouterr().out
    entries = bp.show_config(mode="dicts")
    assert entries == bp.config()
    for name in entries:
        assert f"{name}: " in shown
    with pytest.raises(ValueError, match="mode"):
        bp.show_config(mode="xml")


def test_gradient_check_changes_nothing():
    net = make(dropout=0.5)
    before = net.parameters.copy()
    assert bp.gradient_check(net, VALUES / 7, np.ones((4, 3)), "mse") < 1e-7
    np.testing.assert_array_equal(net.parameters, before)
    assert not net.gradients.any()
