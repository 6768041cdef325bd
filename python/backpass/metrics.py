"""Metrics of predictions, by name or as functions.

`Network.evaluate` and `Network.fit` take these names. Accuracy, r2, mae, mse and rmse need nothing
but NumPy. The others are those of scikit-learn, and need the extra ``sklearn``.

The loss decides how a metric of classes reads the outputs. With several outputs the class is the
largest output. With one output, or a binary cross-entropy, every output is a separate label, which
is 1 if the output exceeds 0.5, or 0 for logits.

Examples
--------
>>> import numpy as np
>>> import backpass as bp
>>> bp.metrics.names()[:3]
['accuracy', 'auc', 'balanced_accuracy']
>>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
>>> net = bp.Network([1, 1], init="zeros")
>>> net.evaluate(x, x, loss="mse", metrics=["mae", lambda y, output: np.max(np.abs(y - output))])
{'loss': 3.5, 'mae': 1.5, '<lambda>': 3.0}
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from backpass import _core
from backpass._arguments import suggestion
from backpass._inputs import to_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from backpass._core.losses import Loss

    Array = NDArray[Any]
    # (y, output) -> float, with arrays (B, M_N), or labels (B,)
    Function = Callable[[Any, Any], Any]
    Metrics = str | Function | Iterable[str | Function]

__all__ = ["compute", "names"]

_TOP = re.compile(r"top_?([1-9][0-9]*)$")


class _Metric(Protocol):
    def __call__(
        self, y: Array, output: Array, loss: Loss, weight: Array | None
    ) -> float | Array: ...


def names() -> list[str]:
    """Return the names of all metrics. ``"top_3"`` stands for any number after ``top_``."""
    return sorted([*_METRICS, "top_3"])


def compute(
    metric: str | Function,
    y: ArrayLike,
    output: ArrayLike,
    *,
    loss: Loss | str,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Return a metric of predictions.

    Parameters
    ----------
    metric : str or callable
        A name of `names`, or a function (y, output) -> float.
    y : array_like
        Targets (B, M_N), (B,) if M_N is 1, or integer labels (B,).
    output : array_like
        (B, M_N), the result of `Network.predict`.
    loss : Loss or str
        Decides what the outputs mean.
    sample_weight : array_like, optional
        (B,). A function does not get the weights.

    Returns
    -------
    float, or ndarray of shape (classes, classes) for ``"confusion_matrix"``

    Raises
    ------
    ValueError
        If the name is unknown, or the metric does not apply to these targets.
    ImportError
        If the metric needs scikit-learn and it is not installed.
    """
    loss = _core.losses.get(loss) if isinstance(loss, str) else loss
    out = _array(output, "output")
    targets = _array(y, "y")
    weight = None if sample_weight is None else _array(sample_weight, "sample_weight")
    if out.ndim == 1:  # one sample
        out = out.reshape(1, -1)
        targets = targets.reshape(1, -1) if targets.size == out.size > 1 else targets.reshape(-1)
        weight = None if weight is None else weight.reshape(-1)
    if not (targets.ndim == 1 and out.shape[1] > 1 and targets.dtype.kind in "iub"):
        if targets.size != out.size:
            raise ValueError(f"y has shape {targets.shape}; expected {out.shape}")
        targets = targets.reshape(out.shape)
    return function_of(metric, loss)(targets, out, weight)


def _array(value: Any, name: str) -> Array:
    return np.asarray(value) if isinstance(value, (list, tuple)) else to_array(value, name)


def function_of(metric: str | Function, loss: Loss) -> Callable[[Array, Array, Array | None], Any]:
    """Return the metric as a function of (y, output, sample_weight)."""
    if callable(metric):
        return functools.partial(_of_user, metric, name_of(metric))
    name = normalised(metric)
    chosen = _METRICS.get(name)
    if chosen is None:
        k = int(name.removeprefix("top_"))
        chosen = functools.partial(_top, k)
    of_classes = name not in ("mae", "mse", "rmse", "r2", "accuracy")
    if of_classes and loss.targets == "real" and loss.name != "custom":
        raise ValueError(f"{name} is a metric of classes and does not apply to {loss.name}")
    return functools.partial(_of_name, name, chosen, loss)


def _of_name(
    name: str, metric: _Metric, loss: Loss, y: Array, output: Array, weight: Array | None
) -> Any:
    if np.isnan(output).any():  # NaN never becomes a number
        if name == "confusion_matrix":
            raise ValueError("confusion_matrix: an output is NaN")
        return math.nan
    return metric(y, output, loss, weight)


def _of_user(metric: Function, name: str, y: Array, output: Array, weight: Array | None) -> float:
    del weight
    try:
        value = metric(y.copy(), output.copy())
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"the metric {name} failed: {error}. A metric is a function (y, output) -> float, here "
            f"of targets of shape {y.shape} and outputs of the network of shape {output.shape}, "
            "which are not classes; for classes there are the names of backpass.metrics.names()"
        ) from error
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} must return a number, got {value!r}") from None


def normalised(metric: str) -> str:
    """Return the name in lower case; raise ValueError for an unknown name."""
    if not isinstance(metric, str):
        raise TypeError(f"metrics must be names or functions (y, output) -> float, got {metric!r}")
    name = metric.lower().replace("-", "_").replace(" ", "_").removesuffix("_score")
    plain = {known.replace("_", ""): known for known in _METRICS}
    name = plain.get(name.replace("_", ""), name)
    if top := _TOP.match(name):
        return f"top_{top[1]}"
    if name not in _METRICS:
        raise ValueError(f"unknown metric {metric!r}{suggestion(name, names())}")
    return name


def name_of(metric: str | Function) -> str:
    """Return the name of the metric in results."""
    if isinstance(metric, str):
        return normalised(metric)
    return str(getattr(metric, "__name__", type(metric).__name__))


def listed(metrics: Metrics) -> list[str | Function]:
    """Return the metrics as a list; raise for anything that is not a metric."""
    one = isinstance(metrics, str) or callable(metrics) or not isinstance(metrics, Iterable)
    chosen: list[str | Function] = [metrics] if one else list(metrics)  # type: ignore[list-item,arg-type]
    for metric in chosen:
        if not callable(metric):
            normalised(metric)
    return chosen


def _classes(y: Array, output: Array, loss: Loss) -> tuple[Array, Array]:
    """Return the classes of targets and predictions: (B,), or (B, M_N) for separate labels."""
    if y.ndim == 1 and output.shape[1] > 1:
        return y, output.argmax(axis=1)
    binary = loss.targets == "unit_interval"
    if output.shape[1] > 1 and not binary:
        return y.argmax(axis=1), output.argmax(axis=1)
    threshold = 0.0 if loss.output == "identity" and binary else 0.5
    true, predicted = y.reshape(output.shape) > 0.5, output > threshold
    if output.shape[1] == 1:
        return true[:, 0].astype(int), predicted[:, 0].astype(int)
    return true.astype(int), predicted.astype(int)


def _native(name: str) -> _Metric:
    def metric(y: Array, output: Array, loss: Loss, weight: Array | None) -> float:
        return float(_core._compute_metric(name, output, y, loss, weight))  # noqa: SLF001

    return metric


def _squares(y: Array, output: Array, loss: Loss, weight: Array | None) -> float:
    del loss
    if y.ndim == 1 and output.shape[1] > 1:
        raise ValueError("mse and rmse need numeric targets, but y contains class labels")
    errors = np.subtract(output, y.reshape(output.shape), dtype=np.float64)
    return float(np.average((errors**2).mean(axis=1), weights=weight))


def _root(y: Array, output: Array, loss: Loss, weight: Array | None) -> float:
    return math.sqrt(_squares(y, output, loss, weight))


def _top(k: int, y: Array, output: Array, loss: Loss, weight: Array | None) -> float:
    """Return the fraction of rows whose class is among the k largest outputs.

    Of equal outputs, the first ones count as larger, as in accuracy.
    """
    if output.shape[1] <= k or (loss.targets == "unit_interval" and y.ndim == 2):
        raise ValueError(f"top_{k} needs more than {k} classes, one output each")
    labels = (y if y.ndim == 1 else y.argmax(axis=1)).astype(int)
    own = np.take_along_axis(output, labels[:, None], axis=1)
    before = np.arange(output.shape[1]) < labels[:, None]
    rank = ((output > own) | ((output == own) & before)).sum(axis=1)
    return float(np.average(rank < k, weights=weight))


def _sklearn() -> Any:
    try:
        from sklearn import metrics
    except ImportError:
        raise ImportError(
            "this metric needs scikit-learn: pip install 'backpass[sklearn]'"
        ) from None
    return metrics


def _of_classes(function: str, **options: Any) -> _Metric:
    """Return a metric of scikit-learn that takes classes."""

    def metric(y: Array, output: Array, loss: Loss, weight: Array | None) -> float | Array:
        true, predicted = _classes(y, output, loss)
        if true.ndim == 2 and "average" not in options:
            raise ValueError(f"{function} does not apply to several binary labels per row")
        if function == "confusion_matrix":
            options["labels"] = np.arange(max(2, output.shape[1]))
        value = getattr(_sklearn(), function)(true, predicted, sample_weight=weight, **options)
        return np.asarray(value) if np.ndim(value) else float(value)

    return metric


def _averaged(function: str) -> _Metric:
    """Return precision, recall or F1: of class 1 if there are two, else the mean over classes."""

    def metric(y: Array, output: Array, loss: Loss, weight: Array | None) -> float | Array:
        two = output.shape[1] == 1 or (output.shape[1] == 2 and loss.targets != "unit_interval")
        average = "binary" if two else "macro"
        return _of_classes(function, average=average, zero_division=0)(y, output, loss, weight)

    return metric


def _auc(y: Array, output: Array, loss: Loss, weight: Array | None) -> float:
    """Return the area under the ROC curve; the mean over pairs "class against rest" if several."""
    true, _ = _classes(y, output, loss)
    if output.shape[1] == 1:
        score = output[:, 0]
    elif true.ndim == 2:
        score = output
    elif output.shape[1] == 2:
        score = output[:, 1] - output[:, 0]
    else:
        score = output
        if loss.output == "identity" or (score < 0).any():  # logits, or logarithms
            score = np.exp(score - score.max(axis=1, keepdims=True))
        score = np.asarray(score, np.float64)
        score = score / score.sum(axis=1, keepdims=True)
    labels = {"labels": np.arange(output.shape[1])} if score.ndim == 2 and true.ndim == 1 else {}
    return float(
        _sklearn().roc_auc_score(
            true, score, sample_weight=weight, multi_class="ovr", average="macro", **labels
        )
    )


_METRICS: dict[str, _Metric] = {
    "accuracy": _native("accuracy"),
    "r2": _native("r2"),
    "mae": _native("mae"),
    "mse": _squares,
    "rmse": _root,
    "balanced_accuracy": _of_classes("balanced_accuracy_score"),
    "precision": _averaged("precision_score"),
    "recall": _averaged("recall_score"),
    "f1": _averaged("f1_score"),
    "auc": _auc,
    "confusion_matrix": _of_classes("confusion_matrix"),
}
# The training loop computes these itself, slice by slice.
NATIVE = ("accuracy", "r2", "mae")
