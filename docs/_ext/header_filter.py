"""Doxygen's input filter: print a header in a form that breathe and Sphinx can read.

python header_filter.py HEADER
"""

import ast
import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
# Explicit instantiations are not declarations of their own.
text = re.sub(r"^extern template [^;]*;\n", "", text, flags=re.MULTILINE)
# \throws takes one class. The headers name several in one sentence, so this is a paragraph instead.
text = re.sub(r"^( *///) \\throws ", r"\1\n\1 <b>Throws</b> ", text, flags=re.MULTILINE)
text = re.sub(r"\\throws ", "<b>Throws</b> ", text)
# The lists of settings: the checks, files and Python's classes use them.
text = re.sub(
    r"^  static constexpr auto fields\(\) (\{.*?\}$|\{.*?^  \}$)\n",
    "",
    text,
    flags=re.MULTILINE | re.DOTALL,
)
# The definition of a loss, an optimizer or a schedule becomes the description of its struct.
DEFINED = re.compile(
    r"^( *)struct (\w+) \{\n((?:(?!^ *\};).*\n)*?)"
    r" *static constexpr const char\* definition =\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)+);\n",
    re.MULTILINE,
)


def described(match: re.Match[str]) -> str:
    """Return the start of the struct, with its definition as a comment above it."""
    indent, name, before, literals = match.groups()
    definition = "".join(
        ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', literals)
    )
    comment = "".join(f"{indent}/// {line}".rstrip() + "\n" for line in definition.split("\n"))
    return f"{comment}{indent}struct {name} {{\n{before}"


text = DEFINED.sub(described, text)
text = re.sub(r"^ *static constexpr std::string_view name = .*\n", "", text, flags=re.MULTILINE)
text = re.sub(r"^ *friend bool operator==.*\n", "", text, flags=re.MULTILINE)
sys.stdout.write(text)
