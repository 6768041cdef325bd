"""Run Doxygen; ``.. header:: network.hpp`` documents what a public header declares."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective

HEADERS = Path(__file__).resolve().parents[2] / "cpp/include"

SETTINGS = {
    "INPUT": f'"{HEADERS}"',
    "EXCLUDE_PATTERNS": "*/backpass.hpp */export.hpp */compiler.hpp */field.hpp",
    "INPUT_FILTER": f'"{sys.executable} {Path(__file__).with_name("header_filter.py")}"',
    "RECURSIVE": "YES",
    "STRIP_FROM_PATH": f'"{HEADERS}"',
    "GENERATE_HTML": "NO",
    "GENERATE_LATEX": "NO",
    "GENERATE_XML": "YES",
    "XML_PROGRAMLISTING": "NO",
    "MACRO_EXPANSION": "YES",
    "INCLUDE_PATH": f'"{HEADERS}"',
    "PREDEFINED": "BACKPASS_EXPORT=",
    "EXCLUDE_SYMBOLS": "*::detail *::detail::*",
    "AUTOLINK_SUPPORT": "NO",  # its targets are files, which have no entries
    "QUIET": "YES",
    "WARN_IF_UNDOCUMENTED": "NO",
    "WARN_IF_INCOMPLETE_DOC": "NO",  # a parameter whose name says all has no line
    "WARN_AS_ERROR": "FAIL_ON_WARNINGS",
}


def run(app: Sphinx, config: Any) -> None:
    """Write Doxygen's XML beside the built site."""
    if shutil.which("doxygen") is None:
        raise ConfigError("doxygen is missing: apt-get install doxygen")
    out = Path(app.outdir).parent / "doxygen"
    out.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name} = {value}\n" for name, value in SETTINGS.items())
    text += f'OUTPUT_DIRECTORY = "{out}"\n'
    done = subprocess.run(["doxygen", "-"], input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise ConfigError(f"doxygen found errors in the headers:\n{done.stderr}")
    config.breathe_projects = {"backpass": str(out / "xml")}


def text_of(element: ElementTree.Element | None) -> str:
    """Return the text of an element and of all elements inside it."""
    return "" if element is None else "".join(element.itertext())


def declarations(xml: Path, header: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the directive of breathe and its argument for what a header declares."""
    place = f"backpass/{header}"
    for path in (*xml.glob("class*.xml"), *xml.glob("struct*.xml")):
        compound = ElementTree.parse(path).getroot()[0]
        location = compound.find("location")
        name = str(compound.findtext("compoundname"))
        nested = name.removeprefix("backpass::").removeprefix("schedules::")
        if location is not None and location.get("file") == place and "::" not in nested:
            yield int(location.get("line", 0)), f"doxygen{compound.get('kind')}", name
    for path in xml.glob("namespacebackpass*.xml"):
        namespace = ElementTree.parse(path).getroot()[0]
        for member in namespace.iter("memberdef"):
            location = member.find("location")
            if location is None or location.get("file") != place:
                continue
            name = f"{namespace.findtext('compoundname')}::{member.findtext('name')}"
            kind = member.get("kind")
            # A function without a description is an overload that the one above it describes.
            described = text_of(member.find("briefdescription")).strip()
            if kind in ("function", "variable") and not described:
                continue
            if kind == "function":
                name += f"({', '.join(text_of(one) for one in member.findall('param/type'))})"
            yield int(location.get("line", 0)), f"doxygen{kind}", name


class Header(SphinxDirective):
    """The description of a header, and everything that it declares, in order."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write breathe's directives and parse them."""
        header = self.arguments[0]
        xml = Path(self.config.breathe_projects["backpass"])
        lines = [
            f".. doxygenfile:: {header}",
            "   :sections: briefdescription detaileddescription",
            "",
        ]
        found = sorted(declarations(xml, header))
        if not found and header != "version.hpp":  # it has macros only
            raise self.error(f"{header} declares nothing that is documented")
        for _, directive, name in found:
            lines += [f".. {directive}:: {name}"]
            lines += (
                ["   :members:", "   :undoc-members:", ""]
                if directive in ("doxygenclass", "doxygenstruct")
                else [""]
            )
        node = nodes.container()
        self.state.nested_parse(StringList(lines, header), 0, node)
        return node.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before breathe reads its settings."""
    app.add_directive("header", Header)
    app.connect("config-inited", run, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
