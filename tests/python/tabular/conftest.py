"""Without the extra there are no tables to test."""

from importlib.util import find_spec

if any(find_spec(library) is None for library in ("pandas", "pyarrow", "sklearn")):
    collect_ignore_glob = ["test_*.py"]
