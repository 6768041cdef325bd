"""``python -m backpass``: prints a directory of the C++ library, or runs the command line."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent.resolve()
# For each option: a folder in the package, and a file that must be in it. Some systems use lib64.
_FOLDERS = {
    "--includes": ("include", "backpass/backpass.hpp"),
    "--cmakedir": ("lib*/cmake/backpass", "backpass-config.cmake"),
    "--pkgconfigdir": ("lib*/pkgconfig", "backpass.pc"),
}


def find_folder(option: str) -> Path | None:
    """Return the folder for the option, or None if it is not installed."""
    pattern, file = _FOLDERS[option]
    for found in sorted(_PACKAGE.glob(f"{pattern}/{file}")):
        return found.parents[file.count("/")]
    return None


def main() -> None:
    """Run ``python -m backpass`` or the ``backpass`` command."""
    if len(sys.argv) == 2 and sys.argv[1] in _FOLDERS:
        folder = find_folder(sys.argv[1])
        if folder is None:
            sys.exit("error: this installation of backpass has no C++ files (is it editable?)")
        print(folder)  # noqa: T201 - the result
        return
    from backpass.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
