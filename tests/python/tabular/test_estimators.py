"""TabularClassifier and TabularRegressor: tables in, scikit-learn's conventions, files."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import backpass as bp
from backpass import tabular
from backpass.tabular import TabularClassifier, TabularRegressor

QUICK: dict[str, Any] = {
    "members": 2,
    "hidden": (16,),
    "epochs": 16,
    "batch_size": 32,
    "random_state": 0,
}
NAN = float("nan")


def homes(rows: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table with numbers, categories, texts, flags, dates and missing values."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(20, 200, rows)
    kind = rng.choice(["flat", "house", "farm"], rows)
    X = pd.DataFrame(
        {
            "size": size,
            "rooms": rng.integers(1, 6, rows),
            "kind": kind,
            "state": pd.Categorical(rng.choice(["new", "old"], rows)),
            "garden": rng.choice([True, False], rows),
            "price tag": [f"{s:.0f} kg" for s in size],
            "sold": pd.date_range("2024-01-01", periods=rows),
        }
    )
    X.loc[::11, "size"] = NAN
    X.loc[::13, "kind"] = None
    y = pd.Series(size * np.where(kind == "farm", 3.0, 1.0) + rng.normal(0, 2, rows), name="price")
    return X, y


class TestTables:
    def test_a_regression_on_every_kind_of_column(self) -> None:
        X, y = homes(400)
        model = TabularRegressor(**{**QUICK, "epochs": 40}).fit(X[:300], y[:300])
        assert model.score(X[300:], y[300:]) > 0.8
        kinds = {column.name: column.kind for column in model.encoder_.columns}
        assert kinds == {
            "size": "number",
            "rooms": "number",
            "kind": "category",
            "state": "category",
            "garden": "category",
            "price tag": "number",
            "sold": "date",
        }
        assert model.feature_names_in_.tolist() == list(X)

    def test_classes_of_texts(self) -> None:
        X, _ = homes(400)
        y = X.pop("kind").fillna("flat").to_numpy(object)
        X["kind of home"] = [f"{kind} no. 1" for kind in y]
        model = TabularClassifier(**QUICK).fit(X[:300], y[:300])
        assert model.classes_.tolist() == ["farm", "flat", "house"]
        assert model.score(X[300:], y[300:]) == 1.0
        assert set(model.predict(X)) == set(y)

    def test_arrays_of_objects_are_tables(self) -> None:
        X, y = homes()
        X = X[["size", "kind"]]
        of_frame = TabularRegressor(**QUICK).fit(X, y)
        of_array = TabularRegressor(**QUICK).fit(X.to_numpy(object), y)
        np.testing.assert_array_equal(of_array.predict(X.to_numpy(object)), of_frame.predict(X))
        assert of_array.encoder_.names == ["x0", "x1"]

    def test_arrow_tables(self) -> None:
        X, y = homes()
        X = X[["size", "kind"]]
        table = pa.Table.from_pandas(X, preserve_index=False)
        found = TabularRegressor(**QUICK).fit(table, y).predict(table)
        np.testing.assert_array_equal(found, TabularRegressor(**QUICK).fit(X, y).predict(X))

    def test_an_array_has_the_encoding_of_its_frame(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 3))
        X[::9, 1] = NAN
        y = np.nansum(X, axis=1)
        model = TabularRegressor(**QUICK).fit(X, y)
        frame = pd.DataFrame(X, columns=["x0", "x1", "x2"])
        other = TabularRegressor(**QUICK).fit(frame, y)
        assert model.encoder_ == other.encoder_
        np.testing.assert_array_equal(model.predict(X), other.predict(frame))

    def test_infinite_numbers_are_missing(self) -> None:
        X = np.random.default_rng(0).normal(size=(100, 2))
        X[::5, 0] = NAN
        model = TabularRegressor(**QUICK).fit(X, X[:, 1])
        found = [model.predict([[value, 0.5]]) for value in (NAN, np.inf, -np.inf)]
        np.testing.assert_array_equal(found, [found[0]] * 3)

    def test_texts_in_a_column_of_numbers_are_reported(self) -> None:
        X, y = homes()
        model = TabularRegressor(**QUICK).fit(X, y)
        wrong = X.astype({"rooms": object})
        wrong.loc[3, "rooms"] = "many"
        with pytest.warns(UserWarning, match="'rooms': 1 cell is not a number .'many'."):
            model.predict(wrong)

    def test_new_categories_are_silent(self) -> None:
        X, y = homes()
        model = TabularRegressor(**QUICK).fit(X, y)
        assert np.isfinite(model.predict(X.assign(kind="castle"))).all()

    def test_rows_that_repeat_the_header_are_refused(self) -> None:
        X = pd.DataFrame({"a": ["x", "y", "a"] * 20})
        with pytest.raises(ValueError, match="20 rows that repeat the names"):
            TabularClassifier(**QUICK).fit(X, ["u", "v", "u"] * 20)

    def test_no_useful_column(self) -> None:
        X = pd.DataFrame({"a": [1.0] * 40})
        with pytest.raises(ValueError, match=r"no column is left; left out: 'a' .one value"):
            TabularClassifier(**QUICK).fit(X, [0, 1] * 20)

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ([[1]] * 60, r"the type list<.*not supported: leave it out$"),
            (
                [f"text {i}" for i in range(60)],
                r"left out: 'id' \(a text of its own for each row\)",
            ),
            (range(60), r"left out: 'id' \(a number of its own for each row\)"),
        ],
    )
    def test_errors_name_no_options_of_the_command_line(self, column: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            TabularClassifier(**QUICK).fit(pd.DataFrame({"id": column}), [0, 1] * 30)


class TestScores:
    def test_better_than_a_guess(self) -> None:
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        parts: Any = train_test_split(X, y, random_state=0)
        X_train, X_test, y_train, y_test = parts
        model = TabularClassifier(**QUICK).fit(X_train, y_train)
        guess = DummyClassifier().fit(X_train, y_train).score(X_test, y_test)
        assert model.score(X_test, y_test) > max(0.95, guess)

    def test_as_good_as_a_linear_model_on_diabetes(self) -> None:
        X, y = load_diabetes(return_X_y=True)
        ours = cross_val_score(TabularRegressor(**{**QUICK, "members": 4}), X, y, cv=3)
        linear = cross_val_score(LinearRegression(), X, y, cv=3)
        assert ours.mean() > linear.mean() - 0.05

    def test_probabilities_are_the_mean_over_members(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        model = TabularClassifier(**{**QUICK, "members": 3}).fit(X, y)
        encoded = np.empty((len(X), model.encoder_.width), np.float32)
        model.encoder_.write(dict(zip(model.encoder_.names, X.T, strict=True)), encoded, {})
        each = [softmax_of_forward(net, encoded) for net in model.ensemble_.members]
        np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0), atol=2e-5)
        assert (model.predict(X) == model.predict_proba(X).argmax(axis=1)).all()

    def test_predicted_numbers_stay_in_the_range(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.uniform(0, 1, (200, 1))
        y = 100 + 5 * X[:, 0]
        X[0] = 1.0  # an error of the measurement
        model = TabularRegressor(**QUICK, bins=0).fit(X, y)
        found = model.predict(np.linspace(-50, 50, 100)[:, np.newaxis])
        assert y.min() <= found.min() <= found.max() <= y.max()

    def test_several_targets(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 2))
        y = pd.DataFrame({"sum": X.sum(axis=1), "second": 1000 * X[:, 1]})
        model = TabularRegressor(**{**QUICK, "epochs": 30}).fit(X, y)
        assert model.predict(X).shape == (300, 2)
        assert model.score(X, y) > 0.9


def softmax_of_forward(net: bp.Network, x: Any) -> Any:
    """Return the probabilities of a network with mish, computed in float64 by NumPy."""
    a = x.astype(np.float64)
    for layer in net.layers:
        z = a @ layer.weight.T.astype(np.float64) + layer.bias
        a = z * np.tanh(np.logaddexp(0.0, z))
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


class TestTraining:
    def test_the_rates_of_the_recipe(self) -> None:
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(**QUICK).fit(X, y)
        for net in model.ensemble_.members:
            for layer in net.layers:
                fan_in = layer.weight.shape[1]
                assert layer.lr_scale == pytest.approx(fan_in**-0.5)
                assert layer.lr_scale * layer.bias_lr_scale == pytest.approx(1.0)

    def test_the_seed_decides_the_bits(self) -> None:
        X, y = homes()
        models = [
            TabularRegressor(**{**QUICK, "random_state": seed, "num_threads": threads}).fit(X, y)
            for seed, threads in ((1, 1), (1, 2), (2, 1))
        ]
        first, same, other = (model.predict(X).tobytes() for model in models)
        assert first == same != other

    def test_members_differ(self) -> None:
        X, y = load_diabetes(return_X_y=True)
        one, two = TabularRegressor(**QUICK).fit(X, y).ensemble_.members
        assert not np.array_equal(one.parameters, two.parameters)

    def test_validation_scores(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        model = TabularClassifier(**QUICK, validation_fraction=0.3).fit(X, y)
        curves = [history["val_accuracy"] for history in model.histories_]
        assert model.validation_scores_.tolist() == [max(curve) for curve in curves]
        best = [len(curve) - 1 - int(np.argmax(curve[::-1])) for curve in curves]  # last of ties
        assert [history.best_epoch for history in model.histories_] == best

    def test_few_rows_have_no_validation(self) -> None:
        X, y = load_breast_cancer(return_X_y=True)
        assert TabularClassifier(**QUICK).fit(X[:60], y[:60]).validation_scores_ is None
        model = TabularClassifier(**QUICK, validation_fraction=0.0).fit(X, y)
        assert model.validation_scores_ is None

    def test_parameters_reach_the_networks(self) -> None:
        X, y = load_diabetes(return_X_y=True)
        changes = {"members": 1, "hidden": (5, 4), "bins": 3, "dropout": 0.25, "dtype": "float64"}
        model = TabularRegressor(**{**QUICK, **changes, "epochs": 2}).fit(X, y)
        [net] = model.ensemble_.members
        assert net.sizes == (model.encoder_.width, 5, 4, 1)
        assert 30 <= model.encoder_.width <= 40  # at most three bins for each of ten numbers
        assert net.dtype == np.float64
        assert [history.epochs for history in model.histories_] == [2]

    @pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "batch_size", "dropout"])
    def test_parameters_change_the_training(self, name: str) -> None:
        X, y = load_diabetes(return_X_y=True)
        values = {"learning_rate": 0.01, "weight_decay": 0.5, "batch_size": 50, "dropout": 0.5}
        default = TabularRegressor(**QUICK).fit(X, y).predict(X)
        assert not np.array_equal(
            TabularRegressor(**{**QUICK, name: values[name]}).fit(X, y).predict(X), default
        )

    @pytest.mark.parametrize(
        "changes", [{"members": 0}, {"bins": -1}, {"hidden": 0}, {"dropout": 1.0}, {"dtype": "f2"}]
    )
    def test_wrong_parameters_are_refused(self, changes: dict[str, Any]) -> None:
        X, y = load_diabetes(return_X_y=True)
        with pytest.raises(ValueError, match=next(iter(changes))):
            TabularRegressor(**{**QUICK, **changes}).fit(X, y)


class TestScikitLearn:
    def test_grid_search_in_a_pipeline(self) -> None:
        X, y = homes(120)
        labels = np.where(y > y.median(), "dear", "cheap")
        model = make_pipeline(FunctionTransformer(), TabularClassifier(**QUICK))
        grid = {"tabularclassifier__bins": [0, 4], "tabularclassifier__hidden": [(8,), 16]}
        search = GridSearchCV(model, grid, cv=2).fit(X, labels)
        assert search.best_score_ > 0.7
        assert set(search.predict(X)) == {"dear", "cheap"}

    def test_pickle(self) -> None:
        X, y = homes()
        model = TabularRegressor(**QUICK).fit(X, y)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))

    def test_columns_in_another_order_are_refused(self) -> None:
        X, y = homes()
        model = TabularRegressor(**QUICK).fit(X, y)
        with pytest.raises(ValueError, match="same order"):
            model.predict(X[X.columns[::-1]])

    def test_one_class(self) -> None:
        with pytest.raises(ValueError, match="y has one class, 3: there is nothing to learn"):
            TabularClassifier(**QUICK).fit([[1.0], [2.0], [4.0]], [3, 3, 3])


class TestFiles:
    @pytest.mark.parametrize("members", [1, 3])
    def test_the_saved_model_predicts_the_same(self, tmp_path: Path, members: int) -> None:
        X, y = homes()
        model = TabularRegressor(**{**QUICK, "members": members}).fit(X, y)
        model.save(tmp_path / "m")
        loaded = tabular.load(tmp_path / "m")
        assert len(loaded.members) == members
        assert isinstance(loaded.net, bp.Network) == (members == 1)
        assert loaded.target is not None
        assert loaded.target.name == "price"
        assert loaded.predict(X).tobytes() == model.predict(X).tobytes()

    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            (["no", "yes"], ["no", "yes"]),
            ([False, True], [False, True]),
            ([-1, 7], [-1, 7]),
            ([1.0, 2.0], [1, 2]),
        ],
    )
    def test_labels(self, tmp_path: Path, labels: Any, expected: Any) -> None:
        X, y = homes()
        y = np.array(labels)[(y > y.median()).astype(int)]
        model = TabularClassifier(**QUICK).fit(X, y)
        assert model.classes_.tolist() == labels
        assert model.predict(X).dtype == y.dtype
        model.save(tmp_path / "m")
        loaded = tabular.load(tmp_path / "m")
        assert loaded.target is not None
        assert list(loaded.target.labels) == expected  # type: ignore[union-attr]
        assert (loaded.predict(X) == model.predict(X)).all()
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))

    def test_an_estimator_that_is_not_fitted(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=re.escape("not fitted yet")):
            TabularRegressor().save(tmp_path / "m")
