"""backpass predict: the numbers of net.predict, on data like the training data."""

from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from backpass import tabular
from command import Command


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
        loaded = tabular.load(model)
        assert loaded.encoder is not None
        _, mean, scale = loaded.encoder.columns[0].to_json()["scale"]
        length = np.array([float(row[0]) for row in rows])
        x = np.zeros((150, 3))
        x[:, 0] = (length - mean) / scale
        x[:, 1] = [row[1] == "red" for row in rows]
        x[:, 2] = [row[1] == "white" for row in rows]
        wanted = loaded.net.predict(x)
        got = np.array([[float(cell) for cell in row[1:]] for row in table[1:]])
        assert np.array_equal(got.astype("float32"), wanted)
        names = np.array(["daisy", "lily", "rose"])
        assert [row[0] for row in table[1:]] == names[wanted.argmax(axis=1)].tolist()

    def test_any_number_of_threads_gives_the_same_table(
        self, run: Command, model: Path, plants: Path
    ) -> None:
        before = bp.get_num_threads()
        try:
            table = run.ok("predict", model, plants, "--threads", before + 1).table
            assert bp.get_num_threads() == before + 1
        finally:
            bp.set_num_threads(before)
        assert table == run.ok("predict", model, plants).table

    def test_the_columns_of_ids_are_repeated(
        self, run: Command, plants: Path, tmp_path: Path
    ) -> None:
        lines = plants.read_text().splitlines()
        names = [f"plant {9 * i}" for i in range(len(lines) - 1)]
        rows = [f"{name},{line}" for name, line in zip(["name", *names], lines, strict=True)]
        plants.write_text("\n".join(rows) + "\n")
        options = ["--target", "species", "--no-plot", "--id", "name"]
        run.ok("train", plants, *options, "-o", "m.safetensors")
        table = run.ok("predict", "m.safetensors", plants).table
        assert table[0] == ["name", "species"]
        assert [row[0] for row in table[1:]] == names
        plants.write_text("\n".join(lines) + "\n")  # without the names
        assert run.ok("predict", "m.safetensors", plants).table[0] == ["species"]

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
        run("predict", model, plants, "-o", "out.csv").assert_misuse()
        result = run.ok("predict", model, plants, "-o", "out.csv", "--force", "--json").json
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
            ("length,colour\n,red\n", "'length': 1 cell is missing, as none in training"),
            ("length,colour\n1,\n", "'colour': 1 cell is missing, as none in training"),
            ("length,colour\n1,blue\n", "'colour': 1 cell has a new or rare value ('blue')"),
            ("length,colour\nlong,red\n", "'length': 1 cell is not a number ('long')"),
        ],
    )
    def test_values_that_training_did_not_have_are_counted(
        self, run: Command, model: Path, tmp_path: Path, text: str, message: str
    ) -> None:
        (tmp_path / "new.csv").write_text(text)
        result = run.ok("predict", model, "new.csv")
        assert f"column {message}" in result.err
        assert len(result.table) == 2

    def test_a_missing_column_is_named(self, run: Command, model: Path, tmp_path: Path) -> None:
        (tmp_path / "bad.csv").write_text("lengths,colour\n1,red\n")
        result = run("predict", model, "bad.csv")
        result.assert_failure()
        assert (
            "no column 'length'; did you mean 'lengths'? There are: lengths, colour" in result.err
        )

    def test_quantities_come_back_in_their_units(self, run: Command, prices: Path) -> None:
        run.ok("train", prices, "--target", "price", "--no-plot")
        table = run.ok("predict", "prices.safetensors", prices).table
        wanted = [float(line.split(",")[1]) for line in prices.read_text().splitlines()[1:]]
        assert np.corrcoef([float(row[0]) for row in table[1:]], wanted)[0, 1] > 0.99
        assert np.mean([float(row[0]) for row in table[1:]]) == pytest.approx(
            np.mean(wanted), rel=0.01
        )
        result = run("predict", "prices.safetensors", prices, "--proba")
        result.assert_failure()
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
        result.assert_failure()
        assert "the network has 2 inputs, the data have 1" in result.err

    def test_does_not_overwrite_what_it_reads(
        self, run: Command, model: Path, plants: Path
    ) -> None:
        before = plants.read_bytes()
        run("predict", model, plants, "-o", plants).assert_misuse()
        assert plants.read_bytes() == before


def test_a_model_without_preprocessing_has_no_labels(tmp_path: Path) -> None:
    tabular.TableModel(bp.Network([2, 3], seed=0), training={"epochs": 7}).save(tmp_path / "m")
    model = tabular.load(tmp_path / "m")
    assert (model.encoder, model.target, model.training) == (None, None, {"epochs": 7})
    with pytest.raises(TypeError, match="does not predict classes"):
        model.labels(np.eye(3))
