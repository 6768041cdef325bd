from __future__ import annotations
import typing

__all__: list[str] = [
    "Constant",
    "CosLog",
    "Cosine",
    "Exponential",
    "FlatCosine",
    "InverseScaling",
    "LinearWarmup",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
]

class Schedule:
    """
    A learning rate as a function of time and of the optimizer's (base) learning rate: the base class of backpass.schedules.
    """
    def __eq__(self, other: typing.Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
    def __repr__(self) -> str: ...
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
    def with_length(
        self,
        total_steps: typing.SupportsInt | typing.SupportsIndex,
        total_epochs: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> Schedule:
        """
        Return a copy in which a schedule without a length (``total_steps=0``, ``period=0``) has one.

        `Network.fit` follows such a copy, with the steps and epochs of the whole training. Schedules that need no length are copied without a change.

        Parameters
        ----------
        total_steps : int
            Number of steps of the whole schedule. A schedule that is counted in steps and follows a warm-up gets the steps after the warm-up.
        total_epochs : int
            Number of epochs of the whole schedule. With 0, a schedule that is counted in epochs does not change.

        Returns
        -------
        Schedule

        Examples
        --------
        >>> import backpass as bp
        >>> bp.schedules.OneCycle(max_lr=0.1).with_length(500).total_steps
        500
        """

class Constant(Schedule):
    """
    lr = base.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Constant()
    Constant()
    """
    def __init__(self) -> None: ...

class Step(Schedule):
    """
    lr = base · gamma^⌊epoch / step_size⌋, as PyTorch's StepLR.

    Parameters
    ----------
    step_size : int, at least 1
        Number of epochs.
    gamma : float, finite and at least 0

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Step()
    Step(step_size=10, gamma=0.1)
    """
    def __init__(
        self,
        step_size: typing.SupportsInt | typing.SupportsIndex = 10,
        gamma: typing.SupportsFloat | typing.SupportsIndex = 0.1,
    ) -> None: ...
    @property
    def gamma(self) -> float: ...
    @property
    def step_size(self) -> int: ...

class Exponential(Schedule):
    """
    lr = base · gamma^epoch.

    Parameters
    ----------
    gamma : float, finite and at least 0

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Exponential()
    Exponential(gamma=0.95)
    """
    def __init__(self, gamma: typing.SupportsFloat | typing.SupportsIndex = 0.95) -> None: ...
    @property
    def gamma(self) -> float: ...

class Cosine(Schedule):
    """
    Cosine decay from base to min_lr, then constant (Loshchilov and Hutter 2017).

    lr = min_lr + (base − min_lr) (1 + cos(π epoch / period)) / 2 for epoch < period, then lr = min_lr.

    Parameters
    ----------
    period : int, at least 0
        Number of epochs. 0: all epochs of the `Network.fit` that uses this schedule.
    min_lr : float, finite and at least 0

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.Cosine()
    Cosine(period=0, min_lr=0.0)
    """
    def __init__(
        self,
        period: typing.SupportsInt | typing.SupportsIndex = 0,
        min_lr: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    @property
    def min_lr(self) -> float: ...
    @property
    def period(self) -> int: ...

class OneCycle(Schedule):
    """
    Increase to max_lr and decrease again along cosines, as PyTorch's OneCycleLR (Smith and Topin 2019).

    lr rises from max_lr / div_factor to max_lr during the first pct_start · total_steps steps, then falls. The base
    rate is not used. The optimizer's momentum does not change.

    Parameters
    ----------
    max_lr : float, finite and at least 0
    total_steps : int, at least 0
        0: the steps of all epochs of the `Network.fit` that uses this schedule; see `with_length`.
    pct_start : float, in [0, 1]
        Fraction of the steps in which the rate increases.
    div_factor : float, finite and greater than 0
        The first rate is max_lr / div_factor.
    final_div_factor : float, finite and greater than 0
        The last rate is the first rate / final_div_factor.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.OneCycle()
    OneCycle(max_lr=0.01, total_steps=0, pct_start=0.3, div_factor=25.0, final_div_factor=10000.0)
    """
    def __init__(
        self,
        max_lr: typing.SupportsFloat | typing.SupportsIndex = 0.01,
        total_steps: typing.SupportsInt | typing.SupportsIndex = 0,
        pct_start: typing.SupportsFloat | typing.SupportsIndex = 0.3,
        div_factor: typing.SupportsFloat | typing.SupportsIndex = 25.0,
        final_div_factor: typing.SupportsFloat | typing.SupportsIndex = 10000.0,
    ) -> None: ...
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

class CosLog(Schedule):
    """
    Cosine cycles from 0 to base and back to 0, as coslog4 of RealMLP (Holzmüller et al. 2024).

    With t = step / total_steps: lr = base (1 − cos(2π log2(1 + (2^cycles − 1) t))) / 2, and lr = 0 for t ≥ 1.
    Each cycle is twice as long as the one before it. The first step has the rate 0.

    Parameters
    ----------
    cycles : int, at least 1
        At most 62.
    total_steps : int, at least 0
        0: the steps of all epochs of the `Network.fit` that uses this schedule; see `with_length`.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.CosLog()
    CosLog(cycles=4, total_steps=0)
    """
    def __init__(
        self,
        cycles: typing.SupportsInt | typing.SupportsIndex = 4,
        total_steps: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    @property
    def cycles(self) -> int: ...
    @property
    def total_steps(self) -> int: ...

class FlatCosine(Schedule):
    """
    Constant, then cosine decay to 0.

    With t = step / total_steps: lr = base for t < flat, then lr = base (1 + cos(π (t − flat) / (1 − flat))) / 2,
    and lr = 0 for t ≥ 1.

    Parameters
    ----------
    flat : float, in [0, 1]
        Fraction of the steps in which the rate is constant.
    total_steps : int, at least 0
        0: the steps of all epochs of the `Network.fit` that uses this schedule; see `with_length`.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.FlatCosine()
    FlatCosine(flat=0.5, total_steps=0)
    """
    def __init__(
        self,
        flat: typing.SupportsFloat | typing.SupportsIndex = 0.5,
        total_steps: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    @property
    def flat(self) -> float: ...
    @property
    def total_steps(self) -> int: ...

class InverseScaling(Schedule):
    """
    lr = base / (1 + step)^power, as scikit-learn's "invscaling".

    Parameters
    ----------
    power : float, finite

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.InverseScaling()
    InverseScaling(power=0.5)
    """
    def __init__(self, power: typing.SupportsFloat | typing.SupportsIndex = 0.5) -> None: ...
    @property
    def power(self) -> float: ...

class ReduceOnPlateau(Schedule):
    """
    Multiply the rate by `factor` after `patience` epochs without improvement, as PyTorch's ReduceLROnPlateau.

    An improvement is a loss below best − threshold · |best|. PyTorch's best · (1 − threshold) would make every epoch of a
    constant negative loss an improvement. Changes of the rate of less than 1e-8 are skipped. A `Network.fit` that does
    not resume an earlier training first resets the memory of this schedule.

    Parameters
    ----------
    factor : float, in [0, 1)
    patience : int, at least 0
        Number of epochs.
    threshold : float, in [0, 1)
    cooldown : int, at least 0
        Number of epochs after a reduction in which epochs without improvement are not counted.
    min_lr : float, finite and at least 0
        Lower bound of the rate.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.ReduceOnPlateau()
    ReduceOnPlateau(factor=0.1, patience=10, threshold=0.0001, cooldown=0, min_lr=0.0)
    """
    def __init__(
        self,
        factor: typing.SupportsFloat | typing.SupportsIndex = 0.1,
        patience: typing.SupportsInt | typing.SupportsIndex = 10,
        threshold: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
        cooldown: typing.SupportsInt | typing.SupportsIndex = 0,
        min_lr: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce__(self) -> tuple[typing.Any, ...]: ...
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

class LinearWarmup(Schedule):
    """
    Increase linearly from start_factor · base to base over `steps` steps, then follow `then`.

    A schedule `then` that is counted in steps starts at step 0 after the warm-up. A schedule that is counted in epochs
    gets the true epoch.

    Parameters
    ----------
    steps : int, at least 0
    start_factor : float, in [0, 1]
    then : Schedule, optional
        The default is Constant.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.schedules.LinearWarmup()
    LinearWarmup(steps=100, start_factor=0.0, then=None)
    """
    def __init__(
        self,
        steps: typing.SupportsInt | typing.SupportsIndex = 100,
        start_factor: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        then: Schedule | None = None,
    ) -> None: ...
    @property
    def start_factor(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def then(self) -> Schedule | None: ...
