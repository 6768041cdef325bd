"""train_step against its parts and against the reference's step, and its refusals."""

import numpy as np
import pytest

import backpass as bp
from network_pair import OPTIMIZERS, Data, Spec, bits, loss_object, run_reference
from reference import losses
from reference.tolerances import assert_within


def networks(spec: Spec, count: int) -> list[bp.Network]:
    return [spec.make() for _ in range(count)]


CASES = [
    ("tanh", "identity", "mse"),
    ("relu", "softmax", "cross_entropy"),
    ("gelu", "sigmoid", "binary_cross_entropy"),
    ("silu", "exp", "poisson"),
    ("elu", "tanh", "huber"),
    ("mish", "log_softmax", "cross_entropy"),
]


@pytest.mark.parametrize("rows", [1, 33, 700])
@pytest.mark.parametrize(("hidden", "output", "loss"), CASES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_train_step_is_loss_and_gradient_then_step(optimizer, hidden, output, loss, rows, dtype):
    """Equal bits, and the returned loss is the one before the update."""
    spec = Spec([7, 30, 20, 4], [hidden, hidden, output], dtype=dtype, seed=3)
    together, apart = networks(spec, 2)
    data = Data.draw(spec, loss, rows, weighted=rows > 1)
    optimizers = [getattr(bp.optim, optimizer)() for _ in range(2)]
    for _ in range(3):
        first = together.train_step(
            data.x, data.y, loss=loss, optimizer=optimizers[0], sample_weight=data.weight
        )
        second = apart.loss_and_gradient(data.x, data.y, loss=loss, sample_weight=data.weight)
        apart.step(optimizers[1])
        assert first == second
        assert bits(together.gradients) == bits(apart.gradients)
        assert bits(together.parameters) == bits(apart.parameters)


@pytest.mark.parametrize(("hidden", "output", "loss"), CASES)
def test_train_step_is_forward_loss_backward_step(hidden, output, loss, dtype):
    """With ∂E/∂a^N and J_φ instead of the closed form: equal within rounding."""
    spec = Spec([7, 30, 20, 4], [hidden, hidden, output], dtype=dtype, seed=3)
    together, apart = networks(spec, 2)
    data = Data.draw(spec, loss, 50)
    reference = spec.reference(together)
    _, _, bounds = run_reference(reference, losses.loss_for(loss, output), data, dtype)
    rate = 0.1
    together.train_step(data.x, data.y, loss=loss, optimizer=bp.optim.SGD(lr=rate))
    a = apart.forward(data.x)
    grad = losses.loss_for(loss, output).gradient(a.astype(np.float64), data.t)
    apart.backward(grad)
    apart.step(bp.optim.SGD(lr=rate))
    for mine, parts, bound, expected in zip(
        together.layers, apart.layers, bounds.layers, reference.layers, strict=True
    ):
        rounding = 4 * np.finfo(dtype).eps * np.abs(expected.weight)
        stepped = expected.weight - rate * expected.weight_grad
        assert_within(mine.weight, stepped, rate * bound.weight_grad + rounding, "w by train_step")
        assert_within(parts.weight, stepped, rate * bound.weight_grad + rounding, "w by parts")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(
    ("output", "loss"), [("softmax", "cross_entropy"), ("identity", "softmax_cross_entropy")]
)
def test_label_smoothing_is_the_smoothed_distribution(output, loss, smoothing, dtype):
    spec = Spec([5, 16, 6], ["tanh", output], dtype=dtype, seed=1)
    labelled, dense = networks(spec, 2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5)).astype(dtype)
    labels = rng.integers(0, 6, 40)
    t = ((1 - smoothing) * np.eye(6)[labels] + smoothing / 6).astype(dtype)
    first = labelled.loss_and_gradient(x, labels, loss=loss_object(loss, label_smoothing=smoothing))
    second = dense.loss_and_gradient(x, t, loss=loss)
    eps = 30 * float(np.finfo(dtype).eps)
    assert first == pytest.approx(second, rel=eps)
    np.testing.assert_allclose(labelled.gradients, dense.gradients, atol=eps)


def test_softmax_pair_equals_logits_loss(dtype):
    """Softmax or log_softmax with cross_entropy equals identity with softmax_cross_entropy."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(40, 5)).astype(dtype), rng.integers(0, 6, 40)
    results = []
    for output, loss in [
        ("softmax", "cross_entropy"),
        ("log_softmax", "cross_entropy"),
        ("identity", "softmax_cross_entropy"),
    ]:
        net = Spec([5, 16, 6], ["tanh", output], dtype=dtype, seed=1).make()
        results.append((net.loss_and_gradient(x, labels, loss=loss), bits(net.gradients)))
    assert len(set(results)) == 1


def test_a_frozen_layer_stays_and_lr_scale_scales(dtype):
    spec = Spec([4, 8, 8, 2], ["tanh", "tanh", "identity"], dtype=dtype, seed=5)
    net, plain = networks(spec, 2)
    data = Data.draw(spec, "mse", 20)
    before = [layer.weight.copy() for layer in net.layers]
    net.layers[0].trainable = False
    net.layers[1].lr_scale = 0.25
    for network in (net, plain):
        network.train_step(data.x, data.y, loss="mse", optimizer=bp.optim.SGD(lr=0.5))
    np.testing.assert_array_equal(net.layers[0].weight, before[0])
    np.testing.assert_allclose(
        net.layers[1].weight - before[1],
        0.25 * (plain.layers[1].weight - before[1]),
        atol=4 * np.finfo(dtype).eps,
    )
    np.testing.assert_array_equal(net.layers[2].weight, plain.layers[2].weight)
    assert bits(net.gradients) == bits(plain.gradients)


@pytest.mark.parametrize("name", ["lr_scale", "bias_lr_scale"])
@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf")])
def test_factors_of_the_rate_must_be_finite_and_not_negative(name, scale):
    net = bp.Network([2, 1], seed=0)
    with pytest.raises(ValueError, match=f"layer: {name}"):
        setattr(net.layers[0], name, scale)
    assert getattr(net.layers[0], name) == 1.0


def wrong_calls(x, y):
    return {
        "x columns": {"x": x[:, :-1]},
        "y columns": {"y": y[:, :-1]},
        "y rows": {"y": y[:-1]},
        "weight rows": {"sample_weight": np.ones(len(x) + 1)},
        "negative weight": {"sample_weight": -np.ones(len(x))},
        "zero weights": {"sample_weight": np.zeros(len(x))},
        "NaN weight": {"sample_weight": np.full(len(x), np.nan)},
        "no rows": {"x": x[:0], "y": y[:0]},
    }


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("wrong", list(wrong_calls(np.ones((2, 2)), np.ones((2, 2)))))
def test_a_refused_step_changes_nothing(wrong, threads, dtype):
    bp.set_num_threads(threads)
    spec = Spec([200, 128, 3], ["tanh", "identity"], dropout=0.2, dtype=dtype, seed=5)
    net, untouched = networks(spec, 2)
    data = Data.draw(spec, "mse", 300)
    optimizers = [bp.optim.Adam(), bp.optim.Adam()]
    net.train_step(data.x, data.y, loss="mse", optimizer=optimizers[0])
    untouched.train_step(data.x, data.y, loss="mse", optimizer=optimizers[1])
    arguments = {"x": data.x, "y": data.y} | wrong_calls(data.x, data.y)[wrong]
    before = bits(net.parameters, net.gradients)
    with pytest.raises(ValueError):  # noqa: PT011 (the messages differ; shapes are matched elsewhere)
        net.train_step(
            arguments.pop("x"), arguments.pop("y"), loss="mse", optimizer=optimizers[0], **arguments
        )
    assert bits(net.parameters, net.gradients) == before
    # Neither the optimizer's state nor the count of dropout passes has changed.
    net.train_step(data.x, data.y, loss="mse", optimizer=optimizers[0])
    untouched.train_step(data.x, data.y, loss="mse", optimizer=optimizers[1])
    assert bits(net.parameters) == bits(untouched.parameters)


@pytest.mark.parametrize("threads", [1, 4])
def test_an_optimizer_of_another_network_is_refused(threads):
    bp.set_num_threads(threads)
    small, large = bp.Network([3, 2], seed=0), bp.Network([300, 200, 10], dropout=0.1, seed=0)
    optimizer = bp.optim.Adam()
    small.train_step(np.ones((2, 3)), np.ones((2, 2)), loss="mse", optimizer=optimizer)
    before = bits(large.parameters, large.gradients)
    for rows in (20, 300, 1000):
        x, y = np.ones((rows, 300)), np.ones((rows, 10))
        with pytest.raises(ValueError, match="8"):
            large.train_step(x, y, loss="mse", optimizer=optimizer)
        with pytest.raises(ValueError, match="8"):
            large.fit(x, y, loss="mse", optimizer=optimizer, epochs=1, progress=False)
        assert bits(large.parameters, large.gradients) == before
    with pytest.raises(ValueError, match="8"):
        large.step(optimizer)
    assert bits(large.parameters, large.gradients) == before
    small.train_step(np.ones((2, 3)), np.ones((2, 2)), loss="mse", optimizer=optimizer)


def test_results_do_not_depend_on_what_was_computed_before(dtype):
    """A workspace that has grown, or a larger batch before, changes no bits."""
    spec = Spec([30, 40, 3], ["relu", "identity"], dtype=dtype, seed=5)
    fresh, used = networks(spec, 2)
    small, large = Data.draw(spec, "mse", 100), Data.draw(spec, "mse", 1500, seed=2)
    used.loss_and_gradient(large.x, large.y, loss="mse")
    used.predict(large.x)
    used.evaluate(small.x[:1], small.y[:1], loss="mse")
    results = []
    for net in (fresh, used):
        value = net.loss_and_gradient(small.x, small.y, loss="mse")
        results.append((value, bits(net.gradients, net.predict(small.x))))
    assert results[0] == results[1]


def test_a_network_learns():
    """Two spirals: training as a whole, on a task that no linear model can solve."""
    rng = np.random.default_rng(0)
    t = np.sqrt(rng.random(1000)) * 3 * np.pi
    labels = rng.integers(0, 2, 1000)
    angle = t + np.pi * labels
    x = (
        np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1) / 10
        + rng.normal(size=(1000, 2)) * 0.02
    )
    net = bp.Network([2, 64, 64, 2], "tanh", "softmax", seed=1)
    optimizer = bp.optim.Adam(lr=0.01)
    for _ in range(600):
        net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer)
    assert (net.predict(x).argmax(axis=1) == labels).mean() > 0.97
