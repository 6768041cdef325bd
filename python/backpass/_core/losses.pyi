from __future__ import annotations
import collections.abc
import numpy.typing
import typing

__all__: list[str] = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Custom",
    "Huber",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "Quantile",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
    "get",
    "names",
]

class Loss:
    """
    A loss E(a^N) with its gradient: the base class of backpass.losses.
    """
    def __call__(
        self,
        a: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        sample_weight: numpy.typing.ArrayLike | None = None,
    ) -> tuple[float, numpy.typing.NDArray[typing.Any]]:
        """
        Return the loss and its gradient.

        Parameters
        ----------
        a : array_like of real numbers
            Outputs of shape (B, M), or (M,) for one sample.
        y : array_like
            Targets with the shape of a, or (B,) if M is 1. The cross-entropies also accept (B,) integer labels.
        sample_weight : array_like, optional
            w of shape (B,). The loss is Σ_b w_b ℓ_b / Σ_b w_b.

        Returns
        -------
        value : float
        grad : ndarray
            ∂E/∂a with the shape of a; float32 if a is float32, otherwise float64.

        Raises
        ------
        ValueError
            If shapes do not match, a label is outside [0, M), or there are no rows.
        TypeError
            If an array does not have a real dtype, or labels are not integers.

        Examples
        --------
        >>> import backpass as bp
        >>> value, grad = bp.losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
        >>> value
        2.0
        >>> grad
        array([[ 0., -2.]])
        """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def name(self) -> str:
        """
        str : the name. As an argument, it means this loss with its default parameters.
        """
    @property
    def output(self) -> str:
        """
        str : name of the output activation for which this loss is meant.
        """
    @property
    def targets(self) -> str:
        """
        str : values of the targets: "real", "non_negative", "unit_interval" (0 to 1), or "distribution" (over the outputs of a sample, or a class label).
        """

class MeanSquaredError(Loss):
    """
    Mean over samples and outputs of (a − y)².

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.MeanSquaredError()
    MeanSquaredError()
    """
    def __init__(self) -> None: ...

class MeanAbsoluteError(Loss):
    """
    Mean over samples and outputs of |a − y|.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.MeanAbsoluteError()
    MeanAbsoluteError()
    """
    def __init__(self) -> None: ...

class Huber(Loss):
    """
    Mean over samples and outputs of d²/2 for |d| ≤ delta, else delta (|d| − delta/2), with d = a − y.

    Huber 1964; PyTorch's HuberLoss.

    Parameters
    ----------
    delta : float, finite and greater than 0
        Where the quadratic part ends.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Huber()
    Huber(delta=1.0)
    """
    def __init__(self, delta: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    @property
    def delta(self) -> float: ...

class LogCosh(Loss):
    """
    Mean over samples and outputs of log cosh(a − y).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.LogCosh()
    LogCosh()
    """
    def __init__(self) -> None: ...

class Quantile(Loss):
    """
    Pinball loss: mean over samples and outputs of max(q (y − a), (q − 1)(y − a)).

    The q-quantile minimises it.

    Parameters
    ----------
    q : float, in (0, 1)
        The quantile.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Quantile()
    Quantile(q=0.5)
    """
    def __init__(self, q: typing.SupportsFloat | typing.SupportsIndex = 0.5) -> None: ...
    @property
    def q(self) -> float: ...

class BinaryCrossEntropy(Loss):
    """
    Mean over samples and outputs of −y log a − (1 − y) log(1 − a), with probabilities a.

    After sigmoid, the loss is computed from z and cannot overflow.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.BinaryCrossEntropy()
    BinaryCrossEntropy()
    """
    def __init__(self) -> None: ...

class SigmoidCrossEntropy(Loss):
    """
    BinaryCrossEntropy of sigmoid(a), with logits a.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.SigmoidCrossEntropy()
    SigmoidCrossEntropy()
    """
    def __init__(self) -> None: ...

class Poisson(Loss):
    """
    Mean over samples and outputs of a − y log a, with the rate a.

    After exp or softplus, the loss is computed from z.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Poisson()
    Poisson()
    """
    def __init__(self) -> None: ...

class CrossEntropy(Loss):
    """
    Mean over samples of −Σ_k t_k log a_k, with probabilities a.

    The target t is a distribution, or 1 for the label and 0 for the other classes. After softmax or log_softmax,
    the loss is computed from z and cannot overflow.

    Parameters
    ----------
    label_smoothing : float, in [0, 1]
        ε: (1 − ε) t + ε / M replaces t.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.CrossEntropy()
    CrossEntropy(label_smoothing=0.0)
    """
    def __init__(
        self, label_smoothing: typing.SupportsFloat | typing.SupportsIndex = 0.0
    ) -> None: ...
    @property
    def label_smoothing(self) -> float: ...

class SoftmaxCrossEntropy(Loss):
    """
    CrossEntropy of softmax(a), with logits a.

    Parameters
    ----------
    label_smoothing : float, in [0, 1]
        ε: (1 − ε) t + ε / M replaces t.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.SoftmaxCrossEntropy()
    SoftmaxCrossEntropy(label_smoothing=0.0)
    """
    def __init__(
        self, label_smoothing: typing.SupportsFloat | typing.SupportsIndex = 0.0
    ) -> None: ...
    @property
    def label_smoothing(self) -> float: ...

class Custom(Loss):
    """
    A user-defined loss.

    It does not accept `sample_weight`; apply weights inside the function.

    Parameters
    ----------
    function : callable
        ``function(a, y) -> (value, dE_da)`` on NumPy arrays. a is (B, M) and has the network's dtype. y is (B, M), or (B,)
        if integer labels were passed. value is the mean loss over the batch, a number. dE_da is its gradient (B, M).

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> def quartic(a, y):
    ...     d = a - y
    ...     return np.mean(d**4), 4 * d**3 / d.size
    >>> loss = bp.losses.Custom(quartic)
    >>> loss([[3.0]], [[1.0]])
    (16.0, array([[32.]]))
    """
    def __init__(self, function: collections.abc.Callable[..., typing.Any]) -> None: ...
    @property
    def function(self) -> collections.abc.Callable[..., typing.Any]: ...

def get(name: str) -> Loss:
    """
    Return the loss with this name and its default parameters.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def names() -> list[str]:
    """
    Return the names of all losses.
    """
