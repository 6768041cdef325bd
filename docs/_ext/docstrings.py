"""Docstrings of native functions, and names in single backticks."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

SIGNATURE = re.compile(r"^\w+\(.*\)( -> .*)?$")


def prepare(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make reStructuredText of a docstring.

    The first line of a native docstring repeats the signature, with C++ types.
    """
    if lines and SIGNATURE.match(lines[0]):
        del lines[0]
    lines[:] = [
        line if line.lstrip().startswith((">>>", "...")) else escaped(line) for line in lines
    ]


def escaped(line: str) -> str:
    """Escape, outside of double backticks, what is a reference in reStructuredText.

    That is |z|, where the bars mean a substitution, and (name_), where the underscore means a link.
    """
    parts = line.split("``")
    parts[::2] = [re.sub(r"\||_(?=,?\))", r"\\\g<0>", part) for part in parts[::2]]
    return "``".join(parts)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Link a name in single backticks, if it is the end of exactly one documented name.

    Docstrings write parameters and public names in the same way, as numpydoc has it. So a name
    without an entry stays plain text.
    """
    if node["refdomain"] != "py" or node["reftype"] != "obj":
        return None
    domain = env.get_domain("py")
    found = domain.find_obj(env, None, None, node["reftarget"], None, 1)  # type: ignore[attr-defined]
    places = {(entry.docname, entry.node_id) for _, entry in found}
    if len(places) != 1:
        return contnode
    ((docname, anchor),) = places
    return make_refnode(app.builder, node["refdoc"], docname, anchor, contnode, found[0][0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before numpydoc reads the docstring."""
    app.connect("autodoc-process-docstring", prepare, priority=100)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
