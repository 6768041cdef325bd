"""Misuse exits with 2; failure exits with 1 and one line. Neither loses a file."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from command import Command


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
            ["train", "digits", "--plot", "curves.xyz"],
            ["train", "digits", "--plot", "curves"],
            ["train", "a.csv", "--target", "t", "--drop", "s", "--drop", "t"],
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
        result.assert_misuse()
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
            (["predict", "missing.safetensors", "digits"], "missing.safetensors"),
            (["train", ".", "--target", "y"], ". is a directory, not a file"),
            (["train", "digits", "--test", "missing.npz"], "missing.npz"),
            (["train", "digits", "--checkpoint", "no/such/c"], "no directory no/such"),
            (["info", "missing.safetensors"], "missing.safetensors"),
        ],
    )
    def test_failures_exit_with_1_and_one_line(
        self, run: Command, arguments: list[str], message: str
    ) -> None:
        result = run(*arguments)
        result.assert_failure()
        assert message in result.err

    def test_the_suffixes_of_pictures_are_named(self, run: Command) -> None:
        result = run("train", "digits", "--plot", "curves.xyz")
        result.assert_misuse()
        assert "--plot" in result.err
        assert "curves.xyz" in result.err
        assert "png" in result.err

    def test_a_target_is_not_dropped(self, run: Command, plants: Path) -> None:
        result = run("train", plants, "--target", "species", "--drop", "species")
        result.assert_misuse()
        assert "--target and --drop both name the column 'species'" in result.err

    @pytest.mark.parametrize("command", ["train", "predict"])
    def test_damaged_tables(self, run: Command, plants: Path, command: str) -> None:
        model = plants.with_name("m.safetensors")
        args = ["--target", "species", "--epochs", "1", "--no-plot"]
        run.ok("train", plants, *args, "-o", model)
        damaged = plants.with_name("damaged.csv.gz")
        damaged.write_bytes(gzip.compress(plants.read_bytes())[:-20])
        before = sorted(plants.parent.iterdir())
        arguments = {"train": ["train", damaged, *args], "predict": ["predict", model, damaged]}
        result = run(*arguments[command])
        result.assert_failure()
        assert "damaged.csv.gz: cannot be decompressed" in result.err
        assert sorted(plants.parent.iterdir()) == before

    def test_diverging_training(self, run: Command, prices: Path) -> None:
        args = ["--target", "price", "--optimizer", "sgd", "--lr", "1e6", "--no-plot"]
        result = run("train", prices, *args)
        result.assert_failure()
        assert not prices.with_suffix(".safetensors").exists()

    def test_data_are_not_overwritten(self, run: Command, plants: Path) -> None:
        before = plants.read_bytes()
        args = ["train", plants, "--target", "species"]
        assert run(*args, "-o", plants).code == 2
        assert run(*args, "--plot", plants).code == 2
        assert plants.read_bytes() == before

    def test_a_checkpoint_overwrites_nothing(self, run: Command, plants: Path) -> None:
        before = plants.read_bytes()
        notes = plants.with_name("notes.txt")
        notes.write_text("mine")
        args = ["train", plants, "--target", "species", "--epochs", "1", "--no-plot"]
        for options, message in (
            (["--checkpoint", plants], "would overwrite the data"),
            (["--test", notes, "--checkpoint", notes], "would overwrite the data"),
            (["--checkpoint", notes], "notes.txt exists; --force overwrites it"),
            (["--checkpoint", "c", "-o", "c"], "--output and --checkpoint name the same file"),
        ):
            result = run(*args, *options)
            result.assert_misuse()
            assert message in " ".join(result.err.split())
        assert plants.read_bytes() == before
        assert notes.read_text() == "mine"

    def test_a_spreadsheet_is_named(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
        result = run("train", "book.xlsx", "--target", "y")
        result.assert_failure()
        assert "book.xlsx: spreadsheets are not read; save the sheet as CSV" in result.err

    def test_a_file_that_is_no_model(self, run: Command, plants: Path) -> None:
        result = run("info", plants)
        result.assert_failure()
        assert "plants.csv" in result.err

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ("nonsense", "the description of the table is not JSON"),
            (
                json.dumps(
                    {
                        "version": 1,
                        "inputs": {"mean": [0, 0], "scale": [1, 1]},
                        "target": {"kind": "classes", "name": "y", "labels": ["a", "b"]},
                        "ids": [],
                    }
                ),
                "the table is for 2 inputs and 2 outputs, but the network has 3 and 2",
            ),
        ],
    )
    def test_a_table_that_does_not_fit_the_network(
        self, run: Command, tmp_path: Path, table: str, message: str
    ) -> None:
        net = bp.Network([3, 2], seed=0)
        net.save(tmp_path / "bad.safetensors", metadata={"table": table})
        result = run("info", "bad.safetensors")
        result.assert_failure()
        assert f"bad.safetensors: {message}" in result.err

    def test_a_model_of_version_0_1_is_refused(self, run: Command, tmp_path: Path) -> None:
        bp.Network([3, 2], seed=0).save(tmp_path / "m", metadata={"preprocessing": "{}"})
        result = run("info", "m")
        result.assert_failure()
        assert "m: version 0.1 of backpass train wrote this model; train it again" in result.err

    def test_an_old_model_survives_a_failed_training(
        self, run: Command, plants: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "m.safetensors").write_bytes(b"old")
        arguments = ["train", plants, "--target", "nothing", "-o", "m.safetensors"]
        result = run(*arguments)
        result.assert_misuse()
        assert "m.safetensors exists; --force overwrites it" in result.err
        result = run(*arguments, "--force")
        result.assert_failure()
        assert "no column 'nothing'; there are: length, colour, constant, species" in result.err
        assert (tmp_path / "m.safetensors").read_bytes() == b"old"

    def test_data_without_a_target_cannot_be_learned(self, run: Command, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=np.ones((4, 2)))
        result = run("train", "a.npz")
        result.assert_failure()
        assert "no target" in result.err

    def test_settings_that_do_not_fit_the_target(self, run: Command, prices: Path) -> None:
        def message(*options: str) -> str:
            result = run("train", prices, "--target", "price", "--no-plot", *options)
            result.assert_failure()
            return result.err

        rows = prices.read_text().splitlines()
        prices.write_text("\n".join([rows[0], "100,-1", *rows[2:]]) + "\n")
        assert "needs a target >= 0" in message("--loss", "poisson")
        assert "label smoothing is for" in message("--label-smoothing", "0.1")
