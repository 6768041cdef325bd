"""The files that ``backpass train`` reads and writes, checked before the training."""

from __future__ import annotations

import errno
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backpass.callbacks.plotting import picture_format

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Outputs:
    """The files to write."""

    model: Path
    plot: Path | None
    checkpoint: Path | None


def choose_outputs(
    data: str,
    others: Iterable[str | None],
    *,
    output: str | None,
    plot: str | None,
    no_plot: bool,
    checkpoint: str | None,
    resume: str | None,
    force: bool,
) -> Outputs:
    """Return the files to write.

    Parameters
    ----------
    data : str
        The data for the training. By default the model is written beside it, with a new name.
    others : iterable of str
        Other files that are read.

    Raises
    ------
    click.UsageError
        If a file would overwrite another one.
    OSError
        If a file to read or a directory to write to does not exist.
    """
    if plot is not None and no_plot:
        raise click.UsageError("--plot and --no-plot contradict each other")
    sources = [path for path in (data, *others) if path not in (None, "-", "digits")]
    for path in sources:
        if not Path(str(path)).exists() and "://" not in str(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    model_path = _default_output(data, force) if output is None else Path(output)
    written = {"output": model_path}
    if not no_plot:
        written["plot"] = Path(plot or model_path.with_suffix(".png"))
    if checkpoint is not None or resume is not None:
        written["checkpoint"] = Path(checkpoint or str(resume))
    _check_written(written, sources, resume, force)
    if "plot" in written:
        _check_plotting(written["plot"])
    return Outputs(model_path, written.get("plot"), written.get("checkpoint"))


def _check_written(
    written: dict[str, Path], sources: Iterable[str | None], resume: str | None, force: bool
) -> None:
    read = {os.path.realpath(str(path)) for path in sources}
    seen: dict[str, str] = {}
    for option, path in written.items():
        real = os.path.realpath(path)
        if real in read:
            raise click.UsageError(f"writing {path} would overwrite the data")
        if real in seen:
            raise click.UsageError(f"--{seen[real]} and --{option} name the same file")
        seen[real] = option
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no directory {path.parent} for the file {path.name}")
        resumed = resume is not None and real == os.path.realpath(resume)
        if path.exists() and not force and not (resumed and option == "checkpoint"):
            raise click.UsageError(f"{path} exists; --force overwrites it")


def _default_output(data: str, force: bool) -> Path:
    """Return a file beside the data, with a name that no file has."""
    path = Path(data)
    if path.is_dir():
        raise IsADirectoryError(f"{data} is a directory, not a file")
    stem = "model" if data == "-" else path.name.split(".")[0] or "model"
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        model = path.with_name(f"{name}.safetensors")
        if force or not (model.exists() or model.with_suffix(".png").exists()):
            return model
    raise AssertionError


def _check_plotting(path: Path) -> None:
    try:
        picture_format(path)
    except ImportError as error:
        raise ImportError(
            "the picture needs matplotlib: pip install backpass[plot], or use --no-plot"
        ) from error
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--plot") from error
