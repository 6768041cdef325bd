"""Links of Markdown files, which are right on disk, made right for the site.

Pages are read on disk, too. There, CONTRIBUTING.md is in the root. The site has a page that
includes it. Files that have no page become downloads.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
PAGES = {
    "README.md": "index.md",
    "README.ja.md": "ja/index.md",
    "CONTRIBUTING.md": "development/contributing.md",
    "SECURITY.md": "development/security.md",
    "CHANGELOG.md": "development/changelog.md",
    "examples/README.md": "gallery/index.rst",
}


def rewritten(text: str, folder: Path) -> str:
    """Return the text with links that the site understands.

    Parameters
    ----------
    text : str
        Markdown.
    folder : Path
        The folder of the file, to which its links are relative.
    """

    def link(match: re.Match[str]) -> str:
        image, label, target, anchor = match.groups()
        path = Path(os.path.normpath(folder / target))
        if image:
            return f"![{label}](/{path.relative_to(DOCS)})" if DOCS in path.parents else match[0]
        name = path.relative_to(ROOT).as_posix() if ROOT in path.parents else ""
        if name in PAGES:
            return f"[{label}](/{PAGES[name]}{anchor or ''})"
        if name.startswith("docs/"):
            return f"[{label}](/{name.removeprefix('docs/')}{anchor or ''})"
        if path.is_file():
            return f"{{download}}`{label.replace('`', '')} </../{name}>`"
        return match[0]

    return LINK.sub(link, text)


def on_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Change a page."""
    if app.env.doc2path(docname).suffix == ".md":
        source[0] = rewritten(source[0], DOCS / Path(docname).parent)


def on_include(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Change a file that a page includes."""
    full = Path(os.path.normpath(DOCS / path))
    if full.suffix == ".md":
        content[0] = rewritten(content[0], full.parent)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both events."""
    app.connect("source-read", on_source)
    app.connect("include-read", on_include)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
