"""The Python examples run with small settings; each checks its own claims."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
SMALL_SETTINGS = {
    "custom_cost.py": [],
    "decision_regions.py": ["--epochs", "2"],
    "digits.py": ["--epochs", "5"],
    "fashion_mnist.py": ["--epochs", "1", "--limit", "6000"],
    "lbfgs.py": ["--iterations", "60"],
    "quantiles.py": ["--epochs", "2"],
}
NEEDS = {"digits.py": "sklearn", "fashion_mnist.py": "sklearn", "lbfgs.py": "scipy"}


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip(NEEDS.get(name, "numpy"))
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "PYTHONOPTIMIZE": ""},  # keeps their assertions
    )


def test_every_example_is_run() -> None:
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == sorted(SMALL_SETTINGS)


@pytest.mark.parametrize("name", SMALL_SETTINGS)
def test_runs(name: str) -> None:
    pytest.importorskip("matplotlib")
    if name == "fashion_mnist.py" and not FASHION_MNIST.is_dir():
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    result = run(name, *SMALL_SETTINGS[name])
    assert result.returncode == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("name", SMALL_SETTINGS)
def test_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage:")


def test_digits_draws_its_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("digits.py", "--epochs", "2", "--plot", str(tmp_path / "curves.png"))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_data_set_is_named(tmp_path: Path) -> None:
    result = run("fashion_mnist.py", "--data", str(tmp_path / "none"))
    assert result.returncode == 1
    assert "apt-get install dataset-fashion-mnist" in result.stderr
    assert "Traceback" not in result.stderr
