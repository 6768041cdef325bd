"""backpass info: the contents of a file."""

import json
from pathlib import Path

import pytest

import backpass as bp
from backpass import tabular
from command import Command


class TestInfo:
    def test_shows_layers_data_and_training(self, run: Command, plants: Path) -> None:
        run.ok("train", plants, "--target", "species", "--no-plot")
        result = run.ok("info", "plants.safetensors")
        assert result.err == ""
        for text in (
            "3 -> 64",
            "softmax",
            "total",
            "species (3 classes: daisy, lily, rose)",
            "colour (category, 2 inputs)",
            "optimizer adam",
            "test: accuracy",
            "baseline: accuracy",
        ):
            assert text in result.out

    def test_json(self, run: Command, plants: Path) -> None:
        run.ok("train", plants, "--target", "species", "--no-plot")
        result = run.ok("info", "plants.safetensors", "--json").json
        net = tabular.load("plants.safetensors").net
        assert result["sizes"] == [3, 64, 64, 3]
        assert result["dtype"] == "float32"
        assert result["parameters"] == net.parameters.size
        assert [layer["activation"] for layer in result["layers"]] == ["relu", "relu", "softmax"]
        assert result["layers"][0]["shape"] == [64, 3]
        assert result["target"]["labels"] == ["daisy", "lily", "rose"]
        assert [column["name"] for column in result["inputs"]] == ["length", "colour"]
        assert 20 < result["training"]["epochs"] <= 200

    def test_a_target_of_numbers(self, run: Command, prices: Path) -> None:
        run.ok("train", prices, "--target", "price", "--epochs", "1", "--no-plot")
        assert "price (1 number)" in run.ok("info", "prices.safetensors").out

    @pytest.mark.parametrize("training", ["nonsense", "[" * 100_000, "[1]"])
    def test_facts_about_the_training_are_optional(
        self, run: Command, tmp_path: Path, training: str
    ) -> None:
        bp.Network([2, 3], seed=0).save(tmp_path / "m", metadata={"training": training})
        assert run.ok("info", "m", "--json").json["training"] == {}

    def test_infinite_facts_become_null(self, run: Command, tmp_path: Path) -> None:
        facts = {"test": {"loss": float("inf"), "r2": [float("nan"), 0.5]}}
        metadata = {"training": json.dumps(facts)}
        bp.Network([2, 3], seed=0).save(tmp_path / "m", metadata=metadata)
        shown = run.ok("info", "m", "--json").json["training"]
        assert shown == {"test": {"loss": None, "r2": [None, 0.5]}}

    def test_a_network_that_python_saved(self, run: Command, tmp_path: Path) -> None:
        bp.Network([2, 3], seed=0).save(tmp_path / "bare.safetensors")
        assert "2 -> 3" in run.ok("info", "bare.safetensors").out
        assert run.ok("info", "bare.safetensors", "--json").json["target"] is None
