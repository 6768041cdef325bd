"""Forward and gradients against torch.nn.Sequential, for every activation and loss of PyTorch."""

import numpy as np
import pytest

import backpass as bp
from network_pair import Spec, activation_object, loss_object

torch = pytest.importorskip("torch")
nn = torch.nn

RTOL = {"float32": 2e-5, "float64": 1e-12}


class Exp(nn.Module):
    def forward(self, z):
        return torch.exp(z)


class Sin(nn.Module):
    def forward(self, z):
        return torch.sin(z)


ACTIVATIONS = {
    "identity": nn.Identity(),
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "sigmoid": nn.Sigmoid(),
    "hard_sigmoid": nn.Hardsigmoid(),
    "tanh": nn.Tanh(),
    "hard_tanh": nn.Hardtanh(),
    "hard_swish": nn.Hardswish(),
    "exp": Exp(),
    "sin": Sin(),
    "softmax": nn.Softmax(dim=1),
    "log_softmax": nn.LogSoftmax(dim=1),
}


def torch_twin(net: bp.Network, modules: list) -> "torch.nn.Sequential":
    """Return a PyTorch network with the same parameters and activations."""
    dtype = getattr(torch, str(net.parameters.dtype))
    parts = []
    for layer, activation in zip(net.layers, modules, strict=True):
        outputs, inputs = layer.weight.shape
        linear = nn.Linear(inputs, outputs, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(layer.weight)))
            linear.bias.copy_(torch.from_numpy(np.array(layer.bias)))
        parts += [linear, activation]
    return nn.Sequential(*parts)


# Known inaccuracies of PyTorch: hard_sigmoid uses 1/6 in float32 also for float64, and softplus is
# the identity above 20, with an error of e^−20.
SLACK = {"hard_sigmoid": 5e-8, "softplus": 3e-9}


def assert_close(actual, expected, dtype, slack=0.0):
    expected = expected.detach().numpy()
    tolerance = RTOL[dtype] + slack
    np.testing.assert_allclose(
        actual, expected, rtol=tolerance, atol=tolerance * max(1.0, np.abs(expected).max())
    )


def assert_gradients_close(net, twin, dtype, slack=0.0):
    linears = [module for module in twin if isinstance(module, nn.Linear)]
    for layer, linear in zip(net.layers, linears, strict=True):
        assert_close(layer.weight_grad, linear.weight.grad, dtype, slack)
        assert_close(layer.bias_grad, linear.bias.grad, dtype, slack)


def test_every_activation_is_compared():
    assert {a.name for a in map(bp.activations.get, ACTIVATIONS)} == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, dtype):
    net = Spec([7, 33, 21, 4], [name, name, name], dtype=dtype, seed=3).make()
    if name == "exp":
        net.parameters[:] *= 0.3
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 7)).astype(dtype)
    grad = rng.normal(size=(50, 4)).astype(dtype)
    twin = torch_twin(net, [ACTIVATIONS[name]] * 3)
    x_torch = torch.from_numpy(x).requires_grad_()
    out = twin(x_torch)
    out.backward(torch.from_numpy(grad))
    slack = SLACK.get(name, 0.0)
    assert_close(net.forward(x), out, dtype, slack)
    input_grad = net.backward(grad, input_gradient=True)
    assert_gradients_close(net, twin, dtype, slack)
    assert_close(input_grad, x_torch.grad, dtype, slack)


@pytest.mark.parametrize(
    ("name", "parameter", "module"),
    [
        ("leaky_relu", 0.3, nn.LeakyReLU(0.3)),
        ("elu", 0.5, nn.ELU(0.5)),
        ("elu", 2.0, nn.ELU(2.0)),
        ("celu", 0.5, nn.CELU(0.5)),
        ("celu", 3.0, nn.CELU(3.0)),
    ],
    ids=str,
)
def test_activation_parameter(name, parameter, module, dtype):
    net = bp.Network([5, 30, 2], activation_object(name, parameter), dtype=dtype, seed=1)
    twin = torch_twin(net, [module, nn.Identity()])
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(dtype)
    out = twin(torch.from_numpy(x))
    out.sum().backward()
    assert_close(net.forward(x), out, dtype)
    net.backward(np.ones((40, 2)))
    assert_gradients_close(net, twin, dtype)


POINTS = [-30.0, -6.0, -3.0, -1.0, -1e-3, -0.0, 0.0, 1e-3, 1.0, 3.0, 6.0, 30.0]


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if "softmax" not in n])
def test_kinks_and_far_points(name, dtype):
    """Exact values and one-sided derivatives at points where definitions differ."""
    z = np.array(POINTS, dtype=dtype)[:, None]
    if name == "hard_swish":
        z = z[np.abs(z[:, 0]) != 3]  # PyTorch's choice at ±3 differs between its versions
    net = bp.Network([1, 1], output=name, bias=False, dtype=dtype, seed=0)
    net.parameters[:] = 1
    z_torch = torch.from_numpy(z.copy()).requires_grad_()
    out = ACTIVATIONS[name](z_torch)
    out.sum().backward()
    tolerance = {"float32": 1e-6, "float64": 1e-14}[dtype] + SLACK.get(name, 0.0)
    np.testing.assert_allclose(net.forward(z), out.detach().numpy(), rtol=tolerance, atol=tolerance)
    net.backward(np.ones_like(z))
    np.testing.assert_allclose(
        net.layers[0].xi, z_torch.grad.numpy(), rtol=tolerance, atol=tolerance
    )


def probabilities(rng, shape):
    p = rng.random(shape) + 0.1
    return p / p.sum(axis=1, keepdims=True)


# name: (loss, our output, PyTorch's output, PyTorch's loss, targets)
LOSSES = {
    "mse": (("mse", {}), "identity", nn.Identity(), nn.MSELoss(), "real"),
    "mae": (("mae", {}), "identity", nn.Identity(), nn.L1Loss(), "real"),
    "huber": (("huber", {}), "identity", nn.Identity(), nn.HuberLoss(), "real"),
    "huber_delta": (("huber", {"delta": 0.3}), "tanh", nn.Tanh(), nn.HuberLoss(delta=0.3), "real"),
    "softmax_cross_entropy": (
        ("softmax_cross_entropy", {}),
        "identity",
        nn.Identity(),
        nn.CrossEntropyLoss(),
        "labels",
    ),
    "softmax_cross_entropy_smoothed": (
        ("softmax_cross_entropy", {"label_smoothing": 0.2}),
        "identity",
        nn.Identity(),
        nn.CrossEntropyLoss(label_smoothing=0.2),
        "labels",
    ),
    "softmax_cross_entropy_soft_targets": (
        ("softmax_cross_entropy", {}),
        "identity",
        nn.Identity(),
        nn.CrossEntropyLoss(),
        "probabilities",
    ),
    "softmax_cross_entropy_soft_smoothed": (
        ("softmax_cross_entropy", {"label_smoothing": 0.1}),
        "identity",
        nn.Identity(),
        nn.CrossEntropyLoss(label_smoothing=0.1),
        "probabilities",
    ),
    "cross_entropy_of_softmax": (
        ("cross_entropy", {}),
        "softmax",
        nn.Identity(),
        nn.CrossEntropyLoss(),
        "labels",
    ),
    "cross_entropy_of_log_softmax": (
        ("cross_entropy", {}),
        "log_softmax",
        nn.LogSoftmax(dim=1),
        nn.NLLLoss(),
        "labels",
    ),
    "binary_cross_entropy": (
        ("binary_cross_entropy", {}),
        "sigmoid",
        nn.Sigmoid(),
        nn.BCELoss(),
        "probabilities",
    ),
    "sigmoid_cross_entropy": (
        ("sigmoid_cross_entropy", {}),
        "identity",
        nn.Identity(),
        nn.BCEWithLogitsLoss(),
        "probabilities",
    ),
    "poisson_of_exp": (
        ("poisson", {}),
        "exp",
        nn.Identity(),
        nn.PoissonNLLLoss(log_input=True),
        "counts",
    ),
    "poisson_of_softplus": (
        ("poisson", {}),
        "softplus",
        nn.Softplus(),
        nn.PoissonNLLLoss(log_input=False, eps=0.0),
        "counts",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name, dtype):
    (loss, parameters), output, module, torch_loss, kind = LOSSES[name]
    net = Spec([6, 25, 5], ["tanh", output], dtype=dtype, seed=4).make()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(45, 6)).astype(dtype)
    y = {
        "real": lambda: rng.normal(size=(45, 5)).astype(dtype),
        "labels": lambda: rng.integers(0, 5, 45),
        "probabilities": lambda: probabilities(rng, (45, 5)).astype(dtype),
        "counts": lambda: rng.poisson(2.0, (45, 5)).astype(dtype),
    }[kind]()
    twin = torch_twin(net, [nn.Tanh(), module])
    expected = torch_loss(twin(torch.from_numpy(x)), torch.from_numpy(y))
    expected.backward()
    value = net.loss_and_gradient(x, y, loss=loss_object(loss, **parameters))
    assert value == pytest.approx(expected.item(), rel=RTOL[dtype])
    assert_gradients_close(net, twin, dtype)


def test_training_runs_side_by_side():
    """30 steps of plain gradient descent in both; test_optim_torch.py tests the optimizers."""
    net = Spec([6, 25, 5], ["gelu", "identity"], dtype="float64", seed=4).make()
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(45, 6)), rng.integers(0, 5, 45)
    twin, optimizer = torch_twin(net, [nn.GELU(), nn.Identity()]), bp.optim.SGD(lr=0.3)
    for _ in range(30):
        twin.zero_grad()
        expected = nn.CrossEntropyLoss()(twin(torch.from_numpy(x)), torch.from_numpy(labels))
        expected.backward()
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter -= 0.3 * parameter.grad
        value = net.train_step(x, labels, loss="softmax_cross_entropy", optimizer=optimizer)
        assert value == pytest.approx(expected.item(), rel=1e-11)
    for layer, linear in zip(
        net.layers, [m for m in twin if isinstance(m, nn.Linear)], strict=True
    ):
        np.testing.assert_allclose(layer.weight, linear.weight.detach().numpy(), atol=1e-12)


def test_default_hyperparameters_are_the_same():
    """Names and defaults of the optimizers that both libraries have."""
    import inspect

    renamed = {"step_sizes", "etas", "betas"}
    for name in ("SGD", "RMSprop", "Adagrad", "Adam", "AdamW", "NAdam", "Rprop"):
        theirs = inspect.signature(getattr(torch.optim, name)).parameters
        ours = getattr(bp.optim, name)()
        for key, parameter in theirs.items():
            if hasattr(ours, key) and isinstance(parameter.default, (int, float, bool, tuple)):
                assert getattr(ours, key) == parameter.default, f"{name}.{key}"
            else:
                assert key not in renamed, f"{name} has no {key}"
