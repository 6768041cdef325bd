"""The picture: curves, and a confusion matrix or predictions beside the truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")
from backpass.tabular import pictures
from backpass.tabular.scores import confusion
from tables import learn


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the figures that are saved."""
    found: list[Any] = []
    original = pictures.save_figure

    def save(figure: Any, path: Any) -> None:
        found.append(figure)
        original(figure, path)

    monkeypatch.setattr(pictures, "save_figure", save)
    return found


def draw(outcome: Any, path: Path) -> None:
    pictures.draw(path, outcome.history, outcome.model.target, outcome.test, "test")


def test_classes_have_a_confusion_matrix(tmp_path: Path, figures: list[Any]) -> None:
    data = pd.DataFrame({"x": np.arange(120) * 7 % 11, "y": ["a", "b", "c"] * 40})
    outcome = learn(data).outcome
    draw(outcome, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    curves, matrix = figures[0].axes
    assert len(curves.lines) >= 2
    assert [text.get_text() for text in matrix.get_xticklabels()] == ["a", "b", "c"]
    assert outcome.test is not None
    expected = confusion(outcome.model.target, outcome.test)  # type: ignore[arg-type]
    shown = np.zeros((3, 3), int)
    for text in matrix.texts:
        j, i = text.get_position()
        shown[i, j] = int(text.get_text())
    assert np.array_equal(shown, expected)
    assert matrix.get_xlabel() == "predicted class"
    assert matrix.get_title() == "test rows"


def test_numbers_have_predictions_beside_the_truth(tmp_path: Path, figures: list[Any]) -> None:
    x = np.linspace(0, 1, 120)
    outcome = learn(pd.DataFrame({"x": x, "y": 5 * x, "z": -x}), ["y", "z"]).outcome
    draw(outcome, tmp_path / "a.svg")
    axes = figures[0].axes[1]
    assert outcome.test is not None
    for i, line in enumerate(axes.lines[:2]):
        assert np.array_equal(line.get_xdata(), outcome.test.truth[:, i])
        assert np.array_equal(line.get_ydata(), outcome.test.predicted[:, i])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true value", "predicted value")
    assert axes.get_legend() is not None


def test_without_test_rows_there_are_the_curves(tmp_path: Path, figures: list[Any]) -> None:
    from dataclasses import replace

    from tables import QUICK

    data = pd.DataFrame({"x": np.arange(120) * 7 % 11, "y": ["a", "b", "c"] * 40})
    outcome = learn(data, settings=replace(QUICK, test_split=0.0)).outcome
    assert outcome.test is None
    draw(outcome, tmp_path / "a.png")
    assert len(figures[0].axes) == 1


def test_many_classes_fit(tmp_path: Path, figures: list[Any]) -> None:
    data = pd.DataFrame(
        {"x": np.arange(300) * 7 % 11, "y": [f"class {i % 30}" for i in range(300)]}
    )
    draw(learn(data).outcome, tmp_path / "a.png")
    assert not figures[0].axes[1].texts
