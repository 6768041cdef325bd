"""The reports of a fit: callbacks of backpass and of scikit-learn, metrics, early stopping."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass import _core
from backpass._fit_arguments import by_name
from backpass.callbacks.callback import TrainInfo
from backpass.callbacks.early_stopping import EarlyStopping
from backpass.callbacks.history import History
from backpass.callbacks.hooks import Hooks, collect
from backpass.metrics import compute
from backpass.sklearn.objective import predict
from backpass.sklearn.parameters import attributes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from backpass.network import Network
    from backpass.sklearn.objective import Objective

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """A stand-in without callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method."""
        return method


__all__ = ["CallbackSupportMixin", "Events", "Rows", "Tasks", "with_callbacks"]

# A callback hears of progress within an epoch at most this often.
_SECONDS = 0.05


@dataclass
class Rows:
    """Rows with targets for the core, and their weights."""

    x: Any
    y: Any
    weight: Any = None


class Tasks:
    """The tasks of a fit, as scikit-learn's callbacks see them: the fit and its iterations.

    Parameters
    ----------
    estimator : estimator
    x, y, sample_weight
        The arguments of `fit`.
    iterations : int
        Largest number of iterations.
    """

    def __init__(self, estimator: Any, x: Any, y: Any, sample_weight: Any, iterations: int) -> None:
        self._estimator = estimator
        self._data: dict[str, Any] = {"X": x, "y": y}
        if sample_weight is not None:
            self._data["metadata"] = {"sample_weight": sample_weight}
        self._fit: Any = None
        self._iteration: Any = None
        if getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx"):
            self._fit = estimator._init_callback_context(max_subtasks=iterations)  # noqa: SLF001
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._data)

    def begin_iteration(self) -> None:
        """Report the begin of an iteration."""
        if self._fit is not None:
            self._iteration = self._fit.subcontext(task_name="iteration")
            self._iteration.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_iteration(self, net: Network) -> bool:
        """Report the end of the iteration. Return whether a callback stops the fit.

        A callback may ask for an estimator that predicts as if the fit had stopped here. It gets a
        copy of the network.
        """
        if self._iteration is None:
            return False
        task, self._iteration = self._iteration, None
        return bool(
            task.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=lambda: attributes_of(net.copy()),
                **self._data,
            )
        )

    def end(self) -> None:
        """Report the end of the fit."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes={}, **self._data
            )


class Events:
    """The reports of one fit to backpass's callbacks, and the series of its history.

    Parameters
    ----------
    estimator : estimator
        Gets the attributes ``history_`` and ``validation_loss_curve_`` if there is something to
        record. Series of earlier fits are continued.
    net : Network
    objective : Objective
    train : Rows
    validation : Rows, optional
        The rows of ``X_val``.
    """

    def __init__(
        self,
        estimator: Any,
        net: Network,
        objective: Objective,
        train: Rows,
        validation: Rows | None,
    ) -> None:
        self._estimator, self._net, self._objective = estimator, net, objective
        self._train, self._validation = train, validation
        metrics = () if estimator.metrics is None else estimator.metrics
        self._metrics = by_name(metrics)
        callbacks = () if estimator.callbacks is None else estimator.callbacks
        self._callbacks, self._stopping = collect(callbacks)
        self._monitor = None if self._stopping is None else _Monitor(self._stopping)
        self._active = bool(
            self._callbacks
            or self._metrics
            or self._stopping
            or estimator.progress
            or validation is not None
        )
        self._series: dict[str, list[float]] = {}
        self._stopped = False
        self._last = time.monotonic()
        self._before: dict[str, list[float]] = vars(estimator).get("history_", {})
        self._start = self._last - self._before.get("seconds", [0.0])[-1]
        self._hooks: Hooks | None = None

    def begin(self, rule: Any, batch_size: int) -> None:
        """Start the callbacks and the progress bar."""
        if not self._active:
            return
        estimator = self._estimator
        self._hooks = Hooks(
            self._net,
            self._callbacks,
            estimator.progress,
            lambda rows, first_epoch: TrainInfo(
                epochs=estimator.max_iter,
                batch_size=batch_size,
                rows=rows,
                optimizer=rule,
                first_epoch=first_epoch,
                memory=_core.TrainingMemory(),
            ),
        )
        self._hooks.begin(0, self._train.x.shape[0])

    @property
    def hears_steps(self) -> bool:
        """Whether `step` has an effect."""
        return self._hooks is not None

    def step(self, epoch: int, rows: int, loss: float) -> bool:
        """Report progress within an epoch. Return whether a callback stops the fit."""
        now = time.monotonic()
        if self._hooks is None or now - self._last < _SECONDS:
            return False
        self._last = now
        self._stopped |= self._hooks.progress(epoch, rows, loss)
        return self._stopped

    def epoch_end(self, epoch: int, loss: float, rate: float) -> bool:
        """Record and report an epoch. Return whether a callback or `EarlyStopping` stops."""
        if self._hooks is None:
            return False
        logs = {"loss": float(loss), "lr": float(rate), "seconds": time.monotonic() - self._start}
        logs |= self._measure(self._train, "")
        if self._validation is not None:
            logs["val_loss"] = self._objective.evaluate(
                self._net, self._validation.x, self._validation.y, self._validation.weight
            )
            logs |= self._measure(self._validation, "val_")
        for name, value in logs.items():
            self._series.setdefault(name, []).append(value)
        self._stopped = self._hooks.epoch_end(epoch, logs)
        if self._monitor is not None:
            self._stopped |= self._monitor.observe(self._net, logs)
        return self._stopped

    def _measure(self, rows: Rows, prefix: str) -> dict[str, float]:
        if not self._metrics:
            return {}
        output = predict(self._net, rows.x)
        return {
            prefix + name: float(
                compute(
                    metric, rows.y, output, loss=self._objective.loss, sample_weight=rows.weight
                )
            )
            for name, metric in self._metrics.items()
        }

    def end(self) -> None:
        """Restore the best parameters of an `EarlyStopping`, and end the callbacks."""
        if self._hooks is None:
            return
        best = None if self._monitor is None else self._monitor.restore(self._net)
        history = History(
            _joined(self._before, self._series),
            stopped_early=self._stopped,
            restored_best=best is not None,
        )
        self._estimator.history_ = history
        if self._validation is not None:
            curve = vars(self._estimator).setdefault("validation_loss_curve_", [])
            curve += self._series.get("val_loss", [])
        for callback in self._callbacks:
            callback.on_train_end(self._net, history)

    def close(self) -> None:
        """End the progress bar, also after an error."""
        if self._hooks is not None:
            self._hooks.close()


def _joined(
    before: dict[str, list[float]], after: dict[str, list[float]]
) -> dict[str, list[float]]:
    """Return the series of two fits, one after the other. NaN stands where one has no series."""
    first, second = (len(next(iter(series.values()), [])) for series in (before, after))
    return {
        name: [*before.get(name, [np.nan] * first), *after.get(name, [np.nan] * second)]
        for name in {**before, **after}
    }


class _Monitor:
    """Early stopping of backpass.callbacks, on one series: the rules of `fit`."""

    def __init__(self, settings: EarlyStopping) -> None:
        self._settings = settings
        self._best = np.inf
        self._waited = 0
        self._parameters: Any = None

    def observe(self, net: Network, logs: dict[str, float]) -> bool:
        """Compare the epoch with the best one. Return whether to stop."""
        name, mode = self._settings.monitor, self._settings.mode
        if name not in logs:
            raise ValueError(
                f"EarlyStopping: {name!r} is not a series; there are {', '.join(logs)}. "
                "val_… needs X_val and y_val"
            )
        rises = mode == "max" or (mode == "auto" and _core._rises(name))  # noqa: SLF001
        value = -logs[name] if rises else logs[name]
        better = value < self._best - self._settings.min_delta
        equal = value == self._best  # not an improvement, but with ties="last" the best epoch
        if better:
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        if self._settings.restore_best and (better or (equal and self._settings.ties == "last")):
            self._parameters = net.parameters.copy()
        return self._waited >= self._settings.patience

    def restore(self, net: Network) -> Any:
        """Copy the best parameters into the network, if they were kept."""
        if self._parameters is not None:
            net.parameters[:] = self._parameters
        return self._parameters
