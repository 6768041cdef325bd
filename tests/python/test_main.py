"""python -m backpass: the folders of the C++ library, or the command line."""

import sys
from pathlib import Path

import pytest

import backpass as bp
from backpass import __main__ as program


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["backpass", *arguments])
    program.main()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the folder of the package by an empty one."""
    monkeypatch.setattr(program, "_PACKAGE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("option", "folder", "file"),
    [
        ("--includes", "include", "backpass/backpass.hpp"),
        ("--cmakedir", "lib64/cmake/backpass", "backpass-config.cmake"),
        ("--pkgconfigdir", "lib/pkgconfig", "backpass.pc"),
    ],
)
def test_folders(monkeypatch, capsys, package, option, folder, file):
    with pytest.raises(SystemExit, match=r"has no C\+\+ files"):
        run(monkeypatch, option)
    path = package / folder / file
    path.parent.mkdir(parents=True)
    path.touch()
    run(monkeypatch, option)
    assert capsys.readouterr().out == f"{package / folder}\n"


def test_other_arguments_go_to_the_command_line(monkeypatch, capsys):
    for library in ("click", "sklearn"):
        pytest.importorskip(library)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out.endswith(f" {bp.__version__}\n")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--includes", "--version")
    assert ended.value.code == 2
    assert "--includes" in capsys.readouterr().err
