"""Activation functions φ, a = φ(z), with PyTorch's definitions and constants.

Every argument for an activation also accepts its name in snake_case.

Examples
--------
>>> import backpass as bp
>>> bp.activations.get("leaky_relu")
LeakyReLU(negative_slope=0.01)
>>> bp.activations.LeakyReLU(0.2)([-1.0, 2.0])
array([-0.2,  2. ])
"""

from backpass._core import (
    CELU,
    ELU,
    GELU,
    SELU,
    Activation,
    Exp,
    GELUTanh,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Sin,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from backpass._core import CustomActivation as Custom
from backpass._core import activation as get
from backpass._core import activation_names as names

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Custom",
    "Exp",
    "GELUTanh",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Identity",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Sin",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "get",
    "names",
]
