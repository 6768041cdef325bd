"""Each kernel set gives the published bits of tests/golden/hashes.json.

The C++ program tests/reliability/hashes.cpp is compared with the same table.
"""

import json

import numpy as np
import pytest

import backpass as bp
from reliability import hashes


@pytest.mark.parametrize("isa", bp.config()["isas_usable"])
def test_the_published_bits(isa):
    name, tables = hashes.compute_in_own_process(isa)
    assert name in json.loads(hashes.GOLDEN.read_text(encoding="utf-8"))
    assert hashes.differences(name, tables) == []


def test_the_hash_is_the_published_one():
    # The test values of http://www.isthe.com/chongo/tech/comp/fnv/
    assert hashes.fnv1a(np.frombuffer(b"", np.uint8)) == "cbf29ce484222325"
    assert hashes.fnv1a(np.frombuffer(b"foobar", np.uint8)) == "85944171f73967e8"
    assert hashes.fnv1a(np.zeros(2)) != hashes.fnv1a(np.array([0.0, -0.0]))
