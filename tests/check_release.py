#!/usr/bin/env python3
"""Check that every file states the version of cpp/include/backpass/version.hpp.

usage: check_release.py [--tag vX.Y.Z]

With ``--tag``, the version must be the tag's, and the changelog's first section must be this
version's, with a date. Prints every difference as ``file: what``; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "cpp/include/backpass/version.hpp"
# Where the version stands in each other file.
PLACES = {
    "CITATION.cff": r"^version: (.+)$",
    "packaging/vcpkg/vcpkg.json": r'^  "version": "(.+)",$',
    "packaging/conan/conandata.yml": r'^  "(.+)":$',
    "packaging/spack/package.py": r'^    version\("([0-9.]+)"',
    "packaging/conda-forge/recipe.yaml": r'^  version: "(.+)"$',
}


def version_of(header: str) -> tuple[str, str]:
    """Return the version as text, and the one that the three numbers give."""
    text = re.search(r'BACKPASS_VERSION_STRING "(.+)"', header)
    numbers = [
        re.search(rf"BACKPASS_VERSION_{part} (\d+)", header) for part in ("MAJOR", "MINOR", "PATCH")
    ]
    if text is None or not all(numbers):
        sys.exit(f"{HEADER}: no version")
    return text[1], ".".join(number[1] for number in numbers if number)


def differences(root: Path, tag: str | None = None) -> Iterator[str]:
    """Yield what does not fit the version."""
    version, numbers = version_of((root / HEADER).read_text(encoding="utf-8"))
    if numbers != version:
        yield f'{HEADER}: the numbers are {numbers}, but the text is "{version}"'
    for name, pattern in PLACES.items():
        found = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        if found is None or found[1] != version:
            yield f"{name}: {found[1] if found else 'no version'}, but {HEADER} has {version}"
    if tag is None:
        return
    if tag != f"v{version}":
        yield f"{HEADER}: {version}, but the tag is {tag}"
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](.*)$", text, re.MULTILINE)
    released = [one for one in sections if one[0] != "Unreleased"]
    if not released or released[0][0] != version:
        yield f"CHANGELOG.md: no section [{version}] at the top"
    elif not re.fullmatch(r" - \d{4}-\d{2}-\d{2}", released[0][1]):
        yield f"CHANGELOG.md: [{version}] has no date"


def main() -> None:
    """Print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag")
    found = list(differences(ROOT, parser.parse_args().tag))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
