"""``python -m backpass``: where the C++ library is, for build systems; else the command line."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent.resolve()
# Each option's folder within the package and a file that must be there. Some systems say lib64.
_PLACES = {
    "--includes": ("include", "backpass/backpass.hpp"),
    "--cmakedir": ("lib*/cmake/backpass", "backpass-config.cmake"),
    "--pkgconfigdir": ("lib*/pkgconfig", "backpass.pc"),
}


def find_place(option: str) -> Path | None:
    """Return the folder that the option asks for, or None when it is not installed."""
    folder, witness = _PLACES[option]
    for found in sorted(_PACKAGE.glob(f"{folder}/{witness}")):
        return found.parents[witness.count("/")]
    return None


def main() -> None:
    """Run ``python -m backpass`` or the ``backpass`` command."""
    if len(sys.argv) == 2 and sys.argv[1] in _PLACES:
        place = find_place(sys.argv[1])
        if place is None:
            sys.exit("error: this installation of backpass has no C++ files (an editable one?)")
        print(place)  # noqa: T201 - the answer
        return
    from backpass.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
