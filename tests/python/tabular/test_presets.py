"""The presets of `backpass.tabular.train`, and models with several networks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass as bp
from backpass import tabular
from backpass.tabular import Settings
from backpass.tabular.presets import LABEL_SMOOTHING, LEARNING_RATES, PRESETS
from backpass.tabular.targets import target_from_json
from tables import learn

QUICK = {"hidden": (8,), "epochs": 3, "members": 2, "batch_size": 32}
RECIPE = Settings(preset="tabular", **QUICK)  # type: ignore[arg-type]


def table(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    kind = rng.choice(["a", "b"], rows)
    y = 10 * x + 40 * (kind == "a") + rng.normal(size=rows)
    return pd.DataFrame({"x": x, "kind": kind, "y": y, "large": np.where(y > 20, "yes", "no")})


class TestSettings:
    def test_a_preset_decides_what_is_not_given(self) -> None:
        for name, values in PRESETS.items():
            settings = Settings(preset=name)
            for key, value in values.items():
                if key != "early_stopping":
                    assert getattr(settings, key) == value
        assert Settings(preset="tabular", members=3).members == 3
        assert Settings(preset="tabular", hidden=7).hidden == (7,)  # type: ignore[arg-type]

    def test_patience(self) -> None:
        assert Settings().early_stopping == 20
        assert Settings(preset="tabular", epochs=7).early_stopping == 7
        assert Settings(preset="tabular", early_stopping=5).early_stopping == 5
        assert Settings(preset="tabular", early_stopping=None).early_stopping is None

    def test_defaults_of_a_task(self) -> None:
        recipe = Settings(preset="tabular")
        classes = recipe.resolved("classification", "cross_entropy")
        assert (classes.lr, classes.label_smoothing) == (
            LEARNING_RATES["classification"],
            LABEL_SMOOTHING,
        )
        numbers = recipe.resolved("regression", "mse")
        assert (numbers.lr, numbers.label_smoothing) == (LEARNING_RATES["regression"], 0.0)
        binary = recipe.resolved("classification", "binary_cross_entropy")
        assert binary.label_smoothing == 0.0
        plain = Settings().resolved("classification", "cross_entropy")
        assert (plain.lr, plain.label_smoothing) == (None, 0.0)
        other = Settings(preset="tabular", optimizer="sgd").resolved("regression", "mse")
        assert other.lr is None

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"preset": "best"}, 'preset must be "plain" or "tabular"'),
            ({"members": 0}, "members must be at least 1"),
            ({"bins": -1}, "bins must be at least 0"),
            ({"weight_decay": -0.1}, "weight_decay must be finite and at least 0"),
        ],
    )
    def test_wrong_settings(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Settings(**changes)


class TestTraining:
    @pytest.mark.parametrize("target", ["y", "large"])
    @pytest.mark.parametrize("members", [1, 2])
    def test_a_model_is_saved_and_loaded(self, tmp_path: Path, target: str, members: int) -> None:
        frame = table().drop(columns="large" if target == "y" else "y")
        settings = Settings(preset="tabular", **{**QUICK, "members": members})  # type: ignore[arg-type]
        outcome, said = learn(frame, target, settings=settings)
        networks = "2 networks" if members == 2 else "network"
        assert any(f": {networks} {outcome.model.encoder.width}-8-" in line for line in said)  # type: ignore[union-attr]
        assert len(outcome.histories) == len(outcome.model.members) == members
        outcome.model.save(tmp_path / "m")
        loaded = tabular.load(tmp_path / "m")
        assert isinstance(loaded.net, bp.Ensemble) == (members == 2)
        np.testing.assert_array_equal(loaded.predict(frame), outcome.model.predict(frame))
        assert loaded.training["settings"]["preset"] == "tabular"

    def test_outputs_are_the_mean_of_the_members_in_the_range(self) -> None:
        frame = table().drop(columns="large")
        outcome, _ = learn(frame, "y", settings=RECIPE)
        model = outcome.model
        assert isinstance(model.target, tabular.targets.NumberTarget)
        [(low, high)], [scale] = model.target.ranges, model.target.scales
        x = np.random.default_rng(1).normal(size=(50, model.encoder.width)).astype("f4") * 9  # type: ignore[union-attr]
        each = [
            net.predict(x).astype(float)[:, 0] * scale.scale + scale.mean for net in model.members
        ]
        expected = np.mean([np.clip(one, low, high) for one in each], axis=0)
        assert any((one > high).any() or (one < low).any() for one in each)
        np.testing.assert_allclose(model.outputs_of(x)[:, 0], expected, rtol=1e-12)

    def test_plain_members_are_standardised(self) -> None:
        frame = table().drop(columns="large")
        outcome, _ = learn(frame, "y", settings=Settings(members=2, epochs=2, hidden=(4,)))
        assert outcome.model.encoder.width == 3  # type: ignore[union-attr]
        assert [net.layers[0].lr_scale for net in outcome.model.members] == [1.0, 1.0]
        assert outcome.model.target.ranges == ()  # type: ignore[union-attr]

    def test_plain_with_bins(self) -> None:
        frame = table().drop(columns="large")
        outcome, _ = learn(frame, "y", settings=Settings(bins=5, epochs=2, hidden=(4,)))
        assert outcome.model.encoder.width == 1 + 5 + 2  # type: ignore[union-attr]

    def test_cross_validation(self) -> None:
        frame = table().drop(columns="large")
        outcome, _ = learn(frame, "y", settings=RECIPE, folds=2)
        assert len(outcome.folds) == 2

    def test_the_last_of_the_best_epochs_is_kept(self) -> None:
        frame = table().drop(columns="y")
        outcome, _ = learn(frame, "large", settings=RECIPE)
        for history in outcome.histories:
            curve = history["val_accuracy"]
            last = max(i for i, value in enumerate(curve) if value == max(curve))
            assert history.best_epoch == last

    def test_members_have_no_checkpoint(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="a checkpoint is of one network"):
            learn(table(), "y", settings=RECIPE, checkpoint=tmp_path / "c")

    def test_members_have_no_shards(self) -> None:
        with pytest.raises(ValueError, match="shards are for one network: use 1 member"):
            learn(table(), "y", settings=RECIPE, shards=2)

    def test_arrays_have_no_recipe(self) -> None:
        with pytest.raises(ValueError, match="the preset 'tabular' and bins are for tables"):
            learn("digits", None, settings=RECIPE)


class TestRanges:
    def test_old_files_have_none(self) -> None:
        data = {"kind": "numbers", "names": ["y"], "styles": [[".", "", ""]], "scales": [[0, 0, 1]]}
        target: Any = target_from_json(json.loads(json.dumps(data)))
        assert target.ranges == ()
        assert target.decode(np.array([[1e9]])).tolist() == [[1e9]]

    @pytest.mark.parametrize("ranges", [[[0.0]], [[1.0, 0.0]], [[0, 1], [0, 1]], "ab", [None]])
    def test_damage_is_refused(self, ranges: Any) -> None:
        data = {"kind": "numbers", "names": ["y"], "styles": [[".", "", ""]], "scales": [[0, 0, 1]]}
        with pytest.raises(ValueError, match="the target in the file is damaged"):
            target_from_json({**data, "ranges": ranges})
