"""Fixtures for every test: thread settings are put back, and no test can hang the suite."""

import faulthandler
import os
from collections.abc import Iterator

import pytest

import backpass as bp

# Of one test; sanitizers and coverage need more.
_LIMIT_SECONDS = float(os.environ.get("BACKPASS_TEST_SECONDS", "120"))

# Read when threads are first used. Tests of equal bits compare what they mean to compare.
os.environ["BACKPASS_WHOLE_TEAMS"] = "1"


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """Prints all stacks and ends the run when one test takes far longer than any should."""
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
