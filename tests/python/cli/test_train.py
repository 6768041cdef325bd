"""backpass train: the results on every kind of data, the output, and the files."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import backpass as bp
from backpass import tabular
from command import Command

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


class Finished(NamedTuple):
    returncode: int
    stdout: str
    stderr: str
    cpu_seconds: float


@pytest.fixture(scope="module")
def finished(folder: Path) -> Finished:
    """Run the main command once for all tests that check its results."""
    before = os.times()
    result = subprocess.run(
        [sys.executable, "-m", "backpass", "train", "digits"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Finished(result.returncode, result.stdout, result.stderr, cpu)


class TestTrainDigits:
    def test_succeeds(self, finished: Finished) -> None:
        assert finished.returncode == 0, finished.stderr

    def test_reaches_the_accuracy(self, finished: Finished) -> None:
        match = re.search(r"^test accuracy: (\d\.\d+) ", finished.stdout, re.MULTILINE)
        assert match
        assert float(match[1]) >= 0.97

    def test_takes_less_than_ten_seconds_of_one_core(self, finished: Finished) -> None:
        assert finished.cpu_seconds < 10

    def test_streams_are_kept_apart(self, finished: Finished) -> None:
        lines = finished.stdout.splitlines()
        names = [line.split(":")[0] for line in lines if not line.startswith("  ")]
        assert names == ["test accuracy", "test loss", "model", "picture"]
        assert [line.split()[0] for line in lines if line.startswith("  ")][1:] == list(
            "0123456789"
        )
        assert "classification of 'digit'" in finished.stderr
        assert "\r" not in finished.stderr  # no progress bar, since stderr is not a terminal

    def test_writes_the_model_and_the_picture(self, finished: Finished, folder: Path) -> None:
        assert finished.returncode == 0
        assert sorted(p.name for p in folder.iterdir()) == ["digits.png", "digits.safetensors"]
        assert (folder / "digits.png").read_bytes().startswith(PNG_MAGIC)

    def test_the_model_predicts(self, finished: Finished, folder: Path, run: Command) -> None:
        assert finished.returncode == 0
        from sklearn.datasets import load_digits

        table = run.ok("predict", folder / "digits.safetensors", "digits").table
        assert table[0] == ["digit"]
        predicted = np.array([int(row[0]) for row in table[1:]])
        assert (predicted == load_digits().target).mean() >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_digits_do_not_depend_on_a_lucky_seed(run: Command, seed: int) -> None:
    result = run.ok("train", "digits", "--seed", seed, "--no-plot", "--json").json
    assert result["test"]["accuracy"] >= 0.97


class TestTrainCsv:
    def test_classes(self, run: Command, plants: Path, tmp_path: Path) -> None:
        result = run.ok("train", plants, "--target", "species", "--json").json
        assert result["task"] == "classification"
        assert result["loss"] == "cross_entropy"
        assert result["sizes"] == [1 + 2, 64, 64, 3]
        assert result["rows"] == {"test": 30, "validation": 15, "train": 105}
        assert result["test"]["accuracy"] >= 0.95
        assert 20 < result["epochs"] <= 200
        assert result["stopped_early"] == (result["epochs"] < 200)
        assert result["baseline"] == {"accuracy": pytest.approx(1 / 3)}
        assert result["interrupted"] is False
        assert result["folds"] == []
        assert result["model"] == str(tmp_path / "plants.safetensors")
        assert result["plot"] == str(tmp_path / "plants.png")
        assert (tmp_path / "plants.safetensors").is_file()
        assert (tmp_path / "plants.png").is_file()

    def test_quantities_are_scored_in_their_units(self, run: Command, prices: Path) -> None:
        result = run.ok("train", prices, "--target", "price", "--no-plot", "--json").json
        assert result["task"] == "regression"
        assert result["loss"] == "mse"
        assert result["plot"] is None
        assert result["test"]["r2"] > 0.99
        # The target's deviation is 2e3 * 100 / sqrt(12); an r2 of 0.99 leaves a tenth of the
        # deviation.
        assert 0 < result["test"]["rmse"] < 2e3 * 100 / 12**0.5 / 10
        assert 0 < result["test"]["mae"] <= result["test"]["rmse"]

    @pytest.mark.parametrize(
        "loss", [n for n in bp.losses.names() if bp.losses.get(n).targets == "real" and n != "mse"]
    )
    def test_other_losses_of_quantities(self, run: Command, prices: Path, loss: str) -> None:
        args = ["--target", "price", "--loss", loss, "--no-plot", "--json"]
        assert run.ok("train", prices, *args).json["test"]["r2"] > 0.95

    @pytest.mark.parametrize("loss", ["binary_cross_entropy", "sigmoid_cross_entropy"])
    def test_two_classes_with_one_output(self, run: Command, tmp_path: Path, loss: str) -> None:
        path = tmp_path / "two.csv"
        rows = [f"{i},{'high' if i >= 50 else 'below'}" for i in range(100)]
        path.write_text("x,y\n" + "\n".join(rows) + "\n")
        args = ["--target", "y", "--loss", loss, "--no-plot", "--json"]
        result = run.ok("train", path, *args).json
        assert result["sizes"][-1] == 1
        assert result["test"]["accuracy"] >= 0.9
        table = run.ok("predict", "two.safetensors", path, "--proba").table
        assert table[0] == ["y", "P(below)", "P(high)"]
        probabilities = np.array([[float(cell) for cell in row[1:]] for row in table[1:]])
        assert np.allclose(probabilities.sum(axis=1), 1)
        assert [row[0] for row in table[1:]] == [
            ["below", "high"][i] for i in probabilities.argmax(axis=1)
        ]
        assert table[1][0] == "below"
        assert table[100][0] == "high"

    def test_logits_become_probabilities(self, run: Command, plants: Path) -> None:
        args = ["--target", "species", "--loss", "softmax_cross_entropy", "--no-plot"]
        run.ok("train", plants, *args)
        table = run.ok("predict", "plants.safetensors", plants, "--proba").table
        probabilities = np.array([[float(cell) for cell in row[1:]] for row in table[1:]])
        assert (probabilities >= 0).all()
        assert np.allclose(probabilities.sum(axis=1), 1)

    def test_counts_with_poisson(self, run: Command, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, 400)
        rows = [f"{a},{n}" for a, n in zip(x, rng.poisson(np.exp(2 + x)), strict=True)]
        (tmp_path / "counts.csv").write_text("x,n\n" + "\n".join(rows) + "\n")
        args = ["--target", "n", "--task", "regression", "--loss", "poisson", "--no-plot"]
        run.ok("train", "counts.csv", *args)
        table = run.ok("predict", "counts.safetensors", "counts.csv").table
        rate = np.array([float(row[0]) for row in table[1:]])
        # The command predicts the rates, not their logarithms, which are 2 on average.
        assert np.abs(rate - np.exp(2 + x)).mean() < 0.3 * np.exp(2)

    def test_a_constant_target_is_refused(self, run: Command, tmp_path: Path) -> None:
        path = tmp_path / "flat.csv"
        path.write_text("x,y\n" + "\n".join(f"{i},2.5" for i in range(60)) + "\n")
        result = run("train", path, "--target", "y", "--task", "regression")
        result.assert_failure()
        assert "target 'y' has the same value in all rows" in result.err

    def test_task_can_be_told(self, run: Command, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("x,y\n" + "\n".join(f"{i},{i % 3}" for i in range(60)) + "\n")
        args = ["train", path, "--target", "y", "--epochs", "1", "--no-plot", "--json"]
        assert run.ok(*args).json["task"] == "classification"
        assert run.ok(*args, "--task", "regression").json["task"] == "regression"

    def test_every_option_arrives(self, run: Command, plants: Path, tmp_path: Path) -> None:
        result = run.ok(
            *("train", plants, "--target", "species", "--drop", "colour", "--hidden", "8"),
            *("--activation", "tanh", "--loss", "cross_entropy", "--label-smoothing", "0.05"),
            *("--optimizer", "sgd", "--lr", "0.1", "--epochs", "200", "--batch-size", "16"),
            *("--dropout", "0.1", "--l2", "1e-4", "--early-stopping", "2"),
            *("--validation-split", "0.2", "--test-split", "0.3", "--seed", "7"),
            *("--dtype", "float64", "--threads", "1", "--output", "m.safetensors"),
            *("--plot", "c.svg", "--json"),
        ).json
        assert result["sizes"] == [1, 8, 3]
        assert result["rows"] == {"test": 45, "validation": 30, "train": 75}
        assert result["seed"] == 7
        assert bp.get_num_threads() == 1
        assert result["best_epoch"] is not None
        assert (tmp_path / "c.svg").read_bytes().startswith(b"<?xml")
        net = tabular.load(tmp_path / "m.safetensors").net
        assert np.dtype(net.dtype) == np.float64
        assert str(net.layers[0].activation) == "tanh"

    def test_the_order_of_day_and_month_can_be_told(self, run: Command, tmp_path: Path) -> None:
        rows = [f"0{1 + i % 9}/0{1 + i % 8}/2021,{i % 7}.5" for i in range(72)]
        (tmp_path / "dates.csv").write_text("when,y\n" + "\n".join(rows) + "\n")
        args = ["train", "dates.csv", "--target", "y", "--epochs", "1", "--no-plot", "--force"]
        assert "read as month/day/year; --day-first changes this" in run.ok(*args).err
        formats = []
        for option in ("--day-first", "--month-first"):
            assert "month/day/year" not in run.ok(*args, option).err
            [column] = run.ok("info", "dates.safetensors", "--json").json["inputs"]
            formats.append(column["formats"])
        assert formats == [["%d/%m/%Y"], ["%m/%d/%Y"]]

    def test_no_hidden_layer(self, run: Command, plants: Path) -> None:
        args = ["--target", "species", "--hidden", "none", "--no-plot", "--json"]
        assert run.ok("train", plants, *args).json["sizes"] == [3, 3]

    def test_without_validation_and_test_rows(self, run: Command, plants: Path) -> None:
        args = ["--target", "species", "--validation-split", "0", "--test-split", "0", "--json"]
        result = run.ok("train", plants, *args, "--epochs", "2").json
        assert result["test"] is None
        assert result["rows"] == {"test": 0, "validation": 0, "train": 150}

    def test_the_same_seed_gives_the_same_file(
        self, run: Command, plants: Path, tmp_path: Path
    ) -> None:
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            options = ["--target", "species", "--seed", seed, "--epochs", "3", "--no-plot"]
            run.ok("train", plants, *options, "-o", f"{name}.safetensors")
        files = [(tmp_path / f"{name}.safetensors").read_bytes() for name in "abc"]
        assert files[0] == files[1]
        assert files[0] != files[2]

    def test_progress_on_request(self, run: Command, plants: Path) -> None:
        args = ["train", plants, "--target", "species", "--no-plot", "--epochs", "3"]
        assert "val_loss=" in run.ok(*args, "--progress").err
        assert "val_loss=" not in run.ok(*args).err

    @pytest.mark.parametrize("optimizer", [n for n in bp.optim.names() if n not in ("adam", "sgd")])
    def test_every_optimizer_runs(self, run: Command, plants: Path, optimizer: str) -> None:
        args = ["--target", "species", "--epochs", "2", "--no-plot", "--optimizer", optimizer]
        run.ok("train", plants, *args)


class TestOtherFormats:
    def test_npz(self, run: Command, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(200, 3)) * [1, 100, 0.01]
        np.savez(tmp_path / "a.npz", x=x, y=x[:, :2] * [2, 3] + 1)
        result = run.ok("train", "a.npz", "--no-plot", "--json").json
        assert result["task"] == "regression"
        assert result["sizes"][-1] == 2
        assert result["test"]["r2 of y0"] > 0.9
        assert result["test"]["r2 of y1"] > 0.9
        assert run.ok("predict", "a.safetensors", "a.npz").table[0] == ["y0", "y1"]

    def test_idx(self, run: Command, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        labels = np.arange(90, dtype="u1") % 3
        images = rng.integers(0, 50, size=(90, 2, 3)).astype("u1")
        images[np.arange(90), 0, labels] += 200
        (tmp_path / "x.idx").write_bytes(
            bytes([0, 0, 8, 3, *(0, 0, 0, 90), *(0, 0, 0, 2), *(0, 0, 0, 3)]) + images.tobytes()
        )
        (tmp_path / "y.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 90]) + labels.tobytes())
        result = run.ok("train", "x.idx", "--labels", "y.idx", "--no-plot", "--json").json
        assert result["sizes"] == [6, 64, 64, 3]
        assert result["test"]["accuracy"] == 1.0
        predicted = run.ok("predict", "x.safetensors", "x.idx").table[1:]
        assert np.mean([int(row[0]) for row in predicted] == labels) == 1.0
