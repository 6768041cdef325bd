"""The sources of rows: memory-mapped arrays, Parquet and Dask."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT
from network_pair import bits

RNG = np.random.default_rng(2)
X = RNG.normal(size=(95, 3)).astype("float32")
Y = RNG.normal(size=(95, 2)).astype("float32")
W = RNG.uniform(0.5, 2.0, size=95).astype("float32")


def trained(*data, **options):
    net = bp.Network([3, 6, 2], seed=0)
    settings = {"epochs": 2, "batch_size": 8, "seed": 7, "optimizer": "adam", **SILENT, **options}
    net.fit(*data, loss="mse", **settings)
    return bits(net.parameters)


def rows_of(source):
    """Return all rows, as three arrays."""
    x, y, w = zip(*source, strict=True)
    return np.concatenate(x), np.concatenate(y), None if w[0] is None else np.concatenate(w)


def mapped(path, array, mode="r"):
    np.asarray(array).tofile(path)
    return np.memmap(path, dtype=array.dtype, mode=mode, shape=array.shape)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_mapped_arrays(tmp_path, mode):
    x = mapped(tmp_path / "x", np.vstack([X[:5], X]), mode)
    y, w = mapped(tmp_path / "y", Y, mode), mapped(tmp_path / "w", W, mode)
    if mode == "c":
        x[7, 1] = 5.0  # not written to the file
    else:
        x = mapped(tmp_path / "x", X, mode)
    part = x[-95:] if mode == "c" else x  # a view
    source = bp.data.Arrays(part, y, w, block_rows=10, buffer_rows=16)
    assert (source.rows, source.num_blocks) == (95, 10)
    for got, expected in zip(rows_of(source), (np.array(part), Y, W), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert trained(source, shuffle=False) == trained(
        np.array(part), Y, sample_weight=W, shuffle=False
    )
    # As arguments, they are arrays in memory.
    assert trained(part, y, sample_weight=w) == trained(np.array(part), Y, sample_weight=W)


def test_a_memmap_with_an_offset(tmp_path):
    (tmp_path / "x").write_bytes(b"a header" + X.tobytes())
    x = np.memmap(tmp_path / "x", dtype=X.dtype, mode="r", offset=8, shape=X.shape)
    np.testing.assert_array_equal(rows_of(bp.data.Arrays(x, Y, block_rows=7))[0], X)


def test_arrays_must_have_the_same_rows():
    with pytest.raises(ValueError, match=r"rows differ: \{'x': 95, 'y': 94\}"):
        bp.data.Arrays(X, Y[1:])
    with pytest.raises(TypeError, match="y must be an array with a shape and a dtype, got int"):
        bp.data.Arrays(X, 3)
    with pytest.raises(ValueError, match="block_rows"):
        bp.data.Arrays(X, Y, block_rows=0)
    with pytest.raises(ValueError, match="buffer_rows"):
        bp.data.Arrays(X, Y, buffer_rows=0)


def test_only_the_pages_of_one_block_stay_in_memory(tmp_path):
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the memory of a process is read as on Linux")

    def mapped_megabytes():
        return int(re.search(r"RssFile:\s+(\d+)", status.read_text())[1]) / 1024

    x = mapped(tmp_path / "x", np.ones((100_000, 200), "float32"))  # 80 MB
    source = bp.data.Arrays(x[10:], np.ones((len(x) - 10, 2), "float32"))
    before, peak = mapped_megabytes(), 0.0
    for block in source:
        assert np.asarray(block.x).sum() > 0
        peak = max(peak, mapped_megabytes())
    assert peak - before < 20


@pytest.fixture
def table():
    pa = pytest.importorskip("pyarrow")
    columns = {f"x{i}": X[:, i] for i in range(3)} | {"a": Y[:, 0], "b": Y[:, 1], "w": W}
    return pa.table(columns)


def test_parquet_files_by_row_groups(tmp_path, table):
    import pyarrow.parquet as pq

    pq.write_table(table.slice(0, 50), tmp_path / "1.parquet", row_group_size=20)
    pq.write_table(table.slice(50), tmp_path / "2.parquet", row_group_size=30)
    files = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    expected = trained(X, Y, sample_weight=W)
    for path in (tmp_path, files, str(tmp_path)):
        source = bp.data.Parquet(path, y=["a", "b"], sample_weight="w")
        assert (source.rows, source.num_blocks) == (95, 5)
        for got, array in zip(rows_of(source), (X, Y, W), strict=True):
            np.testing.assert_array_equal(got, array)
        assert trained(source) == expected
    source = bp.data.Parquet(files[0], y="a", x=["x2", "w"])
    x, y, w = rows_of(source)
    np.testing.assert_array_equal(x, np.column_stack([X[:50, 2], W[:50]]))
    np.testing.assert_array_equal(y, Y[:50, 0])
    assert w is None


def test_folders_named_after_values_are_columns(tmp_path, table):
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    for value in (3, 5):
        folder = tmp_path / f"g={value}"
        folder.mkdir()
        pq.write_table(table.slice(0, 40), folder / "part.parquet", row_group_size=25)
    given = ds.dataset(tmp_path, format="parquet", partitioning="hive")
    for path in (tmp_path, given):
        source = bp.data.Parquet(path, x=["x1", "g"], y="a")
        assert source.rows == 80
        x, _, _ = rows_of(source)
        np.testing.assert_array_equal(x[:, 1], np.repeat([3, 5], 40))
        np.testing.assert_array_equal(x[:, 0], np.tile(X[:40, 1], 2))
        _, labels, _ = rows_of(bp.data.Parquet(path, x=["x1"], y="g"))
        np.testing.assert_array_equal(labels, np.repeat([3, 5], 40))


def test_files_with_other_columns_are_named(tmp_path, table):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(table, tmp_path / "1.parquet")
    labels = pa.table({"x0": X[:, 0], "a": np.arange(95)})
    pq.write_table(labels, tmp_path / "2.parquet")
    source = bp.data.Parquet(tmp_path, x=["x0", "x1"], y="a")
    with pytest.raises(ValueError, match=r"2\.parquet, row group 0: there is no column 'x1'"):
        list(source)
    source = bp.data.Parquet([tmp_path / "2.parquet", tmp_path / "1.parquet"], x=["x0"], y="a")
    with pytest.raises(ValueError, match=r"1\.parquet, row group 0: column 'a' is not int64"):
        list(source)
    source = bp.data.Parquet(tmp_path, x=["x0"], y="a")
    np.testing.assert_array_equal(rows_of(source)[1], [*Y[:, 0], *range(95)])


def test_a_large_row_group_is_read_in_parts(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = 400_000
    columns = {f"x{i}": np.random.default_rng(i).normal(size=rows) for i in range(10)}  # 32 MB
    pq.write_table(pa.table(columns), tmp_path / "t", row_group_size=rows, use_dictionary=False)
    code = (
        "import sys, pyarrow as pa, backpass as bp\n"
        "blocks = iter(bp.data.Parquet(sys.argv[1], y='x0'))\n"
        "print(sum(len(block.y) for block in blocks), pa.default_memory_pool().max_memory())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "t")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, peak = map(int, done.stdout.split())
    assert count == rows
    assert peak < 24e6  # a megabyte per column, and a batch


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"y": "a", "x": []}, ValueError, "must be names of columns, got x=\\[\\]"),
        ({"y": []}, ValueError, "must be names of columns"),
        ({"y": "a", "x": "x0"}, ValueError, "must be names of columns, got x='x0'"),
        ({"y": "a", "x": ["a", "x0"]}, ValueError, r"both inputs and targets: \['a'\]"),
        ({"y": 3}, TypeError, "y must be names of columns, got 3"),
    ],
)
def test_wrong_names_of_columns(table, options, error, text):
    import pyarrow.dataset as ds

    with pytest.raises(error, match=text):
        bp.data.Parquet(ds.dataset(table), **options)


def test_a_table_in_memory(table):
    import pyarrow.dataset as ds

    source = bp.data.Parquet(ds.dataset(table), y=["a", "b"], sample_weight="w")
    np.testing.assert_array_equal(rows_of(source)[0], X)


def test_arrow_files_by_file(tmp_path, table):
    import pyarrow.dataset as ds
    import pyarrow.feather as feather

    feather.write_feather(table, tmp_path / "1.feather")
    source = bp.data.Parquet(
        ds.dataset(tmp_path, format="feather"), y=["a", "b"], sample_weight="w"
    )
    assert source.num_blocks == 1
    np.testing.assert_array_equal(rows_of(source)[0], X)


def test_parquet_columns_that_cannot_be_used(tmp_path, table):
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(["a"] * 94 + [None])
    holes = pa.array([None] + [1.0] * 94)
    pq.write_table(table.append_column("name", names).append_column("h", holes), tmp_path / "t")
    with pytest.raises(ValueError, match="no column 'z'; the columns are"):
        bp.data.Parquet(tmp_path / "t", x=["x0"], y="z")
    with pytest.raises(ValueError, match="column 'name' has the type string"):
        bp.data.Parquet(tmp_path / "t", y="a")
    source = bp.data.Parquet(tmp_path / "t", x=["x0", "x1", "h"], y=["a", "b"])
    with pytest.raises(ValueError, match=r"t, row group 0: column 'h' has 1 missing values"):
        trained(source)
    with pytest.raises(FileNotFoundError):
        bp.data.Parquet(tmp_path / "none", y="a")


def test_dask_arrays_by_chunks():
    da = pytest.importorskip("dask.array")
    x = da.from_array(X, chunks=(20, 2))
    y, w = da.from_array(Y, chunks=(20, 1)), da.from_array(W, chunks=20)
    source = bp.data.Dask(x, y, w)
    assert (source.rows, source.num_blocks) == (95, 5)
    for got, array in zip(rows_of(source), (X, Y, W), strict=True):
        np.testing.assert_array_equal(got, array)
    assert trained(x, y, sample_weight=w) == trained(X, Y, sample_weight=W)
    unknown = x[x[:, 0] > -100]  # a number of rows that Dask does not know
    source = bp.data.Dask(unknown, y)
    assert source.rows == 95
    with pytest.raises(ValueError, match="numbers of chunks of rows differ"):
        bp.data.Dask(x, y.rechunk((30, 2)))
    with pytest.raises(ValueError, match="rows of the chunks differ"):
        bp.data.Dask(x, y.rechunk(((25, 15, 20, 20, 15), 2)))
    with pytest.raises(TypeError, match="y must be an array or a frame of Dask, got ndarray"):
        bp.data.Dask(x, Y)


def test_dask_frames_by_partitions(table):
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.from_pandas(table.to_pandas(), npartitions=4)
    source = bp.data.Dask(frame, ["a", "b"], "w")
    for got, array in zip(rows_of(source), (X, Y, W), strict=True):
        np.testing.assert_array_equal(got, array)
    assert source.rows == 95
    expected = trained(X, Y, sample_weight=W)
    assert trained(frame, ["a", "b"], sample_weight="w") == expected
    with pytest.raises(TypeError, match="column 'name' has dtype"):
        trained(frame.assign(name="text"), ["a", "b"])
    chunks = frame.rename(columns={"x0": "chunks"})
    assert trained(chunks, ["a", "b"], sample_weight="w") == expected
    inputs = frame[["x0", "x1", "x2"]]
    assert trained(inputs, frame[["a", "b"]], sample_weight=frame["w"]) == expected
