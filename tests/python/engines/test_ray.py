"""Ray: tasks give the bits of this process, also from arrays that workers share."""

import secrets
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import backpass as bp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # those of Ray's own imports
    ray = pytest.importorskip("ray")
_SECONDS = 60


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # or Ray writes to the home folder
        patch.setenv("RAY_worker_niceness", "0")  # or other programs take the CPUs
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.delenv("BACKPASS_NUM_THREADS", raising=False)
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


def test_a_sweep_has_the_bits_of_a_loop(engine, train, settings, data, assert_same):
    x, y = (engine.put(array) for array in data)
    task = engine.remote(train)
    results = [task.remote(setting, x, y) for setting in settings]
    assert_same(engine.get(results, timeout=_SECONDS))


def test_members_of_workers_are_those_of_an_ensemble(engine, train_member, data, assert_gathered):
    x, y = (engine.put(array) for array in data)
    task = engine.remote(train_member)
    members = [task.remote(seed, x, y) for seed in bp.Ensemble.seeds(0, 3)]
    assert_gathered(engine.get(members, timeout=_SECONDS))


def test_predictions_have_the_bits_of_this_process(engine, data, models, table):
    @engine.remote
    def predict(model, part):
        return model.predict(part)

    net = bp.Network([8, 70, 3], output="softmax", seed=0)
    homes = table[["size", "kind"]]
    rows = [homes[:100], homes[100:]]
    cases = [(net, np.array_split(data[0], 7), data[0]), (models["numbers"], rows, homes)]
    for model, parts, whole in cases:
        shared = engine.put(model)
        found = engine.get([predict.remote(shared, part) for part in parts], timeout=_SECONDS)
        assert np.concatenate(found).tobytes() == model.predict(whole).tobytes()


def test_a_worker_uses_one_thread(engine, threads):
    assert engine.get(engine.remote(threads).remote(), timeout=_SECONDS) == 1


def test_a_divergence_arrives(engine, diverge):
    with pytest.raises(bp.DivergenceError) as caught:
        engine.get(engine.remote(diverge).remote(), timeout=_SECONDS)
    assert vars(caught.value.cause) == {"epoch": 0, "batch": 1, "member": None}
