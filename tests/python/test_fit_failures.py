"""fit: divergence, refused settings, and input that fit converts."""

from functools import partial

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, data, sgd
from network_pair import Spec, bits


def test_divergence_names_epoch_and_batch_and_keeps_the_last_finite_epoch():
    """A callback changes the data in place: a target becomes infinite in epoch 2, batch 1."""
    x, y = data(24)
    net, expected = SPEC.make(), SPEC.make()
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    expected.fit(x, y, optimizer=sgd(), epochs=2, **settings)

    def poison(net, epoch, logs):
        if epoch == 1:
            y[10] = np.inf

    optimizer = sgd()
    with pytest.raises(bp.DivergenceError, match=r"the loss.* in epoch 3, batch 2 ") as error:
        net.fit(
            x,
            y,
            optimizer=optimizer,
            epochs=5,
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=poison)],
            **settings,
        )
    assert (error.value.epoch, error.value.batch) == (2, 1)
    assert isinstance(error.value, ArithmeticError)
    assert "lr" in str(error.value) or "learning rate" in str(error.value)
    assert bits(net.parameters) == bits(expected.parameters)
    assert optimizer.lr == 0.1


def test_a_diverging_rate_is_divergence():
    x, y = data(200)
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises(bp.DivergenceError) as error:
        net.fit(x, y, loss="mse", optimizer=sgd(1e200), epochs=5, batch_size=8, seed=0, **SILENT)
    assert np.isfinite(net.parameters).all()
    if error.value.epoch == 0:
        assert bits(net.parameters) == before


def test_an_infinite_parameter_is_named():
    """The loss of the only step is finite; the parameters after it are not."""
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises(bp.DivergenceError, match=r"a parameter .* in epoch 1, batch 1 "):
        net.fit(
            np.ones((2, 4)),
            np.full((2, 3), 100.0),
            loss="mse",
            optimizer=sgd(1e308),
            epochs=1,
            **SILENT,
        )
    assert bits(net.parameters) == before


def test_divergence_also_restores_the_optimizer_and_dropout():
    """Both networks then continue identically, including dropout masks."""
    x, y = data(24)
    spec = Spec(SPEC.sizes, SPEC.activations, dropout=0.3, dtype="float64", seed=2)
    net, expected = spec.make(), spec.make()
    optimizers = [bp.optim.Adam(lr=0.01), bp.optim.Adam(lr=0.01)]
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    clean = y.copy()
    expected.fit(x, clean, optimizer=optimizers[1], epochs=2, **settings)

    def poison(net, epoch, logs):
        if epoch == 1:
            y[20] = np.nan

    with pytest.raises(bp.DivergenceError):
        net.fit(
            x,
            y,
            optimizer=optimizers[0],
            epochs=5,
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=poison)],
            **settings,
        )
    for network, optimizer in zip((net, expected), optimizers, strict=True):
        network.fit(x, clean, optimizer=optimizer, epochs=2, **settings)
    assert bits(net.parameters) == bits(expected.parameters)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"batch_size": -3},
        {"clip_norm": -1.0},
        {"clip_value": float("nan")},
        {"l1": -0.1},
        {"l2": float("inf")},
        {"sample_weight": np.ones(7)},
        {"validation_data": (np.ones((3, 9)), np.ones((3, 3)))},
        {"validation_data": (np.ones((3, 4)), np.ones((2, 3)))},
        {"schedule": "cosine_of_nothing"},
        {"callbacks": [print]},
    ],
    ids=lambda s: next(iter(s)),
)
def test_bad_settings_are_refused_before_anything_changes(settings):
    x, y = data()
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises((ValueError, TypeError)):
        net.fit(x, y, **{"loss": "mse", "optimizer": sgd(), "epochs": 2, **SILENT, **settings})
    assert bits(net.parameters) == before


def test_no_epochs_do_nothing():
    x, y = data()
    net = SPEC.make()
    before = bits(net.parameters)
    history = net.fit(x, y, loss="mse", optimizer=sgd(), epochs=0, **SILENT)
    assert history.epochs == 0
    assert bits(net.parameters) == before


def test_input_of_other_types_trains_the_same(dtype):
    """Lists, Fortran order, and float64 for a float32 network are converted once."""
    spec = Spec(SPEC.sizes, SPEC.activations, dtype=dtype, seed=2)
    x, y = (v.astype(dtype) for v in data())
    results = set()
    for as_x, as_y in [(x, y), (x.tolist(), y.tolist()), (np.asfortranarray(x), y[::-1][::-1])]:
        net = spec.make()
        net.fit(as_x, as_y, loss="mse", optimizer=sgd(), epochs=2, batch_size=8, seed=4, **SILENT)
        results.add(bits(net.parameters))
    assert len(results) == 1


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((np.ones((3, 9)), np.ones((3, 3))), r"validation_data\[0\] has shape \(3, 9\)"),
        ((np.ones((3, 4)), np.ones(3)), r"validation_data\[1\] has shape \(3,\)"),
        ((np.ones((3, 4)), np.ones((2, 3))), r"validation_data\[1\] has shape \(2, 3\)"),
        ((np.ones((0, 4)), np.ones((0, 3))), r"validation_data: no rows"),
    ],
    ids=["x", "1d", "rows", "empty"],
)
def test_refusals_of_validation_data_name_it(validation, message):
    x, y = data()
    with pytest.raises(ValueError, match=message):
        SPEC.make().fit(
            x, y, loss="mse", optimizer=sgd(), epochs=2, validation_data=validation, **SILENT
        )


def test_validation_labels_of_another_type_name_validation_data():
    x, labels = np.ones((5, 4)), np.zeros(5, dtype=int)
    net = bp.Network([4, 3], output="softmax", seed=0)
    fit = partial(net.fit, x, labels, loss="cross_entropy", optimizer=sgd(), epochs=1, **SILENT)
    with pytest.raises(TypeError, match=r"validation_data\[1\] has dtype float64"):
        fit(validation_data=(x, labels / 2))
    with pytest.raises(ValueError, match=r"validation_data: label y\[0\] = 3 is out of range"):
        fit(validation_data=(x, labels + 3))
