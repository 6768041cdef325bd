"""Fixtures for every test: they restore thread settings, and no test can hang the suite."""

import faulthandler
import os
from collections.abc import Iterator

import pytest

import backpass as bp

# Per test; sanitizers and coverage need more.
_LIMIT_SECONDS = float(os.environ.get("BACKPASS_TEST_SECONDS", "120"))

# The library reads it when it first uses threads. Then calls use all requested threads.
os.environ["BACKPASS_WHOLE_TEAMS"] = "1"


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """Print all stacks and end the run if a test takes far too long."""
    faulthandler.dump_traceback_later(_LIMIT_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _same_threads_afterwards() -> Iterator[None]:
    threads = bp.get_num_threads()
    yield
    bp.set_num_threads(threads)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param
