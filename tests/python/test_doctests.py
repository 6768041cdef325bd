"""The examples in the docstrings of the package and of its extension give the shown results."""

import doctest
import importlib
import pkgutil

import pytest

import backpass as bp


def module_names() -> list[str]:
    found = [bp.__name__]
    found += [
        m.name
        for m in pkgutil.walk_packages(bp.__path__, f"{bp.__name__}.")
        if not m.name.endswith("__main__")
    ]
    return sorted(found)


class Finder(doctest.DocTestFinder):
    """Also finds the extension's classes and functions, which have no source."""

    def _from_module(self, module, object):  # noqa: A002 (doctest's own name)
        return getattr(
            object, "__module__", module.__name__
        ) == module.__name__ or super()._from_module(module, object)


@pytest.mark.parametrize("name", module_names())
def test_examples(name, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "backpass").startswith("backpass"):
            raise
        pytest.skip(f"an extra is missing: {error}")
    monkeypatch.chdir(tmp_path)  # an example may write a file
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in Finder().find(module, module.__name__):
        report: list[str] = []
        failed, _ = runner.run(test, out=report.append)
        assert not failed, "".join(report)


def test_the_public_names_have_examples_enough():
    """A doctest without examples would pass, so count the examples."""
    finder = Finder()
    examples = 0
    for name in module_names():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        examples += sum(len(test.examples) for test in finder.find(module, name))
    assert examples >= 40
