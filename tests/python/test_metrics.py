"""backpass.metrics against scikit-learn, in evaluate and in fit."""

import sys

import numpy as np
import pytest

import backpass as bp

sk = pytest.importorskip("sklearn.metrics")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
WEIGHT = RNG.random(80) + 0.1


def classifier(outputs, output, seed=1):
    return bp.Network([4, 8, outputs], output=output, seed=seed)


CASES = {
    "classes": (classifier(3, "softmax"), RNG.integers(0, 3, 80), "cross_entropy"),
    "logits": (classifier(3, "identity"), RNG.integers(0, 3, 80), "softmax_cross_entropy"),
    "log": (classifier(3, "log_softmax"), RNG.integers(0, 3, 80), "cross_entropy"),
    "two": (classifier(2, "softmax"), RNG.integers(0, 2, 80), "cross_entropy"),
    "one": (classifier(1, "sigmoid"), RNG.integers(0, 2, 80), "binary_cross_entropy"),
    "one logit": (classifier(1, "identity"), RNG.integers(0, 2, 80), "sigmoid_cross_entropy"),
    "labels": (classifier(3, "sigmoid"), RNG.integers(0, 2, (80, 3)), "binary_cross_entropy"),
}


def expected(name, case, weight):
    """Return the metric from scikit-learn, computed from classes and probabilities."""
    net, y, loss = CASES[case]
    out = net.predict(X).astype(np.float64)
    if "logit" in case and out.shape[1] == 1:
        out = 1 / (1 + np.exp(-out))
    if case in ("logits", "log"):
        out = np.exp(out) / np.exp(out).sum(axis=1, keepdims=True)
    binary = loss in ("binary_cross_entropy", "sigmoid_cross_entropy")
    predicted = (out > 0.5).astype(int) if binary else out.argmax(axis=1)
    predicted = predicted[:, 0] if out.shape[1] == 1 else predicted
    average = "binary" if case in ("two", "one", "one logit") else "macro"
    options = {"sample_weight": weight}
    if name in ("precision", "recall", "f1"):
        function = getattr(sk, f"{name}_score")
        return function(y, predicted, average=average, zero_division=0, **options)
    if name == "auc":
        score = {1: out[:, 0], 2: out[:, -1]}.get(out.shape[1], out)
        return sk.roc_auc_score(y, score, multi_class="ovr", **options)
    if name == "confusion_matrix":
        return sk.confusion_matrix(y, predicted, **options)
    if name == "balanced_accuracy":
        return sk.balanced_accuracy_score(y, predicted, **options)
    if name == "accuracy":
        right = (np.asarray(predicted) == y).reshape(80, -1).mean(axis=1)
        return np.average(right, weights=weight)
    assert name == "top_2"
    return sk.top_k_accuracy_score(y, out, k=2, **options)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "top_2",
        "confusion_matrix",
    ],
)
def test_classification_is_that_of_scikit_learn(name, case, weight):
    several = case == "labels"
    if several and name in ("balanced_accuracy", "confusion_matrix", "top_2"):
        pytest.skip("not defined for separate labels")
    if name == "top_2" and case not in ("classes", "logits", "log"):
        pytest.skip("for three classes or more")
    net, y, loss = CASES[case]
    result = net.evaluate(X, y, loss=loss, metrics=[name], sample_weight=weight)
    assert set(result) == {"loss", name}
    assert result["loss"] == net.evaluate(X, y, loss=loss, sample_weight=weight)
    np.testing.assert_allclose(result[name], expected(name, case, weight), rtol=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_regression_is_that_of_scikit_learn(outputs, weight):
    net = bp.Network([4, 8, outputs], seed=2)
    y = RNG.normal(size=(80, outputs))
    out = net.predict(X)
    names = ["mae", "mse", "rmse", "r2"]
    found = net.evaluate(X, y, loss="mse", metrics=names, sample_weight=weight)
    options = {"sample_weight": weight}
    mse = sk.mean_squared_error(y, out, **options)
    wanted = [
        sk.mean_absolute_error(y, out, **options),
        mse,
        np.sqrt(mse),
        sk.r2_score(y, out, **options),
    ]
    np.testing.assert_allclose([found[name] for name in names], wanted, rtol=1e-5)
    if outputs == 1:
        flat = net.evaluate(X, y[:, 0], loss="mse", metrics=names, sample_weight=weight)
        assert flat == found


class TestFunctions:
    def test_get_targets_and_outputs_of_the_whole_set(self):
        seen = []

        def spread(y, output):
            seen.append((y.shape, output.shape))
            return float(np.ptp(output))

        net, y, loss = CASES["classes"]
        net = net.copy()
        result = net.evaluate(X, y, loss=loss, metrics=spread)
        assert result["spread"] == float(np.ptp(net.predict(X)))
        history = net.fit(
            X,
            y,
            loss=loss,
            optimizer="sgd",
            epochs=2,
            validation_split=0.25,
            progress=False,
            metrics=["accuracy", spread, "f1"],
            seed=0,
        )
        assert seen == [((80,), (80, 3)), *[((60,), (60, 3)), ((20,), (20, 3))] * 2]
        assert list(history) == [
            "loss",
            "accuracy",
            "spread",
            "f1",
            "val_loss",
            "val_accuracy",
            "val_spread",
            "val_f1",
            "lr",
            "seconds",
        ]
        last = net.evaluate(X[60:], y[60:], loss=loss, metrics=["accuracy", spread, "f1"])
        assert [history[f"val_{name}"][-1] for name in last] == pytest.approx(list(last.values()))

    def test_their_names_can_be_monitored(self):
        net, y, loss = CASES["classes"]
        history = net.copy().fit(
            X,
            y,
            loss=loss,
            optimizer="sgd",
            epochs=9,
            progress=False,
            metrics=["rmse"][:0] or [lambda y, o: 1.0],
            early_stopping=bp.callbacks.EarlyStopping("<lambda>", patience=2),
        )
        assert (history.epochs, history.best_epoch) == (3, 0)
        assert history.restored_best
        assert repr(history).startswith(
            "History(epochs=3, best_epoch=0, stopped_early=True, restored_best=True"
        )

    def test_their_errors_pass_through(self):
        net, y, loss = CASES["classes"]

        def broken(y, output):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            net.copy().fit(
                X, y, loss=loss, optimizer="sgd", epochs=1, progress=False, metrics=broken
            )

    def test_they_must_not_use_the_network(self):
        net, y, loss = CASES["classes"]
        net = net.copy()
        with pytest.raises(RuntimeError):
            net.fit(
                X,
                y,
                loss=loss,
                optimizer="sgd",
                epochs=1,
                progress=False,
                metrics=lambda y, output: net.predict(X).mean(),
            )


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("accuracyy", ValueError, "unknown metric 'accuracyy' .did you mean 'accuracy'"),
        ("top_0", ValueError, "unknown metric"),
        (["mae", "MAE"], ValueError, "are equal"),
        ([3], TypeError, "names or functions"),
    ],
)
def test_wrong_metrics(metrics, error, message):
    net, y, loss = CASES["classes"]
    with pytest.raises(error, match=message):
        net.evaluate(X, y, loss=loss, metrics=metrics)
    with pytest.raises(error, match=message):
        net.fit(X, y, loss=loss, optimizer="sgd", epochs=1, progress=False, metrics=metrics)


def test_names_are_those_that_evaluate_takes():
    net, y, loss = CASES["classes"]
    names = [
        name for name in bp.metrics.names() if name not in ("r2", "mae", "mse", "rmse", "top_3")
    ]
    assert set(net.evaluate(X, y, loss=loss, metrics=[*names, "top_2"])) == {
        "loss",
        *names,
        "top_2",
    }
    aliases = {"BalancedAccuracy": "balanced_accuracy", "F1-Score": "f1", "Top2": "top_2"}
    found = net.evaluate(X, y, loss=loss, metrics=list(aliases))
    assert list(found) == ["loss", *aliases.values()]


class TestOneSample:
    @pytest.mark.parametrize("case", CASES)
    def test_is_a_batch_of_one(self, case):
        net, y, loss = CASES[case]
        names = ["accuracy", lambda y, output: float(output.sum())]
        one = net.evaluate(X[0], y[0], loss=loss, metrics=names, sample_weight=2.0)
        assert one == net.evaluate(X[:1], y[:1], loss=loss, metrics=names, sample_weight=[2.0])

    def test_shapes(self):
        net, y, loss = CASES["classes"]
        seen = []
        net.evaluate(
            X[0], y[0], loss=loss, metrics=lambda y, output: seen.append(output.shape) or 0
        )
        assert seen == [(1, 3)]


class TestEdges:
    def constant(self, value):
        net = bp.Network([4, 5], output="softmax", init="zeros")
        net.parameters[:] = value
        return net

    def test_top_k_of_equal_outputs_is_accuracy_for_one(self):
        y = RNG.integers(0, 5, 80)
        found = self.constant(0).evaluate(
            X, y, loss="cross_entropy", metrics=["accuracy", "top_1", "top_2"]
        )
        assert found["top_1"] == found["accuracy"] == np.mean(y == 0)
        assert found["top_2"] == np.mean(y < 2)

    @pytest.mark.parametrize(
        "name", ["accuracy", "top_1", "f1", "auc", "balanced_accuracy", "recall"]
    )
    def test_nan_outputs_give_nan(self, name):
        y = RNG.integers(0, 5, 80)
        assert np.isnan(
            self.constant(np.nan).evaluate(X, y, loss="cross_entropy", metrics=name)[name]
        )

    def test_a_confusion_matrix_has_a_row_for_every_class(self):
        y = np.arange(80) % 2
        found = self.constant(0).evaluate(X, y, loss="cross_entropy", metrics="confusion_matrix")
        assert found["confusion_matrix"].shape == (5, 5)

    @pytest.mark.parametrize(
        ("case", "metric", "message"),
        [
            ("classes", "top_3", "top_3 needs more than 3 classes"),
            ("one", "top_1", "top_1 needs more than 1 classes"),
            ("labels", "confusion_matrix", "does not apply to several binary labels"),
            ("classes", "mse", "y contains class labels"),
            ("classes", "mae", "y contains class labels"),
        ],
    )
    def test_metrics_that_do_not_apply(self, case, metric, message):
        net, y, loss = CASES[case]
        with pytest.raises(ValueError, match=message):
            net.evaluate(X, y, loss=loss, metrics=metric)

    @pytest.mark.parametrize("metric", ["f1", "auc", "confusion_matrix", "top_1"])
    def test_metrics_of_classes_refuse_regression(self, metric):
        with pytest.raises(ValueError, match=f"{metric} is a metric of classes .* mse"):
            bp.Network([4, 2], seed=0).evaluate(X, np.zeros((80, 2)), loss="mse", metrics=metric)

    def test_fit_refuses_what_is_not_a_number(self):
        net, y, loss = CASES["classes"]
        fit = {"loss": loss, "optimizer": "sgd", "epochs": 1, "progress": False}
        with pytest.raises(ValueError, match="confusion_matrix is not a number"):
            net.copy().fit(X, y, metrics="confusion_matrix", **fit)

        def nothing(y, output):
            return None

        with pytest.raises(TypeError, match="metric nothing must return a number, got None"):
            net.copy().fit(X, y, metrics=nothing, **fit)

    def test_a_function_gets_copies_and_other_kinds_of_arrays_are_taken(self):
        torch = pytest.importorskip("torch")
        net, y, loss = CASES["classes"]
        labels = y.copy()

        def destroy(y, output):
            y[:] = output[:] = 0
            return 0

        found = net.evaluate(X, labels, loss=loss, metrics=[destroy, "accuracy"])
        assert np.array_equal(labels, y)
        assert found["accuracy"] == net.evaluate(X, y, loss=loss, metrics="accuracy")["accuracy"]
        target = torch.rand(80, 3, requires_grad=True)
        assert bp.Network([4, 3]).evaluate(X, target, loss="mse", metrics="rmse")["rmse"] > 0


@pytest.mark.parametrize("name", ["auc", "f1", "precision", "recall", "top_2", "accuracy"])
def test_rising_metrics_are_maximised(name, tmp_path):
    net, y, loss = CASES["classes"]
    net = net.copy()
    checkpoint = bp.callbacks.Checkpoint(tmp_path / "best", monitor=name, save_best_only=True)
    history = net.fit(
        X,
        y,
        loss=loss,
        optimizer=bp.optim.Adam(lr=0.05),
        epochs=12,
        progress=False,
        seed=0,
        metrics=name,
        callbacks=checkpoint,
        early_stopping=bp.callbacks.EarlyStopping(name, 100),
    )
    assert history.best_epoch == int(np.argmax(history[name])) > 0
    np.testing.assert_array_equal(bp.load(tmp_path / "best").parameters, net.parameters)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_mode_decides_for_a_function(mode, tmp_path):
    net, y, loss = CASES["classes"]
    values = iter([3.0, 1.0, 4.0, 2.0])
    checkpoint = bp.callbacks.Checkpoint(
        tmp_path / "{epoch}", monitor="value", save_best_only=True, mode=mode
    )

    def value(y, output):
        return next(values)

    history = net.copy().fit(
        X,
        y,
        loss=loss,
        optimizer="sgd",
        epochs=4,
        progress=False,
        metrics=value,
        callbacks=checkpoint,
        early_stopping=bp.callbacks.EarlyStopping("value", patience=9, mode=mode),
    )
    assert history.best_epoch == {"min": 1, "max": 2}[mode]
    saved = sorted(path.name for path in tmp_path.iterdir())
    assert saved == {"min": ["1", "2"], "max": ["1", "3"]}[mode]


@pytest.mark.parametrize(
    "make", [bp.callbacks.EarlyStopping, lambda mode: bp.callbacks.Checkpoint("x", mode=mode)]
)
def test_other_modes_are_refused(make):
    with pytest.raises(ValueError, match="mode must be"):
        make(mode="largest")


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"pip install 'backpass\[sklearn\]'"):
        bp.metrics.compute("f1", [1, 0], [[0.9], [0.2]], loss="binary_cross_entropy")


def test_targets_must_have_the_size_of_the_outputs():
    with pytest.raises(ValueError, match=r"y has shape \(2, 3\); expected \(2, 2\)"):
        bp.metrics.compute("accuracy", np.eye(2, 3), np.eye(2), loss="cross_entropy")


def test_a_confusion_matrix_cannot_count_nan():
    with pytest.raises(ValueError, match="confusion_matrix: an output is NaN"):
        bp.metrics.compute(
            "confusion_matrix", [0, 1], np.full((2, 2), np.nan), loss="cross_entropy"
        )


def test_distributions_stand_for_their_largest_class():
    y, output = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]]), np.array([[1, 2], [3, 4], [0, 1]])
    value = bp.metrics.compute("balanced_accuracy", y, output, loss="softmax_cross_entropy")
    assert value == 0.5  # both rows of class 1, and not the row of class 0
