"""The reading of options, and the printing that all commands do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from backpass import activations

# Hidden layers: the elementwise activations, with their default parameters. exp soon overflows.
ACTIVATIONS = tuple(
    name for name in activations.names() if name not in {"exp", "softmax", "log_softmax"}
)


def parse_widths(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    value: str,
) -> tuple[int, ...]:
    """Read the widths of hidden layers: ``64,64``, or ``none`` for no hidden layer."""
    if value == "none":
        return ()
    try:
        widths = tuple(int(part) for part in value.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive numbers such as 64,64")
    return widths


def print_status(message: str) -> None:
    """Print a line for a person to standard error. Standard output holds only results."""
    click.echo(message, err=True)


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as JSON. NaN and infinity, which JSON cannot represent, become null."""
    click.echo(json.dumps(_finite(result), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
