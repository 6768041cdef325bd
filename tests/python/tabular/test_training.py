"""Training: the rows of each part, other files, cross-validation, and what the report says."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass as bp
from backpass.tabular import ColumnOptions, ReadOptions, Settings, load, train
from tables import QUICK, learn, lines, write


def classes(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, rows)
    return pd.DataFrame(
        {"x": x, "noise": rng.normal(size=rows), "y": np.where(x > 0, "up", "down")}
    )


def numbers(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    area = np.random.default_rng(seed).uniform(50, 150, rows)
    return pd.DataFrame({"area": area, "price": 3e5 + 2e3 * area, "rooms": area / 20})


GOOD = Settings(epochs=30)


class TestResults:
    def test_classes_are_learned_and_beat_the_baseline(self) -> None:
        outcome = learn(classes(), settings=GOOD).outcome
        assert outcome.task == "classification"
        assert outcome.rows == {"test": 40, "validation": 20, "train": 140}
        assert outcome.test is not None
        assert outcome.test.values["accuracy"] > 0.9 > outcome.test.baseline["accuracy"]

    def test_quantities_are_scored_in_their_unit(self) -> None:
        outcome = learn(numbers(), "price", settings=GOOD).outcome
        assert outcome.task == "regression"
        test = outcome.test
        assert test is not None
        predicted = outcome.model.predict(numbers())
        truth = numbers()["price"].to_numpy()
        assert np.abs(predicted - truth).mean() < 2e3 * 100 / 12**0.5 / 5
        assert 0 < test.values["rmse"] < 2e3 * 100 / 12**0.5 / 5
        assert test.baseline["rmse"] == pytest.approx(2e3 * 100 / 12**0.5, rel=0.2)
        assert test.values["r2"] > 0.9 > 0.1 > test.baseline["r2"]

    def test_several_quantities_together(self) -> None:
        outcome = learn(numbers(), ["price", "rooms"], settings=GOOD).outcome
        predicted = outcome.model.predict(numbers())
        assert predicted.shape == (300, 2)
        for i, name in enumerate(["price", "rooms"]):
            truth = numbers()[name].to_numpy()
            assert np.corrcoef(predicted[:, i], truth)[0, 1] > 0.99
            assert np.abs(predicted[:, i] - truth).mean() < 0.3 * truth.std()

    def test_the_report_has_scores_beside_the_simplest_guess(self) -> None:
        outcome = learn(classes(60), settings=GOOD, folds=3).outcome
        assert outcome.test is not None
        report = str(outcome).splitlines()
        accuracy, guess = outcome.test.values["accuracy"], outcome.test.baseline["accuracy"]
        assert report[0] == (
            f"test accuracy: {accuracy:.4f} (always the most frequent class: {guess:.4f})"
        )
        assert report[2].split() == ["class", "precision", "recall", "F1", "rows"]
        assert [line.split()[0] for line in report[3:5]] == ["down", "up"]
        assert report[5] == "note: 12 test rows tell little; a cross-validation uses all rows"
        mean = np.mean([fold["accuracy"] for fold in outcome.folds])
        assert report[6].startswith(f"cross-validation accuracy: {mean:.4g} ± ")
        assert len(repr(outcome)) < 300
        assert len(repr(outcome.model)) < 200

    def test_several_quantities_have_lines_of_their_own(self) -> None:
        outcome = learn(numbers(), ["price", "rooms"]).outcome
        names = [line.split(":")[0] for line in str(outcome).splitlines()]
        scores = ("r2", "rmse", "mae")
        assert names == [
            *(f"test {score} of {target}" for target in ("price", "rooms") for score in scores),
            "test loss",
        ]

    def test_the_split_is_stratified_and_the_seed_decides(self) -> None:
        frame = classes(400)
        frame["y"] = ["rare" if i % 20 == 0 else "usual" for i in range(400)]
        found = [learn(frame, settings=replace(QUICK, seed=seed)).outcome for seed in (0, 0, 1)]
        for outcome in found:
            assert outcome.test is not None
            assert np.bincount(outcome.test.truth).tolist() == [4, 76]
        weights = [outcome.model.net.parameters for outcome in found]
        assert np.array_equal(weights[0], weights[1])
        assert not np.array_equal(weights[0], weights[2])

    def test_the_printed_loss_is_that_of_the_curves(self, tmp_path: Path) -> None:
        frame = numbers()
        settings = replace(QUICK, validation_split=0.2, test_split=0.0)
        outcome = learn(frame, "price", settings=settings).outcome
        # The same rows as a test file: its loss is the last validation loss.
        from backpass.tabular.splits import split_rows

        rows = split_rows(300, {"test": 0.0, "validation": 0.2}, 0)
        frame.iloc[rows["validation"]].to_csv(tmp_path / "v.csv", index=False)
        frame.iloc[rows["train"]].to_csv(tmp_path / "t.csv", index=False)
        again = learn(
            tmp_path / "t.csv", "price", settings=replace(settings, validation_split=0.0),
            test=tmp_path / "v.csv",
        ).outcome  # fmt: skip
        assert again.test is not None
        assert again.test.values["loss"] == pytest.approx(outcome.history["val_loss"][-1], rel=1e-5)

    def test_the_loss_of_a_regression_is_that_of_the_standardised_target(self) -> None:
        outcome = learn(numbers(), "price").outcome
        assert outcome.test is not None
        scale = outcome.model.target.scales[0].scale  # type: ignore[union-attr]
        expected = (outcome.test.values["rmse"] / scale) ** 2
        assert outcome.test.values["loss"] == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("loss", ["binary_cross_entropy", "sigmoid_cross_entropy"])
    def test_two_classes_may_share_an_output(self, loss: str) -> None:
        model = learn(classes(), settings=replace(GOOD, loss=loss)).outcome.model
        assert model.net.sizes[-1] == 1
        proba = model.predict_proba(classes())
        assert np.allclose(proba.sum(axis=1), 1)
        assert (model.predict(classes()) == np.array(["down", "up"])[proba.argmax(axis=1)]).all()
        assert (model.predict(classes()) == classes()["y"]).mean() > 0.9

    def test_logits_become_probabilities(self) -> None:
        settings = replace(GOOD, loss="softmax_cross_entropy")
        model = learn(classes(), settings=settings).outcome.model
        logits = model.net.predict(model.encoder.encode(*block(model))).astype(float)  # type: ignore[union-attr]
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(classes()), expected, rtol=1e-9)

    def test_rates_are_not_standardised(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, 400)
        frame = pd.DataFrame({"x": x, "n": rng.poisson(np.exp(2 + x))})
        settings = replace(GOOD, loss="poisson", task="regression", dropout=0.0)
        rate = learn(frame, "n", settings=settings).outcome.model.predict(frame)
        assert np.abs(rate - np.exp(2 + x)).mean() < 0.3 * np.exp(2)


def block(model: Any) -> tuple[Any, Any, Any]:
    from backpass.tabular.facts import blocks_of
    from backpass.tabular.sources import open_table

    [found] = blocks_of(open_table(classes()), model.encoder.names)
    return found, model.net.dtype, {}


class TestOtherFiles:
    def test_validation_and_test_files_replace_shares(self, tmp_path: Path) -> None:
        frames = {"train": classes(100), "v": classes(30, 1), "t": classes(50, 2)}
        for name, frame in frames.items():
            frame.to_csv(tmp_path / f"{name}.csv", index=False)
        outcome = learn(
            tmp_path / "train.csv", validation=tmp_path / "v.csv", test=tmp_path / "t.csv"
        ).outcome
        assert outcome.rows == {"train": 100, "validation": 30, "test": 50}
        assert outcome.test is not None
        assert outcome.test.truth.tolist() == (frames["t"]["y"] == "up").astype(int).tolist()
        assert outcome.test.values["accuracy"] == pytest.approx(
            (outcome.model.predict(frames["t"]) == frames["t"]["y"]).mean()
        )

    def test_rows_of_the_test_file_without_a_known_target_are_left_out_and_counted(self) -> None:
        other = classes(50, 2)
        other.loc[:3, "y"] = "sideways"
        other.loc[4:5, "y"] = None
        outcome, said = learn(classes(), test=other)
        assert outcome.rows["test"] == 44
        assert any(
            "target 'y': 6 rows have no known value; they are left out" in line for line in said
        )

    def test_new_categories_of_the_test_file_are_counted(self) -> None:
        frame = classes().assign(colour=["red", "blue"] * 100)
        _, said = learn(frame, test=frame.assign(colour="pink"))
        assert any("'colour': 200 cells have new or rare values ('pink')" in line for line in said)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda f: f.drop(columns="y"), "no column 'y', the target"),
            (lambda f: f.drop(columns="x"), "no column 'x'"),
            (lambda f: f.assign(y="new"), "no row has a value of 'y' that is known"),
            (lambda f: f.iloc[:0], "no row"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, change: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            learn(classes(), test=change(classes()))


class TestCrossValidation:
    def test_each_fold_is_scored_on_rows_it_has_not_seen(self) -> None:
        outcome, said = learn(classes(), settings=GOOD, folds=4)
        assert len(outcome.folds) == 4
        assert all(fold["accuracy"] > 0.85 for fold in outcome.folds)
        assert len({fold["loss"] for fold in outcome.folds}) == 4
        assert [line[:11] for line in said if line.startswith("fold")] == [
            f"fold {i} of 4" for i in range(1, 5)
        ]

    def test_it_does_not_change_the_model(self) -> None:
        plain, crossed = learn(classes()).outcome, learn(classes(), folds=3).outcome
        assert np.array_equal(plain.model.net.parameters, crossed.model.net.parameters)

    def test_one_fold_is_refused(self) -> None:
        with pytest.raises(ValueError, match="1 folds of 200 rows are not possible"):
            learn(classes(), folds=1)


class TestReports:
    def test_columns_are_shown_before_the_training(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", lines(lambda i: f"{i * 7 % 11},{'ab'[i % 2]}"))
        outcome, said = learn(path)
        assert said[: len(outcome.plan)] == outcome.plan
        assert said[0].startswith("column")
        assert said[-1].startswith(
            "classification of 'y' with cross_entropy: network 1-4-2, rows: "
        )

    def test_missing_values_are_counted(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "a.csv",
            lines(lambda i: f"{'' if i % 6 == 0 else i % 7},{'ab'[i % 2] if i % 20 else ''}"),
        )
        outcome, said = learn(path)
        assert outcome.plan[1].split()[:3] == ["x", "number", "10"]
        assert outcome.plan[2].split()[:3] == ["y", "target", "3"]
        assert "note: target 'y': 3 rows have no value; they are left out" in said
        assert sum(outcome.rows.values()) == 57

    def test_ids_are_left_out_and_said(self) -> None:
        frame = classes().assign(customer=range(200), name=[f"n{i}" for i in range(200)])
        outcome, said = learn(frame)
        assert outcome.model.encoder.names == ["x", "noise"]  # type: ignore[union-attr]
        assert outcome.model.ids == ("customer",)
        assert any(line.startswith("customer") and " id " in line for line in said)
        assert any(line.startswith("name") and " left out " in line for line in said)

    def test_the_facts_of_the_training_are_in_the_file(self, tmp_path: Path) -> None:
        outcome = learn(classes()).outcome
        outcome.model.save(tmp_path / "m.safetensors")
        training = load(tmp_path / "m.safetensors").training
        assert outcome.test is not None
        assert training["test"] == outcome.test.values
        assert training["baseline"] == outcome.test.baseline
        assert training["rows"] == outcome.rows
        assert training["settings"]["hidden"] == [4]
        json.dumps(training, allow_nan=False)


class TestMisuse:
    def test_a_target_is_needed_and_given_once(self) -> None:
        with pytest.raises(ValueError, match="a table needs a target"):
            learn(classes(), None)
        with pytest.raises(ValueError, match="a target is given twice: y, y"):
            learn(classes(), ["y", "y"])

    @pytest.mark.parametrize("target", [pd.Series([1.0, 2.0]), np.zeros(2), {"y": 1}, [["y"]]])
    def test_a_target_is_a_name(self, target: Any) -> None:
        with pytest.raises(TypeError, match="target must be the name of a column"):
            learn(classes(), target)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"task": "x"}, 'task must be "auto", "classification" or "regression", got'),
            ({"epochs": 0}, "epochs must be at least 1, got 0"),
            ({"hidden": (8, 0)}, "hidden must be at least 1, got 0"),
            ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1"),
            ({"test_split": -0.1}, r"test_split must be in \[0, 1\), got -0.1"),
        ],
    )
    def test_settings_out_of_range_are_refused(self, changes: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Settings(**changes)

    def test_settings_take_what_is_clear(self) -> None:
        settings: Any = Settings(hidden=8, early_stopping=0)  # type: ignore[arg-type]
        assert (settings.hidden, settings.early_stopping) == ((8,), None)
        with pytest.raises(TypeError, match="settings must be a Settings, not dict"):
            train(classes(), "y", settings={"epochs": 3})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="hidden must be an integer, not str"):
            Settings(hidden="a")  # type: ignore[arg-type]

    def test_names_of_columns_may_be_numbers(self) -> None:
        frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 4)))
        outcome = train(frame, 3, settings=GOOD)  # type: ignore[arg-type]
        assert outcome.model.predict(frame).shape == (60,)

    def test_arrays_have_no_columns(self) -> None:
        with pytest.raises(ValueError, match="digits: arrays have no columns with names"):
            learn("digits", "y")
        with pytest.raises(ValueError, match="digits: arrays have no columns with names"):
            learn("digits", None, columns=ColumnOptions(drop=("x",)))

    @pytest.mark.parametrize(
        ("target", "loss", "message"),
        [
            ("y", "mse", "'mse' is for regression, but target 'y' is for classification"),
            ("x", "cross_entropy", "for classification, but target 'x' is for regression"),
            ("x", "poisson", "'poisson' needs a target >= 0, but 'x' has values < 0"),
            ("three", "binary_cross_entropy", "is for 2 classes, target 'three' has 3"),
        ],
    )
    def test_loss_and_target_must_match(self, target: str, loss: str, message: str) -> None:
        frame = classes(60).assign(three=["a", "b", "c"] * 20)
        with pytest.raises(ValueError, match=message):
            learn(frame, target, settings=replace(QUICK, loss=loss))

    def test_a_few_rows_are_too_few(self) -> None:
        with pytest.raises(ValueError, match="4 rows are too few"):
            learn(pd.DataFrame({"x": [1.5, 2.5, 0.5, 1.0], "y": ["a", "b", "a", "b"]}))


class TestResume:
    def test_goes_on_exactly(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"
        whole = learn(classes(), settings=replace(QUICK, epochs=6)).outcome
        learn(classes(), settings=replace(QUICK, epochs=3), checkpoint=path)
        rest = learn(classes(), settings=replace(QUICK, epochs=6), resume_from=path).outcome
        assert np.array_equal(rest.model.net.parameters, whole.model.net.parameters)

    def test_other_data_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"
        learn(classes(), checkpoint=path)
        with pytest.raises(
            ValueError, match=r"differ.*in the columns 'more'.*resume with the same"
        ):
            learn(classes().assign(more=classes()["x"] * 2), resume_from=path)
        with pytest.raises(
            ValueError, match=r"differ from those of this checkpoint in their value"
        ):
            learn(classes(seed=1), resume_from=path)
        bp.Network([1, 1]).save(path)
        with pytest.raises(ValueError, match=r"c\.safetensors"):
            learn(classes(), resume_from=path)


def test_options_of_reading_hold_for_all_files(tmp_path: Path) -> None:
    read = ReadOptions(separator="~")
    for name in ("a", "v", "t"):
        write(
            tmp_path / f"{name}.csv",
            lines(lambda i: f"{i * 7 % 11}~{'ab'[i % 2]}", header="x~y"),
        )
    outcome = learn(
        tmp_path / "a.csv", read=read, validation=tmp_path / "v.csv", test=tmp_path / "t.csv"
    ).outcome
    assert outcome.rows == {"train": 60, "validation": 60, "test": 60}
