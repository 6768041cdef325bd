"""The reading of options, and the printing that all commands do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from backpass import activations
from backpass.tabular.options import MISSING_TEXTS, ReadOptions

# Hidden layers: the elementwise activations, with their default parameters. exp soon overflows.
ACTIVATIONS = tuple(
    name for name in activations.names() if name not in {"exp", "softmax", "log_softmax"}
)


def parse_widths(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[int, ...] | None:
    """Read the widths of hidden layers: ``64,64``, or ``none`` for no hidden layer."""
    if value is None:
        return None
    if value == "none":
        return ()
    try:
        widths = tuple(int(part) for part in value.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive numbers such as 64,64")
    return widths


def reading(command: Any) -> Any:
    """Add the options of text files; `to_read_options` reads them."""
    options = [
        click.option(
            "--sep", metavar="CHARACTER", help="Separator of a CSV file.  [default: found]"
        ),
        click.option(
            "--decimal", type=click.Choice([".", ","]), help="Decimal sign.  [default: found]"
        ),
        click.option(
            "--encoding", metavar="NAME", help="Encoding of a CSV file.  [default: found]"
        ),
        click.option(
            "--quote",
            metavar="CHARACTER",
            help="Character around cells that contain separators.  [default: found]",
        ),
        click.option(
            "--na",
            metavar="TEXT",
            multiple=True,
            default=None,
            help="A cell that is missing, unless it is quoted, instead of the default ones. "
            f"An empty cell always is.  [default: {', '.join(filter(None, MISSING_TEXTS))}]",
        ),
        click.option(
            "--day-first/--month-first",
            default=None,
            help="Order in dates such as 02/03/2021.  [default: as other dates of the column]",
        ),
        click.option(
            "--no-header", is_flag=True, help="The first line is data; the names are 1, 2, …"
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def to_read_options(given: dict[str, Any]) -> ReadOptions:
    """Take the options of `reading` out of `given`."""
    missing = given.pop("na")
    separator = given.pop("sep")
    return ReadOptions(
        separator="\t" if separator in ("\\t", "tab") else separator,
        decimal=given.pop("decimal"),
        encoding=given.pop("encoding"),
        day_first=given.pop("day_first"),
        quote=given.pop("quote"),
        missing=tuple(missing) if missing else MISSING_TEXTS,
        header=not given.pop("no_header"),
    )


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
