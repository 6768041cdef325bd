"""``backpass info``: describes a model file."""

from __future__ import annotations

import itertools
from typing import Any

import click

from backpass.cli.options import print_json
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.model import TableModel, load
from backpass.tabular.targets import ClassTarget, Target


@click.command()
@click.argument("model")
@click.option(
    "--inputs",
    is_flag=True,
    help="List the inputs of the network in order, for programs that encode rows themselves.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def info(model: str, inputs: bool, as_json: bool) -> None:
    """Describe the model file MODEL: its layers, its data and its training."""
    loaded = load(model)
    if as_json:
        print_json(_as_json(loaded))
        return
    if inputs:
        for line in _input_lines(loaded):
            click.echo(line)
        return
    if len(loaded.members) > 1:
        click.echo(f"{len(loaded.members)} networks; the first one:")
    click.echo(loaded.members[0].summary())
    if loaded.target is not None:
        click.echo("")
        click.echo(f"target: {_target_line(loaded.target)}")
    if isinstance(loaded.encoder, TableEncoder):
        click.echo("inputs:")
        for column in loaded.encoder.columns:
            count = len(column.inputs)
            click.echo(f"  {column.name} ({column.kind}, {count} input{'s' * (count > 1)})")
    if loaded.training:
        click.echo("")
        click.echo("training:")
        for name, value in loaded.training.items():
            click.echo(f"  {name}: {_format_value(value)}")


def _as_json(model: TableModel) -> dict[str, Any]:
    net = model.members[0]
    return {
        "members": len(model.members),
        "sizes": list(net.sizes),
        "dtype": str(net.dtype),
        "layers": [
            {
                "shape": list(layer.weight.shape),
                "activation": str(layer.activation),
                "bias": layer.bias is not None,
                "trainable": layer.trainable,
            }
            for layer in net.layers
        ],
        "parameters": int(net.parameters.size),
        "target": None if model.target is None else model.target.to_json(),
        "inputs": None if model.encoder is None else model.encoder.to_json(),
        "training": model.training,
    }


def _input_lines(model: TableModel) -> list[str]:
    """Return one line per input: its number, its meaning, and how to compute it."""
    encoder = model.encoder
    if encoder is None:
        return [f"{i}  (without a description)" for i in range(model.members[0].sizes[0])]
    if not isinstance(encoder, TableEncoder):
        return [
            f"{i}  {name}: (x - {mean!r}) / {scale!r}"
            for i, (name, mean, scale) in enumerate(
                zip(encoder.inputs, encoder.mean.tolist(), encoder.scale.tolist(), strict=True)
            )
        ]
    lines: list[str] = []
    for column in encoder.columns:
        for name, how in itertools.zip_longest(
            column.inputs, column.formulas, fillvalue="1 if so, else 0"
        ):
            lines.append(f"{len(lines)}  {name}: {how}")
    return lines


def _target_line(target: Target) -> str:
    if isinstance(target, ClassTarget):
        shown = ", ".join(map(str, target.labels[:10]))
        more = ", …" if len(target.labels) > 10 else ""
        return f"{target.name} ({len(target.labels)} classes: {shown}{more})"
    return f"{target.name} ({len(target.names)} number{'s' * (len(target.names) > 1)})"


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_format_value(item)}" for name, item in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value)
