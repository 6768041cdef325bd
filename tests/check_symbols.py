#!/usr/bin/env python3
"""Check which symbols of a built library another program can see.

A shared library must export only symbols of namespace backpass. A static library's weak symbols are
functions of which the linker keeps one copy. This copy may be another program's, compiled with
other options. So weak symbols must belong to backpass or to the standard library. A standard
function keeps its meaning under -fno-exceptions, since functions of the compiled runtime throw the
errors (std::__throw_*). A template of another library depends on that library's macros: for
example, the JSON parser may abort instead of throwing.

usage: check_symbols.py LIBRARY...   (.a, .so or .dylib)

Prints every violation as ``library: symbol: why``; exits with 1 if there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Itanium C++ ABI: the start of an entity's mangled name, after "virtual table of" and similar
# prefixes.
SPECIAL = r"^_?_Z(T[VTIS]|T[hvc]n?\d+_(n?\d+_)?|GV|GR|TH|TW|Z)*N?[rVK]*[RO]?"
OWN = re.compile(SPECIAL + r"8(backpass|nlohmann16backpass_private)|^_?backpass_must_be_built_")
STANDARD = re.compile(SPECIAL + r"(S[tabsiod]|9__gnu_cxx|10__cxxabiv1|n[wa]|d[la])")
RUNTIME = re.compile(  # symbols that compilers put into some libraries
    r"^_?(_init|_fini|__bss_start|_edata|_end|__odr_asan|__asan|__sanitizer|__start_|__stop_"
    r"|DW\.ref\.|__clang_call_terminate$|__x86\.get_pc_thunk)"
)


def symbols(library: Path) -> Iterator[tuple[str, str]]:
    """Yield type and name of every symbol that a library defines for other files."""
    command = ["nm", "--defined-only", "--extern-only", str(library)]
    if ".so" in library.name:
        command.insert(1, "--dynamic")
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if match := re.match(r"^[0-9a-fA-F]* ([A-Za-z]) (.+)$", line):
            yield match[1], match[2]


def breaches(library: Path) -> Iterator[str]:
    """Yield what is wrong with the symbols of one library."""
    is_shared = ".so" in library.name or library.suffix == ".dylib"
    found = 0
    for kind, name in symbols(library):
        found += bool(OWN.search(name))
        if OWN.search(name):
            if is_shared and "nlohmann" in name:
                yield f"{library.name}: {name}: the JSON parser is exported"
        elif is_shared and not RUNTIME.search(name):
            yield f"{library.name}: {name}: exported, and not backpass's"
        elif not STANDARD.search(name) and not RUNTIME.search(name):
            why = "a weak symbol of another library" if kind in "WVu" else "not backpass's"
            yield f"{library.name}: {name}: {why}"
    if found == 0:
        yield f"{library.name}: no symbol of namespace backpass"


if __name__ == "__main__":
    problems = [problem for path in sys.argv[1:] for problem in breaches(Path(path))]
    for problem in problems:
        print(problem)
    sys.exit(1 if problems or len(sys.argv) == 1 else 0)
