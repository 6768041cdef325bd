"""The file of results, and one run of the worker."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import run
import sets
from methods import BY_NAME, METHODS
from results import Result, append, read
from worker import error_of


def test_results_come_back_and_later_lines_replace_earlier_ones(tmp_path):
    path = tmp_path / "results.csv"
    assert read(path) == []
    failed = Result("a, b", 0, "x", failure='it said "no", twice')
    good = Result("c", 1, "x", 0.125, 1.5, 2.0, 0.25, 40, "x 1.0", "a CPU")
    for result in (failed, good):
        append(path, result)
    assert read(path) == [failed, good]
    again = Result("a, b", 0, "x", 0.5, 1.0, 1.0, 1.0, 10)
    append(path, again)
    assert read(path) == [good, again]
    assert len(path.read_text().splitlines()) == 4


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "results.csv"
    append(path, Result("a", 0, "x", failure="no"))
    path.write_text(path.read_text() + "a,1\n")
    with pytest.raises(ValueError, match=r"results\.csv: a line"):
        read(path)


def test_errors():
    truth = np.array([0, 1, 1, 2])
    assert error_of(truth, np.array([[0], [1], [2], [2]]), 3) == 0.25
    values = np.array([1.0, 2.0, 6.0])
    assert error_of(values, [3.0, 3.0, 3.0], 0) == pytest.approx(1)  # the mean has RMSE σ
    assert error_of(values, values, 0) == 0
    with pytest.raises(ValueError, match="not finite"):
        error_of(values, [1.0, np.nan, 2.0], 0)


def test_the_order_has_seeds_outermost_and_then_methods():
    assert run.ordered(["s", "t"], 2, ["slow", "fast"])[:5] == [
        ("s", 0, "slow"),
        ("t", 0, "slow"),
        ("s", 0, "fast"),
        ("t", 0, "fast"),
        ("s", 1, "slow"),
    ]
    assert list(BY_NAME) == [method.name for method in METHODS]


def test_a_fit_in_its_own_process_and_a_failure(tmp_path):
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    frame = x.assign(y=2 * x["a"] - x["b"])
    data = sets.DataSet("made", "none", "y", False, lambda _: frame)
    sets.prepare(data, tmp_path)
    result = run.fit(("made", 0, "hist_boosting"), sys.executable, tmp_path, 100)
    assert result.failure == ""
    assert 0 < result.error < 0.4
    assert result.test_rows == 60
    assert result.fit_cpu > 0
    assert result.versions.startswith("scikit-learn ")
    failed = run.fit(("absent", 0, "hist_boosting"), sys.executable, tmp_path, 100)
    assert failed.error is None
    assert "absent.npz" in failed.failure
    silent = run.fit(("made", 0, "hist_boosting"), shutil.which("true"), tmp_path, 100)
    assert silent.failure == "the worker printed no result"
    late = run.fit(("made", 0, "hist_boosting"), sys.executable, tmp_path, 0.01)
    assert late.failure == "no result after 0.01 s"
