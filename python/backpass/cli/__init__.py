"""The command line: ``backpass train``, ``backpass predict`` and ``backpass info``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``backpass`` command; exit codes are 0 for success, 1 for failure, 2 for misuse."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit("error: the backpass command needs the extra 'cli': pip install backpass[cli]")
    from backpass.cli.app import app

    app(prog_name="backpass")
