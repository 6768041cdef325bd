"""``backpass train``: trains a network on a data set and writes a model file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import backpass as bp
from backpass.cli.files import choose_outputs
from backpass.cli.options import (
    ACTIVATIONS,
    parse_widths,
    print_json,
    print_status,
    reading,
    to_read_options,
)
from backpass.distributed import world
from backpass.tabular.model import load
from backpass.tabular.options import ColumnOptions, Settings, make_settings
from backpass.tabular.outcome import Extra, Outcome
from backpass.tabular.presets import LABEL_SMOOTHING, LEARNING_RATES, PRESETS
from backpass.tabular.sources import format_of
from backpass.tabular.training import train as train_model

_DEFAULT = Settings()
# For batches of 32 rows of 64 pixels, synchronising threads takes longer than the work.
_DIGITS_THREADS = 1
_PATIENCE = 5.0  # seconds to wait for the message of another process
_INTERRUPTED = 130  # exit code, as of a shell
_ARRAYS = ("digits", "arrays")  # formats without columns

_SHARE = click.FloatRange(0.0, 1.0, max_open=True)
_COUNT = click.IntRange(min=1)
_POSITIVE = click.FloatRange(min=0.0, min_open=True)
_COLUMNS = {
    "text": "is a text, even if it looks like numbers or dates",
    "numeric": "is a number; other texts in it are missing values",
    "category": "has categories, even if they are numbers",
    "date": "is a date",
    "drop": "is left out",
    "id": "identifies rows: it is left out, and predictions repeat it",
}


def _by_preset(name: str) -> str:
    """Return the text of the default of a setting that depends on the preset."""
    values = {preset: settings[name] for preset, settings in PRESETS.items()}
    shown = {
        preset: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for preset, value in values.items()
    }
    return f"[default: {', '.join(f'{preset}: {value}' for preset, value in shown.items())}]"


def _columns(command: Any) -> Any:
    """Add one option for each meaning of columns."""
    for name, meaning in reversed(_COLUMNS.items()):
        command = click.option(
            f"--{name}", metavar="COLUMN", multiple=True, help=f"This column {meaning}."
        )(command)
    return command


@click.command(context_settings={"show_default": True})
@click.argument("data")
@click.option(
    "--target",
    metavar="COLUMN",
    multiple=True,
    help="Column to predict. Give it several times for several numbers.",
)
@click.option("--labels", type=click.Path(), help="File with the labels of an IDX or NPY file.")
@_columns
@click.option("--index-column", metavar="COLUMN", multiple=True, help="The same as --id.")
@reading
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default=_DEFAULT.task,
    help="auto: classification for texts and for at most 20 different whole numbers.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default=_DEFAULT.preset,
    help="The defaults of the options below. tabular: several networks and a better encoding of "
    "numbers, which have better scores on most tables and take more time.",
)
@click.option(
    "--members",
    type=_COUNT,
    help=f"Number of networks whose outputs are averaged.  {_by_preset('members')}",
)
@click.option(
    "--bins",
    type=click.IntRange(min=0),
    help="Largest number of bins in the piecewise-linear encoding of a number; 0: none.  "
    f"{_by_preset('bins')}",
)
@click.option(
    "--hidden",
    metavar="WIDTHS",
    callback=parse_widths,
    help=f"Widths of the hidden layers, or none.  {_by_preset('hidden')}  [for digits: 256,128]",
)
@click.option(
    "--activation",
    type=click.Choice(ACTIVATIONS),
    metavar="NAME",
    help=f"Activation of the hidden layers: {', '.join(ACTIVATIONS)}.  {_by_preset('activation')}",
)
@click.option(
    "--loss",
    type=click.Choice(["auto", *bp.losses.names()]),
    metavar="NAME",
    default=_DEFAULT.loss,
    help=f"One of {', '.join(bp.losses.names())}; "
    "auto: cross_entropy for classification, mse for regression.",
)
@click.option(
    "--label-smoothing",
    type=_SHARE,
    help=f"[default: plain: 0, tabular: {LABEL_SMOOTHING} for classes]  [for digits: 0.1]",
)
@click.option("--optimizer", type=click.Choice(bp.optim.names()), default=_DEFAULT.optimizer)
@click.option(
    "--lr",
    type=_POSITIVE,
    help="Learning rate.  [default: plain: the optimizer's, tabular: "
    f"{LEARNING_RATES['classification']} for classes, {LEARNING_RATES['regression']} for numbers]",
)
@click.option(
    "--epochs", type=_COUNT, help=f"At most this many.  {_by_preset('epochs')}  [for digits: 60]"
)
@click.option("--batch-size", type=_COUNT, help=_by_preset("batch_size"))
@click.option(
    "--shards",
    type=_COUNT,
    help="Parts of a batch, a power of two. With the same number, one process has the results of "
    "several.  [default: 1; with mpiexec: 8]",
)
@click.option(
    "--dropout",
    type=_SHARE,
    help="Fraction of hidden activations that training drops.  "
    f"{_by_preset('dropout')}  [for digits: 0.3]",
)
@click.option("--l2", type=click.FloatRange(min=0.0), default=_DEFAULT.l2, help="L2 penalty.")
@click.option(
    "--early-stopping",
    metavar="PATIENCE",
    type=click.IntRange(min=0),
    help="Stop after this many epochs without a better validation score, and keep the best "
    f"network; 0: never.  {_by_preset('early_stopping')}  [for digits: 0]",
)
@click.option("--validation-split", type=_SHARE, default=_DEFAULT.validation_split)
@click.option("--test-split", type=_SHARE, default=_DEFAULT.test_split)
@click.option(
    "--validation",
    type=click.Path(),
    help="File with rows for the validation, instead of --validation-split.",
)
@click.option(
    "--test", type=click.Path(), help="File with rows for the test, instead of --test-split."
)
@click.option("--cv", metavar="K", type=click.IntRange(min=2), help="Also cross-validate, K folds.")
@click.option("--seed", type=click.IntRange(min=0), default=_DEFAULT.seed)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default=_DEFAULT.dtype)
@click.option(
    "--threads", type=_COUNT, help="Largest number of threads.  [for digits: 1]  [default: all]"
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="Model file to write.  [default: beside the data, with a new name]",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@click.option(
    "--checkpoint", type=click.Path(dir_okay=False), help="Save the training here every epoch."
)
@click.option(
    "--resume",
    type=click.Path(exists=True, dir_okay=False),
    help="Continue the training of this checkpoint, with the same data and target, and save to it "
    "as before. The defaults of all other options are those of the checkpoint.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    help="Picture to write.  [default: the model's name with .png]",
)
@click.option("--no-plot", is_flag=True, help="Do not draw a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--progress/--no-progress", default=None, help="Progress bar.  [default: on a terminal]"
)
@click.pass_context
def train(
    ctx: click.Context,
    /,
    data: str,
    target: tuple[str, ...],
    labels: str | None,
    index_column: tuple[str, ...],
    validation: str | None,
    test: str | None,
    cv: int | None,
    threads: int | None,
    shards: int | None,
    output: str | None,
    force: bool,
    checkpoint: str | None,
    resume: str | None,
    plot: str | None,
    no_plot: bool,
    as_json: bool,
    progress: bool | None,
    **given: Any,
) -> None:
    """Train a network on DATA and write a model file.

    DATA is a table with --target: a CSV file (also .gz, .bz2, .xz, .zst), Parquet, Feather, Arrow,
    JSON lines, or "-" for standard input. Or it is arrays: an .npz file with x and y, an IDX or
    .npy file with --labels, or the word "digits" for the handwritten digits of scikit-learn.

    The separator, the encoding and the meaning of each column are found out and shown; options
    change them. Numbers are standardised, missing numbers become the median, categories become one
    input each, and dates become year, month, day of the week, hour and days. The model file
    contains all of this, so that "backpass predict" accepts the same kind of table. The seed splits
    the rows at random into rows for training, validation and test.

    With "mpiexec -n 4 backpass train", 4 processes train the network together; see the guide
    "Several processes". Every process reads the data, and the first one writes the files. Ctrl-C
    then ends all processes and saves nothing.

    Ctrl-C ends the training, saves the network of the last step, and exits with code 130. During a
    cross-validation, and with several members, it saves nothing.
    """
    communicator = world()
    if communicator is not None and data == "-":
        raise click.UsageError("several processes cannot read standard input: name a file")
    first = communicator is None or communicator.Get_rank() == 0
    columns = {name: given.pop(name) for name in _COLUMNS}
    columns["id"] += index_column
    options = ColumnOptions(**columns)
    read = to_read_options(given)
    started = None if resume is None else _open_checkpoint(resume)
    if started is not None and started.encoder is not None and not target:
        target = tuple(started.target.names) if format_of(data) not in _ARRAYS else ()
    settings = _settings(ctx, data, given, started)
    stopping = bool(given["early_stopping"]) and _is_given(ctx, "early_stopping")
    _check_usage(data, target, labels, options, settings, validation, stopping)
    files = choose_outputs(
        data,
        (labels, validation, test),
        output=output,
        plot=plot,
        no_plot=no_plot,
        checkpoint=checkpoint,
        resume=resume,
        force=force,
    )
    if threads is None and data == "digits":
        threads = _DIGITS_THREADS
    if threads is not None:
        bp.set_num_threads(threads)
    with _ending_all(communicator):
        outcome = train_model(
            data,
            target or None,
            labels=labels,
            settings=settings,
            columns=options,
            read=read,
            extra=Extra(
                validation=validation,
                test=test,
                folds=cv,
                checkpoint=files.checkpoint,
                resume_from=resume,
                progress="auto" if progress is None else progress,
                report=print_status if first else lambda _: None,
                communicator=communicator,
                shards=shards,
            ),
        )
    if not first:
        return
    if outcome.interrupted:
        print_status(
            f"interrupted in epoch {outcome.history.epochs + 1} of {settings.epochs}: "
            "the network of the last step is saved"
            + (
                f"; the same command with --resume {files.checkpoint} continues"
                if files.checkpoint
                else ""
            )
        )
    outcome.model.save(files.model)
    plotted = files.plot if outcome.history.epochs else None
    if plotted is not None:
        outcome.plot(plotted)
    _report(outcome, settings, files.model, plotted, as_json)
    if outcome.interrupted:
        ctx.exit(_INTERRUPTED)


@contextmanager
def _ending_all(communicator: Any) -> Iterator[None]:
    """End all processes at an error of this one: the others may wait for it."""
    try:
        yield
    except BaseException as error:
        if communicator is None:
            raise
        if isinstance(error, RuntimeError) and str(error).startswith("rank "):
            # Another process prints its error and ends all; this is the same error.
            time.sleep(_PATIENCE)
        elif isinstance(error, Exception):
            print_status(f"error: {' '.join(str(error).split())}")
        communicator.Abort(1)


def _check_usage(
    data: str,
    target: tuple[str, ...],
    labels: str | None,
    options: ColumnOptions,
    settings: Settings,
    validation: str | None,
    stopping: bool,
) -> None:
    arrays = format_of(data) in _ARRAYS
    if not arrays and not target:
        raise click.UsageError("a table needs --target COLUMN, the column to predict")
    if arrays and (settings.preset != "plain" or settings.bins):
        raise click.UsageError("--preset tabular and --bins are for tables")
    if arrays and (target or options.names()):
        raise click.UsageError("--target and options of columns are for tables")
    labelled = arrays and data != "digits" and not data.lower().endswith(".npz")
    if labels is not None and not labelled:
        raise click.UsageError("--labels is for IDX and NPY files")
    if labelled and labels is None:
        raise click.UsageError(f"{data} needs --labels FILE")
    for name in target:
        if options.of(name) in ("drop", "id"):
            raise click.UsageError(
                f"--target and --{options.of(name)} both name the column {name!r}"
            )
    if stopping and not (settings.validation_split or validation):
        raise click.UsageError("--early-stopping needs a --validation-split above 0")
    if settings.validation_split + settings.test_split >= 1.0:
        raise click.UsageError("--validation-split and --test-split leave no rows to train on")


def _open_checkpoint(path: str) -> Any:
    """Return the model of a checkpoint."""
    model = load(path)
    if "settings" not in model.training or bp.load_checkpoint(path).optimizer is None:
        raise ValueError(f"{path}: not a checkpoint; backpass train --checkpoint saves one")
    return model


def _settings(ctx: click.Context, data: str, given: dict[str, Any], started: Any) -> Settings:
    """Return the settings of the command line. Digits and a resumed training have own defaults."""
    chosen = {name: value for name, value in given.items() if _is_given(ctx, name)}
    if started is not None:
        return Settings(**{**started.training["settings"], **chosen})
    return make_settings(data, **chosen)


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


def _report(
    outcome: Outcome, settings: Settings, model: Path, plot: Path | None, as_json: bool
) -> None:
    history, test = outcome.history, outcome.test
    if as_json:
        print_json(
            {
                "task": outcome.task,
                "loss": outcome.loss,
                "sizes": list(outcome.model.members[0].sizes),
                "members": len(outcome.model.members),
                "rows": outcome.rows,
                "epochs": history.epochs,
                "best_epoch": None if history.best_epoch is None else history.best_epoch + 1,
                "stopped_early": history.stopped_early,
                "interrupted": outcome.interrupted,
                "seconds": outcome.seconds,
                "seed": settings.seed,
                "test": None if test is None else test.values,
                "baseline": None if test is None else test.baseline,
                "folds": outcome.folds,
                "model": str(model),
                "plot": None if plot is None else str(plot),
            }
        )
        return
    if str(outcome):
        click.echo(str(outcome))
    click.echo(f"model: {model}")
    if plot is not None:
        click.echo(f"picture: {plot}")
    which = ""
    if history.restored_best and history.best_epoch is not None:
        which = f"; the network is that of epoch {history.best_epoch + 1}"
    print_status(f"{history.epochs} epochs in {outcome.seconds:.1f} s{which}")
    sys.stdout.flush()
