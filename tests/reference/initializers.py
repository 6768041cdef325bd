"""What every initializer promises about its weights, from the papers' formulas.

He et al. 2015; Glorot and Bengio 2010; LeCun et al. 1998; Saxe et al. 2014 (orthogonal).
"""

import math

# Variance as a function of fan_in = M_{i-1} and fan_out = M_i.
_VARIANCE = {
    "he": lambda fan_in, fan_out: 2.0 / fan_in,
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,
}

SCALED = [f"{scheme}_{shape}" for scheme in _VARIANCE for shape in ("normal", "uniform")]

RELU_FAMILY = ["relu", "relu6", "leaky_relu", "elu", "celu", "gelu", "gelu_tanh", "silu", "mish"]


def variance(name: str, fan_in: int, fan_out: int) -> float:
    scheme, _ = name.split("_")
    return _VARIANCE[scheme](fan_in, fan_out)


def half_width(name: str, fan_in: int, fan_out: int) -> float:
    """Of the uniform ones: U(−h, h) has variance h²/3."""
    return math.sqrt(3.0 * variance(name, fan_in, fan_out))
