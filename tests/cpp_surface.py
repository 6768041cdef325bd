"""The public declarations of C++ headers as text, one per line.

Comments, function bodies, private members and the layout of the source do not change the text, so
its differences are differences of the interface. The parser knows the C++ of this project's
headers; it is not a compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<space>\s+)
    |(?P<word>[0-9][\w.']*|\w+)
    |(?P<symbol>::|->|\[\[|\]\]|&&|\|\||\.\.\.|[<=>!]=|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
OPENING = {"(": ")", "{": "}", "[": "]", "[[": "]]"}
SCOPE = re.compile(r'^(?:namespace|class|struct|union|extern "C")\b')
# What may precede the keyword of a class.
TEMPLATE = re.compile(r"^template <.*?>(?= (?:class|struct|union|requires)\b) ?")
REQUIRES = re.compile(r"^requires ?\(.*?\)(?= (?:class|struct|union)\b) ?")


@dataclass
class Scope:
    """A namespace or a class, and whether the members that follow are public."""

    name: str
    public: bool


def tokens(text: str) -> list[str]:
    """Return the words and symbols; a directive of the preprocessor is one token."""
    found = []
    for match in TOKEN.finditer(text):
        if match["directive"]:
            found.append(" ".join(re.sub(r"//.*|/\*.*?\*/|\\\n", " ", match[0]).split()))
        elif match["symbol"] not in {None, "(", "["} and found[-1:] == ["operator"]:
            found[-1] += match[0]
        elif not match["comment"] and not match["space"]:
            found.append(match[0])
    return found


def spaced(before: str, item: str) -> bool:
    """Whether there is a space between two tokens."""
    if item in {")", "]", "]]", "}", ",", ";", "::", "->"} or before in {
        "(",
        "[",
        "[[",
        "{",
        "~",
        "!",
    }:
        return False
    if before in {"::", "->"}:
        return False
    if item in {"(", "["}:
        return before in {"=", ",", "&&", "||", "?", ":", "]]"}
    if item == "<":
        return before == "template"
    if item == ">" or before == "<":
        return False
    return item not in {"&", "&&", "*", "..."}


def joined(parts: list[str]) -> str:
    """Return tokens as one line with the usual spaces."""
    line = parts[0] if parts else ""
    for before, item in pairwise(parts):
        line += " " * spaced(before, item) + item
    return line


def closing(items: list[str], start: int) -> int:
    """Return the index behind the bracket that closes the one at `start`."""
    depth = 0
    for index in range(start, len(items)):
        depth += (items[index] in OPENING) - (items[index] in OPENING.values())
        if depth == 0:
            return index + 1
    raise ValueError(f"no end of {items[start : start + 20]}")


def body_after_initializers(items: list[str], start: int) -> int:
    """Return the index of the body of a constructor whose member initialisers begin at `start`."""
    index = start
    while True:
        while items[index] not in {"(", "{"}:
            index += 1
        index = closing(items, index)
        if items[index] != ",":
            return index


def is_function(parts: list[str]) -> bool:
    """Whether an unfinished declaration is the head of a function, whose body follows."""
    depth, called = 0, False
    for part in parts:
        depth += (part in OPENING) - (part in OPENING.values())
        if depth == 0 and part == "=":
            return False
        called = called or (depth == 0 and part == ")")
    return called and not SCOPE.match(head_of(parts))


def head_of(parts: list[str]) -> str:
    """Return a declaration without its template parameters and their constraints."""
    return REQUIRES.sub("", TEMPLATE.sub("", joined(parts)))


def declarations(text: str) -> Iterator[str]:
    """Yield the public declarations, each with the name of its class or namespace."""
    items = tokens(text)
    scopes: list[Scope] = []
    parts: list[str] = []
    index = 0

    def visible() -> bool:
        hidden = any(scope.name in {"detail", "internal"} for scope in scopes)
        return not hidden and all(scope.public for scope in scopes)

    def line() -> str:
        name = "::".join(scope.name for scope in scopes if scope.name)
        return f"{name}: {joined(parts)}" if name else joined(parts)

    while index < len(items):
        item = items[index]
        index += 1
        if item.startswith("#"):
            if re.match(r"# ?(define|error)", item):
                yield item
        elif parts in (["public"], ["private"], ["protected"]) and item == ":":
            scopes[-1].public = parts[0] != "private"
            parts = []
        elif item == ";":
            if parts and visible() and parts[0] not in {"friend", "static_assert"}:
                yield line()
            parts = []
        elif item == "}":
            scopes.pop()
            index += items[index : index + 1] == [";"]
        elif item == ":" and is_function(parts):
            index = closing(items, body_after_initializers(items, index))
            if visible():
                yield line()
            parts = []
        elif item == "{":
            head = head_of(parts)
            if SCOPE.match(head):
                if visible() and not head.startswith(("namespace", "extern")):
                    yield line()
                # "class BACKPASS_EXPORT Name final : public Base", "namespace a::b"
                name = re.sub(r" final\b| ?:(?!:).*", "", head).split()[-1]
                scopes.append(Scope("" if name == '"C"' else name, not head.startswith("class")))
                parts = []
            elif is_function(parts):
                index = closing(items, index - 1)
                if visible() and parts[0] != "friend":
                    yield line()
                parts = []
            else:
                end = closing(items, index - 1)
                parts += items[index - 1 : end]
                index = end
        elif item in {"(", "[", "[["}:
            end = closing(items, index - 1)
            parts += items[index - 1 : end]
            index = end
        else:
            parts.append(item)


def surface(folder: Path) -> str:
    """Return the declarations of all headers in a folder, by header."""
    lines = []
    for path in sorted(folder.rglob("*.hpp")):
        lines.append(f"\n{path.relative_to(folder.parent)}")
        lines += [f"  {one}" for one in declarations(path.read_text(encoding="utf-8"))]
    return "\n".join(lines).strip() + "\n"
