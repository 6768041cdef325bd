"""The command line: ``backpass train``, ``backpass predict`` and ``backpass info``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``backpass`` command. Exit codes: 0 success, 1 failure, 2 wrong usage."""
    try:
        from backpass.cli.app import app
    except ImportError as error:
        sys.exit(f"error: the backpass command needs {error.name}: pip install backpass[cli]")
    app(prog_name="backpass")
