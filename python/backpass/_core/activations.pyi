from __future__ import annotations
import collections.abc
import numpy.typing
import typing

__all__: list[str] = [
    "Activation",
    "CELU",
    "Custom",
    "ELU",
    "Exp",
    "GELU",
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
    "SELU",
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

class Activation:
    """
    An activation function φ, a = φ(z): the base class of backpass.activations.
    """
    def __call__(self, z: numpy.typing.ArrayLike) -> numpy.typing.NDArray[typing.Any]:
        """
        Return φ(z).

        Parameters
        ----------
        z : array_like of real numbers
            Array of any shape. The last axis is the axis of the outputs.

        Returns
        -------
        ndarray
            Array with the shape of z; float32 if z is float32, otherwise float64.
        """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str:
        """
        str : the name. As an argument, it means this activation with its default parameter.
        """

class Identity(Activation):
    """
    φ(z) = z.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("identity")
    Identity()
    """
    def __init__(self) -> None: ...

class ReLU(Activation):
    """
    φ(z) = max(z, 0).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("relu")
    ReLU()
    """
    def __init__(self) -> None: ...

class ReLU6(Activation):
    """
    φ(z) = min(max(z, 0), 6).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("relu6")
    ReLU6()
    """
    def __init__(self) -> None: ...

class LeakyReLU(Activation):
    """
    φ(z) = z for z > 0, else negative_slope z.

    Parameters
    ----------
    negative_slope : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    """
    def __init__(
        self, negative_slope: typing.SupportsFloat | typing.SupportsIndex = 0.01
    ) -> None: ...
    @property
    def negative_slope(self) -> float: ...

class ELU(Activation):
    """
    φ(z) = z for z > 0, else alpha (exp(z) − 1).

    Parameters
    ----------
    alpha : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("elu")
    ELU(alpha=1.0)
    """
    def __init__(self, alpha: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    @property
    def alpha(self) -> float: ...

class SELU(Activation):
    """
    φ(z) = λ z for z > 0, else λ α (exp(z) − 1); constants of Klambauer et al. 2017.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("selu")
    SELU()
    """
    def __init__(self) -> None: ...

class CELU(Activation):
    """
    φ(z) = z for z > 0, else alpha (exp(z / alpha) − 1).

    Parameters
    ----------
    alpha : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("celu")
    CELU(alpha=1.0)
    """
    def __init__(self, alpha: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    @property
    def alpha(self) -> float: ...

class GELU(Activation):
    """
    φ(z) = z Φ(z), with the normal distribution function Φ.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("gelu")
    GELU()
    """
    def __init__(self) -> None: ...

class GELUTanh(Activation):
    """
    φ(z) = z (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("gelu_tanh")
    GELUTanh()
    """
    def __init__(self) -> None: ...

class SiLU(Activation):
    """
    φ(z) = z / (1 + exp(−z)).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("silu")
    SiLU()
    """
    def __init__(self) -> None: ...

class Mish(Activation):
    """
    φ(z) = z tanh(log(1 + exp(z))).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("mish")
    Mish()
    """
    def __init__(self) -> None: ...

class Softplus(Activation):
    """
    φ(z) = log(1 + exp(z)).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("softplus")
    Softplus()
    """
    def __init__(self) -> None: ...

class Softsign(Activation):
    """
    φ(z) = z / (1 + |z|).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("softsign")
    Softsign()
    """
    def __init__(self) -> None: ...

class Sigmoid(Activation):
    """
    φ(z) = 1 / (1 + exp(−z)).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("sigmoid")
    Sigmoid()
    """
    def __init__(self) -> None: ...

class HardSigmoid(Activation):
    """
    φ(z) = min(max(z / 6 + 1/2, 0), 1).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("hard_sigmoid")
    HardSigmoid()
    """
    def __init__(self) -> None: ...

class Tanh(Activation):
    """
    φ(z) = tanh(z).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("tanh")
    Tanh()
    """
    def __init__(self) -> None: ...

class HardTanh(Activation):
    """
    φ(z) = min(max(z, −1), 1).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("hard_tanh")
    HardTanh()
    """
    def __init__(self) -> None: ...

class HardSwish(Activation):
    """
    φ(z) = z min(max(z + 3, 0), 6) / 6.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("hard_swish")
    HardSwish()
    """
    def __init__(self) -> None: ...

class Exp(Activation):
    """
    φ(z) = exp(z).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("exp")
    Exp()
    """
    def __init__(self) -> None: ...

class Sin(Activation):
    """
    φ(z) = sin(z).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("sin")
    Sin()
    """
    def __init__(self) -> None: ...

class Softmax(Activation):
    """
    φ(z)_k = exp(z_k) / Σ_j exp(z_j), over the outputs of a sample.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("softmax")
    Softmax()
    """
    def __init__(self) -> None: ...

class LogSoftmax(Activation):
    """
    φ(z)_k = z_k − log Σ_j exp(z_j), over the outputs of a sample.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.activations.get("log_softmax")
    LogSoftmax()
    """
    def __init__(self) -> None: ...

class Custom(Activation):
    """
    A user-defined activation. It works everywhere except in files.

    Parameters
    ----------
    function, derivative : callable
        φ and φ'. The argument z is an array (rows, M) of the network's dtype. The result is an array of real numbers that
        broadcasts to the shape of z: φ(z) or φ'(z), elementwise.

    Raises
    ------
    TypeError
        If one of them is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> square = bp.activations.Custom(np.square, lambda z: 2 * z)
    >>> net = bp.Network([3, 4, 1], activation=square)
    >>> net.layers[0].activation is square or net.layers[0].activation == square
    True
    """
    def __init__(
        self,
        function: collections.abc.Callable[..., typing.Any],
        derivative: collections.abc.Callable[..., typing.Any],
    ) -> None: ...
    @property
    def derivative(self) -> collections.abc.Callable[..., typing.Any]: ...
    @property
    def function(self) -> collections.abc.Callable[..., typing.Any]: ...

def get(name: str) -> Activation:
    """
    Return the activation with this name and its default parameter.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def names() -> list[str]:
    """
    Return the names of all activations.
    """
