"""Single activations, through a layer with the identity as weight, so that z is the input."""

import numpy as np
import pytest

import backpass as bp
from network_pair import activation_object
from reference import activations

EPS = {"float32": float(np.finfo(np.float32).eps), "float64": float(np.finfo(np.float64).eps)}
PARAMETERS = [
    ("leaky_relu", 0.2),
    ("leaky_relu", 0.0),
    ("elu", 0.5),
    ("elu", 2.0),
    ("celu", 0.5),
    ("celu", 3.0),
]


def through(z: np.ndarray, activation) -> tuple[bp.Network, np.ndarray]:
    """Return the network and a = φ(z)."""
    width = z.shape[1]
    net = bp.Network([width, width], output=activation, bias=False, dtype=str(z.dtype), seed=0)
    net.layers[0].weight[...] = np.eye(width)
    return net, net.forward(z)


def grid(dtype: str) -> np.ndarray:
    """From the smallest to large numbers, both signs; 13 columns give vectors a tail."""
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate(
        [np.geomspace(1e-12, 1e-3, 40), np.linspace(0.01, 12, 300), np.geomspace(12, 80, 50)]
    )
    z = np.concatenate([magnitudes, -magnitudes])
    z = rng.permutation(z)
    return z[: len(z) // 13 * 13].reshape(-1, 13).astype(dtype)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, None) for name in activations.ELEMENTWISE] + PARAMETERS,
    ids=lambda v: "" if v is None else str(v),
)
def test_values_and_derivatives(name, parameter, dtype):
    z = grid(dtype)
    if name == "exp":
        z = z / 2
    net, a = through(z, activation_object(name, parameter))
    phi = activations.ACTIVATIONS[name]
    z64 = z.astype(np.float64)
    expected = phi(z64, parameter)
    # φ rounds its argument and its result, with an error relative to z (gelu: z Φ(z)).
    scale = (
        np.abs(expected) + np.minimum(np.abs(z64), 1.0) + np.abs(z64 * phi.prime(z64, parameter))
    )
    np.testing.assert_array_less(np.abs(a - expected), 8 * EPS[dtype] * scale + 1e-300)
    net.backward(np.ones_like(z))
    prime = phi.prime(z64, parameter)
    step = 1e-6 * np.maximum(np.abs(z64), 1e-3)
    curvature = np.abs(phi.prime(z64 + step, parameter) - phi.prime(z64 - step, parameter)) / (
        2 * step
    )
    bound = 16 * EPS[dtype] * (1.0 + np.abs(prime) + np.minimum(np.abs(z64) * curvature, 1e3))
    np.testing.assert_array_less(np.abs(net.layers[0].xi - prime), bound)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("columns", [1, 2, 7, 16, 33, 100])
def test_softmax(name, columns, dtype):
    rng = np.random.default_rng(1)
    z = (rng.normal(size=(20, columns)) * rng.choice([1e-3, 1.0, 30.0], (20, 1))).astype(dtype)
    g = rng.normal(size=z.shape).astype(dtype)
    net, a = through(z, name)
    phi = activations.ACTIVATIONS[name]
    z64, g64 = z.astype(np.float64), g.astype(np.float64)
    eps = 16 * EPS[dtype] * np.sqrt(columns)
    sensitivity = 1.0 + np.abs(z64).max(axis=1, keepdims=True)
    assert (np.abs(a - phi(z64)) < eps * sensitivity).all()
    net.backward(g)
    expected = phi.jacobian_transposed_times(z64, g64)
    bound = eps * sensitivity * (np.abs(g64) + np.abs(g64).sum(axis=1, keepdims=True))
    np.testing.assert_array_less(np.abs(net.layers[0].xi - expected), bound)
    if name == "softmax":
        np.testing.assert_allclose(a.sum(axis=1), 1.0, rtol=4 * EPS[dtype] * np.sqrt(columns))


@pytest.mark.parametrize("name", activations.ELEMENTWISE)
def test_nan_stays_nan(name, dtype):
    z = np.full((2, 19), np.nan, dtype=dtype)
    _, a = through(z, name)
    assert np.isnan(a).all()


# φ at −inf and inf, for activations that have these limits.
LIMITS = {
    "identity": (-np.inf, np.inf),
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "leaky_relu": (-np.inf, np.inf),
    "elu": (-1.0, np.inf),
    "selu": (-activations.SELU_SCALE * activations.SELU_ALPHA, np.inf),
    "celu": (-1.0, np.inf),
    "softplus": (0.0, np.inf),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "exp": (0.0, np.inf),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_at_infinity(name, dtype):
    """A layer with one neuron: with more, the product would contain 0 · inf."""
    z = np.array([[-np.inf], [np.inf]], dtype=dtype)
    _, a = through(z, name)
    np.testing.assert_allclose(a[:, 0], LIMITS[name], rtol=2 * EPS[dtype])


@pytest.mark.parametrize("name", [n for n in activations.ELEMENTWISE if n not in ("exp", "sin")])
def test_large_finite_inputs_give_no_nan(name, dtype):
    """Forward and backward, up to the largest numbers of the type."""
    big = {"float32": 1e30, "float64": 1e300}[dtype]
    z = np.array([[-big], [-1e4], [1e4], [big]], dtype=dtype)
    net, a = through(z, name)
    assert not np.isnan(a).any()
    net.backward(np.ones_like(z))
    xi = net.layers[0].xi
    assert np.isfinite(xi).all()
    assert (np.abs(xi) < 1.2).all() or name == "identity"


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_huge_logits(name, dtype):
    big = {"float32": 1e30, "float64": 1e300}[dtype]
    _, a = through(np.array([[big, -big, 0.0], [-big, -big, -big]], dtype=dtype), name)
    expected = activations.ACTIVATIONS[name](
        np.array([[big, -big, 0.0], [-big, -big, -big]], dtype=dtype).astype(np.float64)
    )
    np.testing.assert_allclose(a, expected, rtol=4 * EPS[dtype])


def test_derivatives_at_kinks_are_pytorchs(dtype):
    """One-sided choices: 0 at the closed side of relu and clamps, the slope at 0 for leaky_relu."""
    for name, points, slopes in [
        ("relu", [0.0, -0.0], [0.0, 0.0]),
        ("relu6", [0.0, 6.0], [0.0, 0.0]),
        ("leaky_relu", [0.0], [0.01]),
        ("hard_tanh", [-1.0, 1.0], [0.0, 0.0]),
        ("hard_sigmoid", [-3.0, 3.0], [0.0, 0.0]),
        ("elu", [0.0], [1.0]),
        ("celu", [0.0], [1.0]),
        ("selu", [0.0], [activations.SELU_SCALE * activations.SELU_ALPHA]),
        ("softsign", [0.0], [1.0]),
    ]:
        z = np.array(points, dtype=dtype)[:, None]
        net, _ = through(z, name)
        net.backward(np.ones_like(z))
        np.testing.assert_allclose(
            net.layers[0].xi[:, 0], slopes, rtol=4 * EPS[dtype], err_msg=name
        )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 2, 3), (0, 3), (3, 0)])
@pytest.mark.parametrize("given", ["float32", "float64", "int64", "float16"])
def test_an_activation_can_be_called_with_any_shape(shape, given):
    z = (np.arange(np.prod(shape, dtype=int)).reshape(shape) - 3).astype(given)
    a = bp.activations.Tanh()(z)
    assert a.shape == shape
    assert a.dtype == ("float32" if given == "float32" else "float64")
    np.testing.assert_allclose(a, np.tanh(z.astype(float)), rtol=4 * EPS[str(a.dtype)])


def test_custom_equals_the_built_in_it_copies(dtype):
    custom = bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6)).astype(dtype)
    y = rng.normal(size=(40, 2)).astype(dtype)
    nets = [
        bp.Network(
            [6, 15, 2], activation, custom if activation is custom else "tanh", dtype=dtype, seed=3
        )
        for activation in (custom, "tanh")
    ]
    for net in nets:
        optimizer = bp.optim.SGD(lr=0.1)
        for _ in range(5):
            net.train_step(x, y, loss="mse", optimizer=optimizer)
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, atol=200 * EPS[dtype])
    np.testing.assert_allclose(nets[0].predict(x), nets[1].predict(x), atol=200 * EPS[dtype])


def test_an_exception_in_a_custom_function_reaches_the_caller():
    def broken(z: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("inside φ")

    net = bp.Network([3, 4, 1], bp.activations.Custom(broken, broken), seed=0)
    with pytest.raises(ZeroDivisionError, match="inside φ"):
        net.predict(np.ones((2, 3)))
    with pytest.raises(ZeroDivisionError, match="inside φ"):
        net.forward(np.ones((2, 3)))
    with pytest.raises(RuntimeError, match="forward"):
        net.backward(np.ones((2, 1)))


def test_a_custom_function_of_the_wrong_shape_is_refused():
    net = bp.Network([3, 4, 1], bp.activations.Custom(lambda z: z[:, :1], lambda z: z), seed=0)
    with pytest.raises(ValueError, match=r"\(2, 1\).*\(2, 4\)|\(2, 4\).*\(2, 1\)"):
        net.predict(np.ones((2, 3)))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"rellu.*relu.*log_softmax"):
        bp.Network([2, 2, 1], "rellu")


def test_celu_refuses_alpha_zero():
    with pytest.raises(ValueError, match="celu"):
        bp.Network([2, 2, 1], activation_object("celu", 0.0))
