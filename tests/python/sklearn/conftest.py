"""Leave out the tests of this folder if scikit-learn is not installed."""

from importlib.util import find_spec

import pytest

if find_spec("sklearn") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def global_random_seed() -> int:
    """Return a seed for scikit-learn's own tests."""
    return 42
