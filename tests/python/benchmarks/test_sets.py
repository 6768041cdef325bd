"""The sets of the tabular benchmark: the halves, splits, and the cache."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import convert
import numpy as np
import pandas as pd
import pytest
import sets


def test_two_halves_of_the_same_size_share_no_set():
    assert len(sets.DEVELOPMENT) == len(sets.HELD_OUT) >= 8
    assert len(sets.ALL) == len(sets.DEVELOPMENT) + len(sets.HELD_OUT)
    assert len({sets.path_of(name, Path("x")) for name in sets.ALL}) == len(sets.ALL)


def made(rows=200, classes=3):
    rng = np.random.default_rng(0)
    y = rng.choice(classes, rows, p=[0.7, 0.2, 0.1]) if classes else rng.normal(size=rows)
    return sets.Table(pd.DataFrame({"a": rng.normal(size=rows)}), y, classes)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_split_has_every_row_once_and_each_class_in_the_test(classes):
    table = made(classes=classes)
    train, test = sets.split(table, "any", 3)
    assert sorted([*train, *test]) == list(range(200))
    if classes:
        for k in range(classes):
            assert (table.y[test] == k).sum() == round(0.2 * (table.y == k).sum())
    else:
        assert len(test) == 40


def test_a_split_depends_on_the_set_and_the_seed_only():
    first = sets.split(made(classes=0), "any", 3)[1]
    assert first[:6].tolist() == [47, 20, 167, 66, 184, 197]  # of all machines and versions
    assert np.array_equal(first, sets.split(made(classes=0), "any", 3)[1])
    assert not np.array_equal(first, sets.split(made(classes=0), "any", 4)[1])
    assert not np.array_equal(first, sets.split(made(classes=0), "other", 3)[1])


def frame_of(rows):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=rows),
            "count": rng.integers(0, 9, rows),
            "text": rng.choice(["b", "a", "ü"], rows).astype(object),
            "date": pd.date_range("1970-01-02", periods=rows).strftime("%Y-%m-%d"),
            "y": rng.choice(["yes", "no"], rows),
        }
    )
    frame.loc[[1, 3], "number"] = np.nan
    frame.loc[[2, 3], "text"] = None
    frame.loc[0, "y"] = None
    return frame


def test_the_cache_returns_the_table(tmp_path):
    data = sets.DataSet("made", "none", "y", True, lambda _: frame_of(50))
    assert sets.prepare(data, tmp_path) == sets.prepare(data, tmp_path)
    table, frame = sets.load("made", tmp_path), frame_of(50).iloc[1:].reset_index(drop=True)
    assert table.classes == 2
    assert table.y.tolist() == (frame["y"] == "yes").astype(int).tolist()
    np.testing.assert_array_equal(table.x["number"], frame["number"])
    np.testing.assert_array_equal(table.x["count"], frame["count"])
    assert table.x["text"].dtype == "category"
    assert table.x["text"].isna().tolist() == frame["text"].isna().tolist()
    assert table.x["text"].dropna().tolist() == frame["text"].dropna().tolist()
    assert table.x["date: day"].tolist() == list(range(2, 51))  # the row of the first is left out
    assert table.x["date: month"].iloc[-1] == 2
    assert table.x["date: day of the week"].iloc[0] == 5  # 1970-01-03 was a Saturday
    assert list(tmp_path.iterdir()) == [tmp_path / "made.npz"]


def test_a_large_set_is_a_fixed_sample_of_its_rows():
    data = sets.DataSet("made", "none", "number", False, lambda _: frame_of(90), most_rows=30)
    one, two = sets.read(data, Path()), sets.read(data, Path())
    assert len(one.y) == 30
    np.testing.assert_array_equal(one.y, two.y)
    assert set(one.y) < set(frame_of(90)["number"])


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("made-by-the-pickle",)


def test_a_pickle_that_asks_for_other_names_is_refused(tmp_path):
    import lzma

    path = tmp_path / "harmful.pkl.compress"
    path.write_bytes(lzma.compress(pickle.dumps(Harmful())))
    done = subprocess.run(
        [sys.executable, convert.__file__, path, tmp_path / "out.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "mkdir, which is not allowed" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_the_columns_of_a_data_frame_become_plain_arrays(tmp_path):
    frame = frame_of(20)
    np.savez(tmp_path / "frame.npz", **convert.columns_of(frame))
    with np.load(tmp_path / "frame.npz", allow_pickle=False) as arrays:
        assert arrays["columns"].tolist() == list(frame.columns)
        np.testing.assert_array_equal(arrays["numbers 0"], frame["number"])
        assert arrays["missing 2"].tolist() == frame["text"].isna().tolist()
        assert arrays["texts 2"].tolist() == frame["text"].fillna("").tolist()
