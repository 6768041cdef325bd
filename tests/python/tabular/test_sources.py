"""Tables from every kind of file, frame and stream have the same rows."""

import bz2
import datetime
import decimal
import gzip
import io
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from backpass.tabular.sources import format_of, open_table
from tables import cells, lines, write

CSV = b"x,word\n1,a\n2,b\n,c\n"
ROWS = {"x": [1, 2, None], "word": ["a", "b", "c"]}
COMPRESS: dict[str, Any] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


def arrow() -> pa.Table:
    return pa.table(ROWS)


class Stdin:
    """Stands for sys.stdin."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


class TestFiles:
    @pytest.mark.parametrize("suffix", ["parquet", "pq", "PARQUET"])
    def test_parquet(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.{suffix}"
        pa.parquet.write_table(arrow(), path)
        assert cells(path) == ROWS

    @pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
    def test_feather(self, tmp_path: Path, compression: str) -> None:
        path = tmp_path / "a.feather"
        pa.feather.write_feather(arrow(), path, compression=compression)
        assert cells(path) == ROWS

    @pytest.mark.parametrize("stream", [False, True])
    def test_arrow_files_and_streams(self, tmp_path: Path, stream: bool) -> None:
        path = tmp_path / "a.arrow"
        new = pa.ipc.new_stream if stream else pa.ipc.new_file
        with new(path, arrow().schema) as writer:
            writer.write_table(arrow())
        assert cells(path) == ROWS

    @pytest.mark.parametrize("suffix", COMPRESS)
    def test_compressed_text(self, tmp_path: Path, suffix: str) -> None:
        path = write(tmp_path / f"a.csv.{suffix}", COMPRESS[suffix](CSV))
        assert cells(path) == {"x": ["1", "2", None], "word": ["a", "b", "c"]}

    @pytest.mark.parametrize("suffix", COMPRESS)
    def test_compressed_json_lines(self, tmp_path: Path, suffix: str) -> None:
        content = b'{"x": 1, "word": "a"}\n{"x": 2, "word": "b"}\n{"word": "c"}\n'
        assert cells(write(tmp_path / f"a.jsonl.{suffix}", COMPRESS[suffix](content))) == ROWS

    @pytest.mark.parametrize("suffix", COMPRESS)
    def test_every_damage_of_compressed_text_is_a_value_error(
        self, tmp_path: Path, suffix: str
    ) -> None:
        whole = COMPRESS[suffix](lines(lambda i: f"{i},{i * i}").encode())
        path = tmp_path / f"a.csv.{suffix}"
        errors = 0
        rng = np.random.default_rng(0)
        damaged = [whole[:size] for size in range(1, len(whole) - 8, max(1, len(whole) // 20))]
        for place in rng.integers(len(whole), size=40):
            changed = bytearray(whole)
            changed[place] ^= 0x55
            damaged.append(bytes(changed))
        for content in damaged:
            try:
                cells(write(path, content))
            except ValueError as error:
                assert str(error).startswith(str(path))  # noqa: PT017
                errors += 1
        assert errors >= 10

    @pytest.mark.parametrize("suffix", ["parquet", "feather", "arrow"])
    def test_every_truncation_of_a_binary_file_is_a_value_error(
        self, tmp_path: Path, suffix: str
    ) -> None:
        path = tmp_path / f"a.{suffix}"
        if suffix == "parquet":
            pa.parquet.write_table(arrow(), path)
        else:
            pa.feather.write_feather(arrow(), path)
        whole = path.read_bytes()
        for size in range(0, len(whole) - 1, 37):
            with pytest.raises(ValueError, match=r"not an? (Parquet|Arrow or Feather) file"):
                cells(write(path, whole[:size]))

    def test_damaged_pages_of_parquet_are_a_value_error(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        pa.parquet.write_table(pa.table({"x": np.arange(1000.0)}), path, compression="zstd")
        content = bytearray(path.read_bytes())
        content[4:200] = b"\xff" * 196
        with pytest.raises(ValueError, match=r"a\.parquet: the file is damaged"):
            cells(write(path, bytes(content)))

    def test_parquet_types(self, tmp_path: Path) -> None:
        day = datetime.datetime(2020, 1, 2, 3, 4)
        frame = pd.DataFrame(
            {
                "int": pd.array([1, None, 3], dtype="Int64"),
                "flag": pd.array([True, None, False], dtype="boolean"),
                "kind": pd.Categorical(["u", None, "v"]),
                "time": [day, None, day],
                "price": [decimal.Decimal("1.25"), None, decimal.Decimal("2.5")],
            }
        )
        frame.to_parquet(tmp_path / "a.parquet")
        found = cells(tmp_path / "a.parquet")
        assert found["int"] == [1, None, 3]
        assert found["flag"] == [True, None, False]
        assert found["kind"] == ["u", None, "v"]
        assert found["time"] == [day, None, day]
        assert found["price"] == [1.25, None, 2.5]


class TestStandardInput:
    def test_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Stdin(CSV))
        table = open_table("-")
        for _ in range(2):  # the rows can be read again
            assert sum(len(block) for block in table.blocks()) == 3

    @pytest.mark.parametrize("kind", ["parquet", "feather"])
    def test_binary_files(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        file = io.BytesIO()
        if kind == "parquet":
            pa.parquet.write_table(arrow(), file)
        else:
            pa.feather.write_feather(arrow(), file)
        monkeypatch.setattr(sys, "stdin", Stdin(file.getvalue()))
        assert cells("-") == ROWS

    def test_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", Stdin(b""))
        with pytest.raises(ValueError, match="standard input: the file is empty"):
            open_table("-")


class TestPlaces:
    @pytest.mark.parametrize(
        "url",
        ["https://example.com/a.csv", "s3://bucket/a.parquet", "file:///a.csv", "HTTP://x/a.jsonl"],
    )
    def test_no_url_is_fetched(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"URLs are not read; download the file first"):
            open_table(url)

    @pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.feather", "a.jsonl", "a.csv.gz"])
    def test_directories_and_missing_files_are_named(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(FileNotFoundError, match=name):
            open_table(tmp_path / name)
        (tmp_path / name).mkdir()
        with pytest.raises(IsADirectoryError, match=f"{name} is a directory"):
            open_table(tmp_path / name)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("digits", "digits"),
            ("folder/digits", "text"),
            ("a.NPZ", "arrays"),
            ("a.npy", "arrays"),
            ("train-images-idx3-ubyte", "arrays"),
            ("train-images-idx3-ubyte.gz", "arrays"),
            ("train-images.idx3-ubyte", "arrays"),
            ("a.csv", "text"),
            ("a.csv.gz", "text"),
            ("a.txt", "text"),
            ("-", "text"),
            ("a.Feather", "arrow"),
            ("a.ndjson.xz", "json lines"),
            ("a.json", "json lines"),
            (Path("a.parquet"), "parquet"),
            ({"x": [1]}, "frame"),
        ],
    )
    def test_the_name_tells_the_format(self, name: object, kind: str) -> None:
        assert format_of(name) == kind


class TestFrames:
    def test_pandas_polars_arrow_and_dict(self) -> None:
        polars = pytest.importorskip("polars")
        for data in (ROWS, arrow(), polars.DataFrame(ROWS)):
            assert cells(data) == ROWS
        assert cells(pd.DataFrame(ROWS).astype({"x": "Int64"})) == ROWS

    def test_categories_of_polars(self) -> None:
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame({"x": ["b", None, "a"]}).cast(polars.Categorical)
        assert cells(frame) == {"x": ["b", None, "a"]}

    def test_names_that_are_no_texts(self) -> None:
        assert list(cells(pd.DataFrame({0: [1], ("a", 1): [2]}))) == ["0", "('a', 1)"]

    def test_nan_and_infinity_are_missing(self) -> None:
        frame = pd.DataFrame({"x": [1.0, np.nan, np.inf, -np.inf]})
        assert cells(frame)["x"] == [1.0, None, None, None]

    def test_columns_of_objects(self) -> None:
        frame = pd.DataFrame({"mixed": [1, "a", 2.5, None], "numbers": [1, None, 2.5, 3]})
        frame = frame.astype(object)
        assert cells(frame) == {"mixed": ["1", "a", "2.5", None], "numbers": [1.0, None, 2.5, 3.0]}

    def test_categories_of_numbers_and_intervals_are_texts(self) -> None:
        frame = pd.DataFrame({"n": pd.Categorical([3, 1, None]), "i": pd.cut([1, 2, 3], [0, 2, 4])})
        assert cells(frame) == {"n": ["3", "1", None], "i": ["(0, 2]", "(0, 2]", "(2, 4]"]}

    @pytest.mark.parametrize("values", [[1j, 2j], [object(), 1], [{1}, "a"]])
    def test_other_objects_are_refused_by_name(self, values: list[Any]) -> None:
        with pytest.raises(TypeError, match="column 'odd' contains objects of type"):
            open_table(pd.DataFrame({"odd": pd.Series(values, dtype=object)}))

    def test_columns_of_different_lengths_are_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match="different numbers of rows: 'x': 2, 'y': 3"):
            open_table({"x": [1, 2], "y": [1, 2, 3]})

    def test_equal_names_are_refused(self, tmp_path: Path) -> None:
        double = pa.Table.from_arrays([pa.array([1])] * 2, ["y", "y"])
        pa.parquet.write_table(double, tmp_path / "a.parquet")
        frame = pd.DataFrame([[1, 2]], columns=["y", "y"])
        for data in (double, frame, tmp_path / "a.parquet"):
            with pytest.raises(ValueError, match="two columns are named 'y'"):
                open_table(data)

    @pytest.mark.parametrize("data", [None, 5, [1, 2], np.ones((3, 2)), pd.Series([1])])
    def test_what_is_no_table_is_a_type_error(self, data: Any) -> None:
        with pytest.raises(TypeError, match="expected a path, a data frame or a dict of columns"):
            open_table(data)


def test_every_damage_of_an_arrow_file_is_a_value_error_or_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.feather"
    pa.feather.write_feather(arrow(), path, compression="uncompressed")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    errors = 0
    for place in rng.integers(len(whole), size=150):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        try:
            cells(write(path, bytes(changed)))
        except ValueError as error:
            assert "a.feather" in str(error)  # noqa: PT017
            errors += 1
    assert errors > 20


def test_texts_of_parquet_that_are_not_utf_8_are_a_value_error(tmp_path: Path) -> None:
    offsets, data = pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"\xff\xfe")
    wrong = pa.StringArray.from_buffers(1, offsets, data)
    pa.parquet.write_table(pa.table({"t": wrong}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: the file is damaged"):
        cells(tmp_path / "a.parquet")
