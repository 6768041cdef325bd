"""``backpass predict``: computes predictions from a model file and data."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

import click

import backpass as bp
from backpass._atomic import atomic_write
from backpass.cli.options import print_json, print_status, reading, to_read_options
from backpass.tabular.model import Prediction, TableModel, load
from backpass.tabular.targets import ClassTarget

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("model")
@click.argument("data")
@reading
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="CSV file to write.  [default: standard output]",
)
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@click.option("--proba", is_flag=True, help="Also write the probability of every class.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Largest number of threads.  [default: all]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def predict(
    model: str,
    data: str,
    output: str | None,
    force: bool,
    proba: bool,
    threads: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Apply the model file MODEL to DATA and write one line of CSV per row.

    DATA has the same kind as for "backpass train"; the target may be missing. The model file
    contains the labels, the units and the encoding of the columns. Values that the training did not
    have are counted in a message. A model file of another program does not contain an encoding: its
    network gets all columns unchanged, and its outputs are written.
    """
    if output is not None:
        if os.path.realpath(output) in map(os.path.realpath, (model, data)):
            raise click.UsageError(f"writing {output} would overwrite an input file")
        if os.path.exists(output) and not force:  # noqa: PTH110
            raise click.UsageError(f"{output} exists; --force overwrites it")
    if threads is not None:
        bp.set_num_threads(threads)
    loaded = load(model)
    if proba and not isinstance(loaded.target, ClassTarget):
        raise ValueError(f"{model} does not predict classes, so there are no probabilities")
    prediction = loaded.outputs(data, read=to_read_options(given))
    for line in prediction.notes:
        print_status(line)
    names, columns = _columns(loaded, prediction, proba)
    _write(names, columns, output, as_json)
    print_status(f"{len(prediction.outputs)} rows" + (f" -> {output}" if output else ""))


def _columns(
    model: TableModel, prediction: Prediction, proba: bool
) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names and values of the columns of the result."""
    names: list[str] = list(prediction.ids)
    columns: list[Sequence[Any]] = list(prediction.ids.values())
    target = model.target
    if isinstance(target, ClassTarget):
        probabilities = model.probabilities(prediction.outputs)
        names.append(target.name)
        columns.append(model.labels(probabilities))
        if proba:
            names += [f"P({label})" for label in target.labels]
            columns += probabilities.T.tolist()
        return names, columns
    values = prediction.outputs
    width = values.shape[1]
    names += (
        (["y"] if width == 1 else [f"y{i}" for i in range(width)])
        if target is None
        else (list(target.names))
    )
    return names, columns + values.T.tolist()


def _write(
    names: Sequence[str], columns: Sequence[Sequence[Any]], output: str | None, as_json: bool
) -> None:
    if output is None and as_json:
        print_json(dict(zip(names, columns, strict=True)))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    if output is None:
        click.echo(text.getvalue(), nl=False)
        return
    with atomic_write(output) as file:
        file.write(text.getvalue().encode())
    if as_json:
        print_json({"rows": len(columns[0]), "columns": list(names), "output": output})
