"""Calls and refused calls leave no memory behind; the long form is tests/reliability/leaks.py."""

import ctypes
import platform

import numpy as np
import pytest

from network_pair import run_python
from reliability import leaks


def test_300_calls_of_each_kind_leave_no_memory():
    code = "import sys; from reliability import leaks; sys.exit(leaks.main(300, 2))"
    assert "no leak" in run_python(code)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc's malloc")
def test_memory_of_malloc_is_counted():
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    assert leaks.is_leak(leaks.growth(lambda: malloc(16), 1000), 1000)


def test_an_object_or_an_array_per_call_is_counted():
    kept: list[object] = []
    for make in (lambda: kept.append([]), lambda: kept.append(np.zeros(3))):
        assert leaks.is_leak(leaks.growth(make, 300), 300)
    assert not leaks.is_leak(leaks.growth(lambda: [np.zeros(3)], 300), 300)
