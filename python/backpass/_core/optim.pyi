from __future__ import annotations
import typing

__all__: list[str] = [
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "SGD",
    "get",
    "names",
]

class Optimizer:
    """
    An algorithm that updates parameters from gradients: the base class of backpass.optim.

    An optimizer keeps its state between steps, so one object serves one network. It belongs to the network of its first
    step until `reset`; a step of another network then raises RuntimeError. A copy belongs to the network of its next step.
    The settings may be changed between steps.
    """
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
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
    lr : float, finite and at least 0
        Learning rate.
    momentum : float, finite and at least 0
    dampening : float, finite
    nesterov : bool
        Requires a momentum above 0 and no dampening.
    weight_decay : float, finite and at least 0
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
    lr : float, finite and at least 0
        Learning rate.
    alpha : float, in [0, 1]
        Decay of the running mean of squared gradients.
    eps : float, finite and at least 0
        Added to the square root in the denominator.
    weight_decay : float, finite and at least 0
        Adds weight_decay/2 Σ p² to the loss.
    momentum : float, finite and at least 0
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
    lr : float, finite and at least 0
        Learning rate.
    lr_decay : float, finite and at least 0
        The rate of step t = 0, 1, … is lr / (1 + t lr_decay).
    weight_decay : float, finite and at least 0
        Adds weight_decay/2 Σ p² to the loss.
    initial_accumulator_value : float, finite and at least 0
        Initial value of the sum of squared gradients.
    eps : float, finite and at least 0
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
    lr : float, finite and at least 0
        Learning rate.
    betas : (float, float), in [0, 1)
        Decays of the running means of the gradient and of its square.
    eps : float, finite and at least 0
        Added to the square root in the denominator.
    weight_decay : float, finite and at least 0
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
    lr : float, finite and at least 0
        Learning rate.
    betas : (float, float), in [0, 1)
        Decays of the running means of the gradient and of its square.
    eps : float, finite and at least 0
        Added to the square root in the denominator.
    weight_decay : float, finite and at least 0
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
    lr : float, finite and at least 0
        Learning rate.
    betas : (float, float), in [0, 1)
        Decays of the running means of the gradient and of its square.
    eps : float, finite and at least 0
        Added to the square root in the denominator.
    weight_decay : float, finite and at least 0
        Adds weight_decay/2 Σ p² to the loss.
    momentum_decay : float, finite and at least 0
        The momentum of step t is β1 (1 − 0.96^(t momentum_decay) / 2).

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
    lr : float, finite and at least 0
        Step size of every parameter in the first step. Later steps do not use it.
    etas : (float, float), in (0, 1) and finite and greater than 1
        Factors on the step size: for a gradient that changed its sign, and for a gradient with the same sign.
    step_sizes : (float, float), finite and at least 0
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

    p −= lr (sign(β1 m + (1 − β1) g) + weight_decay p); m = β2 m + (1 − β2) g. PyTorch does not have Lion.

    Parameters
    ----------
    lr : float, finite and at least 0
        Learning rate.
    betas : (float, float), in [0, 1)
        β1, the weight of the running mean m in the step, and β2, the decay of m.
    weight_decay : float, finite and at least 0
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

def get(name: str) -> Optimizer:
    """
    Return a new optimizer with this name ("adam", "sgd", …) and its default settings.

    Raises
    ------
    ValueError
        If the name is unknown. The message lists the known names.
    """

def names() -> list[str]:
    """
    Return the names of all optimizers.
    """
