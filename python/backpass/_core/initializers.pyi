from __future__ import annotations
import typing

__all__: list[str] = ["Constant", "Initializer", "Normal", "Orthogonal", "Uniform"]

class Initializer:
    """
    Initial values of weights: the base class of backpass.initializers. Biases start at zero.
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def name(self) -> str:
        """
        str : the name. As an argument, it means this initializer with its default parameter.
        """

class Constant(Initializer):
    """
    All weights are `value`.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Constant()
    Constant(value=0.0)
    """
    def __init__(self, value: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None: ...
    @property
    def value(self) -> float: ...

class Normal(Initializer):
    """
    Normal distribution with mean zero.

    Parameters
    ----------
    standard_deviation : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Normal()
    Normal(standard_deviation=0.01)
    """
    def __init__(
        self, standard_deviation: typing.SupportsFloat | typing.SupportsIndex = 0.01
    ) -> None: ...
    @property
    def standard_deviation(self) -> float: ...

class Uniform(Initializer):
    """
    Uniform distribution between −half_width and half_width.

    Parameters
    ----------
    half_width : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Uniform()
    Uniform(half_width=0.05)
    """
    def __init__(self, half_width: typing.SupportsFloat | typing.SupportsIndex = 0.05) -> None: ...
    @property
    def half_width(self) -> float: ...

class Orthogonal(Initializer):
    """
    W = gain · Q with orthonormal rows of Q, or orthonormal columns if these are fewer (Saxe et al. 2014).

    Parameters
    ----------
    gain : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Orthogonal()
    Orthogonal(gain=1.0)
    """
    def __init__(self, gain: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    @property
    def gain(self) -> float: ...
