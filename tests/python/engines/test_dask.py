"""Dask: workers give the bits of this process, and partitions are predicted alone."""

from typing import Any

import numpy as np
import pytest

import backpass as bp

distributed = pytest.importorskip("distributed")
frames = pytest.importorskip("dask.dataframe")
dask = pytest.importorskip("dask")
_SECONDS = 60


@pytest.fixture(scope="module")
def client():
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(processes=True, **options) as cluster,
        distributed.Client(cluster, timeout=_SECONDS) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def arrays(client, data):
    """The data on the workers. Dask may lose data that are sent again just after their release."""
    return client.scatter(list(data), broadcast=True)


@pytest.fixture
def parts(table):
    """A data frame of four partitions; the filter leaves one of them without rows."""
    parts = frames.from_pandas(table[["size", "kind"]], npartitions=4, sort=False)
    kept = parts.map_partitions(lambda part: part[part.index >= 90])
    assert 0 in kept.map_partitions(len).compute(scheduler="sync").tolist()
    return kept


def test_a_sweep_has_the_bits_of_a_loop(client, train, settings, arrays, assert_same):
    x, y = arrays
    futures = client.map(train, settings, x=x, y=y)
    assert_same([future.result(timeout=_SECONDS) for future in futures])


def test_members_of_workers_are_those_of_an_ensemble(client, train_member, arrays, assert_gathered):
    x, y = arrays
    futures = client.map(train_member, bp.Ensemble.seeds(0, 3), x=x, y=y)
    assert_gathered([future.result(timeout=_SECONDS) for future in futures])


def test_a_worker_uses_one_thread(client, threads):
    assert client.submit(threads, pure=False).result(timeout=_SECONDS) == 1


def test_a_divergence_arrives(client, diverge):
    future = client.submit(diverge)
    with pytest.raises(bp.DivergenceError) as caught:
        future.result(timeout=_SECONDS)
    assert vars(caught.value) == {"epoch": 0, "batch": 1, "member": None}


@pytest.mark.parametrize(
    ("name", "meta"),
    [("numbers", np.zeros(0)), ("model", np.zeros(0)), ("classes", np.zeros(0, object))],
)
def test_partitions_have_the_predictions_of_the_whole(client, parts, models, name, meta):
    model = models[name]
    columns = ["size"] if name == "classes" else ["size", "kind"]
    found = parts[columns].map_partitions(model.predict, meta=meta).compute()
    expected = model.predict(parts[columns].compute())
    assert len(found) == len(expected)
    assert found.dtype == expected.dtype == meta.dtype
    assert found.tolist() == expected.tolist()


def test_a_network_and_an_ensemble_predict_partitions(client, parts):
    numbers = parts[["size"]]
    for net in (bp.Network([1, 5, 2], seed=0), bp.Ensemble([1, 5, 2], members=3, seed=0)):
        predict = net.predict if isinstance(net, bp.Network) else net.mean
        found = numbers.map_partitions(predict, meta=np.zeros((0, 2), "float32")).compute()
        assert found.tobytes() == predict(numbers.compute()).tobytes()


def test_a_model_on_the_workers_adds_a_column(client, parts, models):
    def with_price(part, model):
        return part.assign(price=model.predict(part))

    model = client.scatter(models["numbers"], broadcast=True)
    meta = {**parts.dtypes, "price": "float64"}
    found = parts.map_partitions(with_price, model, meta=meta).compute()
    expected = with_price(parts.compute(), models["numbers"])
    assert found.index.equals(expected.index)
    assert found["price"].tolist() == expected["price"].tolist()


def test_the_key_of_a_prediction_follows_the_parameters():
    """Dask computes a key once. So networks with other parameters need other keys."""
    net = bp.Network([2, 3, 1], seed=0)
    key = dask.base.tokenize(net.predict)
    assert dask.base.tokenize(net.copy().predict) == key
    assert dask.base.tokenize(bp.Network([2, 3, 1], seed=1).predict) != key
    net.parameters[0] += 1
    assert dask.base.tokenize(net.predict) != key
    ens = bp.Ensemble.of([net])
    assert dask.base.tokenize(ens.mean) != dask.base.tokenize(bp.Ensemble.of([net.copy()]).std)
