"""Calls whose predecessor is missing, and steps with several networks."""

import numpy as np
import pytest

import backpass as bp

X = np.ones((5, 3))
G = np.ones((5, 2))


def make(seed=0, **options):
    return bp.Network([3, 4, 2], seed=seed, **options)


@pytest.mark.parametrize("name", ["z", "a", "xi"])
def test_a_layer_has_no_results_before_the_call(name):
    net = make()
    with pytest.raises(RuntimeError, match=rf"no {name} yet: call forward\(\)"):
        getattr(net.layers[0], name)
    net.forward(X)
    if name == "xi":
        with pytest.raises(RuntimeError, match=r"call forward\(\) and then backward\(\)"):
            net.layers[0].xi  # noqa: B018
        net.backward(G)
    assert getattr(net.layers[0], name).shape == (5, 4)


def test_a_step_needs_gradients():
    net = make()
    before = net.parameters.copy()
    with pytest.raises(RuntimeError, match=r"call backward\(\) or loss_and_gradient\(\)"):
        net.step(bp.optim.SGD())
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize(
    "compute",
    [
        lambda net: (net.forward(X), net.backward(G)),
        lambda net: net.loss_and_gradient(X, G, loss="mse"),
        lambda net: net.train_step(X, G, loss="mse", optimizer=bp.optim.SGD()),
        lambda net: setattr(net, "gradients", np.ones(net.num_parameters)),
        lambda net: setattr(net.layers[0], "weight_grad", np.ones((4, 3))),
    ],
)
def test_a_step_after_any_gradient(compute):
    net = make()
    compute(net)
    net.step(bp.optim.SGD())


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.step(bp.optim.SGD()),
        lambda net: net.train_step(X, G, loss="mse", optimizer=bp.optim.SGD()),
        lambda net: net.initialize(1),
        lambda net: net.fit(X, G, loss="mse", optimizer="sgd", epochs=1, progress=False),
    ],
)
def test_backward_after_a_change_of_the_parameters(change):
    net = make()
    net.forward(X)
    net.backward(G)
    net.backward(G)  # the same activations, for another cost
    change(net)
    with pytest.raises(RuntimeError, match=r"call forward\(\) again before backward"):
        net.backward(G)
    net.forward(X)
    net.backward(G)


class TestStepOptions:
    def stepped(self, clip=None, **options):
        net = make()
        net.gradients = np.linspace(-3, 3, net.num_parameters)
        if clip is not None:
            clip(net)
        net.step(bp.optim.SGD(lr=0.1), **options)
        return net

    def test_clip_norm_is_clip_grad_norm(self):
        one = self.stepped(clip_norm=0.5)
        other = self.stepped(lambda net: bp.clip_grad_norm(net, 0.5))
        np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-6)
        assert np.linalg.norm(one.gradients) == pytest.approx(0.5, rel=1e-5)

    def test_clip_value(self):
        net = self.stepped(clip_value=0.25)
        assert np.abs(net.gradients).max() == 0.25

    def test_penalties(self):
        net = make()
        weights = [layer.weight.copy() for layer in net.layers]
        net.gradients[...] = 0
        net.step(bp.optim.SGD(lr=0.1), l1=0.5, l2=2)
        for layer, weight in zip(net.layers, weights, strict=True):
            np.testing.assert_allclose(
                layer.weight_grad, 0.5 * np.sign(weight) + 2 * weight, rtol=1e-6
            )
            assert not layer.bias_grad.any()

    @pytest.mark.parametrize(
        "options", [{"clip_norm": 0}, {"clip_value": -1}, {"l1": -1}, {"l2": np.nan}]
    )
    def test_refuses(self, options):
        net = make()
        net.gradients[...] = 1
        before = net.parameters.copy()
        with pytest.raises(ValueError, match=next(iter(options))):
            net.step(bp.optim.SGD(), **options)
        assert np.array_equal(net.parameters, before)

    def test_refuses_a_text(self):
        with pytest.raises(TypeError, match="clip_norm must be a number, not str"):
            make().step(bp.optim.SGD(), clip_norm="1")


class TestClipGradNorm:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e30])
    def test_is_that_of_pytorch(self, dtype, scale):
        torch = pytest.importorskip("torch")
        nets = [make(seed, dtype=dtype) for seed in range(3)]
        rng = np.random.default_rng(0)
        for net in nets:
            net.gradients = rng.normal(size=net.num_parameters) * scale
        tensors = [torch.nn.Parameter(torch.tensor(net.parameters)) for net in nets]
        for tensor, net in zip(tensors, nets, strict=True):
            tensor.grad = torch.tensor(net.gradients).double()[:].to(tensor.dtype)
        wide = [tensor.grad.double().numpy() for tensor in tensors]
        norm = np.sqrt(sum((one**2).sum() for one in wide))
        assert bp.clip_grad_norm(nets, 0.5) == pytest.approx(norm, rel=1e-5)
        factor = min(1.0, 0.5 / (norm + 1e-6))
        for net, gradient in zip(nets, wide, strict=True):
            np.testing.assert_allclose(net.gradients, gradient * factor, rtol=1e-5)

    def test_leaves_frozen_layers_out(self):
        net = make()
        net.gradients[...] = 1
        net.layers[0].trainable = False
        count = net.layers[1].num_parameters
        assert bp.clip_grad_norm(net, 1.0) == pytest.approx(np.sqrt(count))
        factor = 1 / (np.sqrt(count) + 1e-6)
        np.testing.assert_allclose(net.gradients, factor, rtol=1e-6)  # as `step` does
        twin = make()
        twin.gradients[...] = 1
        twin.layers[0].trainable = False
        twin.step(bp.optim.SGD(lr=0.1), clip_norm=1.0)
        np.testing.assert_allclose(twin.gradients, net.gradients, rtol=1e-6)

    def test_infinite_gradients_are_those_of_step(self):
        net, twin = make(), make()
        for one in (net, twin):
            one.gradients[...] = 1
            one.gradients[0] = np.inf
        assert bp.clip_grad_norm([net, net], 1.0) == np.inf
        twin.step(bp.optim.SGD(lr=0.1), clip_norm=1.0)
        np.testing.assert_array_equal(net.gradients, twin.gradients)
        assert np.isnan(net.gradients[0])
        assert not net.gradients[1:].any()

    def test_refuses_other_objects(self):
        with pytest.raises(TypeError, match="must be Network objects, got 'x'"):
            bp.clip_grad_norm(["x"], 1.0)

    def test_zero_and_nan(self):
        net = make()
        net.gradients[...] = 0
        assert bp.clip_grad_norm(net, 1.0) == 0
        net.gradients[3] = np.nan
        assert np.isnan(bp.clip_grad_norm([net], 1.0))
        assert np.isnan(net.gradients).all()

    @pytest.mark.parametrize("bound", [0, -1, np.nan])
    def test_refuses(self, bound):
        with pytest.raises(ValueError, match="max_norm must be greater than 0"):
            bp.clip_grad_norm(make(), bound)
