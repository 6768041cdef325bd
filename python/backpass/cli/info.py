"""``backpass info``: describes a model file."""

from __future__ import annotations

from typing import Any

import click

from backpass.cli.model_file import Model
from backpass.cli.options import print_json
from backpass.cli.tables.preprocessing import CategoricalColumn, ClassTarget, InputEncoder, Target


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def info(model: str, as_json: bool) -> None:
    """Describe the model file MODEL: its layers, its data and its training."""
    loaded = Model.load(model)
    if as_json:
        print_json(_as_json(loaded))
        return
    click.echo(loaded.net.summary())
    if loaded.encoder is not None and loaded.target is not None:
        click.echo("")
        click.echo(f"target: {_target_line(loaded.target)}")
        click.echo("inputs:")
        for line in _input_lines(loaded.encoder):
            click.echo(f"  {line}")
    if loaded.training:
        click.echo("")
        click.echo("training:")
        for name, value in loaded.training.items():
            click.echo(f"  {name}: {_format_value(value)}")


def _as_json(model: Model) -> dict[str, Any]:
    net = model.net
    return {
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
        "inputs": None
        if model.encoder is None
        else [column.to_json() for column in model.encoder.columns],
        "training": model.training,
    }


def _target_line(target: Target) -> str:
    if isinstance(target, ClassTarget):
        shown = ", ".join(map(str, target.labels[:10]))
        more = ", …" if len(target.labels) > 10 else ""
        return f"{target.name} ({len(target.labels)} classes: {shown}{more})"
    return f"{target.name} ({target.column.width} numbers)"


def _input_lines(encoder: InputEncoder) -> list[str]:
    return [
        f"{column.name} ({column.width} "
        + ("categories)" if isinstance(column, CategoricalColumn) else "numbers)")
        for column in encoder.columns
    ]


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_format_value(item)}" for name, item in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value)
