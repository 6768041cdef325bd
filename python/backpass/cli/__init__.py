"""The command line: ``backpass train``, ``backpass predict`` and ``backpass info``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``backpass`` command. Exit codes: 0, 1 failure, 2 wrong usage, 130 Ctrl-C."""
    try:
        from backpass.cli.app import app
    except ImportError as error:
        sys.exit(f"error: the backpass command needs {error.name}: pip install backpass[cli]")
    except KeyboardInterrupt:
        sys.exit(130)
    app(prog_name="backpass")
