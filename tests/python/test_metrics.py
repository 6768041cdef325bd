"""The definitions of the metrics, and the targets that they refuse."""

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, sgd


def perfect(loss: str):
    """Return a network with three outputs that equal their labels; several labels may be 1."""
    rng = np.random.default_rng(0)
    y = (rng.random((200, 3)) < 0.5).astype(float)
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    net = bp.Network([3, 3], output=output, dtype="float64", seed=0)
    net.layers[0].weight[...] = 8 * np.eye(3)
    net.layers[0].bias[...] = -4
    return net, y, y


def accuracy(net, x, y, loss, **options) -> float:
    """Return the accuracy of the unchanged network: the learning rate is 0."""
    history = net.fit(
        x, y, loss=loss, optimizer=sgd(0.0), epochs=1, metrics="accuracy", **options, **SILENT
    )
    return history["accuracy"][0]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "sigmoid_cross_entropy"])
def test_every_output_of_a_binary_loss_is_a_label(loss):
    net, x, y = perfect(loss)
    assert accuracy(net, x, y, loss) == 1.0
    net.layers[0].weight[2, 2] = -8  # the third output becomes wrong for every label
    net.layers[0].bias[2] = 4
    assert accuracy(net, x, y, loss) == pytest.approx(2 / 3)
    a = net.predict(x)
    threshold = 0.5 if loss == "binary_cross_entropy" else 0.0
    weight = np.linspace(0, 1, len(x))
    expected = np.average(((a > threshold) == (y > 0.5)).mean(axis=1), weights=weight)
    assert accuracy(net, x, y, loss, sample_weight=weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("outputs", "loss", "output"),
    [
        (1, "binary_cross_entropy", "sigmoid"),
        (3, "binary_cross_entropy", "sigmoid"),
        (3, "sigmoid_cross_entropy", "identity"),
        (1, "mse", "identity"),
        (3, "mse", "identity"),
    ],
)
@pytest.mark.parametrize("value", [0.3, np.nextafter(1.0, 0.0)])
def test_accuracy_refuses_continuous_targets(outputs, loss, output, value):
    net = bp.Network([4, outputs], output=output, dtype="float64", seed=0)
    y = np.zeros((8, outputs))
    y[5, -1] = value
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=rf"accuracy .* 0 or 1.* y\[5, {outputs - 1}\].*r2"):
        accuracy(net, np.ones((8, 4)), y, loss)
    np.testing.assert_array_equal(net.parameters, before)


def test_shares_of_classes_are_no_continuous_targets():
    net = bp.Network([3, 3], output="softmax", dtype="float64", seed=0)
    net.layers[0].weight[...] = np.eye(3)
    y = np.array([[0.6, 0.2, 0.2], [0.1, 0.8, 0.1]])
    assert accuracy(net, y, y, "cross_entropy") == 1.0


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1.0, 1e160, 1e200])
def test_r2_does_not_overflow(scale):
    """Squares of 1e200 overflow, but r2 does not depend on the scale."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 1))
    y = scale * (x + 0.1 * rng.normal(size=(50, 1)))
    net = bp.Network([1, 1], dtype="float64", seed=0)
    net.layers[0].weight[...] = scale
    history = net.fit(
        x, y, loss="mae", optimizer=sgd(0.0), epochs=1, batch_size=50, metrics="r2", **SILENT
    )
    u, v = (y - scale * x) / scale, (y - y.mean()) / scale
    assert history["r2"][0] == pytest.approx(1 - (u**2).sum() / (v**2).sum(), rel=1e-9)
