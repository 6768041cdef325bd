"""NaN and infinity: docs/numbers.md states a policy per call, and these tests check it.

A NaN never silently becomes a number, and a refused call changes nothing.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backpass as bp
from fit_problem import SILENT, sgd
from network_pair import bits

NAN, INF = np.nan, np.inf
ACTIVATIONS = bp.activations.names()
DTYPES = ["float32", "float64"]


def make(activation="tanh", output="identity", dtype="float64", sizes=(3, 5, 2), **options):
    return bp.Network(list(sizes), activation, output, dtype=dtype, seed=1, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_nan_and_their_derivatives_are_nan(activation, dtype):
    """In whole vectors and tails; the neighbours of a NaN keep their bits (softmax mixes)."""
    elementwise = "softmax" not in activation
    width = 19
    z = np.linspace(-3, 3, width)
    net = bp.Network([width, width], output=activation, dtype=dtype, bias=False)
    net.layers[0].weight[...] = np.eye(width)
    clean = net.forward(z[None]).copy()
    net.backward(np.ones((1, width)))
    clean_xi = net.layers[0].xi.copy()
    for at in (0, 8, width - 1):
        # A NaN in x would make the whole matrix product NaN, so the NaN comes from the bias.
        biased = bp.Network([width, width], output=activation, dtype=dtype)
        biased.layers[0].weight[...] = np.eye(width)
        biased.layers[0].bias[at] = NAN
        a = biased.forward(z[None])
        biased.backward(np.ones((1, width)))
        xi = biased.layers[0].xi
        others = np.arange(width) != at
        assert np.isnan(a[0, at])
        if elementwise:
            np.testing.assert_array_equal(a[0, others], clean[0, others])
            np.testing.assert_array_equal(xi[0, others], clean_xi[0, others])
            assert np.isnan(xi[0, at]) or activation == "identity"
        else:
            assert np.isnan(a).all()
            assert np.isnan(xi).all()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.sampled_from(ACTIVATIONS),
    st.integers(0, 8),
    st.integers(0, 2),
    st.sampled_from([1, 9]),
)
def test_nan_in_x_makes_its_row_nan_and_no_other(dtype, activation, row, column, rows):
    row %= rows
    x = np.linspace(-1, 1, rows * 3).reshape(rows, 3)
    net = make(activation, dtype=dtype)
    clean = net.predict(x).copy()
    x[row, column] = NAN
    for a in (net.predict(x), net.forward(x), net.forward(x, training=True)):
        assert np.isnan(a[row]).all()
        others = np.arange(rows) != row
        assert bits(a[others]) == bits(clean[others])


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_hides_no_nan_in_x(dtype):
    """A dropped neuron is 0, but kept neurons still propagate a NaN of x."""
    net = make("relu", dtype=dtype, sizes=(3, 64, 2), dropout=0.5)
    x = np.full((4, 3), NAN)
    assert np.isnan(net.forward(x, training=True)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("where", ["parameters", "x", "y", "sample_weight"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_train_step_returns_a_loss_that_is_not_finite_or_raises(dtype, where, value):
    """train_step returns a loss that is not finite; invalid weights are refused."""
    net, optimizer = make(dtype=dtype), sgd()
    x, y, weight = np.ones((4, 3)), np.ones((4, 2)), np.ones(4)
    if where == "parameters":
        net.parameters[0] = value
    else:
        {"x": x, "y": y, "sample_weight": weight}[where].flat[1] = value
    before = bits(net.parameters)
    call = {"loss": "mse", "sample_weight": weight}
    if where == "sample_weight":
        for refused in (
            lambda: net.train_step(x, y, optimizer=optimizer, **call),
            lambda: net.loss_and_gradient(x, y, **call),
            lambda: net.evaluate(x, y, **call),
            lambda: net.fit(x, y, optimizer=optimizer, epochs=1, **call, **SILENT),
        ):
            with pytest.raises(ValueError, match="weight"):
                refused()
        assert bits(net.parameters) == before
        return
    saturates = np.isinf(value) and where in ("x", "parameters")  # tanh(±inf) = ±1 is a number
    for loss in (
        net.evaluate(x, y, **call),
        net.loss_and_gradient(x, y, **call),
        net.train_step(x, y, optimizer=optimizer, **call),
    ):
        assert saturates or not np.isfinite(loss)
    if not saturates:
        assert not np.isfinite(net.parameters).all()


@pytest.mark.parametrize("where", ["x", "y", "parameters"])
@pytest.mark.parametrize("value", [NAN, INF])
def test_fit_ends_and_restores_the_network(where, value):
    net, optimizer = make("relu"), bp.optim.Adam()
    x, y = np.ones((4, 3)), np.ones((4, 2))
    if where == "parameters":
        net.layers[1].bias[0] = value
    else:
        {"x": x, "y": y}[where][1, 1] = value
    before = bits(net.parameters)
    with pytest.raises(bp.DivergenceError):
        net.fit(x, y, loss="mse", optimizer=optimizer, epochs=2, **SILENT)
    assert bits(net.parameters) == before
    assert not optimizer.state


@pytest.mark.parametrize("value", [NAN, INF])
def test_validation_data_is_recorded_and_does_not_end_fit(value):
    x, y = np.ones((4, 3)), np.ones((4, 2))
    bad = y.copy()
    bad[0, 0] = value
    history = make().fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(),
        epochs=5,
        validation_data=(x, bad),
        metrics=["mae", "r2"],
        early_stopping=3,
        **SILENT,
    )
    assert not np.isfinite(history["val_loss"]).any()
    assert not np.isfinite(history["val_mae"]).any()
    assert not np.isfinite(history["val_r2"]).any()
    assert np.isfinite(history["loss"]).all()
    assert history.epochs in (3, 4)  # NaN is not an improvement, so only patience counts


@pytest.mark.parametrize(
    ("metric", "loss", "output"),
    [
        ("accuracy", "cross_entropy", "softmax"),
        ("accuracy", "binary_cross_entropy", "sigmoid"),
        ("accuracy", "sigmoid_cross_entropy", "identity"),
        ("mae", "mse", "identity"),
        ("r2", "mse", "identity"),
    ],
)
@pytest.mark.parametrize("constant", [False, True])
def test_metrics_of_nan_predictions_are_nan(metric, loss, output, constant):
    net = make("relu", output)
    x = np.linspace(-1, 1, 12).reshape(4, 3)
    y = np.eye(2)[[0, 1, 0, 1]] if not constant else np.tile([1.0, 0.0], (4, 1))
    bad = x.copy()
    bad[2, 0] = NAN
    history = net.fit(
        x,
        y,
        loss=loss,
        optimizer=sgd(0.0),
        epochs=1,
        validation_data=(bad, y),
        metrics=metric,
        **SILENT,
    )
    assert np.isnan(history[f"val_{metric}"][0])
    assert not np.isnan(history[metric][0])


# These use the sign of a gradient.
OF_SIGNS = ["rprop", "lion"]
OPTIMIZERS = [name for name in bp.optim.names() if name not in OF_SIGNS]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_nan_gradient_makes_its_parameter_nan_and_no_other(name, dtype):
    net, clean = make(dtype=dtype), make(dtype=dtype)
    for n in (net, clean):
        n.gradients[...] = 0.5
    net.gradients[7] = NAN
    net.step(bp.optim.get(name))
    clean.step(bp.optim.get(name))
    assert np.isnan(net.parameters[7])
    others = np.arange(net.num_parameters) != 7
    assert bits(net.parameters[others]) == bits(clean.parameters[others])


@pytest.mark.parametrize("name", OF_SIGNS)
def test_a_nan_gradient_has_no_sign(name):
    """sign(NaN) is NaN."""
    net = make()
    net.gradients[...] = 0.5
    net.gradients[7] = NAN
    net.step(bp.optim.get(name))
    assert np.isnan(net.parameters[7])
    assert np.isfinite(np.delete(net.parameters, 7)).all()


@pytest.mark.parametrize("loss", bp.losses.names())
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_of_nan_are_nan(loss, dtype):
    function = bp.losses.get(loss)
    a = np.full((3, 2), 0.5, dtype)
    y = np.tile(np.array([1.0, 0.0], dtype), (3, 1))
    for bad in ("a", "y"):
        arrays = {"a": a.copy(), "y": y.copy()}
        arrays[bad][1, 0] = NAN
        try:
            value, gradient = function(arrays["a"], arrays["y"])
        except ValueError:
            assert bad == "y"  # targets that are not probabilities are refused
            continue
        assert np.isnan(value)
        assert np.isnan(gradient[1]).any()
        assert np.isfinite(gradient[[0, 2]]).all()
