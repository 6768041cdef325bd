"""Parsing of options, and output functions of all commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

# Elementwise activations for hidden layers, with their default parameters.
ACTIVATIONS = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "hard_tanh",
    "hard_swish",
    "sin",
    "identity",
)


def parse_widths(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    value: str,
) -> tuple[int, ...]:
    """Parse the widths of hidden layers: ``64,64``, or ``none`` for no hidden layer."""
    if value == "none":
        return ()
    try:
        widths = tuple(int(part) for part in value.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive numbers such as 64,64")
    return widths


def say(message: str) -> None:
    """Print a message for the user on standard error."""
    click.echo(message, err=True)


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as JSON. NaN and infinity, which JSON does not have, become null."""
    click.echo(json.dumps(_finite(result), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
