"""The compared methods, each with its defaults. A method imports its library when it is used.

`fit(table, seed)` trains on a table of `sets.py` and returns a function of the inputs: class
numbers, or the values of a regression. All methods use one thread: the runner sets the environment,
and libraries that ignore it get a parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sets import Table

Predict = Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Method:
    """A method; `imports` are the modules that are imported before the clock starts.

    The versions of `packages` are recorded. With `pytabkit`, it runs with another Python.
    """

    name: str
    label: str
    packages: tuple[str, ...]
    imports: tuple[str, ...]
    fit: Callable[[Table, int], Predict]
    pytabkit: bool = False


def names_of(x: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the names of the columns of numbers and of those of categories."""
    categories = [name for name in x if x[name].dtype == "category"]
    return [name for name in x if name not in categories], categories


# ---- networks


def scaled(x: pd.DataFrame) -> Any:
    """Return scikit-learn's usual preparation for networks.

    Numbers: the median for missing ones, an indicator of them, and standard scaling. Categories:
    one-hot, at most 100 per column.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = names_of(x)
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=False
    )
    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer([("numbers", numeric, numbers), ("categories", one_hot, categories)])


def fit_mlp(module: str) -> Callable[[Table, int], Predict]:
    """Return the fit of an MLPClassifier or MLPRegressor behind the usual preparation."""

    def fit(table: Table, seed: int) -> Predict:
        from importlib import import_module

        from sklearn.compose import TransformedTargetRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classes = import_module(module)
        if table.classes:
            model = classes.MLPClassifier(random_state=seed)
        else:
            model = TransformedTargetRegressor(
                classes.MLPRegressor(random_state=seed), transformer=StandardScaler()
            )
        return make_pipeline(scaled(table.x), model).fit(table.x, table.y).predict

    return fit


def fit_plain(table: Table, seed: int) -> Predict:
    """`backpass train` with its settings of a plain network; no rows of `table` are for a test."""
    from backpass.tabular import Extra, Settings, train

    task = "classification" if table.classes else "regression"
    outcome = train(
        table.x.assign(target=table.y),
        "target",
        settings=Settings(task=task, seed=seed, test_split=0.0),
        extra=Extra(progress=False),
    )
    return outcome.model.predict


def fit_preset(table: Table, seed: int) -> Predict:
    from backpass.tabular import TabularClassifier, TabularRegressor

    model = (TabularClassifier if table.classes else TabularRegressor)(random_state=seed)
    return model.fit(table.x, table.y).predict


def imputed(x: pd.DataFrame, of: pd.DataFrame) -> pd.DataFrame:
    """Return x with the medians of `of` for missing numbers, and a column that marks them.

    Missing categories are a category.
    """
    columns = {}
    for name, column in x.items():
        if column.dtype == "category":
            columns[name] = column.astype(object).fillna("missing")
            continue
        columns[name] = column.fillna(of[name].median())
        if of[name].isna().any():
            columns[f"{name} is missing"] = column.isna().astype(float)
    return pd.DataFrame(columns)


def fit_pytabkit(name: str) -> Callable[[Table, int], Predict]:
    """Return the fit of an estimator of pytabkit, which refuses missing numbers."""

    def fit(table: Table, seed: int) -> Predict:
        import pytabkit
        import torch

        torch.set_num_threads(1)
        cls = getattr(pytabkit, f"{name}_{'Classifier' if table.classes else 'Regressor'}")
        model = cls(random_state=seed, device="cpu", n_threads=1, verbosity=0)
        categories = names_of(table.x)[1]
        model.fit(imputed(table.x, table.x), table.y, cat_col_names=categories)
        return lambda x: model.predict(imputed(x, table.x))

    return fit


# ---- trees


def fit_forest(table: Table, seed: int) -> Predict:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    numbers, categories = names_of(table.x)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    ordinal = ColumnTransformer(
        [("categories", codes, categories), ("numbers", "passthrough", numbers)]
    )
    cls = RandomForestClassifier if table.classes else RandomForestRegressor
    return make_pipeline(ordinal, cls(random_state=seed)).fit(table.x, table.y).predict


def fit_hist_boosting(table: Table, seed: int) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    cls = HistGradientBoostingClassifier if table.classes else HistGradientBoostingRegressor
    model = cls(random_state=seed, categorical_features="from_dtype")
    return model.fit(table.x, table.y).predict


def fit_lightgbm(table: Table, seed: int) -> Predict:
    import lightgbm

    def renamed(x: pd.DataFrame) -> pd.DataFrame:
        """Return x with plain names of columns: LightGBM refuses some characters."""
        return x.set_axis([f"x{i}" for i in range(x.shape[1])], axis=1)

    cls = lightgbm.LGBMClassifier if table.classes else lightgbm.LGBMRegressor
    model = cls(random_state=seed, n_jobs=1, verbose=-1).fit(renamed(table.x), table.y)
    return lambda x: model.predict(renamed(x))


def fit_xgboost(table: Table, seed: int) -> Predict:
    import xgboost

    cls = xgboost.XGBClassifier if table.classes else xgboost.XGBRegressor
    model = cls(random_state=seed, n_jobs=1, enable_categorical=True)
    return model.fit(table.x, table.y).predict


def fit_catboost(table: Table, seed: int) -> Predict:
    import catboost

    categories = names_of(table.x)[1]

    def with_texts(x: pd.DataFrame) -> pd.DataFrame:
        """Return x with a category of missing ones, which CatBoost refuses."""
        return x.assign(**{name: x[name].astype(object).fillna("missing") for name in categories})

    cls = catboost.CatBoostClassifier if table.classes else catboost.CatBoostRegressor
    model = cls(random_seed=seed, thread_count=1, verbose=0, allow_writing_files=False)
    model.fit(with_texts(table.x), table.y, cat_features=categories)
    return lambda x: model.predict(with_texts(x))


# ---- the list, in the order of the runs: cheap methods first

_SKLEARN = ("sklearn.compose", "sklearn.impute", "sklearn.pipeline", "sklearn.preprocessing")
METHODS = [
    Method(
        "sklearn_mlp",
        "scikit-learn MLP",
        ("scikit-learn",),
        (*_SKLEARN, "sklearn.neural_network"),
        fit_mlp("sklearn.neural_network"),
    ),
    Method(
        "drop_in",
        "backpass.sklearn MLP",
        ("backpass",),
        (*_SKLEARN, "backpass.sklearn"),
        fit_mlp("backpass.sklearn"),
    ),
    Method("plain", "backpass plain", ("backpass",), ("backpass.tabular",), fit_plain),
    Method("preset", "backpass preset", ("backpass",), ("backpass.tabular",), fit_preset),
    Method(
        "hist_boosting",
        "HistGradientBoosting",
        ("scikit-learn",),
        ("sklearn.ensemble",),
        fit_hist_boosting,
    ),
    Method(
        "forest", "RandomForest", ("scikit-learn",), (*_SKLEARN, "sklearn.ensemble"), fit_forest
    ),
    Method("lightgbm", "LightGBM", ("lightgbm",), ("lightgbm",), fit_lightgbm),
    Method("xgboost", "XGBoost", ("xgboost",), ("xgboost",), fit_xgboost),
    Method("catboost", "CatBoost", ("catboost",), ("catboost",), fit_catboost),
    Method(
        "realmlp",
        "RealMLP-TD",
        ("pytabkit", "torch"),
        ("pytabkit", "torch"),
        fit_pytabkit("RealMLP_TD"),
        pytabkit=True,
    ),
    Method(
        "tabm",
        "TabM-D",
        ("pytabkit", "torch"),
        ("pytabkit", "torch"),
        fit_pytabkit("TabM_D"),
        pytabkit=True,
    ),
]
BY_NAME = {method.name: method for method in METHODS}
