"""Dropout: inverted, from the counter-based generator, the same for any number of threads."""

import numpy as np
import pytest

import backpass as bp
from network_pair import Spec, bits, set_masks
from reference import philox


def probe(depth: int, width: int, rate: float, seed: int, dtype: str = "float64") -> bp.Network:
    """Make identity layers: the z of layer i + 1 is the input times the masks up to layer i."""
    net = bp.Network(
        [width] * (depth + 1),
        "identity",
        bias=False,
        dropout=rate,
        dtype=dtype,
        init="zeros",
        seed=seed,
    )
    for layer in net.layers:
        layer.weight[...] = np.eye(width)
    return net


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("width", [1, 3, 7, 64, 65])
def test_masks_are_the_generators(width, rate, dtype):
    """The kept elements and their scale, for every pass and layer."""
    seed, rows = 2**40 + 17, 33
    net = probe(3, width, rate, seed, dtype)
    x = np.ones((rows, width), dtype=dtype)
    for training_pass in range(3):
        net.forward(x, training=True)
        seen = x
        for i in range(2):
            keep = philox.dropout_keep(
                philox.dropout_words(seed, training_pass, i, rows, width), rate
            )
            seen = seen * keep / (1 - rate)
            np.testing.assert_allclose(net.layers[i + 1].z, seen, rtol=4 * np.finfo(dtype).eps)
        # The stored activation is φ(z) before dropout.
        np.testing.assert_array_equal(net.layers[0].a, x)


def test_the_share_that_is_kept_and_the_mean():
    for rate in (0.05, 0.3, 0.7):
        net = probe(2, 256, rate, 3)
        out = net.forward(np.ones((400, 256)), training=True)
        n = out.size
        kept = (out != 0).mean()
        assert abs(kept - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / n)
        assert abs(out.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)


def test_neighbouring_masks_are_unrelated():
    """Columns, rows, layers and passes share no mask: correlations within five standard errors."""
    net = probe(3, 64, 0.5, 9)
    x = np.ones((512, 64))
    masks = []
    for _ in range(2):
        net.forward(x, training=True)
        first = np.array(net.layers[1].z) > 0
        masks.append(first)
        masks.append(np.array(net.layers[2].z)[first] > 0)
    signs = 2.0 * masks[0] - 1
    limit = 5 / np.sqrt(signs.size)
    assert abs((signs[:, 1:] * signs[:, :-1]).mean()) < limit
    assert abs((signs[1:] * signs[:-1]).mean()) < limit
    assert abs((signs * (2.0 * masks[2] - 1)).mean()) < limit


def test_backward_uses_the_forwards_mask(dtype):
    net = probe(2, 40, 0.5, 1, dtype)
    x = np.ones((20, 40), dtype=dtype)
    out = net.forward(x, training=True)
    input_grad = net.backward(np.ones_like(x), input_gradient=True)
    np.testing.assert_array_equal(input_grad, out)


def test_inference_drops_nothing(dtype):
    net = probe(3, 30, 0.5, 1, dtype)
    x = np.random.default_rng(0).normal(size=(10, 30)).astype(dtype)
    np.testing.assert_array_equal(net.predict(x), x)
    np.testing.assert_array_equal(net.forward(x), x)
    assert net.evaluate(x, x, loss="mse") == 0.0


def test_rate_zero_means_no_dropout(dtype):
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(dtype)
    y = np.zeros((40, 2), dtype=dtype)
    nets = [bp.Network([6, 9, 9, 2], dropout=d, dtype=dtype, seed=4) for d in (0.0, [0.0, 0.0])]
    plain = bp.Network([6, 9, 9, 2], dtype=dtype, seed=4)
    for net in [*nets, plain]:
        for _ in range(3):
            net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=0.1))
    assert {bits(net.parameters) for net in nets} == {bits(plain.parameters)}


@pytest.mark.parametrize("rows", [25, 300, 1100])
@pytest.mark.parametrize("sizes", [[5, 30, 20, 2], [5, 256, 256, 2]], ids=["small", "large"])
def test_train_step_drops(sizes, rows, dtype):
    """The loss equals the reference's with the masks of the pass; long batches use row blocks."""
    spec = Spec(sizes, ["tanh", "tanh", "identity"], True, [0.5, 0.25], dtype, seed=6)
    net = spec.make()
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(rows, 5)).astype(dtype), rng.normal(size=(rows, 2)).astype(dtype)
    reference = spec.reference(net)
    for training_pass in range(2):
        set_masks(reference, rows, spec.seed, training_pass)
        expected = float(((reference.forward(x) - y) ** 2).mean())
        loss = net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=0.0))
        assert loss == pytest.approx(expected, rel=100 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("rows", [7, 300, 2000])
def test_masks_do_not_depend_on_threads_or_blocks(rows, dtype):
    spec = Spec([20, 64, 64, 3], ["relu", "relu", "identity"], True, 0.5, dtype, seed=8)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(rows, 20)).astype(dtype), rng.normal(size=(rows, 3)).astype(dtype)
    hashes = set()
    for threads in (1, 2, 3, 5):
        bp.set_num_threads(threads)
        net = spec.make()
        for _ in range(3):
            net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=0.1))
        hashes.add(bits(net.parameters))
    assert len(hashes) == 1


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rates_outside_0_1_are_refused(rate):
    with pytest.raises(ValueError, match="dropout"):
        bp.Network([2, 3, 1], dropout=rate)


def test_a_list_has_one_entry_a_hidden_layer():
    with pytest.raises(ValueError, match="dropout"):
        bp.Network([2, 3, 4, 1], dropout=[0.5])
