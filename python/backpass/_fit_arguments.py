"""The arguments that `Network.fit` and `Ensemble.fit` share, checked and converted for the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backpass._arguments import to_count, to_flag, to_number
from backpass.metrics import NATIVE, function_of, listed, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from backpass._core.losses import Loss
    from backpass.metrics import Metrics


def data_settings(
    *,
    loss: Loss,
    shuffle: bool,
    validation_data: tuple[ArrayLike, ArrayLike] | None,
    validation_split: float,
    sample_weight: ArrayLike | None,
    metrics: Metrics,
) -> dict[str, Any]:
    """Return the settings of the data, which are the same for all members of an ensemble."""
    named = by_name(metrics)
    if "confusion_matrix" in named:
        raise ValueError("metrics: confusion_matrix is not a number; use evaluate")
    return {
        "shuffle": to_flag(shuffle, "shuffle"),
        "validation_data": _pair(validation_data),
        "validation_split": to_number(validation_split, "validation_split"),
        "sample_weight": sample_weight,
        "metrics": [name for name in named if name in NATIVE],
        "custom_metrics": [
            (name, function_of(metric, loss))
            for name, metric in named.items()
            if name not in NATIVE
        ],
    }


def step_settings(
    *,
    epochs: int,
    batch_size: int,
    clip_norm: float | None,
    clip_value: float | None,
    l1: float,
    l2: float,
) -> dict[str, Any]:
    """Return the numbers that the steps of one network depend on."""
    return {
        "epochs": to_count(epochs, "epochs", 0),
        "batch_size": to_count(batch_size, "batch_size", 1),
        "clip_norm": _bound(clip_norm, "clip_norm"),
        "clip_value": _bound(clip_value, "clip_value"),
        "l1": to_number(l1, "l1"),
        "l2": to_number(l2, "l2"),
    }


def by_name(metrics: Metrics) -> dict[str, str | Callable[[Any, Any], Any]]:
    """Return the metrics by their names; raise ValueError if a name is taken twice."""
    chosen = listed(metrics)
    named = {name_of(metric): metric for metric in chosen}
    if "loss" in named:
        raise ValueError("metrics: the name 'loss' is taken")
    if len(named) < len(chosen):
        raise ValueError(f"metrics: two of {[name_of(metric) for metric in chosen]} are equal")
    return named


def _bound(value: float | None, name: str) -> float:
    """Return the bound for the core, where 0 means no bound. A caller must use None instead."""
    if value is None:
        return 0.0
    bound = to_number(value, name)
    if not bound > 0:
        raise ValueError(f"{name} must be greater than 0 or None, got {bound}")
    return bound


def _pair(
    validation_data: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[ArrayLike, ArrayLike] | None:
    if validation_data is None:
        return None
    try:
        inputs, targets = validation_data
    except (TypeError, ValueError) as error:
        raise type(error)("validation_data must be a pair: inputs and targets") from None
    return inputs, targets
