"""
The native part of backpass. Use the modules of the package instead: they document the public names.
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

class CustomActivation(Activation):
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

class Initializer:
    """
    Initial values of weights: the base class of backpass.initializers. Biases start at zero.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, value: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, half_width: typing.SupportsFloat | typing.SupportsIndex = 0.05) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, gain: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def gain(self) -> float: ...

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
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def name(self) -> str:
        """
        str : the name. As an argument, it means this loss with its default parameters.
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
    Pinball loss: mean of max(q (y − a), (q − 1)(y − a)). The q-quantile minimises it.

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
    Mean over samples of −Σ_k t_k log a_k, with probabilities a.

    After softmax or log_softmax, the loss is computed from z and cannot overflow.

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1]: (1 − ε) t + ε / M instead of t.

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
    Cross-entropy of softmax(a), with logits a.

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1]: (1 − ε) t + ε / M instead of t.

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
    Mean over samples and outputs of −y log a − (1 − y) log(1 − a), with probabilities a.

    After sigmoid, the loss is computed from z and cannot overflow.

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
    Binary cross-entropy of sigmoid(a), with logits a.

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
    Mean over samples and outputs of a − y log a, with the rate a.

    After exp or softplus, the loss is computed from z.

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
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, function: collections.abc.Callable[..., typing.Any]) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
    @property
    def function(self) -> collections.abc.Callable[..., typing.Any]: ...

class Optimizer:
    """
    An algorithm that updates parameters from gradients: the base class of backpass.optim.

    An optimizer keeps its state between steps, so one object serves one network. It belongs to the network of its first
    step until `reset`; a step of another network then raises RuntimeError. A copy belongs to the network of its next step.
    The settings may be changed between steps.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def reset(self) -> None:
        """
        Delete the state: the next step is a first step.
        """
    @property
    def state(self) -> dict[str, typing.Any]:
        """
        dict : state of the optimizer, with PyTorch's names; empty before the first step.

        ``step`` has one count per layer. The arrays have one number per parameter, in the order of `Network.parameters`.
        Reading returns a copy. Assigning such a dict restores the state. If an entry is missing or wrong, a ValueError or
        TypeError names this entry, and the optimizer keeps its state.
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
        Requires a momentum above 0 and no dampening.
    weight_decay : float
        Adds weight_decay/2 Σ p² to the loss.

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
    RMSprop (Tieleman and Hinton 2012), as torch.optim.RMSprop.

    Parameters
    ----------
    lr : float
        Learning rate.
    alpha : float
        Decay of the running mean of squared gradients.
    eps : float
        Added to the square root in the denominator.
    weight_decay, momentum : float
    centered : bool
        Whether to divide by an estimate of the standard deviation instead of the root of the second moment.

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
    Adagrad (Duchi, Hazan and Singer 2011), as torch.optim.Adagrad.

    Parameters
    ----------
    lr : float
        Learning rate.
    lr_decay, weight_decay, initial_accumulator_value : float
    eps : float
        Added to the square root in the denominator.

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
    Adam (Kingma and Ba 2015), as torch.optim.Adam.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        Decays of the running means of the gradient and of its square.
    eps : float
        Added to the square root in the denominator.
    weight_decay : float
        Adds weight_decay/2 Σ p² to the loss. In AdamW, weight decay is not part of the loss.
    amsgrad : bool
        Whether to divide by the largest second moment so far (Reddi, Kale and Kumar 2018).

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
        Added to the square root in the denominator.
    weight_decay : float
        Every step multiplies the parameters by 1 − lr weight_decay.
    amsgrad : bool
        Whether to divide by the largest second moment so far (Reddi, Kale and Kumar 2018).

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
        Added to the square root in the denominator.
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
    Resilient backpropagation (Riedmiller and Braun 1993), as torch.optim.Rprop. Use full batches.

    Parameters
    ----------
    lr : float
        Step size of every parameter in the first step.
    etas : (float, float)
        Factors on the step size: for a gradient that changed its sign, and for a gradient with the same sign.
    step_sizes : (float, float)
        Smallest and largest step size.

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
    Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms").

    p −= lr (sign(β1 m + (1 − β1) g) + weight_decay p); m = β2 m + (1 − β2) g.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        β1, the weight of the running mean m in the step, and β2, the decay of m.
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
    A learning rate as a function of time and of the optimizer's (base) learning rate: the base class of backpass.schedules.
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
            The optimizer's learning rate.
        epoch, step : int
            Zero-based. A schedule uses the one that it is counted in.

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
        Report the loss of the epoch that ended. Only ReduceOnPlateau uses it, alone or after a warm-up.
        """
    def with_length(self, total_steps: typing.SupportsInt | typing.SupportsIndex) -> Schedule:
        """
        Return a copy in which a OneCycle with ``total_steps=0`` has a length.

        `Network.fit` follows this copy. A checkpoint should also contain it, so that a resumed training keeps the length of the
        whole training. Schedules that need no length are copied without a change.

        Parameters
        ----------
        total_steps : int
            Number of steps of the whole schedule. A OneCycle after a warm-up gets the steps after the warm-up.

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
    lr = base.

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
    lr = base · gamma^⌊epoch / step_size⌋, as PyTorch's StepLR.

    Parameters
    ----------
    step_size : int
        Number of epochs.
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
    lr = base · gamma^epoch.

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
    Cosine decay from base to min_lr, then constant (Loshchilov and Hutter 2017).

    lr = min_lr + (base − min_lr) (1 + cos(π epoch / period)) / 2 for epoch < period, then lr = min_lr.

    Parameters
    ----------
    period : int
        Number of epochs.
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
    Increase to max_lr and decrease again along cosines, as PyTorch's OneCycleLR (Smith and Topin 2019).

    The base rate is not used. The optimizer's momentum does not change.

    Parameters
    ----------
    max_lr : float
    total_steps : int
        0 means the steps of the `Network.fit` with this schedule, plus the steps of the training that this `fit` resumes;
        see `with_length`.
    pct_start : float
        Fraction of the steps in which the rate increases.
    div_factor : float
        The first rate is max_lr / div_factor.
    final_div_factor : float
        The last rate is the first rate / final_div_factor.

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
    lr = base / (1 + step)^power, as scikit-learn's "invscaling".

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

    An improvement is a loss below best − threshold · |best|. A `Network.fit` that does not resume an earlier training first
    resets the memory of this schedule.

    Parameters
    ----------
    factor : float
        In [0, 1).
    patience : int
        Number of epochs.
    threshold : float
        In [0, 1).
    cooldown : int
        Number of epochs after a reduction in which epochs without improvement are not counted.
    min_lr : float
        Lower bound of the rate.

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
        float : product of all reductions so far.
        """
    @property
    def state(self) -> tuple[float, int, int, float]:
        """
        tuple : memory of the schedule: best, bad epochs, remaining epochs of cooldown, scale.
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
    Increase linearly from start_factor · base to base over `steps` steps, then follow `then`.

    Parameters
    ----------
    steps : int
    start_factor : float
        In [0, 1].
    then : Schedule, optional
        Default: Constant. A schedule counted in steps starts at step 0 after the warm-up. A schedule counted in epochs gets
        the true epoch.

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
    A view of one layer: z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), ξ^i = ∂E/∂z^i.

    `weight`, `bias` and their gradients are writable views of the network's memory. The views keep this memory alive.
    Assigning to one of these attributes copies the values into the view. `z`, `a` and `xi` are read-only views of the
    results of the last `Network.forward` and `Network.backward`. The next call may overwrite these results or store its
    own results elsewhere, so copy what you want to keep.

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
        ndarray of shape (B, M_i) : a^i of the last forward, before dropout. Other shapes as for `z`.
        """
    @property
    def activation(self) -> Activation:
        """
        Activation : φ_i.
        """
    @property
    def bias(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : b^i; None for a layer without bias.
        """
    @bias.setter
    def bias(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def bias_grad(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : ∂E/∂b^i; None for a layer without bias.
        """
    @bias_grad.setter
    def bias_grad(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def dropout(self) -> float:
        """
        float : fraction of this layer's activations that training drops.
        """
    @property
    def index(self) -> int:
        """
        int : zero-based index of the layer in `Network.layers`.
        """
    @property
    def inputs(self) -> int:
        """
        int : M_{i-1}.
        """
    @property
    def lr_scale(self) -> float:
        """
        float : factor on the optimizer's learning rate.
        """
    @lr_scale.setter
    def lr_scale(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def num_parameters(self) -> int:
        """
        int : number of weights and biases.
        """
    @property
    def outputs(self) -> int:
        """
        int : M_i.
        """
    @property
    def trainable(self) -> bool:
        """
        bool : whether a step updates this layer.
        """
    @trainable.setter
    def trainable(self, arg1: bool) -> None: ...
    @property
    def weight(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (M_i, M_{i-1}) : W^i. w^i_kj connects neuron j of layer i-1 to neuron k. A strided view.
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
        ndarray of shape (B, M_i) : ξ^i of the last backward; (0, M_i) if no backward followed the last forward.
        """
    @property
    def z(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : z^i of the last forward. (M_i,) after a forward of one sample, (0, M_i) before the first forward.
        """

class Layers:
    """
    A sequence of the layers of a network.
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
    The native part of backpass.Network, which has the documentation.
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
        Run the epochs of Network.fit.

        Before the first epoch, call `on_begin` with the number of training rows.
        Return (series, epochs, best_epoch, stopped_early).
        """
    def _gradient_check(
        self, x: numpy.typing.ArrayLike, y: numpy.typing.ArrayLike, loss: Loss | str
    ) -> float:
        """
        Return the result of backpass.gradient_check.
        """
    def backward(
        self,
        grad_output: numpy.typing.ArrayLike,
        *,
        input_gradient: bool = False,
        accumulate: bool = False,
    ) -> numpy.typing.NDArray[typing.Any] | None:
        """
        Compute all gradients from ∂E/∂a^N of any loss, by the ξ recursion over the last `forward`.

        ξ^N = J_φ(z^N)^T ∂E/∂a^N, ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1}); ∂E/∂W^i = (ξ^i)^T a^{i-1}, ∂E/∂b^i = Σ_rows ξ^i.

        Parameters
        ----------
        grad_output : array_like of real numbers
            ∂E/∂a^N, with the shape of the result of `forward`.
        input_gradient : bool
            Whether to return ∂E/∂a^0.
        accumulate : bool
            Whether to add to the gradients instead of replacing them.

        Returns
        -------
        ndarray or None
            With `input_gradient`, ∂E/∂a^0 with the shape of x.

        Raises
        ------
        RuntimeError
            If there was no `forward`, or the last `forward` failed.
        ValueError
            If the shape is wrong.

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
        Return a copy of the network.

        The copy has the same parameters, gradients and settings. It does not have the activations of the last `forward`.

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
        Return the loss without dropout. Do not change the network.

        Parameters
        ----------
        x, y, loss, sample_weight
            See `train_step`.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            See `train_step`.

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
        Compute z^i and a^i of every layer and keep them for `backward`.

        z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i).

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        training : bool
            Whether to apply dropout.

        Returns
        -------
        ndarray
            a^N: (B, M_N), or (M_N,) for one sample. A new array.

        Raises
        ------
        ValueError
            If the shape is wrong.
        TypeError
            If the array does not have a real dtype.

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
        Draw new parameters.

        Parameters
        ----------
        seed : int, optional
            The same seed gives the same parameters everywhere. None takes a seed from the operating system.
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
        Compute the loss and all gradients. Do not update the parameters.

        Dropout is applied as in `train_step`. The memory in use does not grow with the number of rows.

        Parameters
        ----------
        x, y, loss, sample_weight
            See `train_step`.
        input_gradient : bool
            Whether to return ∂E/∂a^0, too.

        Returns
        -------
        float or (float, ndarray)
            The loss. With `input_gradient`, a tuple of the loss and ∂E/∂a^0, which has the shape of x.

        Raises
        ------
        ValueError, TypeError
            See `train_step`.

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
        Return a^N. Keep no activations and do not change the network.

        Several threads may call `predict` at the same time. `predict` waits while a call of another thread changes the network.
        During another thread's `fit`, `predict` runs between two steps. The bits of a row's result do not depend on the other
        rows.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        out : ndarray, optional
            Array for the result, with exactly the shape and dtype of the result and contiguous rows. With `out`, nothing is
            allocated.
        num_threads : int, optional
            Largest number of threads, bounded by the maximum of `backpass.set_num_threads`. By default the amount of work
            decides.

        Returns
        -------
        ndarray
            (B, M_N), or (M_N,) for one sample; `out` if it was given.

        Raises
        ------
        ValueError
            If a shape is wrong, or `out` is read-only or does not have contiguous rows.
        TypeError
            If the array does not have a real dtype, or `out` has another dtype than the result.
        RuntimeError
            If a Custom function calls `predict` during another call of this network.

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

        A temporary file next to `path` is written, flushed to disk and renamed to `path`. So `path` is always the complete old
        file or the complete new file.

        Parameters
        ----------
        path : path-like
        optimizer : Optimizer, optional
            Saved with its state, so that the training can be resumed exactly; see `backpass.load_checkpoint`.
        schedule : Schedule, optional
        epochs, steps : int
            Numbers of epochs and steps trained so far.
        metadata : dict of str to str, optional
            Additional strings. `backpass.load_checkpoint` returns them.
        memory : TrainingMemory, optional
            State of early stopping and position in the epoch. A callback receives it in `backpass.callbacks.TrainInfo`.

        Raises
        ------
        OSError
            If the operating system reports an error, for example FileNotFoundError.
        ValueError
            If the network has a Custom activation, `path` is not a valid file name, or UTF-8 cannot encode `metadata`.
        TypeError
            If `path` is not a path, or `metadata` contains anything but str.

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
        Update the parameters from the gradients.

        Parameters
        ----------
        optimizer : Optimizer
            An object of `backpass.optim`.

        Raises
        ------
        ValueError
            If a setting is out of range, or the optimizer's state has another number or dtype of parameters.
        RuntimeError
            If the optimizer belongs to another network.

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
            One line per layer with its shape ``M_{i-1} -> M_i``, its activation, and the number and size of its parameters.
            The last line has the totals.

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
        Run forward, backward and step in one native call.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        y : array_like of real numbers
            (B, M_N), or (B,) if M_N is 1. The cross-entropies also accept (B,) integer labels.
        loss : Loss or str
            An object of `backpass.losses`, or its name.
        optimizer : Optimizer
            An object of `backpass.optim`. A name is not accepted, because the optimizer keeps its state between steps.
        sample_weight : array_like, optional
            w of shape (B,). The loss is Σ_b w_b ℓ_b / Σ_b w_b.

        Returns
        -------
        float
            The loss before the update.

        Raises
        ------
        ValueError
            If a shape is wrong, a label is outside [0, M_N), a name is unknown, or a setting is out of range.
        TypeError
            If an array does not have a real dtype, or labels are not integers.
        RuntimeError
            If the optimizer belongs to another network.

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
        Layers : a sequence of `Layer` views, one for every layer 1…N.
        """
    @property
    def num_parameters(self) -> int:
        """
        int : number of weights and biases of all layers.
        """
    @property
    def parameters(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (num_parameters,) : all weights and biases, a writable view.

        The order is layer by layer: the weights of a layer, stored as (M_{i-1}, M_i), and then its biases. Assigning to the
        attribute copies the values into the view.
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
    State of early stopping and of Checkpoint(save_best_only=True), and position in the epoch.

    A checkpoint with an optimizer contains this state. `Network.fit` continues from it with ``resume_from``.
    """
    def __getstate__(self) -> tuple[typing.Any, ...]: ...
    def __init__(self) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __setstate__(self, arg0: tuple[typing.Any, ...]) -> None: ...
    @property
    def best(self) -> float | None:
        """
        float or None : best value of `monitor` so far.
        """
    @property
    def best_epoch(self) -> int:
        """
        int : zero-based epoch of `best`.
        """
    @property
    def best_saved(self) -> tuple[str, float | None]:
        """
        (str, float or None) : name of the series that a Checkpoint monitors, and its value at the best
        save, negated if higher is better.
        """
    @best_saved.setter
    def best_saved(
        self, arg1: tuple[str, typing.SupportsFloat | typing.SupportsIndex | None]
    ) -> None: ...
    @property
    def epoch_steps(self) -> int:
        """
        int : number of steps made in the unfinished epoch; 0 between two epochs.
        """
    @property
    def monitor(self) -> str:
        """
        str : name of the series that early stopping monitors.
        """
    @property
    def waited(self) -> int:
        """
        int : number of epochs without improvement since `best_epoch`.
        """

def _load(cls: type, path: str | os.PathLike[str]) -> typing.Any: ...
def _load_checkpoint(cls: type, path: str | os.PathLike[str]) -> tuple[typing.Any, ...]: ...
def _replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """
    Replace the content of a file in the same way as `Network.save`.
    """

def _restore(cls: type, arguments: tuple[typing.Any, ...], state: typing.Any) -> typing.Any:
    """
    Unpickle an object that has a state.
    """

def activation(name: str) -> Activation:
    """
    Return the activation with this name and its default parameter.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def activation_names() -> list[str]:
    """
    Return the names of all activations.
    """

def config() -> dict[str, typing.Any]:
    """
    Return the configuration of the build and of this process.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``openmp`` (empty if built without OpenMP), ``isas_built`` (the compiled kernel
        sets, slowest first), ``isas_usable`` (those that this CPU can run), ``isa`` (the kernel set in use;
        ``BACKPASS_ISA`` selects it at start-up) and ``num_threads``.

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

    The default is the smallest of three numbers: ``BACKPASS_NUM_THREADS`` or else ``OMP_NUM_THREADS``, if set; the
    number of CPUs that this process may run on; and the CPU quota of the cgroup, rounded up.

    Returns
    -------
    int

    Raises
    ------
    RuntimeError
        At the first call that needs the number, if ``BACKPASS_NUM_THREADS`` is set to anything but a positive integer.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.get_num_threads() >= 1
    True
    """

def loss(name: str) -> Loss:
    """
    Return the loss with this name and its default parameters.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def optimizer(name: str) -> Optimizer:
    """
    Return a new optimizer with this name ("adam", "sgd", …) and its default settings.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Set the largest number of threads that a call may use.

    Calls use fewer threads for a small amount of work. The bits of results do not depend on the number of threads.

    Parameters
    ----------
    n : int
        At least 1. The maximum is four per CPU, or 64 if that is more. A larger `n` means the maximum.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.set_num_threads(2)
    >>> bp.get_num_threads()
    2
    """

__version__: str = "0.1.0"
