"""backpass train --preset, and the other commands on its models."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass import tabular
from backpass.tabular.presets import PRESETS
from command import Command

QUICK = ("--no-plot", "--epochs", "3", "--hidden", "8", "--batch-size", "32")


class TestPreset:
    def test_a_model_of_several_networks(self, run: Command, plants: Path) -> None:
        recipe = ("--preset", "tabular", "--members", "2", "--bins", "4")
        result = run.ok("train", plants, "--target", "species", *recipe, *QUICK)
        assert "2 networks 7-8-3" in result.err  # a number with four bins, and two categories
        model = tabular.load("plants.safetensors")
        assert len(model.members) == 2
        frame = pd.read_csv(plants)
        lines = run.ok("predict", "plants.safetensors", plants).out.splitlines()
        assert lines[1:] == model.predict(frame).tolist()
        proba = run.ok("predict", "plants.safetensors", plants, "--proba").out.splitlines()
        found = np.array([[float(cell) for cell in line.split(",")[1:]] for line in proba[1:]])
        np.testing.assert_allclose(found, model.predict_proba(frame))

    def test_info(self, run: Command, plants: Path) -> None:
        recipe = ("--preset", "tabular", "--members", "2", "--bins", "4")
        run.ok("train", plants, "--target", "species", *recipe, *QUICK)
        shown = run.ok("info", "plants.safetensors").out
        assert "2 networks; the first one:" in shown
        assert "length (number, 5 inputs)" in shown
        assert run.ok("info", "plants.safetensors", "--json").json["members"] == 2
        lines = run.ok("info", "plants.safetensors", "--inputs").out.splitlines()
        assert len(lines) == 7
        assert lines[0].startswith("0  length: t / sqrt(1 + (t / 3)^2), t = (x - ")
        assert "clipped to 0 .. 1" in lines[1]
        assert lines[5] == "5  colour = red: 1 if so, else 0"

    def test_the_defaults_of_the_preset(self, run: Command, prices: Path) -> None:
        result = run.ok(
            "train", prices, "--target", "price", "--preset", "tabular", "--epochs", "1",
            "--no-plot", "--json",
        )  # fmt: skip
        assert result.json["members"] == PRESETS["tabular"]["members"]
        assert tuple(result.json["sizes"][1:-1]) == PRESETS["tabular"]["hidden"]

    def test_plain_is_one_network(self, run: Command, prices: Path) -> None:
        result = run.ok(
            "train", prices, "--target", "price", "--preset", "plain", "--epochs", "1",
            "--no-plot", "--json",
        )  # fmt: skip
        assert (result.json["members"], result.json["sizes"]) == (1, [1, 64, 64, 1])

    @pytest.mark.parametrize("option", [("--preset", "tabular"), ("--bins", "4")])
    def test_arrays_are_refused(self, run: Command, option: tuple[str, str]) -> None:
        result = run("train", "digits", *option)
        result.assert_misuse()
        assert "--preset tabular and --bins are for tables" in result.err

    def test_help_shows_the_defaults_of_both(self, run: Command) -> None:
        shown = " ".join(run.ok("train", "--help").out.split())
        for name in ("members", "bins", "epochs"):
            plain, recipe = (PRESETS[preset][name] for preset in ("plain", "tabular"))
            assert f"[default: plain: {plain}, tabular: {recipe}]" in shown
