"""The ``backpass`` command, with the error handling of all its subcommands."""

from __future__ import annotations

from typing import Any

import click

import backpass
from backpass.cli.info import info
from backpass.cli.predict import predict
from backpass.cli.train import train

# Exceptions for bad data, files and settings. Any other exception is a bug and keeps its traceback.
_EXPECTED_ERRORS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError)


class _App(click.Group):
    """Prints an expected error as one line on standard error and exits with code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            _check_environment()
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted: nothing is saved", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            raise  # the output pipe is closed: click exits without a message
        except _EXPECTED_ERRORS as error:
            message = " ".join(str(error).split()) or type(error).__name__
            click.echo(f"error: {message}", err=True)
            ctx.exit(1)


def _check_environment() -> None:
    """Raise ValueError if an environment variable of backpass has a wrong value."""
    try:
        backpass.config()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


@click.group(cls=_App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(backpass.__version__, package_name="backpass", message="%(prog)s %(version)s")
def app() -> None:
    """Train fully connected neural networks on tables, and predict with them.

    Results go to standard output, messages and progress to standard error.
    The exit code is 0 for success, 1 for failure, 2 for wrong usage, and 130 after Ctrl-C.
    """


app.add_command(train)
app.add_command(predict)
app.add_command(info)
