"""The distributions of the initializers, from the papers' formulas, and the numbers they draw.

He et al. 2015; Glorot and Bengio 2010; LeCun et al. 1998; Saxe et al. 2014 (orthogonal).
"""

import math
from statistics import NormalDist

import numpy as np

from .philox import philox4x32

Array = np.ndarray

# Variance as a function of fan_in = M_{i-1} and fan_out = M_i.
_VARIANCE = {
    "he": lambda fan_in, fan_out: 2.0 / fan_in,
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,
}

SCALED = [
    *("he_normal", "he_uniform"),
    *("glorot_normal", "glorot_uniform"),
    *("lecun_normal", "lecun_uniform"),
]

RELU_FAMILY = [
    *("relu", "relu6", "leaky_relu", "elu", "celu", "gelu", "gelu_tanh"),
    *("silu", "mish", "softplus", "hard_swish"),
]


def auto(activation: str, num_layers: int) -> str:
    """Return the meaning of "auto" for a layer, in a network of `num_layers` layers."""
    if activation == "selu":
        return "lecun_normal"
    return "he_normal" if activation in RELU_FAMILY and num_layers > 10 else "glorot_uniform"


def variance(name: str, fan_in: int, fan_out: int) -> float:
    scheme, _ = name.split("_")
    return _VARIANCE[scheme](fan_in, fan_out)


def half_width(name: str, fan_in: int, fan_out: int) -> float:
    """Half width h of the uniform initializers: U(−h, h) has variance h²/3."""
    return math.sqrt(3.0 * variance(name, fan_in, fan_out))


def uniforms(seed: int, stream: int, count: int) -> Array:
    """The first `count` numbers in (0, 1) of a stream: the upper 53 of 64 bits, plus a half.

    Key (seed low, seed high), counter (index low, index high, stream low, stream high). The first
    two words are the 64 bits, low word first.
    """
    counter = np.zeros((count, 4), dtype=np.uint64)
    counter[:, 0] = np.arange(count)
    counter[:, 2] = stream & 0xFFFFFFFF
    counter[:, 3] = stream >> 32
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.uint64)
    bits = words[:, 0] | words[:, 1] << np.uint64(32)
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def weights(name: str, fan_in: int, fan_out: int, seed: int, layer: int) -> Array:
    """W^i (M_i, M_{i-1}) of a scaled initializer.

    Numbers run over fan_out first. The stream is the layer's number, from 0.
    """
    u = uniforms(seed, layer, fan_in * fan_out)
    if name.endswith("normal"):
        quantile = NormalDist().inv_cdf
        drawn = math.sqrt(variance(name, fan_in, fan_out)) * np.array([quantile(p) for p in u])
    else:
        drawn = half_width(name, fan_in, fan_out) * (2.0 * u - 1.0)
    return drawn.reshape(fan_in, fan_out).T
