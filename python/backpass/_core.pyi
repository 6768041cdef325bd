"""
The native part of backpass. Use it through the package: its modules document what is public.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import typing
import typing_extensions

__all__: list[str] = [
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "CELU",
    "Constant",
    "ConstantSchedule",
    "CosineSchedule",
    "CrossEntropy",
    "CustomActivation",
    "CustomLoss",
    "ELU",
    "Exp",
    "ExponentialSchedule",
    "GELU",
    "GELUTanh",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Huber",
    "Identity",
    "Initializer",
    "InverseScalingSchedule",
    "Layer",
    "Layers",
    "LeakyReLU",
    "LinearWarmupSchedule",
    "Lion",
    "LogCosh",
    "LogSoftmax",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "NAdam",
    "Network",
    "Normal",
    "OneCycleSchedule",
    "Optimizer",
    "Orthogonal",
    "Poisson",
    "Quantile",
    "RMSprop",
    "ReLU",
    "ReLU6",
    "ReduceOnPlateauSchedule",
    "Rprop",
    "SELU",
    "SGD",
    "Schedule",
    "SiLU",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Sin",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Softsign",
    "StepSchedule",
    "Tanh",
    "TrainingMemory",
    "Uniform",
    "activation",
    "activation_names",
    "config",
    "get_num_threads",
    "loss",
    "optimizer",
    "set_num_threads",
]

class Activation:
    """
    An activation function φ with a = φ(z): the base of backpass.activations.
    """
    def __call__(self, z: numpy.typing.ArrayLike) -> numpy.typing.NDArray[typing.Any]:
        """
        Return φ(z).

        Parameters
        ----------
        z : array_like of real numbers
            Of any shape; the last axis is that of the outputs.

        Returns
        -------
        ndarray
            Of z's shape; float32 for float32, else float64.
        """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str:
        """
        str : the name that stands for this activation with its default parameter.
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

class CustomActivation(Activation):
    """
    An activation of the user's own. It works everywhere but in files.

    Parameters
    ----------
    function, derivative : callable
        NumPy functions of z, an array (rows, M) of the network's dtype. Each returns an array of real numbers that
        broadcasts to z's shape: φ(z) and φ'(z), element by element.

    Raises
    ------
    TypeError
        When one of them cannot be called.

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

class Initializer:
    """
    How weights start: the base of backpass.initializers. Biases start at zero.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def name(self) -> str:
        """
        str : the name that stands for this initializer with its default parameter.
        """

class Constant(Initializer):
    """
    All weights equal.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Constant()
    Constant(value=0.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, value: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def value(self) -> float: ...

class Normal(Initializer):
    """
    Normally distributed around zero.

    Parameters
    ----------
    standard_deviation : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Normal()
    Normal(standard_deviation=0.01)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self, standard_deviation: typing.SupportsFloat | typing.SupportsIndex = 0.01
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def standard_deviation(self) -> float: ...

class Uniform(Initializer):
    """
    Uniform between −half_width and half_width.

    Parameters
    ----------
    half_width : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Uniform()
    Uniform(half_width=0.05)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, half_width: typing.SupportsFloat | typing.SupportsIndex = 0.05) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def half_width(self) -> float: ...

class Orthogonal(Initializer):
    """
    Rows or columns, whichever are fewer, orthonormal times the gain (Saxe et al. 2014).

    Parameters
    ----------
    gain : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.initializers.Orthogonal()
    Orthogonal(gain=1.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, gain: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def gain(self) -> float: ...

class Loss:
    """
    A cost E(a^N) with its gradient: the base of backpass.losses.
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
            Outputs, (B, M), or (M,) for one sample.
        y : array_like
            Targets of a's shape; (B,) when M is 1. The cross-entropies also take (B,) integer labels.
        sample_weight : array_like, optional
            (B,): the loss is Σ_b w_b ℓ_b / Σ_b w_b.

        Returns
        -------
        value : float
        grad : ndarray
            ∂E/∂a, of a's shape; float32 for float32, else float64.

        Raises
        ------
        ValueError
            For shapes that do not fit, labels outside [0, M), or no rows at all.
        TypeError
            For arrays that are no real numbers.

        Examples
        --------
        >>> import backpass as bp
        >>> value, grad = bp.losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
        >>> value
        2.0
        >>> grad
        array([[ 0., -2.]])
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def name(self) -> str:
        """
        str : the name that stands for this loss with its default parameters.
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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class MeanAbsoluteError(Loss):
    """
    Mean over samples and outputs of |a − y|.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.MeanAbsoluteError()
    MeanAbsoluteError()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class Huber(Loss):
    """
    Mean of d²/2 for |d| ≤ delta, else delta (|d| − delta/2), with d = a − y (Huber 1964).

    Parameters
    ----------
    delta : float
        Above 0.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Huber()
    Huber(delta=1.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, delta: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def delta(self) -> float: ...

class LogCosh(Loss):
    """
    Mean of log cosh(a − y).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.LogCosh()
    LogCosh()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class Quantile(Loss):
    """
    Pinball loss: mean of max(q (y − a), (q − 1)(y − a)), least for the q-quantile.

    Parameters
    ----------
    q : float
        Between 0 and 1.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Quantile()
    Quantile(q=0.5)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, q: typing.SupportsFloat | typing.SupportsIndex = 0.5) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def q(self) -> float: ...

class CrossEntropy(Loss):
    """
    Mean over samples of −Σ_k t_k log a_k; a are probabilities.

    After softmax or log_softmax it is computed from z, which cannot overflow.

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1]: targets become (1 − ε) t + ε / M.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.CrossEntropy()
    CrossEntropy(label_smoothing=0.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self, label_smoothing: typing.SupportsFloat | typing.SupportsIndex = 0.0
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def label_smoothing(self) -> float: ...

class SoftmaxCrossEntropy(Loss):
    """
    Cross-entropy of the softmax of a: a are logits.

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1]: targets become (1 − ε) t + ε / M.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.SoftmaxCrossEntropy()
    SoftmaxCrossEntropy(label_smoothing=0.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self, label_smoothing: typing.SupportsFloat | typing.SupportsIndex = 0.0
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def label_smoothing(self) -> float: ...

class BinaryCrossEntropy(Loss):
    """
    Mean over samples and outputs of −y log a − (1 − y) log(1 − a); a are probabilities.

    After sigmoid it is computed from z, which cannot overflow.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.BinaryCrossEntropy()
    BinaryCrossEntropy()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class SigmoidCrossEntropy(Loss):
    """
    Binary cross-entropy of the sigmoid of a: a are logits.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.SigmoidCrossEntropy()
    SigmoidCrossEntropy()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class Poisson(Loss):
    """
    Mean over samples and outputs of a − y log a; a is the rate.

    After exp or softplus it is computed from z.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.losses.Poisson()
    Poisson()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class CustomLoss(Loss):
    """
    A loss of the user's own.

    It takes no sample weights, which belong into the function.

    Parameters
    ----------
    function : callable
        ``function(a, y) -> (value, dE_da)`` on NumPy arrays: a (B, M) of the network's dtype; y as it was given,
        (B, M) or (B,) integer labels. It returns the mean loss over the batch, a number, and its gradient (B, M).

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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, function: collections.abc.Callable[..., typing.Any]) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def function(self) -> collections.abc.Callable[..., typing.Any]: ...

class Optimizer:
    """
    A rule that turns gradients into steps: the base of backpass.optim.

    An optimizer keeps its state between steps, so one object serves one network: it belongs to the network that takes its
    first step, until `reset`, and another network's step with it is a RuntimeError. A copy belongs to the network that takes
    its next step. Its settings may be changed between steps.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def reset(self) -> None:
        """
        Forget everything: the next step is the first.
        """
    @property
    def state(self) -> dict[str, typing.Any]:
        """
        dict : what the optimizer remembers, by PyTorch's names; empty before the first step.

        ``step`` has one count a layer, the arrays one number a parameter, in the order of `Network.parameters`. Reading copies;
        assigning such a dict restores. A ValueError or TypeError names the entry that is missing or wrong; the optimizer then
        keeps the state that it had.
        """
    @state.setter
    def state(self, arg1: dict[str, typing.Any]) -> None: ...

class SGD(Optimizer):
    """
    Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD.

    g += weight_decay p; buf = momentum buf + (1 − dampening) g (first step: buf = g);
    p −= lr buf, with `nesterov` p −= lr (g + momentum buf).

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum, dampening : float
    nesterov : bool
        Needs momentum and no dampening.
    weight_decay : float
        Adds weight_decay/2 Σ p² to the cost.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.SGD()
    SGD(lr=0.001, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0)
    """

    nesterov: bool
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.001,
        momentum: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        dampening: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        nesterov: bool = False,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def dampening(self) -> float: ...
    @dampening.setter
    def dampening(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def momentum(self) -> float: ...
    @momentum.setter
    def momentum(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class RMSprop(Optimizer):
    """
    Tieleman and Hinton 2012, as torch.optim.RMSprop.

    Parameters
    ----------
    lr : float
        Learning rate.
    alpha : float
        Decay of the running mean of squared gradients.
    eps : float
        Added to the root in the denominator.
    weight_decay, momentum : float
    centered : bool
        Divide by an estimate of the standard deviation instead of the second moment.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.RMSprop()
    RMSprop(lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0.0, momentum=0.0, centered=False)
    """

    centered: bool
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        alpha: typing.SupportsFloat | typing.SupportsIndex = 0.99,
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        momentum: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        centered: bool = False,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def alpha(self) -> float: ...
    @alpha.setter
    def alpha(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def eps(self) -> float: ...
    @eps.setter
    def eps(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def momentum(self) -> float: ...
    @momentum.setter
    def momentum(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Adagrad(Optimizer):
    """
    Duchi, Hazan and Singer 2011, as torch.optim.Adagrad.

    Parameters
    ----------
    lr : float
        Learning rate.
    lr_decay, weight_decay, initial_accumulator_value : float
    eps : float
        Added to the root in the denominator.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.Adagrad()
    Adagrad(lr=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10)
    """
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        lr_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        initial_accumulator_value: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-10,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def eps(self) -> float: ...
    @eps.setter
    def eps(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def initial_accumulator_value(self) -> float: ...
    @initial_accumulator_value.setter
    def initial_accumulator_value(
        self, arg1: typing.SupportsFloat | typing.SupportsIndex
    ) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr_decay(self) -> float: ...
    @lr_decay.setter
    def lr_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Adam(Optimizer):
    """
    Kingma and Ba 2015, as torch.optim.Adam.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        Decays of the running means of the gradient and of its square.
    eps : float
        Added to the root in the denominator.
    weight_decay : float
        Adds weight_decay/2 Σ p² to the cost; AdamW decays apart from it.
    amsgrad : bool
        Divide by the largest second moment so far (Reddi, Kale and Kumar 2018).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.Adam()
    Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False)
    """

    amsgrad: bool
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.001,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.9, 0.999),
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        amsgrad: bool = False,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @betas.setter
    def betas(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...
    @property
    def eps(self) -> float: ...
    @eps.setter
    def eps(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class AdamW(Optimizer):
    """
    Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        Decays of the running means of the gradient and of its square.
    eps : float
        Added to the root in the denominator.
    weight_decay : float
        Every step multiplies the parameters by 1 − lr weight_decay.
    amsgrad : bool
        Divide by the largest second moment so far (Reddi, Kale and Kumar 2018).

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.AdamW()
    AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False)
    """

    amsgrad: bool
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.001,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.9, 0.999),
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        amsgrad: bool = False,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @betas.setter
    def betas(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...
    @property
    def eps(self) -> float: ...
    @eps.setter
    def eps(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class NAdam(Optimizer):
    """
    Adam with Nesterov momentum (Dozat 2016), as torch.optim.NAdam.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        Decays of the running means of the gradient and of its square.
    eps : float
        Added to the root in the denominator.
    weight_decay, momentum_decay : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.NAdam()
    NAdam(lr=0.002, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, momentum_decay=0.004)
    """
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.002,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.9, 0.999),
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        momentum_decay: typing.SupportsFloat | typing.SupportsIndex = 0.004,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @betas.setter
    def betas(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...
    @property
    def eps(self) -> float: ...
    @eps.setter
    def eps(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def momentum_decay(self) -> float: ...
    @momentum_decay.setter
    def momentum_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Rprop(Optimizer):
    """
    Resilient backpropagation (Riedmiller and Braun 1993), as torch.optim.Rprop. For full batches.

    Parameters
    ----------
    lr : float
        The first step's size, for every parameter.
    etas : (float, float)
        Factors of the size when the gradient's sign changes and when it stays.
    step_sizes : (float, float)
        Smallest and largest size.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.Rprop()
    Rprop(lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-06, 50.0))
    """
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        etas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.5, 1.2),
        step_sizes: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (1e-06, 50.0),
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def etas(self) -> tuple[float, float]: ...
    @etas.setter
    def etas(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def step_sizes(self) -> tuple[float, float]: ...
    @step_sizes.setter
    def step_sizes(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...

class Lion(Optimizer):
    """
    Chen et al. 2023, "Symbolic discovery of optimization algorithms".

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        Weights of the running mean in the step and in its own update.
    weight_decay : float
        Every step multiplies the parameters by 1 − lr weight_decay.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.optim.Lion()
    Lion(lr=0.0001, betas=(0.9, 0.99), weight_decay=0.0)
    """
    def __init__(
        self,
        lr: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.9, 0.99),
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @betas.setter
    def betas(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ],
    ) -> None: ...
    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def weight_decay(self) -> float: ...
    @weight_decay.setter
    def weight_decay(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Schedule:
    """
    A learning rate as a function of time, from the optimizer's own (base) rate: the base of backpass.schedules.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def lr(
        self,
        base_lr: typing.SupportsFloat | typing.SupportsIndex,
        epoch: typing.SupportsInt | typing.SupportsIndex = 0,
        step: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> float:
        """
        Return the learning rate.

        Parameters
        ----------
        base_lr : float
            The optimizer's own.
        epoch, step : int
            Zero-based; a schedule looks at the one that it is counted in.

        Returns
        -------
        float

        Examples
        --------
        >>> import backpass as bp
        >>> bp.schedules.Step(step_size=2, gamma=0.5).lr(1.0, epoch=4)
        0.25
        """
    def observe(
        self,
        base_lr: typing.SupportsFloat | typing.SupportsIndex,
        monitored_loss: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """
        Tell the schedule the loss of the epoch that ended. ReduceOnPlateau alone listens, also behind a warm-up.
        """
    def with_length(self, total_steps: typing.SupportsInt | typing.SupportsIndex) -> Schedule:
        """
        Return a copy in which a OneCycle without a length has one.

        What `Network.fit` follows, and what belongs into a file from which training goes on: there the length is that of the
        whole training. Schedules that need no length are copied as they are.

        Parameters
        ----------
        total_steps : int
            Of the whole schedule; a OneCycle behind a warm-up gets what is left of them.

        Returns
        -------
        Schedule

        Examples
        --------
        >>> import backpass as bp
        >>> bp.schedules.OneCycle(max_lr=0.1).with_length(500).total_steps
        500
        """

class ConstantSchedule(Schedule):
    """
    The base rate, always.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Constant()
    Constant()
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...

class StepSchedule(Schedule):
    """
    base · gamma^⌊epoch / step_size⌋, as PyTorch's StepLR.

    Parameters
    ----------
    step_size : int
        Epochs.
    gamma : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Step()
    Step(step_size=10, gamma=0.1)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        step_size: typing.SupportsInt | typing.SupportsIndex = 10,
        gamma: typing.SupportsFloat | typing.SupportsIndex = 0.1,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def gamma(self) -> float: ...
    @property
    def step_size(self) -> int: ...

class ExponentialSchedule(Schedule):
    """
    base · gamma^epoch.

    Parameters
    ----------
    gamma : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Exponential()
    Exponential(gamma=0.95)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, gamma: typing.SupportsFloat | typing.SupportsIndex = 0.95) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def gamma(self) -> float: ...

class CosineSchedule(Schedule):
    """
    From base to min_lr along half a cosine, then min_lr (Loshchilov and Hutter 2017).

    Parameters
    ----------
    period : int
        Epochs.
    min_lr : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Cosine()
    Cosine(period=10, min_lr=0.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        period: typing.SupportsInt | typing.SupportsIndex = 10,
        min_lr: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def min_lr(self) -> float: ...
    @property
    def period(self) -> int: ...

class OneCycleSchedule(Schedule):
    """
    Up to max_lr and down again, along cosines, as PyTorch's OneCycleLR (Smith and Topin 2019).

    The base rate and the optimizer's momentum play no part.

    Parameters
    ----------
    max_lr : float
    total_steps : int
        0: those of the `Network.fit` it is given to, and of the training it goes on with; see `with_length`.
    pct_start : float
        Share of the steps that go up.
    div_factor : float
        The rate starts at max_lr / div_factor
    final_div_factor : float
        and ends at that divided by this.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.OneCycle()
    OneCycle(max_lr=0.01, total_steps=0, pct_start=0.3, div_factor=25.0, final_div_factor=10000.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        max_lr: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        total_steps: typing.SupportsInt | typing.SupportsIndex = 0,
        pct_start: typing.SupportsFloat | typing.SupportsIndex = 0.3,
        div_factor: typing.SupportsFloat | typing.SupportsIndex = 25.0,
        final_div_factor: typing.SupportsFloat | typing.SupportsIndex = 10000.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def div_factor(self) -> float: ...
    @property
    def final_div_factor(self) -> float: ...
    @property
    def max_lr(self) -> float: ...
    @property
    def pct_start(self) -> float: ...
    @property
    def total_steps(self) -> int: ...

class InverseScalingSchedule(Schedule):
    """
    base / (1 + step)^power, as scikit-learn's "invscaling".

    Parameters
    ----------
    power : float

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.InverseScaling()
    InverseScaling(power=0.5)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, power: typing.SupportsFloat | typing.SupportsIndex = 0.5) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def power(self) -> float: ...

class ReduceOnPlateauSchedule(Schedule):
    """
    Multiply the rate by `factor` after `patience` epochs without improvement, as PyTorch's ReduceLROnPlateau.

    Improvement is relative: a loss below best − threshold · |best|. A `Network.fit` that does not go on with an earlier one
    forgets what was observed before it.

    Parameters
    ----------
    factor : float
        In (0, 1).
    patience : int
        Epochs.
    threshold : float
    cooldown : int
        Epochs after a reduction during which none is counted.
    min_lr : float
        The rate does not go below.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.ReduceOnPlateau()
    ReduceOnPlateau(factor=0.1, patience=10, threshold=0.0001, cooldown=0, min_lr=0.0)
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        factor: typing.SupportsFloat | typing.SupportsIndex = 0.1,
        patience: typing.SupportsInt | typing.SupportsIndex = 10,
        threshold: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
        cooldown: typing.SupportsInt | typing.SupportsIndex = 0,
        min_lr: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def best(self) -> float:
        """
        float : smallest loss so far.
        """
    @property
    def cooldown(self) -> int: ...
    @property
    def factor(self) -> float: ...
    @property
    def min_lr(self) -> float: ...
    @property
    def patience(self) -> int: ...
    @property
    def scale(self) -> float:
        """
        float : product of the reductions so far.
        """
    @property
    def state(self) -> tuple[float, int, int, float]:
        """
        tuple : what it remembers: best, bad epochs, epochs of cooldown left, scale.
        """
    @state.setter
    def state(
        self,
        arg1: tuple[
            typing.SupportsFloat | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsFloat | typing.SupportsIndex,
        ],
    ) -> None: ...
    @property
    def threshold(self) -> float: ...

class LinearWarmupSchedule(Schedule):
    """
    Rise linearly from start_factor · base to base over `steps` steps, then follow `then`.

    Parameters
    ----------
    steps : int
    start_factor : float
        In [0, 1].
    then : Schedule, optional
        Constant by default. One counted in steps starts at 0 when the warm-up ends; one counted in epochs keeps the true epoch.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.LinearWarmup(steps=4).lr(1.0, step=1)
    0.25
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        steps: typing.SupportsInt | typing.SupportsIndex = 100,
        start_factor: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        then: Schedule | None = None,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def start_factor(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def then(self) -> Schedule | None: ...

class Layer:
    """
    A light view of one layer: z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), ξ^i = ∂E/∂z^i.

    `weight`, `bias` and their gradients are writable views of the network's memory that keep it alive; assigning to the
    attribute copies into them. `z`, `a` and `xi` are read-only views of what the last `Network.forward` and
    `Network.backward` left; the next ones may change or abandon what they show, so copy what you want to keep.

    Examples
    --------
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> layer = net.layers[0]
    >>> layer.weight.shape, layer.bias.shape
    ((4, 3), (4,))
    >>> layer.bias[:] = 1.0
    >>> layer.weight = layer.weight * 2
    >>> layer
    Layer(index=0, inputs=3, outputs=4, activation=ReLU())
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def a(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : activations of the last forward, before dropout.
        """
    @property
    def activation(self) -> Activation:
        """
        Activation : φ_i.
        """
    @property
    def bias(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : b^i.
        """
    @bias.setter
    def bias(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def bias_grad(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : ∂E/∂b^i.
        """
    @bias_grad.setter
    def bias_grad(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def dropout(self) -> float:
        """
        float : share of this layer's activations that training drops.
        """
    @property
    def index(self) -> int:
        """
        int : zero-based.
        """
    @property
    def inputs(self) -> int:
        """
        int : M_{i-1}.
        """
    @property
    def lr_scale(self) -> float:
        """
        float : factor of the optimizer's learning rate.
        """
    @lr_scale.setter
    def lr_scale(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def num_parameters(self) -> int:
        """
        int : weights and biases.
        """
    @property
    def outputs(self) -> int:
        """
        int : M_i.
        """
    @property
    def trainable(self) -> bool:
        """
        bool : whether steps change this layer.
        """
    @trainable.setter
    def trainable(self, arg1: bool) -> None: ...
    @property
    def weight(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (M_i, M_{i-1}) : w^i_kj, from neuron j of the layer below to neuron k. A strided view.
        """
    @weight.setter
    def weight(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def weight_grad(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (M_i, M_{i-1}) : ∂E/∂w^i. A strided view.
        """
    @weight_grad.setter
    def weight_grad(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def xi(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : ξ of the last backward; no rows before it.
        """
    @property
    def z(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : pre-activations of the last forward; no rows before it, (M_i,) after one sample.
        """

class Layers:
    """
    The layers of a network, a sequence.
    """
    @typing.overload
    def __getitem__(self, index: typing.SupportsInt | typing.SupportsIndex) -> Layer: ...
    @typing.overload
    def __getitem__(self, index: slice) -> list[Layer]: ...
    def __iter__(self) -> collections.abc.Iterator[Layer]: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...

class Network:
    """
    The native part of backpass.Network, which says what it is.
    """
    def __call__(
        self,
        x: numpy.typing.ArrayLike,
        *,
        out: numpy.typing.NDArray[typing.Any] | None = None,
        num_threads: int | None = None,
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        The same as `predict`.
        """
    def __getstate__(self) -> typing.Any: ...
    def __init__(
        self,
        sizes: collections.abc.Iterable[int],
        activation: Activation | str | collections.abc.Sequence[Activation | str] = "relu",
        output: Activation | str | None = "identity",
        *,
        bias: bool | collections.abc.Sequence[bool] = True,
        dropout: float | collections.abc.Sequence[float] = 0.0,
        dtype: numpy.typing.DTypeLike = "float32",
        init: Initializer | str | collections.abc.Sequence[Initializer | str] = "auto",
        seed: int | None = None,
    ) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __setstate__(self, arg0: typing.Any) -> None: ...
    def _fit(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: Loss | str,
        optimizer: Optimizer,
        epochs: typing.SupportsInt | typing.SupportsIndex,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        shuffle: bool,
        validation_data: tuple[numpy.typing.ArrayLike, numpy.typing.ArrayLike] | None,
        validation_split: typing.SupportsFloat | typing.SupportsIndex,
        sample_weight: numpy.typing.ArrayLike | None,
        schedule: Schedule | None,
        early_stopping: tuple[
            str,
            typing.SupportsInt | typing.SupportsIndex,
            typing.SupportsFloat | typing.SupportsIndex,
            bool,
        ]
        | None,
        clip_norm: typing.SupportsFloat | typing.SupportsIndex,
        clip_value: typing.SupportsFloat | typing.SupportsIndex,
        l1: typing.SupportsFloat | typing.SupportsIndex,
        l2: typing.SupportsFloat | typing.SupportsIndex,
        metrics: collections.abc.Sequence[str],
        seed: int | None,
        first_epoch: typing.SupportsInt | typing.SupportsIndex,
        first_step: typing.SupportsInt | typing.SupportsIndex,
        memory: TrainingMemory,
        on_begin: typing.Any,
        on_epoch_end: typing.Any,
        on_progress: typing.Any,
    ) -> tuple[typing.Any, ...]:
        """
        Network.fit's epochs.

        Before them `on_begin` is called with the number of rows to train on.
        Returns (series, epochs, best_epoch, stopped_early).
        """
    def _gradient_check(
        self, x: numpy.typing.ArrayLike, y: numpy.typing.ArrayLike, loss: Loss | str
    ) -> float:
        """
        What backpass.gradient_check returns.
        """
    def backward(
        self,
        grad_output: numpy.typing.ArrayLike,
        *,
        input_gradient: bool = False,
        accumulate: bool = False,
    ) -> numpy.typing.NDArray[typing.Any] | None:
        """
        Run the ξ recursion over the last `forward`, from ∂E/∂a^N of any cost.

        ξ^N = J_φ(z^N)^T ∂E/∂a^N, ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1}); ∂E/∂W^i = (ξ^i)^T a^{i-1}, ∂E/∂b^i = Σ_rows ξ^i.

        Parameters
        ----------
        grad_output : array_like of real numbers
            ∂E/∂a^N, of the shape that `forward` returned.
        input_gradient : bool
            Whether to return ∂E/∂a^0.
        accumulate : bool
            Add to the gradients instead of replacing them.

        Returns
        -------
        ndarray or None
            ∂E/∂a^0, of x's shape, when asked for.

        Raises
        ------
        RuntimeError
            When no `forward` came before, or another call has used its place since.
        ValueError
            For a wrong shape.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([3, 2], seed=0)
        >>> a = net.forward(np.ones((4, 3)))
        >>> net.backward(a - 1.0, input_gradient=True).shape
        (4, 3)
        >>> np.allclose(net.layers[0].bias_grad, (a - 1.0).sum(axis=0))
        True
        """
    def copy(self) -> typing_extensions.Self:
        """
        Return a copy: parameters, gradients and settings, without the last forward's activations.

        Returns
        -------
        Network
        """
    def evaluate(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: Loss | str,
        sample_weight: numpy.typing.ArrayLike | None = None,
    ) -> float:
        """
        Return the loss, without dropout, changing nothing.

        Parameters
        ----------
        x, y, loss, sample_weight
            As for `train_step`.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            As `train_step`.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
        >>> net.evaluate([[1.0]], [[5.0]], loss="mae")
        3.0
        """
    def forward(
        self, x: numpy.typing.ArrayLike, *, training: bool = False
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        Compute and keep every z^i and a^i.

        z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i).

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        training : bool
            Apply dropout.

        Returns
        -------
        ndarray
            a^N: (B, M_N), or (M_N,) for one sample. A new array.

        Raises
        ------
        ValueError
            For a wrong shape.
        TypeError
            For an array that is not of real numbers.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> net.forward([[1, 2, 3], [4, 5, 6]]).shape
        (2, 2)
        >>> net.layers[0].z.shape
        (2, 4)
        """
    def initialize(self, seed: int | None = None) -> None:
        """
        Draw all parameters anew.

        Parameters
        ----------
        seed : int, optional
            The same seed gives the same parameters everywhere. None takes one from the operating system.
        """
    def loss_and_gradient(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: Loss | str,
        sample_weight: numpy.typing.ArrayLike | None = None,
        input_gradient: bool = False,
    ) -> float | tuple[float, numpy.typing.NDArray[typing.Any]]:
        """
        Compute the loss and all gradients, without an update.

        Dropout applies as in `train_step`. Memory does not grow with the number of rows.

        Parameters
        ----------
        x, y, loss, sample_weight
            As for `train_step`.
        input_gradient : bool
            Whether to return ∂E/∂a^0 as well.

        Returns
        -------
        float or (float, ndarray)
            The loss; with `input_gradient` also ∂E/∂a^0, of x's shape.

        Raises
        ------
        ValueError, TypeError
            As `train_step`.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
        >>> net.loss_and_gradient([[1.0]], [[5.0]], loss="mse")
        9.0
        >>> net.gradients
        array([-6.], dtype=float32)
        """
    def predict(
        self,
        x: numpy.typing.ArrayLike,
        *,
        out: numpy.typing.NDArray[typing.Any] | None = None,
        num_threads: int | None = None,
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        Return a^N, keeping and changing nothing.

        Many threads may call it at once. It waits while another thread's call changes the network, and sees the network between
        two steps of another thread's `fit`. A row's result does not depend on the rows around it, to the bit.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        out : ndarray, optional
            Where to put the result: of exactly its shape and dtype, with contiguous rows. Nothing is allocated then.
        num_threads : int, optional
            At most so many threads, and never more than `backpass.set_num_threads` may set; as the work asks by default.

        Returns
        -------
        ndarray
            (B, M_N), or (M_N,) for one sample; `out` if it was given.

        Raises
        ------
        ValueError
            For a wrong shape, or an `out` that cannot be written to.
        TypeError
            For an array that is not of real numbers, or an `out` of another dtype.
        RuntimeError
            Inside a Custom function that another call of this network runs.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> net.predict([1, 2, 3]).shape
        (2,)
        >>> out = np.empty((5, 2), dtype=np.float32)
        >>> net.predict(np.zeros((5, 3), dtype=np.float32), out=out) is out
        True
        """
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        epochs: typing.SupportsInt | typing.SupportsIndex = 0,
        steps: typing.SupportsInt | typing.SupportsIndex = 0,
        metadata: dict[str, str] | None = None,
        memory: TrainingMemory | None = None,
    ) -> None:
        """
        Write the network to a safetensors file, bit for bit.

        The file is written beside `path`, flushed to the disk and renamed, so that `path` is the old file or the new one and
        never a part.

        Parameters
        ----------
        path : path-like
        optimizer : Optimizer, optional
            Saved with its state, so that training can go on exactly; see `backpass.load_checkpoint`.
        schedule : Schedule, optional
        epochs, steps : int
            Trained so far.
        metadata : dict of str to str, optional
            The caller's own.
        memory : TrainingMemory, optional
            Of early stopping, as a callback finds it in `backpass.callbacks.TrainInfo`.

        Raises
        ------
        OSError
            When the operating system refuses; FileNotFoundError and the like.
        ValueError
            When the network has a Custom activation; for a path or metadata with characters that a file or UTF-8 cannot have.
        TypeError
            When `path` is no path, or `metadata` hold anything but text.

        Examples
        --------
        >>> import os, tempfile
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     net.save(path)
        ...     bp.load(path)
        Network([3, 4, 2], activation='relu', output='identity', dtype='float32')
        """
    def step(self, optimizer: Optimizer) -> None:
        """
        Apply the gradients.

        Parameters
        ----------
        optimizer : Optimizer
            Of `backpass.optim`.

        Raises
        ------
        ValueError
            For settings out of range, or an optimizer whose state belongs to another network.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init="zeros")
        >>> net.gradients = [2.0]
        >>> net.step(bp.optim.SGD(lr=0.25))
        >>> net.parameters
        array([-0.5], dtype=float32)
        """
    def summary(self) -> str:
        """
        Describe the network as a table of its layers.

        Returns
        -------
        str
            One line a layer with its shape ``M_{i-1} -> M_i``, activation, and the count and size of its parameters; then
            their totals.

        Examples
        --------
        >>> import backpass as bp
        >>> print(bp.Network([784, 128, 10], output="softmax").summary())
        layer  shape ...
        """
    def train_step(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: Loss | str,
        optimizer: Optimizer,
        sample_weight: numpy.typing.ArrayLike | None = None,
    ) -> float:
        """
        Forward, backward and step in one native call.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        y : array_like of real numbers
            (B, M_N); (B,) when M_N is 1; the cross-entropies also take (B,) integer labels.
        loss : Loss or str
            Of `backpass.losses`, or its name.
        optimizer : Optimizer
            Of `backpass.optim`. It keeps its state between steps, so a name will not do.
        sample_weight : array_like, optional
            (B,): the loss is Σ_b w_b ℓ_b / Σ_b w_b.

        Returns
        -------
        float
            The loss before the update.

        Raises
        ------
        ValueError
            For a wrong shape, a label outside [0, M_N), or a name or setting that does not exist.
        TypeError
            For an array that is not of real numbers, or labels that are not integers.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([2, 8, 1], activation="tanh", seed=0)
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> y = np.array([0, 1, 1, 0])
        >>> adam = bp.optim.Adam(lr=0.05)
        >>> losses = [net.train_step(x, y, loss="mse", optimizer=adam) for _ in range(200)]
        >>> losses[-1] < 0.1 * losses[0]
        True
        """
    @property
    def dtype(self) -> numpy.dtype[typing.Any]:
        """
        numpy.dtype : float32 or float64.
        """
    @property
    def gradients(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (num_parameters,) : all gradients, a writable view in the order of `parameters`.
        """
    @gradients.setter
    def gradients(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def layers(self) -> Layers:
        """
        Layers : a sequence of `Layer` views, one for each of layers 1…N.
        """
    @property
    def num_parameters(self) -> int:
        """
        int : weights and biases of all layers.
        """
    @property
    def parameters(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (num_parameters,) : all weights and biases, a writable view.

        Layer by layer; a layer's weights are stored input by input, then its biases. Assigning copies into it.
        """
    @parameters.setter
    def parameters(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def sizes(self) -> tuple[int, ...]:
        """
        tuple of int : M_0, …, M_N.
        """

class TrainingMemory:
    """
    What early stopping and Checkpoint(save_best_only=True) remember, and the place in an epoch.

    A checkpoint that holds the optimizer holds it too, and `Network.fit` goes on from it with ``resume_from``.
    """
    def __getstate__(self) -> tuple[typing.Any, ...]: ...
    def __init__(self) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __setstate__(self, arg0: tuple[typing.Any, ...]) -> None: ...
    @property
    def best(self) -> float | None:
        """
        float or None : its best value.
        """
    @property
    def best_epoch(self) -> int:
        """
        int : the zero-based epoch of `best`.
        """
    @property
    def best_saved(self) -> tuple[str, float | None]:
        """
        (str, float or None) : the series that a Checkpoint judges by, and its value at the best
        save, negated where higher is better.
        """
    @best_saved.setter
    def best_saved(
        self, arg1: tuple[str, typing.SupportsFloat | typing.SupportsIndex | None]
    ) -> None: ...
    @property
    def epoch_steps(self) -> int:
        """
        int : steps made in an epoch that is not finished; 0 between two epochs.
        """
    @property
    def monitor(self) -> str:
        """
        str : the series that early stopping watches.
        """
    @property
    def waited(self) -> int:
        """
        int : epochs without improvement since then.
        """

def _load(cls: type, path: str | os.PathLike[str]) -> typing.Any: ...
def _load_checkpoint(cls: type, path: str | os.PathLike[str]) -> tuple[typing.Any, ...]: ...
def _replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """
    Replace a file's content as `Network.save` does.
    """

def _restore(cls: type, arguments: tuple[typing.Any, ...], state: typing.Any) -> typing.Any:
    """
    Unpickles an object that has a state.
    """

def activation(name: str) -> Activation:
    """
    Return the activation of this name, with its default parameter.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """

def activation_names() -> list[str]:
    """
    Return the names of all activations.
    """

def config() -> dict[str, typing.Any]:
    """
    Return what was built and what is in use.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``openmp`` (empty when built without), ``isas_built`` and ``isas_usable``
        (kernel sets compiled in and those that this CPU can run, slowest first), ``isa`` (the one in use;
        ``BACKPASS_ISA`` forces it at start-up) and ``num_threads``.

    Examples
    --------
    >>> import backpass as bp
    >>> config = bp.config()
    >>> config["isa"] in config["isas_usable"]
    True
    """

def get_num_threads() -> int:
    """
    Return the largest number of threads that a call may use.

    The default is the smallest of: ``BACKPASS_NUM_THREADS`` or else ``OMP_NUM_THREADS`` if set, the CPUs that
    this process may run on, and the cgroup's CPU quota rounded up.

    Returns
    -------
    int

    Raises
    ------
    RuntimeError
        At the first call that asks for it, when ``BACKPASS_NUM_THREADS`` is set to anything but a positive integer.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.get_num_threads() >= 1
    True
    """

def loss(name: str) -> Loss:
    """
    Return the loss of this name, with its default parameters.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """

def optimizer(name: str) -> Optimizer:
    """
    Return a new optimizer of this name ("adam", "sgd", …), with its default settings.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """

def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Set the largest number of threads that a call may use.

    Calls use fewer where the work is small. Results do not depend on the number of threads, to the bit.

    Parameters
    ----------
    n : int
        At least 1. More than four a CPU, or 64 if that is more, mean that many.

    Raises
    ------
    ValueError
        When `n` is below 1.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.set_num_threads(2)
    >>> bp.get_num_threads()
    2
    """

__version__: str = "0.1.0"
