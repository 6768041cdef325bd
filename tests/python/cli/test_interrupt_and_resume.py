"""backpass train: Ctrl-C, checkpoints, and trainings that continue."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from backpass import tabular
from command import Command

OPTIONS = ("--target", "species", "--no-plot", "--batch-size", "8", "--dropout", "0.1")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "backpass", "train", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background may ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def interrupt(process: subprocess.Popen[str], begin: str = "to train") -> tuple[str, str]:
    """Send SIGINT half a second after a line with `begin`; return the two outputs."""
    try:
        assert process.stderr is not None
        lines = []
        while begin not in (lines or [""])[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    return out, "".join(lines) + err


def test_an_interrupt_saves_the_network_and_says_so(tmp_path: Path, run: Command) -> None:
    process = start(tmp_path, "digits", "--epochs", "1000000")
    out, err = interrupt(process)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "of 1000000: the network of the last step is saved" in err
    assert "--resume" not in err  # there is no checkpoint
    assert "test accuracy: 0." in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.png", "digits.safetensors"]
    assert len(run.ok("predict", "digits.safetensors", "digits").table) == 1 + 1797


def test_an_interrupted_training_continues_exactly(
    run: Command, plants: Path, tmp_path: Path
) -> None:
    run.ok("train", plants, *OPTIONS, "--epochs", "9", "-o", "whole.safetensors")
    run.ok(
        "train", plants, *OPTIONS, "--epochs", "4", "-o", "part.safetensors", "--checkpoint", "c"
    )
    result = run.ok(
        "train", plants, "--no-plot", "--resume", "c", "--epochs", "9",
        "-o", "rest.safetensors", "--json",
    ).json  # fmt: skip
    assert result["epochs"] == 9
    whole, rest = (tabular.load(tmp_path / f"{name}.safetensors") for name in ("whole", "rest"))
    assert np.array_equal(whole.net.parameters, rest.net.parameters)
    assert tabular.load(tmp_path / "c").training["settings"]["epochs"] == 9  # saved there as well


def test_an_interrupt_names_the_option_that_continues(
    run: Command, plants: Path, tmp_path: Path
) -> None:
    options = [*OPTIONS, "--checkpoint", "c.safetensors"]
    process = start(tmp_path, plants.name, *options, "--epochs", "1000000")
    _, err = interrupt(process)
    assert process.returncode == 130
    assert "with --resume c.safetensors continues" in err
    done = tabular.load(tmp_path / "plants.safetensors").training["epochs"]
    result = run.ok(
        "train", plants, "--target", "species", "--no-plot", "--resume", "c.safetensors",
        "--epochs", done + 3, "-o", "rest.safetensors", "--json",
    ).json  # fmt: skip
    assert result["epochs"] == done + 3


def test_an_interrupt_of_a_cross_validation_saves_nothing_and_says_so(
    plants: Path, tmp_path: Path
) -> None:
    options = ["--target", "species", "--cv", "3", "--epochs", "1000000", "--early-stopping", "0"]
    process = start(tmp_path, plants.name, *options)
    _, err = interrupt(process, "predicted")
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted: nothing is saved"
    assert [path.name for path in tmp_path.iterdir()] == [plants.name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", "7"], "c: hidden is [64, 64] in this checkpoint, and [7] here"),
        (["--drop", "colour"], "columns"),
        (["--seed", "5"], "c: seed is 0 in this checkpoint, and 5 here"),
        (["--lr", "0.1"], "c: lr is None in this checkpoint, and 0.1 here"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    run: Command, plants: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    run.ok("train", plants, *OPTIONS, "--epochs", "2", "--checkpoint", "c")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run("train", plants, "--target", "species", "--no-plot", "--resume", "c", *options)
    result.assert_failure()
    assert message in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_file_that_is_not_a_checkpoint_is_refused(run: Command, plants: Path) -> None:
    import backpass as bp

    bp.Network([2, 3], seed=0).save("m")
    result = run("train", plants, "--target", "species", "--resume", "m")
    result.assert_failure()
    assert "m: not a checkpoint; backpass train --checkpoint saves one" in result.err
    run.ok("train", plants, *OPTIONS, "--epochs", "1", "-o", "n")
    result = run("train", plants, "--resume", "n", "--no-plot")
    result.assert_failure()
    assert "n: not a checkpoint; backpass train --checkpoint saves one" in result.err
