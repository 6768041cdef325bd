"""Fixtures of the command-line tests: a command to run, and data for it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from command import Command

if any(
    find_spec(library) is None
    for library in ("click", "pandas", "pyarrow", "matplotlib", "sklearn")
):
    collect_ignore_glob = ["test_*.py"]  # without the extra there is no command line


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    """Write a table of three species that differ in a length and a colour."""
    rng = np.random.default_rng(0)
    lines = ["length,colour,constant,species"]
    for i in range(150):
        length = rng.normal([1.0, 5.0, 5.0][i % 3], 0.3)
        colour = ["white", "white", "red"][i % 3]
        lines.append(f"{length:.4f},{colour},3,{['daisy', 'lily', 'rose'][i % 3]}")
    path = tmp_path / "plants.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Write a table with a linear target far from zero."""
    rng = np.random.default_rng(0)
    area = rng.uniform(50, 150, 300)
    path = tmp_path / "prices.csv"
    lines = [f"{a:.3f},{3e5 + 2e3 * a:.2f}" for a in area]
    path.write_text("area,price\n" + "\n".join(lines) + "\n")
    return path
