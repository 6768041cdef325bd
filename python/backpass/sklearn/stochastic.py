"""The stochastic fit: scikit-learn's epochs, one gradient and one step of the core per batch."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from backpass.sklearn.objective import dense
from backpass.sklearn.parameters import weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backpass.network import Network
    from backpass.sklearn.events import Events, Rows, Tasks
    from backpass.sklearn.objective import Objective
    from backpass.sklearn.solvers import Solver

# Rows are gathered for several batches at once, up to this size, which fits into the L2 cache.
_GATHERED_BYTES = 2**20


class Batches:
    """The batches of an epoch: (rows, targets, weights, sum of weights).

    Parameters
    ----------
    rows : Rows
        Dense or sparse.
    size : int
        Number of rows per batch. The last batch of an epoch may have fewer rows.
    """

    def __init__(self, rows: Rows, size: int) -> None:
        self.rows, self.size = rows, size
        x = rows.x
        self.count = x.shape[0]
        row_bytes = max(1, x.shape[1] * x.dtype.itemsize)
        self._group = size * max(1, _GATHERED_BYTES // (size * row_bytes))
        self._memory = None
        if isinstance(x, np.ndarray):
            self._memory = np.empty((min(self._group, self.count), x.shape[1]), x.dtype)

    def epoch(self, order: Any) -> Iterator[tuple[Any, Any, Any, float]]:
        """Yield the batches of the rows in this order; None is the order of the rows.

        The arrays are valid until the next batch.
        """
        x, y, weight = self.rows.x, self.rows.y, self.rows.weight
        size = self.size
        for first in range(0, self.count, self._group):
            last = min(first + self._group, self.count)
            if order is None:
                part: Any = slice(first, last)
                xs, ys = dense(x[part]), y[part]
            else:
                part = order[first:last]
                ys = y.take(part, axis=0)
                if self._memory is None:
                    xs = dense(x[part])
                else:
                    xs = self._memory[: last - first]
                    # The indices are valid; with mode="raise", NumPy would use another buffer.
                    x.take(part, axis=0, out=xs, mode="clip")
            ws = None if weight is None else weight[part]
            for i in range(0, last - first, size):
                stop = min(i + size, last - first)
                if ws is None:
                    yield xs[i:stop], ys[i:stop], None, stop - i
                else:
                    w = ws[i:stop]
                    yield xs[i:stop], ys[i:stop], w, float(w.sum())


class Penalty:
    """(alpha/2 Σ w² + l1 Σ |w|) / W: its value, and the arguments of `Network.step` for it."""

    def __init__(self, net: Network, objective: Objective, alpha: float, l1: float) -> None:
        self._weights = list(weights(net))
        self._factor = objective.gradient_factor
        self._alpha, self._l1 = alpha, l1
        self._arguments: tuple[float, dict[str, float]] = (0.0, {})

    def value(self) -> float:
        """Return the penalty times W."""
        total = 0.0
        if self._alpha:
            total += 0.5 * self._alpha * sum(_sum_of_squares(w) for w in self._weights)
        if self._l1:
            total += self._l1 * float(sum(np.abs(w).sum() for w in self._weights))
        return total

    def arguments(self, total_weight: float) -> dict[str, Any]:
        """Return l2 and l1 for the gradients of the core, which lack `gradient_factor`."""
        if self._arguments[0] != total_weight:  # most batches have the same number of rows
            scale = 1.0 / (total_weight * self._factor)
            found = {"l2": self._alpha * scale, "l1": self._l1 * scale}
            self._arguments = total_weight, found
        return self._arguments[1]


def _sum_of_squares(w: Any) -> float:
    # OpenBLAS uses several threads for more numbers. They would compete with the core's threads.
    if w.size <= 10_000:
        return float(w.dot(w))
    return float(np.einsum("i,i->", w, w))


def train(
    estimator: Any,
    net: Network,
    solver: Solver,
    objective: Objective,
    batches: Batches,
    offsets: Any,
    events: Events,
    tasks: Tasks,
    validate: Callable[[], None],
    *,
    incremental: bool,
) -> None:
    """Run the epochs of `fit`, or the single epoch of `partial_fit`.

    Parameters
    ----------
    estimator : estimator
        Gets scikit-learn's attributes of the training.
    net : Network
        It is trained.
    offsets : float or ndarray of shape (B,), or None
        See `Objective`.
    validate : callable
        Updates the estimator's number of epochs without improvement.
    """
    events.begin(solver.rule, batches.size)
    start = time.monotonic()
    count = batches.count
    order = np.arange(count)
    penalty = Penalty(net, objective, estimator.alpha, estimator.l1)
    clipping = _clipping(estimator, objective)
    try:
        estimator.n_iter_ = 0
        for epoch in range(estimator.max_iter):
            tasks.begin_iteration()
            if estimator.shuffle:
                # As sklearn.utils.shuffle(order, random_state=...).
                permutation = np.arange(count)
                estimator._random_state.shuffle(permutation)  # noqa: SLF001
                order = order[permutation]
            total, stopped = _epoch(
                net,
                solver,
                objective,
                batches.epoch(order if estimator.shuffle else None),
                penalty,
                clipping,
                events,
                epoch,
            )
            if stopped:
                break
            estimator.n_iter_ += 1
            estimator.loss_ = total / count
            if offsets is not None:
                estimator.loss_ += _offset(offsets, batches, order)
            estimator.t_ += count
            estimator.loss_curve_.append(estimator.loss_)
            if estimator.verbose:
                print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")  # noqa: T201
            validate()
            if solver.rates is not None:
                solver.rates.observe(solver.learning_rate_init, estimator.loss_)
            rate = solver.learning_rate
            solver.iteration_ends(estimator.t_)
            stopped = events.epoch_end(epoch, estimator.loss_, rate)
            stopped |= tasks.end_iteration(net)
            if stopped:
                break
            if estimator._no_improvement_count > estimator.n_iter_no_change:  # noqa: SLF001
                if solver.trigger_stopping(_message(estimator), estimator.verbose):
                    break
                estimator._no_improvement_count = 0  # noqa: SLF001
            if incremental:
                break
            if estimator.max_time is not None and time.monotonic() - start > estimator.max_time:
                break
            if estimator.n_iter_ == estimator.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and "
                    "the optimization hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=2,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    finally:
        events.close()
    events.end()


def _epoch(
    net: Network,
    solver: Solver,
    objective: Objective,
    batches: Iterator[tuple[Any, Any, Any, float]],
    penalty: Penalty,
    clipping: dict[str, Any],
    events: Events,
    epoch: int,
) -> tuple[float, bool]:
    """Train one epoch. Return the sum over rows of the losses, and whether a callback stops."""
    loss, factor, rule = objective.loss, objective.value_factor, solver.rule
    train_step, begin_step = net.train_step, solver.begin_step
    hears, weights_of = events.hears_steps, objective.weights
    total, done = 0.0, 0
    for x, y, weight, total_weight in batches:
        if total_weight == 0.0:  # no row of the batch counts
            continue
        value = penalty.value() / total_weight
        begin_step()
        value += factor * train_step(
            x,
            y,
            loss=loss,
            optimizer=rule,
            sample_weight=weights_of(weight),
            **penalty.arguments(total_weight),
            **clipping,
        )
        rows = len(x)
        total += value * rows
        if hears:
            done += rows
            if events.step(epoch, done, total / done):
                return total, True
    return total, False


def _clipping(estimator: Any, objective: Objective) -> dict[str, float]:
    if estimator.clip_norm is None:
        return {}
    return {"clip_norm": estimator.clip_norm / objective.gradient_factor}


def _offset(offsets: Any, batches: Batches, order: Any) -> float:
    """Return the mean over batches, weighted by their rows, of the weighted mean offset."""
    weight, size = batches.rows.weight, batches.size
    if weight is None:
        return float(offsets.mean())
    total = 0.0
    for i in range(0, batches.count, size):
        part = order[i : i + size]
        if weight[part].any():
            total += len(part) * float(np.average(offsets[part], weights=weight[part]))
    return total / float(batches.count)


def _message(estimator: Any) -> str:
    what = "Validation score" if estimator.early_stopping else "Training loss"
    return (
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change} consecutive epochs."
    )
