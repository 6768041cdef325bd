"""The stochastic solvers: scikit-learn's settings and stopping rules, the core's updates."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neural_network._stochastic_optimizers import (
    AdamOptimizer,
    BaseOptimizer,
    SGDOptimizer,
)

from backpass import optim

if TYPE_CHECKING:
    from backpass._core.optim import Optimizer
    from backpass._core.schedules import Schedule


class Rates:
    """The rates of a schedule, step by step.

    Parameters
    ----------
    schedule : Schedule
    steps, epochs : int
        Numbers of steps per epoch and of epochs, for a schedule without a length.
    """

    def __init__(self, schedule: Schedule, steps: int, epochs: int) -> None:
        self._schedule = schedule.with_length(steps * epochs, epochs)
        self._steps_per_epoch = steps
        self._step = 0

    def next(self, base: float) -> float:
        """Return the rate of the next step."""
        rate = self._schedule.lr(base, self._step // self._steps_per_epoch, self._step)
        self._step += 1
        return rate

    def observe(self, base: float, loss: float) -> None:
        """Report the loss of an epoch, which ReduceOnPlateau uses."""
        if np.isfinite(loss):
            self._schedule.observe(base, loss)


class Adam(AdamOptimizer):  # type: ignore[misc]
    """scikit-learn's Adam: its epsilon is not divided by √(1 − β2^t).

    Attributes
    ----------
    rule : Optimizer
        Its gradients are those of scikit-learn divided by `factor`. Adam's update does not depend
        on a factor, except in epsilon.
    """

    def __init__(
        self,
        rate: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        factor: float,
        rates: Rates | None,
    ) -> None:
        super().__init__([], rate, beta_1, beta_2, epsilon)
        self.rule: Any = optim.Adam(rate, (beta_1, beta_2), epsilon)
        self.factor, self.rates = factor, rates

    def begin_step(self) -> None:
        """Set what depends on the number of steps."""
        self.t += 1
        self.rule.eps = self.epsilon / (math.sqrt(1.0 - self.beta_2**self.t) * self.factor)
        if self.rates is not None:
            self.rule.lr = self.rates.next(self.learning_rate_init)

    def iteration_ends(self, time_step: int) -> None:
        """Update the rate that is shown."""
        super().iteration_ends(time_step)
        if self.t:
            correction = math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
            self.learning_rate = self.rule.lr * correction


class SGD(SGDOptimizer):  # type: ignore[misc]
    """scikit-learn's SGD: v = momentum v − rate · g, and the parameters move by v.

    The core's buffer is −v/rate, so a change of the rate scales the buffer.
    """

    def __init__(
        self,
        rate: float,
        schedule: str,
        momentum: float,
        nesterov: bool,
        power_t: float,
        factor: float,
        rates: Rates | None,
    ) -> None:
        super().__init__([], rate, schedule, momentum, nesterov, power_t)
        self.rule: Any = optim.SGD(
            rate * factor, momentum=momentum, nesterov=nesterov and momentum > 0
        )
        self.factor, self.rates = factor, rates

    def begin_step(self) -> None:
        """Pass a changed rate to the core."""
        if self.rates is not None:  # the buffer keeps the core's meaning
            self.learning_rate = self.rates.next(self.learning_rate_init)
            self.rule.lr = self.learning_rate * self.factor
            return
        rate = self.learning_rate * self.factor
        if self.rule.lr != rate:
            state = self.rule.state
            if rate and "momentum_buffer" in state:
                state["momentum_buffer"] *= self.rule.lr / rate
                self.rule.state = state
            self.rule.lr = rate


class Given(BaseOptimizer):  # type: ignore[misc]
    """An optimizer of backpass.

    Its gradients are those of the core's loss, the mean over rows and outputs.

    Parameters
    ----------
    optimizer : Optimizer
        It is copied.
    rates : Rates, optional
    """

    def __init__(self, optimizer: Optimizer, rates: Rates | None) -> None:
        rule: Any = copy.deepcopy(optimizer)
        rule.reset()
        super().__init__(rule.lr)
        self.rule = rule
        self.rates = rates

    def begin_step(self) -> None:
        """Set the scheduled rate."""
        if self.rates is not None:
            self.learning_rate = self.rule.lr = self.rates.next(self.learning_rate_init)


Solver = Adam | SGD | Given
