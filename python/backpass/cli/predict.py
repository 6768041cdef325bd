"""``backpass predict``: computes predictions from a model file and data."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

import click

import backpass as bp
from backpass._atomic import atomic_write
from backpass.cli.model_file import Model
from backpass.cli.options import print_json, print_status
from backpass.cli.tables.data import read_dataset
from backpass.cli.tables.preprocessing import ClassTarget, stack_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


@click.command()
@click.argument("model")
@click.argument("data")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="CSV file to write.  [default: standard output]",
)
@click.option("--proba", is_flag=True, help="Also write the probability of every class.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Largest number of threads.  [default: all]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def predict(
    model: str, data: str, output: str | None, proba: bool, threads: int | None, as_json: bool
) -> None:
    """Apply the model file MODEL to DATA and write one line of CSV per row.

    DATA has the same kind as for "backpass train"; the target may be missing. The model file
    contains the labels, units and the preprocessing of the columns. A model file of another program
    does not contain them: its network gets all columns unchanged, and its outputs are written.
    """
    if output is not None and os.path.realpath(output) in map(os.path.realpath, (model, data)):
        raise click.UsageError(f"writing {output} would overwrite an input file")
    if threads is not None:
        bp.set_num_threads(threads)
    loaded = Model.load(model)
    if proba and not isinstance(loaded.target, ClassTarget):
        raise ValueError(f"{model} does not predict classes, so there are no probabilities")
    text_columns = [] if loaded.encoder is None else loaded.encoder.text_columns
    inputs = read_dataset(data, as_text=text_columns).inputs
    x = _encode(loaded, inputs).astype(loaded.net.dtype)
    names, columns = _columns(loaded, x, proba)
    _write(names, columns, output, as_json)
    print_status(f"{len(x)} rows" + (f" -> {output}" if output else ""))


def _encode(model: Model, inputs: Any) -> NDArray[Any]:
    if model.encoder is not None:
        return model.encoder.encode(inputs)
    x = stack_numbers(inputs)
    if x.shape[1] != model.net.sizes[0]:
        raise ValueError(f"the network has {model.net.sizes[0]} inputs, the data have {x.shape[1]}")
    return x


def _columns(model: Model, x: NDArray[Any], proba: bool) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names and values of the columns of the result."""
    target = model.target
    if isinstance(target, ClassTarget):
        probabilities = model.probabilities(x)
        names = [target.name]
        columns: list[Sequence[Any]] = [model.labels(probabilities)]
        if proba:
            names += [f"P({label})" for label in target.labels]
            columns += probabilities.T.tolist()
        return names, columns
    values = model.quantities(x)
    name = "y" if target is None else target.name
    single = values.shape[1] == 1
    return [name if single else f"{name}{i}" for i in range(values.shape[1])], values.T.tolist()


def _write(
    names: Sequence[str], columns: Sequence[Sequence[Any]], output: str | None, as_json: bool
) -> None:
    if output is None and as_json:
        print_json(dict(zip(names, columns, strict=True)))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(_rows(columns))
    if output is None:
        click.echo(text.getvalue(), nl=False)
        return
    with atomic_write(output) as file:
        file.write(text.getvalue().encode())
    if as_json:
        print_json({"rows": len(columns[0]), "columns": list(names), "output": output})


def _rows(columns: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*columns, strict=True)
