"""The fit by L-BFGS: SciPy's optimizer on the gradients of the core."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result

from backpass.sklearn.objective import blocks, dense
from backpass.sklearn.parameters import weights
from backpass.sklearn.stochastic import Penalty

if TYPE_CHECKING:
    from backpass.network import Network
    from backpass.sklearn.events import Events, Rows, Tasks
    from backpass.sklearn.objective import Objective


class FullBatch:
    """The cost of all rows and its gradient, in scikit-learn's order: weights, then biases.

    Parameters
    ----------
    net : Network
    objective : Objective
    rows : Rows
        Dense or sparse.
    alpha, l1 : float
        See `Penalty`.
    """

    def __init__(
        self, net: Network, objective: Objective, rows: Rows, alpha: float, l1: float
    ) -> None:
        self.net, self._objective, self.rows = net, objective, rows
        self._penalty = Penalty(net, objective, alpha, l1)
        self._alpha, self._l1 = alpha, l1
        layers = list(net.layers)
        self._parameters = [*weights(net), *(layer.bias for layer in layers)]
        self._gradients = [layer.weight_grad.T.reshape(-1) for layer in layers]
        self._gradients += [layer.bias_grad for layer in layers]
        self._weights = sum(layer.inputs * layer.outputs for layer in layers)
        offsets = objective.offsets(rows.y)
        self._offset = 0.0 if offsets is None else float(np.average(offsets, weights=rows.weight))

    def pack(self) -> Any:
        """Return the parameters as one array of float64."""
        return np.concatenate(self._parameters).astype(np.float64)

    def unpack(self, packed: Any) -> None:
        """Set the parameters of the network."""
        start = 0
        for view in self._parameters:
            view[...] = packed[start : start + view.size]
            start += view.size

    def __call__(self, packed: Any) -> tuple[float, Any]:
        """Return the cost and its gradient at these parameters."""
        self.unpack(packed)
        x, y, weight = self.rows.x, self.rows.y, self.rows.weight
        value = total = 0.0
        gradient: Any = 0.0
        for part in blocks(x):
            block = None if weight is None else weight[part]
            share = float(part.stop - part.start if block is None else block.sum())
            if not share:
                continue
            loss = self.net.loss_and_gradient(
                dense(x[part]),
                y[part],
                loss=self._objective.loss,
                sample_weight=self._objective.weights(block),
            )
            value += share * loss
            gradient = gradient + share * np.concatenate(self._gradients).astype(np.float64)
            total += share
        gradient *= self._objective.gradient_factor
        w = packed[: self._weights]
        gradient[: self._weights] += self._alpha * w
        if self._l1:
            gradient[: self._weights] += self._l1 * np.sign(w)
        cost = self._objective.value_factor * value + self._penalty.value()
        return cost / total + self._offset, gradient / total


class _Stop(Exception):  # noqa: N818 (ends a fit without an error)
    pass


def train(estimator: Any, cost: FullBatch, events: Events, tasks: Tasks) -> None:
    """Minimise the cost; set the estimator's ``n_iter_`` and ``loss_``.

    Parameters
    ----------
    estimator : estimator
    cost : FullBatch
    events : Events
    tasks : Tasks
        Both get an iteration of the solver as an epoch of the fit.
    """
    start = time.monotonic()
    best: dict[str, Any] = {"x": cost.pack(), "fun": np.inf, "nit": 0}

    def timed(packed: Any) -> tuple[float, Any]:
        value, gradient = cost(packed)
        best["last"] = value
        if estimator.max_time is not None:
            if value < best["fun"]:
                best.update(x=packed.copy(), fun=value)
            if time.monotonic() - start > estimator.max_time:
                raise _Stop
        return value, gradient

    def after_iteration(packed: Any) -> None:
        best["nit"] += 1
        cost.unpack(packed)
        # The last evaluation of a line search is that of the point that it accepts.
        stops = events.epoch_end(best["nit"] - 1, best["last"], 1.0)
        if tasks.end_iteration(cost.net) or stops:
            best.update(x=packed.copy(), fun=best["last"])
            raise _Stop
        tasks.begin_iteration()

    options = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    events.begin(None, len(cost.rows.y))
    tasks.begin_iteration()
    try:
        result = scipy.optimize.minimize(
            timed,
            best["x"],
            method="L-BFGS-B",
            jac=True,
            options=options,
            callback=after_iteration,
        )
    except _Stop:
        estimator.n_iter_, estimator.loss_ = best["nit"], best["fun"]
        cost.unpack(best["x"])
    else:
        tasks.end_iteration(cost.net)
        estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
        estimator.loss_ = result.fun
        cost.unpack(result.x)
    finally:
        events.close()
    events.end()
