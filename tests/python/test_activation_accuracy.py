"""Every activation's value and derivative against mpmath: the relative error over the whole range.

The unit is one ulp of the exact number (2^-23 or 2^-52 times the power of two below it). A
network's passes flush numbers below the smallest normal float to zero. There the error is absolute:
at most the smallest normal number.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

import backpass as bp

mp = mpmath.mp.clone()
mp.dps = 50

LAMBDA = mp.mpf("1.0507009873554804934193349852946")
ALPHA = mp.mpf("1.6732632423543772848170429916717")


def _sigmoid(z):
    return 1 / (1 + mp.exp(_clip(-z, -2000, 2000)))


def _tanh(z):
    return mp.tanh(_clip(z, -2000, 2000))


def _exp(z):
    return mp.exp(_clip(z, -2000, 2000))


def _cdf(z):
    z = _clip(z, -100, 100)  # mpmath's erfc fails for huge numbers; e^-5000 is 0 in every float
    return mp.erfc(-z / mp.sqrt(2)) / 2


def _softplus(z):
    return z if z > 2000 else mp.log1p(mp.exp(_clip(z, -2000, 2000)))


def _two_y(z):
    return mp.sqrt(8 / mp.pi) * (z + mp.mpf("0.044715") * z**3)


def _clip(z, low, high):
    return min(max(z, mp.mpf(low)), mp.mpf(high))


def _exponential_unit(scale, alpha, divisor=None):
    """z * scale for z > 0, otherwise scale α (e^(z/divisor) − 1): value and derivative."""
    divisor = mp.mpf(1) if divisor is None else divisor
    return (
        lambda z: scale * (z if z > 0 else alpha * mp.expm1(max(z / divisor, mp.mpf(-2000)))),
        lambda z: scale * (mp.mpf(1) if z > 0 else alpha / divisor * _exp(z / divisor)),
    )


def _step(low, high, inside):
    return lambda z: mp.mpf(inside) if low < z < high else mp.mpf(0)


def _product_rule(sigmoid, slope):
    """The derivative of z s(z), s + z s', and its terms' magnitude, since it has a root."""

    def derivative(z):
        first, second = sigmoid(z), z * slope(z)
        return first + second, abs(first) + abs(second)

    return derivative


def _mish_slope(z):
    return mp.sech(min(_softplus(z), mp.mpf(2000))) ** 2 * _sigmoid(z)


def _gelu_tanh_slope(z):
    z = _clip(z, -100, 100)  # there the product is below every float's range
    two_y_slope = mp.sqrt(8 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * z**2)
    return _sigmoid(_two_y(z)) * _sigmoid(-_two_y(z)) * two_y_slope


def _hard_swish_slope(z):
    if abs(z) >= 3:
        return mp.mpf(0 if z < 0 else 1)
    return z / 3 + mp.mpf("0.5"), abs(z) / 3 + mp.mpf("0.5")


def _alpha(value, dtype):
    return mp.mpf(float(dtype(value)))


def definitions(dtype):
    """Name of the case: the activation, φ, φ' (a number, or a number and its terms' magnitude)."""
    a = bp.activations
    slope = _alpha(0.01, dtype)
    cases = {
        "identity": ("identity", lambda z: z, lambda z: mp.mpf(1)),
        "relu": ("relu", lambda z: max(z, mp.mpf(0)), lambda z: mp.mpf(1 if z > 0 else 0)),
        "relu6": ("relu6", lambda z: _clip(z, 0, 6), _step(0, 6, 1)),
        "leaky_relu": (
            "leaky_relu",
            lambda z: z if z > 0 else slope * z,
            lambda z: mp.mpf(1) if z > 0 else slope,
        ),
        "selu": ("selu", *_exponential_unit(LAMBDA, ALPHA)),
        "gelu": (
            "gelu",
            lambda z: z * _cdf(z),
            _product_rule(_cdf, lambda z: _exp(-(z**2) / 2) / mp.sqrt(2 * mp.pi)),
        ),
        "gelu_tanh": (
            "gelu_tanh",
            lambda z: z * _sigmoid(_two_y(z)),
            _product_rule(lambda z: _sigmoid(_two_y(z)), _gelu_tanh_slope),
        ),
        "silu": (
            "silu",
            lambda z: z * _sigmoid(z),
            _product_rule(_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-z)),
        ),
        "mish": (
            "mish",
            lambda z: z * _tanh(_softplus(z)),
            _product_rule(lambda z: _tanh(_softplus(z)), _mish_slope),
        ),
        "softplus": ("softplus", _softplus, _sigmoid),
        "softsign": ("softsign", lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
        # Computed from a, by a − a² and 1 − a², which cancel where a is near 1 (docs/numbers.md).
        "sigmoid": (
            "sigmoid",
            _sigmoid,
            lambda z: (_sigmoid(z) * _sigmoid(-z), _sigmoid(z)),
        ),
        "hard_sigmoid": (
            "hard_sigmoid",
            lambda z: _clip(z + 3, 0, 6) / 6,
            _step(-3, 3, mp.mpf(1) / 6),
        ),
        "tanh": ("tanh", _tanh, lambda z: (mp.sech(_clip(z, -2000, 2000)) ** 2, mp.mpf(1))),
        "hard_tanh": ("hard_tanh", lambda z: _clip(z, -1, 1), _step(-1, 1, 1)),
        "hard_swish": ("hard_swish", lambda z: z * _clip(z + 3, 0, 6) / 6, _hard_swish_slope),
        "exp": ("exp", _exp, _exp),
        "sin": ("sin", mp.sin, mp.cos),
    }
    for value in (1.0, 0.3, 2.5):
        alpha = _alpha(value, dtype)
        cases[f"elu({value})"] = (a.ELU(value), *_exponential_unit(mp.mpf(1), alpha))
        cases[f"celu({value})"] = (a.CELU(value), *_exponential_unit(mp.mpf(1), alpha, alpha))
    return cases


def limit_of(name, dtype, isa):
    """Return the allowed error in ulp; docs/numbers.md has the measured maxima.

    The exponent 2y of gelu_tanh is a rounded polynomial of z, with |2y| <= 88 in float32 and 709 in
    float64. Its relative rounding error is multiplied by |2y| in the result. The same holds for
    celu's z/α, unless a fused multiply-add recovers its rounding error: the baseline set has none.
    """
    if name == "gelu_tanh" or (name.startswith("celu") and isa == "baseline"):
        return 2 * 88.0 if dtype == np.float32 else 2 * 709.0
    return 8.0


def arguments(dtype):
    """Dense near 0 and at kinks, in every second or thirteenth binade, and in the tails of exp."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    low = float(np.log(info.smallest_normal))
    binades = np.arange(info.minexp, info.maxexp, 2 if dtype == np.float32 else 13)
    tiny = np.ldexp(rng.uniform(1, 2, binades.size), binades)
    parts = [
        tiny,
        -tiny,
        rng.uniform(-4, 4, 200),
        rng.uniform(low * 1.05, -low * 1.05, 250),
        rng.normal(0, 0.05, 100),
        np.linspace(-45, 45, 181),
    ]
    for kink in (-3, -1, 0, 1, 3, 6):
        near = [kink]
        for direction in (-np.inf, np.inf):
            x = dtype(kink)
            for _ in range(3):
                x = np.nextafter(x, dtype(direction))
                near.append(x)
        parts.append(near)
    z = np.concatenate([np.asarray(p, dtype) for p in parts])
    # A network flushes denormal arguments before any function gets them.
    return z[(np.abs(z) >= info.smallest_normal) | (z == 0)]


def rows(dtype):
    """Rows of three logits: near each other, far apart, and with two equal ones."""
    rng = np.random.default_rng(1)
    far = 85 if dtype == np.float32 else 700
    spread = rng.uniform(0, far, 200)
    near = np.stack([spread * 0, -spread, -spread * rng.uniform(0.3, 1, 200)], 1)
    near = np.concatenate([near, rng.normal(0, 2, (200, 3)), [[0, 0, -30], [5, 5, 5]]])
    return rng.permuted(near, axis=1).astype(dtype)


def softmax_exact(z):
    """Return exact a, log a, and ∂a_k/∂z_j, ∂(log a_k)/∂z_j for k = 1."""
    e = [mp.exp(mp.mpf(float(v)) - mp.mpf(float(max(z)))) for v in z]
    a = [v / mp.fsum(e) for v in e]
    others = [mp.fsum(e[:j] + e[j + 1 :]) / mp.fsum(e) for j in range(len(e))]
    largest = e.index(max(e))
    rest = mp.fsum(e[:largest] + e[largest + 1 :])
    log_a = [mp.mpf(float(v)) - mp.mpf(float(max(z))) - mp.log1p(rest) for v in z]
    jacobian = [a[0] * others[0]] + [-a[0] * v for v in a[1:]]
    log_jacobian = [others[0]] + [-v for v in a[1:]]
    return a, log_a, jacobian, log_jacobian


PROGRAM = """
import sys, numpy as np, backpass as bp
sys.path.insert(0, {here!r})
from test_activation_accuracy import arguments, definitions, rows
for dtype in (np.float32, np.float64):
    z = arguments(dtype)
    results = {{}}
    for name, (activation, *_) in definitions(dtype).items():
        net = bp.Network([1, 1], output=activation, dtype=dtype.__name__, bias=False)
        net.layers[0].weight[...] = 1
        a = net.forward(z[:, None])
        net.backward(np.ones_like(a))
        results[name] = np.stack([a[:, 0], net.layers[0].xi[:, 0]])
    for name in ("softmax", "log_softmax"):
        net = bp.Network([3, 3], output=name, dtype=dtype.__name__, bias=False)
        net.layers[0].weight[...] = np.eye(3)
        a = net.forward(rows(dtype)).copy()
        net.backward(np.eye(1, 3).repeat(len(a), 0))
        results[name] = np.stack([a, net.layers[0].xi])
    np.savez({out!r} + dtype.__name__, **results)
"""


@pytest.fixture(scope="module", params=bp.runtime.config()["isas_usable"])
def results(request, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("activations") / request.param)
    program = PROGRAM.format(here=str(Path(__file__).resolve().parent), out=out)
    environment = {**os.environ, "BACKPASS_ISA": request.param}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
    arrays = {
        dtype: dict(np.load(f"{out}{dtype.__name__}.npz")) for dtype in (np.float32, np.float64)
    }
    return {"isa": request.param, **arrays}


@cache
def exact(name, dtype, which):
    """Return the exact numbers and the units of their errors."""
    function = definitions(dtype)[name][1 + which]
    info = np.finfo(dtype)
    largest = mp.mpf(float(info.max))
    values, units = [], []
    for z in arguments(dtype):
        value = function(mp.mpf(float(z)))
        value, size = value if isinstance(value, tuple) else (value, abs(value))
        if abs(value) > largest:
            value = size = mp.inf * mp.sign(value)
            exponent = 1
        else:
            exponent = max(mp.frexp(size)[1] if size else info.minexp, info.minexp + 1)
        values.append(value)
        units.append(mp.mpf(2) ** (exponent - 1 - info.nmant))
    return values, units


def errors(got, name, dtype, which):
    """Return errors in ulp; for exact numbers below the normal range, in units of the flushed size.

    In z e^z the factor e^z is flushed to zero while z e^z is still normal; hence the factor 1 +
    |z|.
    """
    info = np.finfo(dtype)
    smallest = mp.mpf(float(info.smallest_normal))
    result = []
    rows = zip(arguments(dtype), got, *exact(name, dtype, which), strict=True)
    for z, g, value, unit in rows:
        flushed = smallest * (2 + min(abs(mp.mpf(float(z))), 1100))
        if abs(value) == mp.inf:
            result.append(0.0 if mp.mpf(float(g)) == value else np.inf)
        elif abs(value) <= flushed * 2:
            result.append(float(abs(mp.mpf(float(g)) - value) / max(unit, flushed)))
        else:
            result.append(float(abs(mp.mpf(float(g)) - value) / unit))
    return np.array(result)


@pytest.mark.parametrize("which", [0, 1], ids=["value", "derivative"])
@pytest.mark.parametrize("name", list(definitions(np.float32)))
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_relative_error_over_the_whole_range(results, dtype, name, which):
    got = results[dtype][name][which]
    error = errors(got, name, dtype, which)
    limit = limit_of(name, dtype, results["isa"])
    worst = int(np.argmax(np.nan_to_num(error, nan=np.inf)))
    z = arguments(dtype)[worst]
    assert error[worst] <= limit, f"{error[worst]:.3g} ulp at z = {z!r}: {got[worst]!r}"


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_softmax_keeps_its_digits(results, dtype, name):
    """Also where one probability rounds to 1: log a and ∂a/∂z then come from the other terms."""
    info = np.finfo(dtype)
    for z, a, xi in zip(rows(dtype), *results[dtype][name], strict=True):
        value, log_value, jacobian, log_jacobian = softmax_exact(z)
        exact_rows = (value, jacobian) if name == "softmax" else (log_value, log_jacobian)
        # z − max z is rounded before it is exponentiated.
        limit = 8 + float(np.ptp(z))
        for got, exact_row in zip((a, xi), exact_rows, strict=True):
            for g, e in zip(got, exact_row, strict=True):
                if abs(e) > 4 * info.smallest_normal:
                    unit = mp.mpf(2) ** (mp.frexp(e)[1] - 1 - info.nmant)
                    assert abs(mp.mpf(float(g)) - e) <= limit * unit, (z, got, exact_row)


@pytest.mark.parametrize(
    ("dtype", "z", "expected"),
    [
        (np.float64, -37.0, 1.5e-16),
        (np.float64, -40.0, 7.469e-18),
        (np.float32, -10.0, 7.982e-5),
        (np.float32, -17.0, 7.28e-8),
    ],
)
def test_the_tail_of_selu(dtype, z, expected):
    """ξ = λ α e^z in the tail, where a + λ α has lost its digits."""
    net = bp.Network([1, 1], output="selu", dtype=dtype.__name__, bias=False)
    net.layers[0].weight[...] = 1
    net.forward(np.array([[z]], dtype))
    net.backward(np.ones((1, 1), dtype))
    assert float(net.layers[0].xi[0, 0]) == pytest.approx(expected, rel=2e-3)
