#!/usr/bin/env python3
"""Compare the flags of cpp/cmake/isa.cmake with the CPU features that a kernel set checks.

``check_isa_flags.py COMPILER FLAG...``: the flags of one set. The compiler defines a macro for
every feature that these flags allow, including implied ones. kernels/features_inl.hpp must list
each macro, because usable() in kernels/dispatch.cpp asks the CPU only for listed features.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FEATURES = Path(__file__).resolve().parents[1] / "cpp/src/kernels/features_inl.hpp"
# Match __BMI__, but not __GCC_ASM_FLAG_OUTPUTS__ or __LAHF_SAHF__: a feature is one word with
# digits.
WORD = re.compile(r"#define (__[A-Z][A-Z0-9]*(?:_[0-9])?__) 1$", re.MULTILINE)


def macros(compiler: str, flags: list[str]) -> set[str]:
    """Return the macros that the compiler defines as 1 under these flags."""
    command = [compiler, "-std=c++20", *flags, "-dM", "-E", "-x", "c++", "/dev/null"]
    return set(
        WORD.findall(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    )


def main() -> None:
    """Print every allowed feature that is not listed; exit with 1 if there is one."""
    compiler, *flags = sys.argv[1:]
    allowed = macros(compiler, flags) - macros(compiler, [])
    missing = allowed - set(re.findall(r"#ifdef (\w+)", FEATURES.read_text()))
    if missing:
        sys.exit(f"{FEATURES.name} lacks {sorted(missing)}, which {' '.join(flags)} allow")
    print(f"{' '.join(flags)} allow {sorted(allowed)}; all are listed")


if __name__ == "__main__":
    main()
