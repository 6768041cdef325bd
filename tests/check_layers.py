#!/usr/bin/env python3
"""Check the includes of the C++ sources against the layer rule of docs/architecture.md.

A private file includes only its own folder and lower layers. From pass, io and train include only
the headers of ACCESS_TO_PASS. Each special subject stays in its folder: OpenMP in runtime, vector
types in kernels, the JSON parser in io. Public headers and the bindings include only public
headers.

Prints every violation as ``file:line: message``; exits with 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LAYERS = {
    "base": 0,
    "runtime": 1,
    "kernels": 2,
    "linalg": 3,
    "optim": 4,
    "model": 5,
    "pass": 6,
    "io": 7,
    "train": 8,
}
# Vector types and intrinsics: vectors in kernels, the pause instruction in runtime.
HARDWARE = {"kernels", "runtime"}
# The headers of pass that io and train may include. network_impl.hpp is not one of them.
ACCESS_TO_PASS = {
    "pass/network_access.hpp",
    "pass/shards.hpp",
    "pass/sum_order.hpp",
    "pass/tree_sum.hpp",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
OPENMP = re.compile(r"^\s*#\s*pragma\s+omp\b|\bomp_\w+\s*\(")
VECTOR = re.compile(r"\bvector_size\b|\b_mm\d*_|\b__m(128|256|512)|\bv\w+q_[fsu](32|64)\b")


def layer_of(include: str) -> str | None:
    """Return the folder of cpp/src that an include names, or None for a file beside it."""
    return include.split("/")[0] if "/" in include else None


def check_includes(kind: str, target: str, folder: str | None) -> Iterator[str]:
    """Yield what is wrong with one include of a file in ``folder`` of cpp/src (or None)."""
    if kind == '"':
        other = layer_of(target)
        if other is None:
            return
        if folder is None:
            yield f'private header "{target}" in a file that sees public headers only'
        elif other not in LAYERS:
            yield f'"{target}" is in no layer; they are {", ".join(LAYERS)}'
        elif other != folder and LAYERS[other] >= LAYERS[folder]:
            yield f"{folder} (layer {LAYERS[folder]}) includes {other} (layer {LAYERS[other]})"
        elif other == "pass" and folder != "pass" and target not in ACCESS_TO_PASS:
            yield f'{folder} includes "{target}"; allowed: {", ".join(sorted(ACCESS_TO_PASS))}'
    elif target == "omp.h" and folder != "runtime":
        yield "omp.h outside runtime"
    elif re.search(r"intrin\.h$|^arm_neon\.h$", target) and folder not in HARDWARE:
        yield f"<{target}> outside kernels and runtime"
    elif target.startswith("nlohmann/") and folder != "io":
        yield f"<{target}> outside io"
    elif target in {"thread", "mutex", "future", "iostream", "fstream"} and folder == "kernels":
        yield f"<{target}> in kernels, which start no threads and do no input or output"
    elif target == "iostream":
        yield "<iostream>: the library prints nothing"


def check_file(path: Path, folder: str | None) -> Iterator[tuple[int, str]]:
    """Yield line number and message of every violation in one file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        code = line.split("//")[0]
        if match := INCLUDE.match(code):
            for message in check_includes(match[1], match[2], folder):
                yield number, message
        if OPENMP.search(code) and folder != "runtime":
            yield number, "OpenMP outside runtime"
        if VECTOR.search(code) and folder not in HARDWARE:
            yield number, "vector types or intrinsics outside kernels and runtime"


def cpp_files(folder: Path) -> list[Path]:
    """Return all C++ files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".hpp", ".cpp"})


def check_tree(root: Path) -> list[str]:
    """Return every violation under the project's root."""
    sources = root / "cpp/src"
    files: list[tuple[Path, str | None]] = []
    for outside in ("cpp/include", "python/bindings"):
        files += [(path, None) for path in cpp_files(root / outside)]
    breaches = []
    for path in cpp_files(sources):
        folder = path.relative_to(sources).parts[0]
        if folder in LAYERS:
            files.append((path, folder))
        else:
            place = path.relative_to(root)
            breaches.append(f"{place}:1: in no layer; they are {', '.join(LAYERS)}")
    for path, layer in files:
        breaches += [f"{path.relative_to(root)}:{n}: {why}" for n, why in check_file(path, layer)]
    return breaches


if __name__ == "__main__":
    found = check_tree(Path(__file__).resolve().parents[1])
    for breach in found:
        print(breach)
    sys.exit(1 if found else 0)
