"""The network of a table, or several of them: how it is made and trained, by the settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import backpass as bp
from backpass.tabular.presets import BETA2, CYCLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backpass.callbacks.history import History
    from backpass.tabular.options import Settings

Nets = bp.Network | bp.Ensemble
METRICS = {"classification": "accuracy", "regression": "r2"}


def members_of(net: Nets) -> tuple[bp.Network, ...]:
    """Return the networks of an ensemble, or the network alone."""
    return tuple(net.members) if isinstance(net, bp.Ensemble) else (net,)


def make_net(settings: Settings, inputs: int, outputs: int, output: Any) -> Nets:
    """Return a new network, or an ensemble if the settings have several members.

    Parameters
    ----------
    inputs, outputs : int
        The sizes of the first and the last layer.
    output : Activation
        Of the last layer.
    """
    arguments: dict[str, Any] = {
        "activation": settings.activation,
        "output": output,
        "dropout": settings.dropout,
        "dtype": settings.dtype,
        "seed": settings.seed,
    }
    if settings.preset == "tabular":
        arguments["init"] = [*["lecun_normal"] * len(settings.hidden), "zeros"]
    sizes = [inputs, *settings.hidden, outputs]
    if settings.members > 1:
        net: Nets = bp.Ensemble(sizes, members=settings.members, **arguments)
    else:
        net = bp.Network(sizes, **arguments)
    if settings.preset == "tabular":
        for member in members_of(net):
            _set_rates(member)
    return net


def _set_rates(net: bp.Network) -> None:
    """Set the factors of the rates: 1 / √fan_in for weights, and 1 for biases."""
    for layer, fan_in in zip(net.layers, net.sizes[:-1], strict=True):
        layer.lr_scale = 1.0 / math.sqrt(fan_in)
        if layer.bias is not None:
            layer.bias_lr_scale = math.sqrt(fan_in)


def fit_net(
    net: Nets,
    settings: Settings,
    task: str,
    loss: str,
    x: NDArray[Any],
    y: NDArray[Any],
    validation: tuple[NDArray[Any], NDArray[Any]] | None,
    **others: Any,
) -> list[History]:
    """Train a network, or each network of an ensemble.

    Parameters
    ----------
    net : Network or Ensemble
        Of `make_net`.
    settings : Settings
        Of `Settings.resolved`.
    task : {"classification", "regression"}
    loss : str
    x, y : array
        Inputs (rows, inputs) and targets of the network.
    validation : (array, array), optional
        Inputs and targets for early stopping.
    others : optional
        Further arguments of `Network.fit` or `Ensemble.fit`.

    Returns
    -------
    list of History
        One per network.
    """
    recipe = settings.preset == "tabular"
    stopping = None
    if validation is not None and settings.early_stopping is not None:
        stopping = bp.callbacks.EarlyStopping(
            monitor="val_accuracy" if recipe and task == "classification" else "val_loss",
            patience=settings.early_stopping,
            ties="last" if recipe else "first",
        )
    histories = net.fit(
        x,
        y,
        loss=make_loss(loss, settings.label_smoothing or 0.0),
        optimizer=_make_optimizer(settings),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        schedule=bp.schedules.CosLog(CYCLES) if recipe else None,
        validation_data=validation,
        early_stopping=stopping,
        l2=settings.l2,
        metrics=[METRICS[task]],
        seed=settings.seed,
        **others,
    )
    return histories if isinstance(histories, list) else [histories]


def make_loss(name: str, label_smoothing: float) -> Any:
    """Return the loss, with its label smoothing.

    Raises
    ------
    ValueError
        If there is a label smoothing, and the loss has none.
    """
    if not label_smoothing:
        return name
    smoothed = [n for n in bp.losses.names() if hasattr(bp.losses.get(n), "label_smoothing")]
    if name not in smoothed:
        raise ValueError(f"label smoothing is for {' and '.join(smoothed)}, not {name}")
    make: Any = type(bp.losses.get(name))
    return make(label_smoothing=label_smoothing)


def _make_optimizer(settings: Settings) -> Any:
    name = settings.optimizer
    if settings.weight_decay and name == "adam":
        name = "adamw"  # the decay of Adam is a penalty
    optimizer: Any = bp.optim.get(name)
    if settings.lr is not None:
        optimizer.lr = settings.lr
    if settings.weight_decay:
        optimizer.weight_decay = settings.weight_decay
    if settings.preset == "tabular" and settings.optimizer == "adam":
        optimizer.betas = (optimizer.betas[0], BETA2)
    return optimizer
