"""Functions for the workers of joblib, Dask and Ray, and what they must return.

The functions are local, so that cloudpickle sends them by value: workers cannot import the tests.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backpass as bp

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def settings() -> list[tuple[float, int]]:
    """Learning rates and widths."""
    return [(0.001, 4), (0.01, 8), (0.03, 8), (0.03, 16)]


@pytest.fixture(scope="session")
def data() -> Data:
    """Inputs of more than 1 MB, which joblib maps from a file, and targets."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40_000, 8)).astype("float32")
    return x, np.sin(x[:, :1]) * x[:, 1:2]


@pytest.fixture(scope="session")
def train() -> Callable[..., tuple[bp.Network, bp.History]]:
    def train_one(setting, x, y):
        lr, width = setting
        net = bp.Network([8, width, 1], "tanh", dropout=0.1, seed=1)
        history = net.fit(
            x,
            y,
            loss="mse",
            optimizer=bp.optim.Adam(lr=lr),
            epochs=2,
            batch_size=1024,
            validation_split=0.2,
            seed=2,
        )
        return net, history

    return train_one


@pytest.fixture(scope="session")
def sequential(train, settings, data) -> list[tuple[bp.Network, bp.History]]:
    return [train(setting, *data) for setting in settings]


@pytest.fixture
def assert_same(sequential) -> Callable[..., None]:
    def check(results):
        assert len(results) == len(sequential)
        for (net, history), (expected, curve) in zip(results, sequential, strict=True):
            assert net.parameters.tobytes() == expected.parameters.tobytes()
            assert history["val_loss"] == curve["val_loss"]

    return check


@pytest.fixture(scope="session")
def train_member() -> Callable[..., bp.Network]:
    def member(seed, x, y):
        net = bp.Network([8, 6, 1], seed=seed)
        net.fit(x, y, loss="mse", optimizer="adam", epochs=1, batch_size=1024, seed=seed)
        return net

    return member


@pytest.fixture
def assert_gathered(data) -> Callable[..., None]:
    """Return a check of the members that workers trained with the seeds 0 of `Ensemble.seeds`."""

    def check(members):
        ens = bp.Ensemble([8, 6, 1], members=len(members), seed=0)
        ens.fit(*data, loss="mse", optimizer="adam", epochs=1, batch_size=1024, seed=0)
        gathered = bp.Ensemble.of(members)
        assert gathered.predict(data[0][:100]).tobytes() == ens.predict(data[0][:100]).tobytes()

    return check


@pytest.fixture(scope="session")
def diverge() -> Callable[..., None]:
    def fail(*_):
        net = bp.Network([1, 4, 1], seed=0)
        x = np.ones((8, 1))
        net.fit(x, 1e30 * x, loss="mse", optimizer=bp.optim.SGD(lr=1e30), epochs=3, batch_size=4)

    return fail


@pytest.fixture(scope="session")
def threads() -> Callable[..., int]:
    return lambda *_: bp.get_num_threads()


@pytest.fixture
def _no_thread_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the machine, which workers would inherit."""
    for name in list(os.environ):
        if name.endswith("_NUM_THREADS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def table() -> Any:
    """Return a data frame."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    kinds = rng.choice(["flat", "house"], 300)
    frame = pd.DataFrame({"size": rng.normal(100, 30, 300), "kind": kinds})
    frame["price"] = 3 * frame["size"] + 50 * (kinds == "house")
    return frame


@pytest.fixture(scope="session")
def models(table: Any) -> dict[str, Any]:
    """Return functions from a frame with the columns size and kind to predictions."""
    pytest.importorskip("sklearn")
    tabular = pytest.importorskip("backpass.tabular")
    x = table[["size", "kind"]]
    settings = {"members": 2, "epochs": 4, "random_state": 0}
    numbers = tabular.TabularRegressor(**settings).fit(x, table["price"])
    classes = tabular.TabularClassifier(**settings).fit(x[["size"]], x["kind"])
    options = tabular.Settings(epochs=2, seed=0)
    model = tabular.train(table, "price", settings=options).model
    return {"numbers": numbers, "classes": classes, "model": model}
