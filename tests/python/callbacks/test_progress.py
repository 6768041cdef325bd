"""The progress bar: when it is shown, what it shows, and that nothing remains afterwards."""

import io
import os
import select
import struct
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import backpass as bp
from backpass.callbacks.progress import Progress


class Terminal(io.StringIO):
    """A standard error stream that reports to be a terminal."""

    def isatty(self) -> bool:
        return True


def train(mode: object, epochs: int = 3) -> None:
    progress = Progress(mode, epochs=epochs, rows=100)  # type: ignore[arg-type]
    for epoch in range(epochs):
        progress.update(epoch, 50, 0.5)
        progress.epoch_end(epoch, {"loss": 0.25, "lr": 0.1, "seconds": 2.0, "val_loss": 0.75})
    progress.close()
    progress.close()


@pytest.mark.parametrize("mode", ["auto", False])
def test_silent_without_a_terminal(mode: object, capsys: pytest.CaptureFixture[str]) -> None:
    train(mode)
    assert capsys.readouterr() == ("", "")


def test_silent_on_request_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    train(False)
    assert terminal.getvalue() == ""


def test_silent_without_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    train(True)


def test_auto_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    train("auto")
    assert "epoch 3/3" in terminal.getvalue()


@pytest.mark.parametrize("size", [(0, 0), (24, 80), (24, 40)])
def test_fits_a_real_terminal(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    fcntl = pytest.importorskip("fcntl")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))
    with os.fdopen(slave, "w") as terminal:
        termios.tcsetwinsize(slave, size)
        monkeypatch.setattr(sys, "stderr", terminal)
        train("auto")
        monkeypatch.undo()
        shown = b""
        while select.select([master], [], [], 0.2)[0]:
            shown += os.read(master, 100_000)
    os.close(master)
    frames = [frame for frame in shown.decode().replace("\n", "\r").split("\r") if frame.strip()]
    assert frames[-1].startswith("epoch 3/3")
    assert all(len(frame) <= (size[1] or 80) for frame in frames)


def test_forced_bar_shows_epoch_losses_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    train(True)
    out, err = capsys.readouterr()
    assert out == ""
    last = err.rstrip("\n").rsplit("\r", 1)[-1]
    assert last.startswith("epoch 3/3: 100%")
    assert "loss=0.25" in last
    assert "val_loss=0.75" in last
    assert "300/300" in last
    assert "rows/s" in last
    assert "lr" not in last
    assert err.endswith("\n")


def test_a_run_that_ends_early_leaves_its_last_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(True, epochs=100, rows=10)
    for epoch in range(2):
        progress.epoch_end(epoch, {"loss": 1.0 - epoch})
    progress.close()
    assert "epoch 2/100" in capsys.readouterr().err.rsplit("\r", 1)[-1]


def test_a_resumed_run_starts_at_its_first_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = bp.Network([2, 1], seed=0)
    x, y = np.ones((10, 2)), np.ones((10, 1))
    settings = {"loss": "mse", "optimizer": "sgd"}
    net.fit(x, y, **settings, epochs=5, checkpoint=tmp_path / "a", progress=False)
    net.fit(x, y, **settings, epochs=7, resume_from=tmp_path / "a", progress=True)
    shown = capsys.readouterr().err
    assert "50.0/70.0" in shown
    assert shown.rstrip("\n").rsplit("\r", 1)[-1].startswith("epoch 7/7: 100%")


def test_drawing_does_not_grow_with_the_number_of_epochs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    train(True, epochs=10_000)
    # At most ten per second; these 10,000 epochs take far less than ten seconds.
    assert capsys.readouterr().err.count("epoch") < 200


def test_leaves_no_thread(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    train(True)
    assert set(threading.enumerate()) == before


def test_refuses_other_modes() -> None:
    with pytest.raises(ValueError, match="progress must be \"auto\", True or False, got 'yes'"):
        Progress("yes")  # type: ignore[arg-type]


def test_a_notebook_gets_a_bar_from_tqdm_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    import tqdm.auto

    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    bars = []

    class Widget(tqdm.auto.tqdm):  # type: ignore[type-arg,misc]
        def __init__(self, **options: Any) -> None:
            assert "file" not in options
            bars.append(self)
            super().__init__(**options, file=io.StringIO())

    monkeypatch.setattr(tqdm.auto, "tqdm", Widget)
    progress = Progress("auto", 0, 2, 10)
    progress.update(0, 5, 0.5)
    progress.epoch_end(0, {"loss": 0.25})
    progress.close()
    assert len(bars) == 1
    assert bars[0].n == 10
