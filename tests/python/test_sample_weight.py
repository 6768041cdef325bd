"""A weight of k equals a row repeated k times."""

import numpy as np
import pytest

import backpass as bp
from network_pair import Data, Spec, bits
from reference import losses


def repeated(data: Data, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(data.x, counts, axis=0), np.repeat(data.y, counts, axis=0)


@pytest.mark.parametrize("rows", [5, 60, 500])
@pytest.mark.parametrize(
    ("output", "loss"), [(outputs[0], name) for name, outputs in losses.DOMAINS.items()]
)
def test_a_weight_of_k_equals_k_copies_of_the_row(output, loss, rows, dtype):
    spec = Spec([6, 20, 4], ["tanh", output], dtype=dtype, seed=3)
    net = spec.make()
    data = Data.draw(spec, loss, rows)
    counts = np.random.default_rng(0).integers(0, 4, rows)
    counts[0] = 2
    weighted, input_grad = net.loss_and_gradient(
        data.x, data.y, loss=loss, sample_weight=counts, input_gradient=True
    )
    gradients = net.gradients.copy()
    x, y = repeated(data, counts)
    eps = 40 * float(np.finfo(dtype).eps)
    assert weighted == pytest.approx(net.loss_and_gradient(x, y, loss=loss), rel=eps)
    np.testing.assert_allclose(gradients, net.gradients, atol=eps * max(1, np.abs(gradients).max()))
    assert not input_grad[counts == 0].any()
    assert net.evaluate(data.x, data.y, loss=loss, sample_weight=counts) == weighted


def test_only_ratios_matter(dtype):
    spec = Spec([6, 20, 4], ["tanh", "identity"], dtype=dtype, seed=3)
    net = spec.make()
    data = Data.draw(spec, "mse", 64, weighted=True)
    results = []
    for factor in (1.0, 1024.0):  # powers of two, so that rounding is the same
        value = net.loss_and_gradient(
            data.x, data.y, loss="mse", sample_weight=data.weight * factor
        )
        results.append((value, bits(net.gradients)))
    assert results[0] == results[1]


@pytest.mark.parametrize("rows", [64, 1000])
def test_equal_weights_equal_no_weights(rows, dtype):
    spec = Spec([6, 20, 4], ["tanh", "identity"], dtype=dtype, seed=3)
    net = spec.make()
    data = Data.draw(spec, "mse", rows)
    plain = net.loss_and_gradient(data.x, data.y, loss="mse")
    gradients = net.gradients.copy()
    assert net.loss_and_gradient(data.x, data.y, loss="mse", sample_weight=np.ones(rows)) == plain
    assert bits(net.gradients) == bits(gradients)


def test_fit_takes_them(dtype):
    """Full batches in order equal training on repeated rows."""
    spec = Spec([6, 10, 2], ["tanh", "identity"], dtype=dtype, seed=3)
    data = Data.draw(spec, "mse", 40)
    counts = np.random.default_rng(1).integers(1, 4, 40)
    x, y = repeated(data, counts)
    weighted, plain = spec.make(), spec.make()
    settings = {"loss": "mse", "epochs": 5, "shuffle": False, "progress": False}
    first = weighted.fit(
        data.x,
        data.y,
        optimizer=bp.optim.SGD(lr=0.1),
        batch_size=40,
        sample_weight=counts,
        **settings,
    )
    second = plain.fit(x, y, optimizer=bp.optim.SGD(lr=0.1), batch_size=len(x), **settings)
    eps = 100 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=eps)
    np.testing.assert_allclose(weighted.parameters, plain.parameters, atol=eps)


def test_they_shuffle_with_their_rows():
    """A row of weight 0 has a target that would spoil the result."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = x @ np.array([[1.0], [2.0], [-1.0]])
    weight = (np.arange(200) % 2).astype(float)
    y[weight == 0] = 1e6
    net = bp.Network([3, 1], dtype="float64", seed=0)
    net.fit(
        x,
        y,
        loss="mse",
        optimizer=bp.optim.SGD(lr=0.1),
        epochs=60,
        batch_size=16,
        sample_weight=weight,
        progress=False,
        seed=1,
    )
    np.testing.assert_allclose(net.layers[0].weight, [[1.0, 2.0, -1.0]], atol=1e-6)


def test_a_loss_object_takes_them():
    a, y = np.array([[1.0], [2.0], [5.0]]), np.zeros((3, 1))
    value, grad = bp.losses.MeanSquaredError()(a, y, sample_weight=[1.0, 3.0, 0.0])
    assert value == pytest.approx((1 + 3 * 4) / 4)
    np.testing.assert_allclose(grad, [[2 / 4], [3 * 4 / 4], [0.0]])
