"""Every layer's z, a, ξ and gradient against the reference network.

Covers random shapes and every activation and loss.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from network_pair import (
    Data,
    Spec,
    assert_forward_matches,
    assert_gradients_match,
    assert_xi_matches,
    loss_object,
    run_reference,
    set_masks,
)
from reference import activations, losses
from reference.tolerances import Bounds, assert_within

WIDTHS = [1, 3, 17, 64, 65, 129]
BATCHES = [0, 1, 2, 16, 17, 257]
DRAWS = 72


@dataclass
class Draw:
    spec: Spec
    batch: int
    loss: str
    labels: bool
    weighted: bool

    def __str__(self) -> str:
        parts = [
            "-".join(map(str, self.spec.sizes)),
            f"b{self.batch}",
            self.spec.activations[-1],
            self.loss,
        ]
        parts += ["labels"] * self.labels + ["weighted"] * self.weighted
        parts += ["dropout"] * bool(np.any(self.spec.dropout))
        return "_".join(parts)


def draw(seed: int, dtype: str) -> Draw:
    """Return a random network, batch and loss.

    Depths, batches, widths and hidden activations occur equally often.
    """
    rng = np.random.default_rng(1000 + seed)
    depth = 1 + seed % 6
    sizes = [int(rng.choice(WIDTHS)) for _ in range(depth + 1)]
    sizes[seed % (depth + 1)] = WIDTHS[(seed // 2) % len(WIDTHS)]
    loss = list(losses.LOSSES)[seed % len(losses.LOSSES)]
    output = str(rng.choice(losses.DOMAINS[loss]))
    if sizes[-1] == 1 and (loss.endswith("cross_entropy") or output.endswith("softmax")):
        sizes[-1] = 3  # softmax of one output is constant
    names = list(activations.ACTIVATIONS)
    hidden = [names[(seed * 5 + i) % len(names)] for i in range(depth - 1)]
    bias: list[bool] | bool = [[True] * depth, [False] * depth, rng.random(depth) < 0.5][seed % 3]
    dropout = [float(rng.choice([0.0, 0.25, 0.5])) if seed % 2 else 0.0 for _ in range(depth - 1)]
    spec = Spec(sizes, [*hidden, output], [bool(b) for b in bias], dropout, dtype, seed)
    labels = (
        loss.endswith("cross_entropy")
        and losses.LOSSES[loss].takes_labels
        and bool(rng.random() < 0.5)
    )
    return Draw(spec, BATCHES[(seed // 3) % len(BATCHES)], loss, labels, bool(rng.random() < 0.5))


def draws(least_batch: int) -> list:
    """Draws of both types with at least `least_batch` rows."""
    return [
        pytest.param(case, id=f"{i}-{case}-{dtype}")
        for dtype in ("float32", "float64")
        for i, case in enumerate(draw(i, dtype) for i in range(DRAWS))
        if case.batch >= least_batch
    ]


def test_the_random_cases_cover_every_kind():
    specs = [draw(i, "float64") for i in range(DRAWS)]
    assert {len(d.spec.activations) for d in specs} == {1, 2, 3, 4, 5, 6}
    assert {size for d in specs for size in d.spec.sizes} == set(WIDTHS)
    assert {d.batch for d in specs} == set(BATCHES)
    assert {name for d in specs for name in d.spec.activations} == set(activations.ACTIVATIONS)
    assert {d.loss for d in specs} == set(losses.LOSSES)
    assert any(d.labels for d in specs)
    assert any(np.any(d.spec.dropout) for d in specs)


@pytest.mark.parametrize("case", draws(least_batch=0))
def test_forward_and_backward(case: Draw):
    """Every quantity of the recursion from any ∂E/∂a^N, with dropout masks by definition."""
    spec = case.spec
    net, rng = spec.make(), np.random.default_rng(7)
    data = Data.draw(spec, case.loss, case.batch)
    grad = rng.normal(size=(case.batch, spec.sizes[-1])).astype(spec.dtype)
    reference = spec.reference(net)
    set_masks(reference, case.batch, spec.seed, 0)
    expected_out = reference.forward(data.x)
    expected_input_grad = reference.backward(grad.astype(np.float64))
    bounds = Bounds(reference, np.dtype(spec.dtype).type, grad_output=grad.astype(np.float64))

    out = net.forward(data.x, training=True)
    input_grad = net.backward(grad, input_gradient=True)

    assert out.dtype == net.parameters.dtype == spec.dtype
    assert_within(out, expected_out, bounds.layers[-1].a, "a^N")
    assert_forward_matches(net, reference, bounds)
    assert_xi_matches(net, reference, bounds)
    assert_gradients_match(net, reference, bounds)
    assert_within(input_grad, expected_input_grad, bounds.input_grad, "∂E/∂a^0")


@pytest.mark.parametrize("case", draws(least_batch=1))
def test_loss_and_gradient(case: Draw):
    """E, every gradient and ∂E/∂a^0 in one call, including the closed forms."""
    spec = case.spec
    spec = Spec(spec.sizes, spec.activations, spec.bias, 0.0, spec.dtype, spec.seed)
    net = spec.make()
    data = Data.draw(spec, case.loss, case.batch, labels=case.labels, weighted=case.weighted)
    reference = spec.reference(net)
    loss = losses.loss_for(case.loss, spec.activations[-1])
    value, expected_input_grad, bounds = run_reference(reference, loss, data, spec.dtype)

    actual, input_grad = net.loss_and_gradient(
        data.x, data.y, loss=case.loss, sample_weight=data.weight, input_gradient=True
    )

    assert_within(np.array(actual), np.array(value), np.array(bounds.loss), "E")
    assert_gradients_match(net, reference, bounds)
    assert_within(input_grad, expected_input_grad, bounds.input_grad, "∂E/∂a^0")
    evaluated = net.evaluate(data.x, data.y, loss=case.loss, sample_weight=data.weight)
    assert_within(np.array(evaluated), np.array(value), np.array(bounds.loss), "E by evaluate")


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_every_activation_hidden_and_at_the_output(name: str, dtype: str):
    for names in ([name, "tanh", "identity"], ["tanh", "silu", name]):
        spec = Spec([17, 65, 9, 3], names, dtype=dtype, seed=5)
        net = spec.make()
        data = Data.draw(spec, "mse", 33)
        reference = spec.reference(net)
        _, _, bounds = run_reference(reference, losses.LOSSES["mse"], data, dtype)
        net.loss_and_gradient(data.x, data.y, loss="mse")
        assert_gradients_match(net, reference, bounds)
        np.testing.assert_array_equal(net.predict(data.x), net.forward(data.x))
        assert_forward_matches(net, reference, bounds)


@pytest.mark.parametrize(("name", "parameter"), [("leaky_relu", 0.3), ("elu", 0.6), ("celu", 2.5)])
def test_activation_parameters_reach_both_passes(name: str, parameter: float, dtype: str):
    spec = Spec([5, 20, 2], [name, "tanh"], dtype=dtype, seed=2, parameters=[parameter, None])
    net = spec.make()
    data = Data.draw(spec, "mse", 19)
    reference = spec.reference(net)
    _, _, bounds = run_reference(reference, losses.LOSSES["mse"], data, dtype)
    net.loss_and_gradient(data.x, data.y, loss="mse")
    assert_gradients_match(net, reference, bounds)


LOSS_PARAMETERS = {
    "huber": {"delta": 0.4},
    "quantile": {"q": 0.8},
    "cross_entropy": {"label_smoothing": 0.1},
    "softmax_cross_entropy": {"label_smoothing": 0.3},
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("name", "output", "labels"),
    [
        pytest.param(name, output, labels, id=f"{name}-{output}{'-labels' * labels}")
        for name, loss in losses.LOSSES.items()
        for output in losses.DOMAINS[name]
        for labels in ((False, True) if loss.takes_labels else (False,))
    ],
)
def test_every_loss_with_every_output_it_is_defined_on(name, output, weighted, labels, dtype):
    parameters = LOSS_PARAMETERS.get(name, {})
    spec = Spec([6, 20, 4], ["silu", output], dtype=dtype, seed=8)
    net = spec.make()
    data = Data.draw(spec, name, 37, labels=labels, weighted=weighted)
    reference = spec.reference(net)
    loss = losses.loss_for(name, output)
    value, _, bounds = run_reference(reference, loss, data, dtype, **parameters)
    actual = net.loss_and_gradient(
        data.x, data.y, loss=loss_object(name, **parameters), sample_weight=data.weight
    )
    assert_within(np.array(actual), np.array(value), np.array(bounds.loss), "E")
    assert_gradients_match(net, reference, bounds)


@pytest.mark.parametrize("rows", [256, 257, 700, 2100])
@pytest.mark.parametrize("sizes", [[3, 40, 2], [3, 260, 260, 2]], ids=["small", "large"])
def test_batches_longer_than_a_block(sizes, rows, dtype):
    spec = Spec(sizes, ["tanh"] * (len(sizes) - 1), dtype=dtype, seed=9)
    net = spec.make()
    data = Data.draw(spec, "mse", rows, weighted=True)
    reference = spec.reference(net)
    value, expected_input_grad, bounds = run_reference(reference, losses.LOSSES["mse"], data, dtype)
    actual, input_grad = net.loss_and_gradient(
        data.x, data.y, loss="mse", sample_weight=data.weight, input_gradient=True
    )
    assert_within(np.array(actual), np.array(value), np.array(bounds.loss), "E")
    assert_gradients_match(net, reference, bounds)
    assert_within(input_grad, expected_input_grad, bounds.input_grad, "∂E/∂a^0")


def test_inference_uses_no_mask_and_training_does(dtype: str):
    spec = Spec([8, 40, 40, 3], ["relu", "tanh", "identity"], True, [0.5, 0.3], dtype, seed=4)
    net = spec.make()
    x = np.random.default_rng(0).normal(size=(11, 8)).astype(dtype)
    reference = spec.reference(net)
    reference.forward(x)
    reference.backward(np.ones((11, 3)))
    bounds = Bounds(reference, np.dtype(dtype).type, grad_output=np.ones((11, 3)))
    assert_within(net.predict(x), reference(x), bounds.layers[-1].a, "a^N")
    net.forward(x)
    assert_forward_matches(net, reference, bounds)
    net.forward(x, training=True)
    set_masks(reference, 11, spec.seed, 0)
    reference.forward(x)
    reference.backward(np.ones((11, 3)))
    bounds = Bounds(reference, np.dtype(dtype).type, grad_output=np.ones((11, 3)))
    assert_forward_matches(net, reference, bounds)
