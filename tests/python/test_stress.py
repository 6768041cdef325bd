"""Many threads give the bits of one thread; the long form is tests/reliability/stress.py."""

from network_pair import run_python


def test_calls_from_many_threads():
    code = "import sys; from reliability import stress; sys.exit(stress.main(400, 6, False))"
    assert run_python(code).strip().endswith("0 wrong")
