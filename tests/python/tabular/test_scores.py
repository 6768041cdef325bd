"""Scores beside those of scikit-learn, baselines beside its dummies, and the lines of a report."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.dummy import DummyClassifier, DummyRegressor

import backpass as bp
from backpass.tabular import TableModel
from backpass.tabular.columns import Scale
from backpass.tabular.numbers import NumberStyle
from backpass.tabular.scores import Scores, class_table, confusion, score, unit_of
from backpass.tabular.targets import ClassTarget, NumberTarget

RNG = np.random.default_rng(0)


def model(target: Any, outputs: int) -> TableModel:
    activation = "softmax" if isinstance(target, ClassTarget) else "identity"
    return TableModel(bp.Network([1, outputs], output=activation, seed=0), None, target)


class TestClasses:
    target = ClassTarget("y", ("a", "b", "c"))
    truth = RNG.integers(0, 3, 200)
    train = RNG.choice(3, 500, p=[0.2, 0.5, 0.3])
    outputs = RNG.dirichlet([1, 1, 1], 200)

    def test_accuracy_and_baseline(self) -> None:
        found = score(model(self.target, 3), self.outputs, self.truth, self.train)
        predicted = self.outputs.argmax(axis=1)
        assert found.values["accuracy"] == metrics.accuracy_score(self.truth, predicted)
        dummy = DummyClassifier(strategy="most_frequent").fit(self.train[:, None], self.train)
        assert found.baseline["accuracy"] == dummy.score(self.truth[:, None], self.truth)

    def test_confusion_matrix(self) -> None:
        found = score(model(self.target, 3), self.outputs, self.truth, self.train)
        expected = np.zeros((3, 3), int)
        np.add.at(expected, (self.truth, self.outputs.argmax(axis=1)), 1)
        assert np.array_equal(confusion(self.target, found), expected)

    def test_table_of_classes(self) -> None:
        found = score(model(self.target, 3), self.outputs, self.truth, self.train)
        header, *lines = class_table(self.target, found)
        assert header.split() == ["class", "precision", "recall", "F1", "rows"]
        for i, line in enumerate(lines):
            label, precision, recall, f1, rows = line.split()
            hit = ((found.predicted == i) & (self.truth == i)).sum()
            assert label == "abc"[i]
            assert int(rows) == (self.truth == i).sum()
            assert float(precision) == pytest.approx(hit / (found.predicted == i).sum(), abs=6e-4)
            assert float(recall) == pytest.approx(hit / int(rows), abs=6e-4)
            assert float(f1) == pytest.approx(
                2 * hit / (int(rows) + (found.predicted == i).sum()), abs=6e-4
            )

    def test_the_table_of_many_classes_shows_the_worst_and_fits_on_a_screen(self) -> None:
        target = ClassTarget("y", tuple(f"{'z' * 100}{i}" for i in range(50)))
        truth = np.arange(500) % 50
        outputs = np.eye(50)[np.where(truth < 3, 0, truth)]
        lines = list(class_table(target, score(model(target, 50), outputs, truth, truth)))
        assert len(lines) == 14
        assert lines[-1] == "(38 classes with a higher F1 are not shown)"
        assert [line.split()[3] for line in lines[1:4]] == ["0.000", "0.000", "0.500"]
        assert max(map(len, lines)) < 80


class TestNumbers:
    @pytest.mark.parametrize("width", [1, 3])
    def test_scores_and_baseline(self, width: int) -> None:
        names = tuple("abc"[:width])
        target = NumberTarget(names, (NumberStyle(),) * width, ())
        truth, train = RNG.normal(5, 2, (200, width)), RNG.normal(4, 2, (500, width))
        outputs = truth + RNG.normal(0, 1, (200, width))
        found = score(model(target, width), outputs, truth, train)
        mean = DummyRegressor().fit(train, train).predict(truth).reshape(-1, width)
        for values, predicted in ((found.values, outputs), (found.baseline, mean)):
            for name, one, other in zip(names, truth.T, predicted.T, strict=True):
                suffix = "" if width == 1 else f" of {name}"
                assert values[f"r2{suffix}"] == pytest.approx(metrics.r2_score(one, other))
                error = metrics.mean_absolute_error(one, other)
                assert values[f"mae{suffix}"] == pytest.approx(error)
                error = metrics.mean_squared_error(one, other) ** 0.5
                assert values[f"rmse{suffix}"] == pytest.approx(error)

    def test_a_constant_truth_has_no_r2(self) -> None:
        target = NumberTarget(("y",), (NumberStyle(),), ())
        same = np.full((5, 1), 3.0)
        assert sorted(score(model(target, 1), same + 1, same, same).values) == ["mae", "rmse"]

    @pytest.mark.parametrize("factor", [1e-300, 1e150, 1e300])
    def test_squares_neither_overflow_nor_underflow(self, factor: float) -> None:
        target = NumberTarget(("y",), (NumberStyle(),), ())
        truth = np.array([[1.0], [2.0], [4.0]])
        small = score(model(target, 1), truth + 0.5, truth, truth)
        found = score(model(target, 1), (truth + 0.5) * factor, truth * factor, truth * factor)
        assert found.values["r2"] == pytest.approx(small.values["r2"])
        assert found.values["rmse"] / factor == pytest.approx(0.5)
        assert found.baseline["rmse"] / factor == pytest.approx(small.baseline["rmse"])


@pytest.mark.parametrize("predicted", [[1, 2, 0], [1, 1, 1], [0, 1, 0]])
def test_tables_of_classes_without_hits_or_rows(predicted: list[int]) -> None:
    target = ClassTarget("y", ("a", "b", "c", "absent"))
    scores = Scores({}, {}, np.array([0, 1, 2]), np.array(predicted))
    lines = list(class_table(target, scores))
    assert [line.split()[-1] for line in lines] == ["rows", "1", "1", "1", "0"]
    assert lines[-1].split()[1:4] == ["-", "-", "-"]


def test_the_unit_of_the_loss_is_told() -> None:
    classes = ClassTarget("y", ("a", "b"))
    numbers = NumberTarget(("y",), (NumberStyle(),), (Scale(0.0, 5.0, 2.0),))
    plain = NumberTarget(("y",), (NumberStyle(),), (Scale(0.0, 0.0, 1.0),))
    assert unit_of(classes, "cross_entropy", 0.0) == "cross_entropy"
    assert unit_of(classes, "cross_entropy", 0.1) == "cross_entropy, label smoothing 0.1"
    assert unit_of(numbers, "mse", 0.0) == "mse of the standardised target"
    assert unit_of(plain, "poisson", 0.0) == "poisson"
