#!/usr/bin/env python3
"""The public interface as text: tests/golden/surface/python.txt and cpp.txt.

``python tests/surface.py --write`` renews the files, with the package installed.
tests/python/test_surface.py compares them with the interface, so every change of the interface is
a line in a review.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import backpass
import cpp_surface

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/surface"


def public_modules() -> Iterator[ModuleType]:
    """Yield the package and its public modules. The command line is not imported."""
    yield backpass
    for found in pkgutil.walk_packages(backpass.__path__, "backpass."):
        parts = found.name.split(".")
        if not any(part.startswith("_") for part in parts) and parts[1] != "cli":
            yield importlib.import_module(found.name)


class Text(str):
    """An annotation as it stands in the source, which inspect would print with quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def annotation(value: Any) -> Any:
    """Return an annotation that is source text; the text of others depends on Python's version."""
    return Text(value) if isinstance(value, str) else inspect.Parameter.empty


def signature(value: Any) -> str:
    """Return the signature with defaults and annotations."""
    try:
        whole = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [
        one.replace(annotation=annotation(one.annotation)) for one in whole.parameters.values()
    ]
    result = annotation(whole.return_annotation)
    text = str(inspect.Signature(parameters, return_annotation=result))
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # of a function that is a default


def members(cls: type) -> Iterator[str]:
    """Yield the public members that a class or its bases in this package define."""
    seen: dict[str, Any] = {}
    for base in cls.__mro__:
        if base.__module__.split(".")[0] == "backpass":
            for name, value in vars(base).items():
                seen.setdefault(name, value)
    for name, value in sorted(seen.items()):
        # scikit-learn adds set_fit_request and the like, depending on its version.
        if name.startswith("_") or (name.startswith("set_") and name.endswith("_request")):
            continue
        if isinstance(value, (staticmethod, classmethod)):
            kind = type(value).__name__
            yield f".{name}{signature(getattr(cls, name))}  # {kind}"
        elif callable(value) and not isinstance(value, type):
            yield f".{name}{signature(value)}"
        else:
            settable = getattr(value, "fset", True) is not None
            yield f".{name}" if settable else f".{name}  # read-only"


def describe(name: str, value: Any) -> Iterator[str]:
    """Yield the lines of one public name."""
    if isinstance(value, ModuleType):
        yield f"  module {name}"
    elif isinstance(value, type):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"  class {name}({bases}){signature(value).split(' -> ')[0]}"
        yield from (f"    {line}" for line in members(value))
    elif callable(value):
        yield f"  {name}{signature(value)}"
    else:
        yield f"  {name}: {type(value).__name__}"


def python_surface() -> str:
    """Return the public names of all public modules."""
    lines = []
    for module in public_modules():
        names = sorted(getattr(module, "__all__", ()))
        if names:
            lines.append(f"\n{module.__name__}")
        for name in names:
            value = getattr(module, name)
            # A name of the package is described there, and not again in its module.
            shown = module is not backpass and value is getattr(backpass, name, None)
            shown = shown and not isinstance(value, ModuleType)
            lines += [f"  {name} = backpass.{name}"] if shown else describe(name, value)
    return "\n".join(lines).strip() + "\n"


def surfaces() -> dict[str, str]:
    """Return the texts by the names of their files."""
    return {
        "python.txt": python_surface(),
        "cpp.txt": cpp_surface.surface(ROOT / "cpp/include/backpass"),
    }


def main() -> None:
    """Print the texts, or write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    for name, text in surfaces().items():
        if write:
            GOLDEN.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)


if __name__ == "__main__":
    main()
