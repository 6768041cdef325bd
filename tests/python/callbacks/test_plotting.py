"""Learning curves: the right numbers in the right lines, in a file, without pyplot."""

import subprocess
import sys
from pathlib import Path

import pytest

from backpass.callbacks.history import History

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

HISTORY = History(
    {
        "loss": [0.7, 0.5, 0.4],
        "lr": [0.1] * 3,
        "seconds": [1.0] * 3,
        "accuracy": [0.6, 0.7, 0.9],
        "val_loss": [0.8, 0.6, 0.65],
        "val_accuracy": [0.5, 0.6, 0.8],
    },
    best_epoch=1,
)
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def lines_of(figure: Figure, panel: int) -> dict[str, list[float]]:
    return {
        str(line.get_label()): [float(y) for y in line.get_ydata()]
        for line in figure.axes[panel].get_lines()
    }


def test_losses_and_metrics_have_a_panel_each_with_their_values() -> None:
    figure = HISTORY.plot()
    losses, metrics = lines_of(figure, 0), lines_of(figure, 1)
    assert len(figure.axes) == 2
    assert losses["loss"] == HISTORY["loss"]
    assert losses["val_loss"] == HISTORY["val_loss"]
    assert metrics["accuracy"] == HISTORY["accuracy"]
    assert metrics["val_accuracy"] == HISTORY["val_accuracy"]
    for lines in (losses, metrics):
        assert "lr" not in lines
        assert "seconds" not in lines


def test_epochs_count_from_one_and_the_best_is_marked() -> None:
    lines = {str(line.get_label()): line for line in HISTORY.plot().axes[0].get_lines()}
    assert list(lines["loss"].get_xdata()) == [1, 2, 3]
    assert list(lines["best epoch"].get_xdata()) == [2, 2]


def test_validation_shares_the_colour_and_is_dashed() -> None:
    lines = {str(line.get_label()): line for line in HISTORY.plot().axes[0].get_lines()}
    assert lines["loss"].get_color() == lines["val_loss"].get_color()
    assert lines["loss"].get_linestyle() != lines["val_loss"].get_linestyle()


def test_log_applies_to_the_losses_only() -> None:
    figure = HISTORY.plot(log=True)
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "linear"]
    assert HISTORY.plot().axes[0].get_yscale() == "linear"


def test_draws_into_given_axes() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    assert HISTORY.plot(ax=ax) is figure
    assert len(figure.axes) == 1
    assert lines_of(figure, 0)["loss"] == HISTORY["loss"]


def test_draws_into_the_axes_of_a_part_of_a_figure() -> None:
    figure = Figure()
    parts = figure.subfigures(1, 2)
    assert HISTORY.plot(ax=parts[1].add_subplot()) is figure


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", PNG_MAGIC), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_writes_the_format_of_the_suffix(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = tmp_path / f"curves.{suffix}"
    HISTORY.plot(path=path)
    assert path.read_bytes().startswith(magic)
    assert list(tmp_path.iterdir()) == [path]  # no temporary file is left


def test_unknown_suffix_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "curves.xyz"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=r"curves\.xyz.*png"):
        HISTORY.plot(path=path)
    assert path.read_bytes() == b"old"


def test_one_epoch_is_visible() -> None:
    line = History({"loss": [0.5]}).plot().axes[0].get_lines()[0]
    assert line.get_marker() == "o"


def test_no_epochs_is_an_error() -> None:
    with pytest.raises(ValueError, match="no epochs"):
        History().plot()


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install backpass\[plot\]"):
        HISTORY.plot()


def test_pyplot_is_not_touched_and_importing_the_package_needs_no_matplotlib() -> None:
    code = (
        "import sys, backpass\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from backpass.callbacks.history import History\n"
        "History({'loss': [1.0, 0.5]}).plot()\n"
        "assert 'matplotlib.figure' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_axis_is_named_after_its_only_series() -> None:
    panels = HISTORY.plot().axes
    assert [panel.get_ylabel() for panel in panels] == ["loss", "accuracy"]
    two = History({"loss": [0.7, 0.5], "accuracy": [0.6, 0.7], "r2": [0.1, 0.2]})
    assert two.plot().axes[1].get_ylabel() == ""
