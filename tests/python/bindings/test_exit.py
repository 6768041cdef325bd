"""The interpreter may end while daemon threads are inside native calls."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "reliability/exit_with_daemon_threads.py"
SPEC = importlib.util.spec_from_file_location("exit_with_daemon_threads", SCRIPT)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


@pytest.mark.slow
@pytest.mark.parametrize("name", script.names())
def test_the_exit_code_is_the_programs_own(name):
    assert script.failures(name, runs=2) == {}
