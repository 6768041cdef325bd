"""The command line: ``backpass train``, ``backpass predict`` and ``backpass info``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``backpass`` command. Exit codes: 0 success, 1 failure, 2 wrong usage."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit("error: the backpass command needs the extra 'cli': pip install backpass[cli]")
    from backpass.cli.app import app

    app(prog_name="backpass")
