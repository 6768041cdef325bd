"""The modules of the package import each other without cycles, and only by public names."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "python/backpass"


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(path): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
FOLDERS = {module_of(path) for path in PACKAGE.rglob("__init__.py")} - {"backpass"}


def run_time_imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import that runs, also in functions; name is "" for none."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield from ((node.module or "", alias.name) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from run_time_imports(child)


def imports_of(text: str) -> list[tuple[str, str]]:
    found = run_time_imports(ast.parse(text))
    return [(module, name) for module, name in found if module.split(".")[0] == "backpass"]


def edges(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return the modules that each module imports."""
    return {
        module: {
            f"{other}.{name}" if f"{other}.{name}" in {*sources, "backpass._core"} else other
            for other, name in imports_of(text)
        }
        for module, text in sources.items()
    }


def folder_of(module: str) -> str:
    """Return the innermost subpackage of a module, or backpass."""
    return max((one for one in FOLDERS if f"{module}.".startswith(f"{one}.")), key=len, default="")


def private_imports(module: str, text: str) -> list[str]:
    """Return the imported private names. A subpackage may import its own private modules.

    The private modules of backpass itself, such as backpass._core, are for the whole package.
    """
    breaches = []
    for other, name in imports_of(text):
        path = f"{other}.{name}" if name else other
        own = path in SOURCES and folder_of(path) == folder_of(module)
        below = path.split(".")[2:]
        if not own and any(part.startswith("_") and not part.endswith("__") for part in below):
            breaches.append(path)
    return breaches


def test_there_is_no_import_cycle() -> None:
    TopologicalSorter(edges(SOURCES)).prepare()


def test_a_cycle_is_found() -> None:
    texts = {
        "backpass.a": "def f():\n    from backpass import b",
        "backpass.b": "import backpass.a",
    }
    with pytest.raises(CycleError):
        TopologicalSorter(edges(texts)).prepare()


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_modules_import_public_names(module: str) -> None:
    assert private_imports(module, SOURCES[module]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from backpass.callbacks.plotting import plot_curves", []),
        ("from backpass._atomic import atomic_write", []),
        ("from backpass import _core", []),
        ("from backpass.callbacks.plotting import _save", ["backpass.callbacks.plotting._save"]),
        ("from backpass._arguments import _x", ["backpass._arguments._x"]),
        ("import backpass.callbacks._hidden", ["backpass.callbacks._hidden"]),
    ],
)
def test_private_names_are_found(text: str, found: list[str]) -> None:
    assert private_imports("backpass.cli.app", text) == found


def test_only_the_command_imports_the_command_line() -> None:
    users = {module for module, others in edges(SOURCES).items() if any(map(is_cli, others))}
    assert {one for one in users if not is_cli(one)} == {"backpass.__main__"}


def is_cli(module: str) -> bool:
    return f"{module}.".startswith("backpass.cli.")
