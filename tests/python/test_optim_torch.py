"""100 steps of every optimizer against torch.optim in float64; Lion against its paper in NumPy."""

import numpy as np
import pytest

import backpass as bp

STEPS = 100
ATOL = 1e-10

SETTINGS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.02, "momentum": 0.9},
        {"lr": 0.02, "momentum": 0.95, "dampening": 0.5, "weight_decay": 0.01},
        {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
    ],
    "RMSprop": [
        {},
        {"lr": 0.003, "alpha": 0.9, "momentum": 0.8, "weight_decay": 0.1},
        {"alpha": 0.95, "eps": 1e-3, "centered": True},
        {"lr": 0.002, "eps": 1e-4, "momentum": 0.9, "centered": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.02, "weight_decay": 0.1, "initial_accumulator_value": 0.3},
        {"lr": 0.05, "eps": 1e-3},
    ],
    "Adam": [
        {},
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1, "amsgrad": True},
        {"lr": 0.01, "betas": (0.0, 0.3)},
    ],
    "AdamW": [
        {},
        {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-6, "weight_decay": 0.3, "amsgrad": True},
    ],
    "NAdam": [
        {},
        {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.1},
    ],
    "Rprop": [
        {},
        {"lr": 0.1, "etas": (0.7, 1.5), "step_sizes": (0.05, 0.5)},
        {"lr": 2.0, "step_sizes": (1e-3, 0.25)},
    ],
}
CASES = [
    pytest.param(name, settings, id=f"{name}-{i}")
    for name, variants in SETTINGS.items()
    for i, settings in enumerate(variants)
]


@pytest.fixture
def torch():
    """PyTorch in float64: NAdam keeps its running product in the default dtype."""
    module = pytest.importorskip("torch")
    dtype = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(dtype)


def gradients(size):
    """Random gradients plus a trend, so that running means are not only noise."""
    rng = np.random.default_rng(7)
    for _ in range(STEPS):
        yield rng.standard_normal(size) + 0.5 * np.sin(np.arange(size))


def make_network():
    return bp.Network([7, 11, 3], dtype="float64", seed=1)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_trajectory(torch, name, settings):
    net = make_network()
    ours = getattr(bp.optim, name)(**settings)
    start = net.parameters.copy()
    twin = torch.tensor(start, requires_grad=True)
    theirs = getattr(torch.optim, name)([twin], **settings)
    for gradient in gradients(start.size):
        net.gradients[:] = gradient
        net.step(ours)
        twin.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(net.parameters, twin.detach().numpy(), rtol=0, atol=ATOL)
    assert np.abs(net.parameters - start).max() > 0.01


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_frozen_layers_lr_scale_and_a_changing_lr(torch, name, settings):
    """The weights and the bias of a layer are parameter groups of PyTorch.

    A frozen layer is parameters without a gradient.
    """
    net = make_network()
    ours = getattr(bp.optim, name)(**settings)
    sizes = [part.size for layer in net.layers for part in (layer.weight, layer.bias)]
    ends = np.cumsum(sizes)
    parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    twins = [torch.tensor(net.parameters[part].copy(), requires_grad=True) for part in parts]
    scales = [0.25, 0.25 * 0.5, 1.0, 0.1]
    net.layers[0].lr_scale = 0.25
    net.layers[0].bias_lr_scale = 0.5
    net.layers[1].bias_lr_scale = 0.1
    theirs = getattr(torch.optim, name)(
        [{"params": [p], "lr": ours.lr * s} for p, s in zip(twins, scales, strict=True)], **settings
    )
    for t, gradient in enumerate(gradients(net.parameters.size)):
        net.layers[0].trainable = t >= 20
        net.layers[1].trainable = not 40 <= t < 60
        ours.lr *= 0.99
        for group, scale in zip(theirs.param_groups, scales, strict=True):
            group["lr"] = ours.lr * scale
        for i, (twin, part) in enumerate(zip(twins, parts, strict=True)):
            twin.grad = torch.tensor(gradient[part]) if net.layers[i // 2].trainable else None
        net.gradients[:] = gradient
        net.step(ours)
        theirs.step()
        for twin, part in zip(twins, parts, strict=True):
            expected = twin.detach().numpy()
            np.testing.assert_allclose(net.parameters[part], expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize(
    "settings", [{}, {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.2}], ids=["0", "1"]
)
def test_lion(settings):
    """Chen et al. 2023, algorithm 2."""
    net = make_network()
    optimizer = bp.optim.Lion(**settings)
    beta1, beta2 = optimizer.betas
    expected = net.parameters.copy()
    m = np.zeros_like(expected)
    for gradient in gradients(expected.size):
        net.gradients[:] = gradient
        net.step(optimizer)
        direction = np.sign(beta1 * m + (1 - beta1) * gradient)
        expected -= optimizer.lr * (direction + optimizer.weight_decay * expected)
        m = beta2 * m + (1 - beta2) * gradient
        np.testing.assert_allclose(net.parameters, expected, rtol=0, atol=ATOL)


def test_the_state_has_pytorchs_names_and_numbers(torch):
    net = make_network()
    ours = bp.optim.Adam(amsgrad=True)
    twin = torch.tensor(net.parameters.copy(), requires_grad=True)
    theirs = torch.optim.Adam([twin], amsgrad=True)
    for gradient in gradients(net.parameters.size):
        net.gradients[:] = gradient
        net.step(ours)
        twin.grad = torch.tensor(gradient)
        theirs.step()
    expected = theirs.state[twin]
    assert ours.state["step"] == [STEPS, STEPS]
    for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
        np.testing.assert_allclose(ours.state[key], expected[key].numpy(), rtol=0, atol=ATOL)
