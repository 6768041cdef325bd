"""The command line: what it prints where, its exit codes, its files, and train -> predict."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass as bp
from backpass.cli.model_file import Model

for _library in ("click", "pandas", "matplotlib", "sklearn"):
    pytest.importorskip(_library)

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class Result:
    """What a command left behind: its exit code and its two streams."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def table(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.out)))


class Command:
    """Runs the backpass command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Result:
        from backpass.cli.app import app

        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            app([str(argument) for argument in arguments], prog_name="backpass")
        out, err = self._capsys.readouterr()
        code = exit_info.value.code
        return Result(code if isinstance(code, int) else int(code is not None), out, err)

    def ok(self, *arguments: object) -> Result:
        result = self(*arguments)
        assert result.code == 0, result.err
        return result


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    """Three species told apart by a length, a colour and a constant."""
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
    """A linear quantity far from zero."""
    rng = np.random.default_rng(0)
    area = rng.uniform(50, 150, 300)
    path = tmp_path / "prices.csv"
    lines = [f"{a:.3f},{3e5 + 2e3 * a:.2f}" for a in area]
    path.write_text("area,price\n" + "\n".join(lines) + "\n")
    return path


def assert_one_line_error(result: Result, code: int = 1) -> None:
    assert result.code == code
    assert result.out == ""
    assert "Traceback" not in result.err
    if code == 1:
        assert result.err.splitlines()[-1].startswith("error: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


@pytest.fixture(scope="module")
def finished(folder: Path) -> subprocess.CompletedProcess[str]:
    """The main command, run once for all tests that look at what it did."""
    return subprocess.run(
        [sys.executable, "-m", "backpass", "train", "digits"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


class TestTrainDigits:
    def test_succeeds(self, finished: subprocess.CompletedProcess[str]) -> None:
        assert finished.returncode == 0, finished.stderr

    def test_reaches_the_accuracy(self, finished: subprocess.CompletedProcess[str]) -> None:
        match = re.search(r"^test accuracy: (\d\.\d+)$", finished.stdout, re.MULTILINE)
        assert match
        assert float(match[1]) >= 0.97

    def test_streams_are_kept_apart(self, finished: subprocess.CompletedProcess[str]) -> None:
        names = [line.split(":")[0] for line in finished.stdout.splitlines()]
        assert names == ["test accuracy", "test loss", "model", "curves"]
        assert "classification of 'digit'" in finished.stderr
        assert "\r" not in finished.stderr  # no progress bar: this is no terminal

    def test_writes_the_model_and_the_picture(
        self, finished: subprocess.CompletedProcess[str], folder: Path
    ) -> None:
        assert finished.returncode == 0
        assert sorted(p.name for p in folder.iterdir()) == ["digits.png", "digits.safetensors"]
        assert (folder / "digits.png").read_bytes().startswith(PNG_MAGIC)

    def test_the_model_predicts(
        self, finished: subprocess.CompletedProcess[str], folder: Path, run: Command
    ) -> None:
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
        assert result["sizes"] == [1 + 2 + 1, 64, 64, 3]
        assert result["rows"] == {"test": 30, "validation": 15, "train": 105}
        assert result["test"]["accuracy"] >= 0.95
        assert result["epochs"] == 60
        assert result["model"] == "plants.safetensors"
        assert result["plot"] == "plants.png"
        assert (tmp_path / "plants.safetensors").is_file()
        assert (tmp_path / "plants.png").is_file()

    def test_quantities_are_scored_in_their_units(self, run: Command, prices: Path) -> None:
        result = run.ok("train", prices, "--target", "price", "--no-plot", "--json").json
        assert result["task"] == "regression"
        assert result["loss"] == "mse"
        assert result["plot"] is None
        assert result["test"]["r2"] > 0.99
        # The target's deviation is 2e3 * 100 / sqrt(12); an r2 of 0.99 leaves a tenth of it.
        assert 0 < result["test"]["rmse"] < 2e3 * 100 / 12**0.5 / 10
        assert 0 < result["test"]["mae"] <= result["test"]["rmse"]

    @pytest.mark.parametrize("loss", ["mae", "huber", "log_cosh", "quantile"])
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
        assert np.abs(rate - np.exp(2 + x)).mean() < 0.1 * np.exp(2)

    def test_task_can_be_told(self, run: Command, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("x,y\n" + "\n".join(f"{i},{i % 3}" for i in range(60)) + "\n")
        args = ["train", path, "--target", "y", "--epochs", "1", "--no-plot", "--json"]
        assert run.ok(*args).json["task"] == "classification"
        assert run.ok(*args, "--task", "regression").json["task"] == "regression"

    def test_every_option_arrives(self, run: Command, plants: Path, tmp_path: Path) -> None:
        result = run.ok(
            *("train", plants, "--target", "species", "--drop", "constant", "--hidden", "8"),
            *("--activation", "tanh", "--loss", "cross_entropy", "--label-smoothing", "0.05"),
            *("--optimizer", "sgd", "--lr", "0.1", "--epochs", "200", "--batch-size", "16"),
            *("--dropout", "0.1", "--l2", "1e-4", "--early-stopping", "2"),
            *("--validation-split", "0.2", "--test-split", "0.3", "--seed", "7"),
            *("--dtype", "float64", "--threads", "1", "--output", "m.safetensors"),
            *("--plot", "c.svg", "--json"),
        ).json
        assert result["sizes"] == [3, 8, 3]
        assert result["rows"] == {"test": 45, "validation": 30, "train": 75}
        assert result["seed"] == 7
        assert bp.get_num_threads() == 1
        assert result["best_epoch"] is not None
        assert (tmp_path / "c.svg").read_bytes().startswith(b"<?xml")
        net = bp.load(tmp_path / "m.safetensors")
        assert np.dtype(net.dtype) == np.float64
        assert str(net.layers[0].activation) == "tanh"

    def test_no_hidden_layer(self, run: Command, plants: Path) -> None:
        args = ["--target", "species", "--hidden", "none", "--no-plot", "--json"]
        assert run.ok("train", plants, *args).json["sizes"] == [4, 3]

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
        args = ["train", plants, "--target", "species", "--no-plot"]
        assert "val_loss=" in run.ok(*args, "--progress").err
        assert "val_loss=" not in run.ok(*args).err

    @pytest.mark.parametrize("optimizer", ["adamw", "nadam", "rmsprop", "adagrad", "rprop", "lion"])
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
        assert result["test"]["r2"] > 0.9
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


class TestPredict:
    @pytest.fixture
    def model(self, run: Command, plants: Path) -> Path:
        run.ok("train", plants, "--target", "species", "--no-plot")
        return plants.with_suffix(".safetensors")

    def test_equals_the_network_on_the_encoded_data(
        self, run: Command, model: Path, plants: Path
    ) -> None:
        table = run.ok("predict", model, plants, "--proba").table
        rows = [line.split(",") for line in plants.read_text().splitlines()[1:]]
        loaded = Model.load(model)
        assert loaded.encoder is not None
        number = loaded.encoder.columns[0].to_json()
        length = np.array([float(row[0]) for row in rows])
        x = np.zeros((150, 4))
        x[:, 0] = (length - number["mean"][0]) / number["scale"][0]
        x[:, 1] = [row[1] == "red" for row in rows]
        x[:, 2] = [row[1] == "white" for row in rows]
        wanted = bp.load(model).predict(x)
        got = np.array([[float(cell) for cell in row[1:]] for row in table[1:]])
        assert np.array_equal(got.astype("float32"), wanted)
        names = np.array(["daisy", "lily", "rose"])
        assert [row[0] for row in table[1:]] == names[wanted.argmax(axis=1)].tolist()

    def test_needs_no_target_and_any_order_of_columns(
        self, run: Command, model: Path, plants: Path, tmp_path: Path
    ) -> None:
        rows = [line.split(",") for line in plants.read_text().splitlines()]
        new = tmp_path / "new.csv"
        new.write_text("\n".join(f"{r[2]},{r[1]},{r[0]}" for r in rows) + "\n")
        assert run.ok("predict", model, new).out == run.ok("predict", model, plants).out

    def test_a_row_alone_is_predicted_alike(
        self, run: Command, model: Path, plants: Path, tmp_path: Path
    ) -> None:
        lines = plants.read_text().splitlines()
        (tmp_path / "one.csv").write_text(f"{lines[0]}\n{lines[7]}\n")
        one = run.ok("predict", model, "one.csv", "--proba").table
        assert one[1] == run.ok("predict", model, plants, "--proba").table[7]

    def test_writes_a_file(self, run: Command, model: Path, plants: Path, tmp_path: Path) -> None:
        printed = run.ok("predict", model, plants).out
        written = run.ok("predict", model, plants, "-o", "out.csv")
        assert written.out == ""
        assert (tmp_path / "out.csv").read_text() == printed
        result = run.ok("predict", model, plants, "-o", "out.csv", "--json").json
        assert result == {"rows": 150, "columns": ["species"], "output": "out.csv"}

    def test_json(self, run: Command, model: Path, plants: Path) -> None:
        table = run.ok("predict", model, plants, "--proba").table
        result = run.ok("predict", model, plants, "--proba", "--json").json
        assert list(result) == table[0]
        assert result["species"] == [row[0] for row in table[1:]]
        assert result["P(lily)"] == [float(row[2]) for row in table[1:]]

    def test_no_rows(self, run: Command, model: Path, tmp_path: Path) -> None:
        (tmp_path / "none.csv").write_text("length,colour,constant\n")
        assert run.ok("predict", model, "none.csv").out == "species\n"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("length,colour\n1,red\n", "no column 'constant'"),
            ("length,colour,constant\n1,red,\n", "column 'constant' has 1 rows with missing"),
            ("length,colour,constant\n1,,3\n", "column 'colour' has 1 missing values"),
            ("length,colour,constant\n1,blue,3\n", "column 'colour', row 1: 'blue'"),
            ("length,colour,constant\nlong,red,3\n", "column 'length' must be numeric"),
        ],
    )
    def test_unfit_data_are_named(
        self, run: Command, model: Path, tmp_path: Path, text: str, message: str
    ) -> None:
        (tmp_path / "bad.csv").write_text(text)
        result = run("predict", model, "bad.csv")
        assert_one_line_error(result)
        assert message in result.err

    def test_quantities_come_back_in_their_units(self, run: Command, prices: Path) -> None:
        run.ok("train", prices, "--target", "price", "--no-plot")
        table = run.ok("predict", "prices.safetensors", prices).table
        wanted = [float(line.split(",")[1]) for line in prices.read_text().splitlines()[1:]]
        assert np.corrcoef([float(row[0]) for row in table[1:]], wanted)[0, 1] > 0.99
        assert np.mean([float(row[0]) for row in table[1:]]) == pytest.approx(
            np.mean(wanted), rel=0.01
        )
        result = run("predict", "prices.safetensors", prices, "--proba")
        assert_one_line_error(result)
        assert "does not predict classes" in result.err

    def test_a_network_without_preprocessing_gets_the_numbers_as_they_are(
        self, run: Command, tmp_path: Path
    ) -> None:
        net = bp.Network([2, 3, 1], dtype="float64", seed=0)
        net.save(tmp_path / "bare.safetensors")
        (tmp_path / "a.csv").write_text("p,q\n1,2\n-3,0.5\n")
        table = run.ok("predict", "bare.safetensors", "a.csv").table
        assert [float(row[0]) for row in table[1:]] == net.predict([[1, 2], [-3, 0.5]])[
            :, 0
        ].tolist()
        (tmp_path / "b.csv").write_text("p\n1\n")
        result = run("predict", "bare.safetensors", "b.csv")
        assert_one_line_error(result)
        assert "the network has 2 inputs, the data 1" in result.err

    def test_does_not_overwrite_what_it_reads(
        self, run: Command, model: Path, plants: Path
    ) -> None:
        before = plants.read_bytes()
        assert_one_line_error(run("predict", model, plants, "-o", plants), code=2)
        assert plants.read_bytes() == before


class TestInfo:
    def test_shows_layers_data_and_training(self, run: Command, plants: Path) -> None:
        run.ok("train", plants, "--target", "species", "--no-plot")
        result = run.ok("info", "plants.safetensors")
        assert result.err == ""
        for text in (
            "4 -> 64",
            "softmax",
            "total",
            "species (3 classes: daisy, lily, rose)",
            "colour (2 categories)",
            "optimizer: adam",
            "test: accuracy",
        ):
            assert text in result.out

    def test_json(self, run: Command, plants: Path) -> None:
        run.ok("train", plants, "--target", "species", "--no-plot")
        result = run.ok("info", "plants.safetensors", "--json").json
        net = bp.load("plants.safetensors")
        assert result["sizes"] == [4, 64, 64, 3]
        assert result["dtype"] == "float32"
        assert result["parameters"] == net.parameters.size
        assert [layer["activation"] for layer in result["layers"]] == ["relu", "relu", "softmax"]
        assert result["layers"][0]["shape"] == [64, 4]
        assert result["target"]["labels"] == ["daisy", "lily", "rose"]
        assert [column["name"] for column in result["inputs"]] == ["length", "colour", "constant"]
        assert result["training"]["epochs"] == 60

    def test_a_network_that_python_saved(self, run: Command, tmp_path: Path) -> None:
        bp.Network([2, 3], seed=0).save(tmp_path / "bare.safetensors")
        assert "2 -> 3" in run.ok("info", "bare.safetensors").out
        assert run.ok("info", "bare.safetensors", "--json").json["target"] is None


class TestFailures:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["train"],
            ["train", "a.csv"],
            ["train", "digits", "--target", "y"],
            ["train", "digits", "--labels", "y"],
            ["train", "x.idx"],
            ["train", "digits", "--hidden", "64,x"],
            ["train", "digits", "--hidden", "0"],
            ["train", "digits", "--hidden", ""],
            ["train", "digits", "--loss", "nonsense"],
            ["train", "digits", "--dropout", "1"],
            ["train", "digits", "--epochs", "0"],
            ["train", "digits", "--lr", "-1"],
            ["train", "digits", "--early-stopping", "3", "--validation-split", "0"],
            ["train", "digits", "--validation-split", "0.5", "--test-split", "0.5"],
            ["train", "digits", "--plot", "a.png", "--no-plot"],
            ["train", "digits", "-o", "same.png", "--plot", "same.png"],
            ["predict", "m"],
            ["info"],
            ["nonsense"],
            ["--nonsense"],
        ],
    )
    def test_wrong_usage_exits_with_2(
        self, run: Command, tmp_path: Path, arguments: list[str]
    ) -> None:
        result = run(*arguments)
        assert_one_line_error(result, code=2)
        assert "Usage:" in result.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["train", "missing.csv", "--target", "y"], "missing.csv"),
            (["train", "missing.npz"], "missing.npz"),
            (["train", "digits", "-o", "no/such/folder.safetensors"], "no directory"),
            (["train", "digits", "--loss", "mse"], "loss 'mse' is for regression"),
            (["train", "digits", "--loss", "binary_cross_entropy"], "has 10"),
            (["train", "digits", "--epochs", "1", "--plot", "a.xyz"], "a.xyz"),
            (["predict", "missing.safetensors", "digits"], "missing.safetensors"),
            (["info", "missing.safetensors"], "missing.safetensors"),
        ],
    )
    def test_failures_exit_with_1_and_one_line(
        self, run: Command, arguments: list[str], message: str
    ) -> None:
        result = run(*arguments)
        assert_one_line_error(result)
        assert message in result.err

    def test_missing_values_in_training_data(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("age,y\n" + "1,a\n,b\n3,a\n4,b\n" * 5)
        result = run("train", "a.csv", "--target", "y", "--no-plot")
        assert_one_line_error(result)
        assert "column 'age' has 5 rows with missing or infinite values" in result.err
        assert "the first is row 2" in result.err

    def test_diverging_training(self, run: Command, prices: Path) -> None:
        args = ["--target", "price", "--optimizer", "sgd", "--lr", "1e6", "--no-plot"]
        result = run("train", prices, *args)
        assert_one_line_error(result)
        assert not prices.with_suffix(".safetensors").exists()

    def test_data_are_not_overwritten(self, run: Command, plants: Path) -> None:
        before = plants.read_bytes()
        args = ["train", plants, "--target", "species"]
        assert run(*args, "-o", plants).code == 2
        assert run(*args, "--plot", plants).code == 2
        assert plants.read_bytes() == before

    def test_a_file_that_is_no_model(self, run: Command, plants: Path) -> None:
        result = run("info", plants)
        assert_one_line_error(result)
        assert "plants.csv" in result.err

    @pytest.mark.parametrize(
        "preprocessing",
        [
            "nonsense",
            json.dumps(
                {
                    "version": 1,
                    "inputs": [{"kind": "numeric", "name": "a", "mean": [0], "scale": [1]}],
                    "target": {"kind": "classes", "name": "y", "labels": ["a", "b"]},
                }
            ),
        ],
    )
    def test_preprocessing_that_does_not_fit_the_network(
        self, run: Command, tmp_path: Path, preprocessing: str
    ) -> None:
        net = bp.Network([3, 2], seed=0)
        net.save(tmp_path / "bad.safetensors", metadata={"preprocessing": preprocessing})
        result = run("info", "bad.safetensors")
        assert_one_line_error(result)
        assert "the preprocessing" in result.err
        assert "bad.safetensors" in result.err

    def test_an_old_model_survives_a_failed_training(
        self, run: Command, plants: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "m.safetensors").write_bytes(b"old")
        result = run("train", plants, "--target", "nothing", "-o", "m.safetensors")
        assert_one_line_error(result)
        assert (tmp_path / "m.safetensors").read_bytes() == b"old"


class TestProgram:
    """The command as it is installed, in a process of its own."""

    def start(self, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ["-m", "backpass"] if code is None else ["-c", code]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_version(self) -> None:
        result = self.start("--version")
        assert (result.returncode, result.stdout) == (0, f"backpass {bp.__version__}\n")

    @pytest.mark.parametrize("command", [(), ("train",), ("predict",), ("info",)])
    def test_help_is_a_result(self, command: tuple[str, ...]) -> None:
        result = self.start(*command, "--help")
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: backpass")
        assert result.stderr == ""

    def test_usage_and_failure_codes(self) -> None:
        assert self.start("train").returncode == 2
        failed = self.start("info", "missing.safetensors")
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert "Traceback" not in failed.stderr

    def test_without_click_the_extra_is_named(self) -> None:
        code = "import sys; sys.modules['click'] = None; from backpass.cli import main; main()"
        result = self.start(code=code)
        assert result.returncode == 1
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "pip install backpass[cli]" in result.stderr

    @pytest.mark.parametrize("library", ["pandas", "sklearn.datasets", "matplotlib"])
    def test_without_a_library_the_extra_is_named(self, library: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x,y\n1,2\n")
        data = "digits" if library.startswith("sklearn") else str(tmp_path / "a.csv")
        target = [] if data == "digits" else ["--target", "y"]
        code = (
            f"import sys; sys.modules[{library!r}] = None\n"
            f"from backpass.cli import main; sys.argv[1:] = {['train', data, *target]!r}; main()"
        )
        result = self.start(code=code)
        assert result.returncode == 1
        assert "pip install backpass[" in result.stderr
        assert "Traceback" not in result.stderr
