"""Random parts of the rows: disjoint, complete, seeded and stratified."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.tabular.splits import folds, split_rows


class TestSplit:
    @pytest.mark.parametrize("rows", [1, 2, 10, 1797])
    def test_every_row_is_in_one_part(self, rows: int) -> None:
        shares = {} if rows == 1 else {"test": 0.3} if rows == 2 else {"test": 0.2, "val": 0.1}
        parts = split_rows(rows, shares, seed=3)
        assert sorted(itertools.chain(*map(list, parts.values()))) == list(range(rows))
        for name, share in shares.items():
            assert len(parts[name]) == round(rows * share)

    def test_the_seed_decides(self) -> None:
        def test_rows(seed: int) -> list[int]:
            return split_rows(100, {"test": 0.2}, seed)["test"].tolist()

        assert test_rows(0) == test_rows(0)
        assert test_rows(0) != test_rows(1)
        assert sorted(test_rows(0)) != list(range(20))

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 4), min_size=30, max_size=200), st.integers(0, 2**31))
    def test_each_part_has_its_share_of_every_class(self, labels: list[int], seed: int) -> None:
        classes = np.array(labels)
        parts = split_rows(len(classes), {"test": 0.2, "validation": 0.1}, seed, classes)
        for name, share in (("test", 0.2), ("validation", 0.1), ("train", 0.7)):
            counts = np.bincount(classes[parts[name]], minlength=5)
            assert np.abs(counts - share * np.bincount(classes, minlength=5)).max() <= 2

    @pytest.mark.parametrize(
        ("rows", "shares", "message"),
        [
            (10, {"test": 1.0}, r"test rows must be in \[0, 1\), got 1\.0"),
            (10, {"test": -0.1}, "got -0.1"),
            (10, {"test": float("nan")}, "got nan"),
            (3, {"test": 0.1}, r"3 rows are too few to put a share of 0\.1 into test"),
            (10, {"test": 0.5, "val": 0.5}, "leave no row of 10"),
            (0, {}, "no rows to train on"),
        ],
    )
    def test_refuses(self, rows: int, shares: dict[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            split_rows(rows, shares, seed=0)


class TestFolds:
    @pytest.mark.parametrize("number", [2, 3, 7, 20])
    def test_every_row_is_tested_once(self, number: int) -> None:
        found = list(folds(20, number, seed=0))
        assert len(found) == number
        assert sorted(itertools.chain(*(test for _, test in found))) == list(range(20))
        for rest, test in found:
            assert sorted([*rest, *test]) == list(range(20))
            assert len(test) in (20 // number, 20 // number + 1)

    def test_each_fold_has_its_share_of_every_class(self) -> None:
        classes = np.repeat([0, 1, 2], [70, 20, 10])
        for _, test in folds(100, 5, 0, classes):
            assert np.bincount(classes[test]).tolist() == [14, 4, 2]

    def test_the_seed_decides(self) -> None:
        first, again, other = ([t.tolist() for _, t in folds(30, 3, seed)] for seed in (0, 0, 1))
        assert first == again
        assert first != other

    @pytest.mark.parametrize("number", [0, 1, 6])
    def test_refuses(self, number: int) -> None:
        with pytest.raises(ValueError, match=f"{number} folds of 5 rows are not possible"):
            list(folds(5, number, 0))
