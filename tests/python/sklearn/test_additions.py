"""What the estimators take beyond scikit-learn's."""

import time

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import scale
from sklearn.utils.class_weight import compute_sample_weight

import backpass as bp
from backpass.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_DIGITS, Y_DIGITS = (each[:400] for each in load_digits(return_X_y=True))
X_DIGITS = X_DIGITS / 16
X, Y = (scale(each)[:200] for each in load_diabetes(return_X_y=True))
BOTH = np.c_[Y, X[:, 1] - Y]


def classifier(**parameters):
    return MLPClassifier(**{"hidden_layer_sizes": (12, 6), "random_state": 0} | parameters)


def regressor(**parameters):
    return MLPRegressor(**{"hidden_layer_sizes": (12, 6), "random_state": 0} | parameters)


def penalty(model):
    return 0.5 * model.alpha * sum((w**2).sum() for w in model.coefs_)


# Activations


@pytest.mark.parametrize("activation", [["gelu", "tanh"], bp.activations.LeakyReLU(0.2), "silu"])
def test_activations(activation):
    model = regressor(activation=activation, max_iter=3).fit(X, Y)
    each = activation if isinstance(activation, list) else [activation] * 2
    net = bp.Network([10, 12, 6, 1], [*each, "identity"], None, dtype="float64", init="zeros")
    net.parameters[:] = model.network_.parameters
    np.testing.assert_array_equal(model.predict(X), net.predict(X).ravel())
    assert [str(layer.activation) for layer in model.network_.layers] == [
        str(layer.activation) for layer in net.layers
    ]


def test_the_number_of_activations_is_checked():
    with pytest.raises(ValueError, match="activation has 1 entries, and there are 2 hidden layers"):
        regressor(activation=["relu"]).fit(X, Y)


def test_a_parameter_is_used_after_set_params():
    model = regressor(max_iter=3).fit(X, Y)
    before = model.predict(X)
    model.set_params(activation="identity")
    linear = X
    for w, b in zip(model.coefs_, model.intercepts_, strict=True):
        linear = linear @ w + b
    np.testing.assert_allclose(model.predict(X), linear.ravel())
    assert not np.allclose(before, linear.ravel())


# Losses

LOSSES = {
    "absolute_error": lambda a, y: np.abs(a - y).mean(),
    "mae": lambda a, y: np.abs(a - y).mean(),
    "huber": lambda a, y: np.where(np.abs(a - y) < 1, (a - y) ** 2 / 2, np.abs(a - y) - 0.5).mean(),
    "log_cosh": lambda a, y: np.log(np.cosh(a - y)).mean(),
    "quantile": lambda a, y: np.abs(a - y).mean() / 2,
}


@pytest.mark.parametrize("loss", [*LOSSES, bp.losses.Huber(delta=1.0)])
def test_losses_of_regression(loss):
    name = loss if isinstance(loss, str) else loss.name
    for y in (Y, BOTH):
        model = regressor(loss=loss, solver="lbfgs", max_iter=40).fit(X, y)
        cost = LOSSES[name](model.predict(X), y) + penalty(model) / len(X)
        assert model.loss_ == pytest.approx(cost, rel=1e-9)
        assert model.loss_ < 0.7 * LOSSES[name](np.median(y, axis=0), y)


def test_a_custom_loss():
    def quartic(a, y):
        return ((a - y) ** 4).mean(), 4 * (a - y) ** 3 / a.size

    model = regressor(loss=bp.losses.Custom(quartic), max_iter=30, learning_rate_init=0.01)
    model.fit(X, Y)
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


def test_losses_of_classification():
    smoothed = classifier(loss=bp.losses.CrossEntropy(label_smoothing=0.2), max_iter=300)
    smoothed.fit(X_DIGITS, Y_DIGITS)
    assert smoothed.score(X_DIGITS, Y_DIGITS) > 0.96
    # The optimum has the probability 0.8 + 0.2 / 10 for the class.
    assert 0.6 < np.median(smoothed.predict_proba(X_DIGITS).max(axis=1)) < 0.9
    brier = classifier(loss="mse", max_iter=200).fit(X_DIGITS, Y_DIGITS % 2)
    probability = brier.predict_proba(X_DIGITS)[:, 1]
    cost = ((probability - Y_DIGITS % 2) ** 2).mean()
    assert brier.loss_curve_[-1] == pytest.approx(cost + penalty(brier) / 400, rel=0.05)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("softmax_cross_entropy", Y_DIGITS, r"several classes: use CrossEntropy"),
        ("binary_cross_entropy", Y_DIGITS, r"several classes: use CrossEntropy"),
        (bp.losses.CrossEntropy(), Y_DIGITS % 2, r"two classes or of labels: use BinaryCrossEntr"),
    ],
)
def test_losses_that_do_not_fit(loss, y, message):
    with pytest.raises(ValueError, match=message):
        classifier(loss=loss).fit(X_DIGITS, y)


# Quantiles


def test_quantiles():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (3000, 1))
    y = x[:, 0] + (1 + x[:, 0]) * rng.normal(size=3000)
    model = regressor(loss="quantile", quantiles=[0.1, 0.9, 0.5], max_iter=60).fit(x, y)
    found = model.predict_quantiles(x)
    assert found.shape == (3000, 3)
    for j, level in enumerate([0.1, 0.9, 0.5]):
        assert (y < found[:, j]).mean() == pytest.approx(level, abs=0.03)
    np.testing.assert_array_equal(model.predict(x), found[:, 2])
    assert (found[:, 0] <= found[:, 2]).all()
    assert (found[:, 2] <= found[:, 1]).all()
    two = clone(model).set_params(max_iter=3).fit(x, np.c_[y, -y])
    assert two.predict_quantiles(x).shape == (3000, 2, 3)
    assert two.predict(x).shape == (3000, 2)
    assert two.n_outputs_ == 2


def test_one_quantile():
    model = regressor(loss=bp.losses.Quantile(0.8), solver="lbfgs", max_iter=100).fit(X, Y)
    assert model.predict_quantiles(X).shape == (200, 1)
    assert (model.predict(X) > Y).mean() == pytest.approx(0.8, abs=0.1)
    with pytest.raises(ValueError, match="predict_quantiles needs loss='quantile'"):
        regressor(max_iter=1).fit(X, Y).predict_quantiles(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"quantiles": [0.5]}, "quantiles need loss='quantile', not 'squared_error'"),
        ({"loss": "quantile", "quantiles": [0.0, 0.5]}, "numbers between 0 and 1"),
    ],
)
def test_wrong_quantiles(parameters, message):
    with pytest.raises(ValueError, match=message):
        regressor(**parameters).fit(X, Y)


def test_the_pinball_loss_equals_the_core_with_one_quantile():
    weight = np.random.default_rng(0).uniform(size=200)
    one = regressor(loss=bp.losses.Quantile(0.3), max_iter=5).fit(X, BOTH, weight)
    many = regressor(loss="quantile", quantiles=[0.3], max_iter=5)
    many.fit(X, BOTH, sample_weight=weight)
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(many.predict(X), one.predict(X), rtol=1e-9)


# Weights of classes


@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 5.0}])
def test_class_weight(weight):
    y = (Y_DIGITS == 3).astype(int)
    own = np.random.default_rng(0).uniform(1, 2, 400)
    expected = compute_sample_weight(weight, y)
    for given in (None, own):
        total = expected if given is None else expected * given
        a = classifier(class_weight=weight, max_iter=5).fit(X_DIGITS, y, given)
        b = classifier(max_iter=5).fit(X_DIGITS, y, total)
        assert a.loss_curve_ == b.loss_curve_


@pytest.mark.parametrize("weight", ["balanced", [{0: 1, 1: 2}, {0: 1, 1: 3}, {0: 2, 1: 1}]])
@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_class_weight_of_sparse_labels(weight, make):
    x, y = make_multilabel_classification(100, 5, n_classes=3, random_state=0)
    a = classifier(class_weight=weight, max_iter=3).fit(x, make(y))
    b = classifier(max_iter=3).fit(x, y, compute_sample_weight(weight, y))
    assert a.loss_curve_ == b.loss_curve_


def test_balanced_weights_need_all_data():
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        classifier(class_weight="balanced").partial_fit(X_DIGITS, Y_DIGITS, classes=range(10))
    model = classifier(class_weight={3: 2.0})
    model.partial_fit(X_DIGITS, Y_DIGITS, classes=range(10))


# Validation


@pytest.mark.parametrize("make", [lambda x: x, scipy.sparse.csr_array])
def test_validation_data(make):
    x, y, xv, yv = X_DIGITS[:300], Y_DIGITS[:300], X_DIGITS[300:], Y_DIGITS[300:]
    names = np.array(list("abcdefghij"))
    weight = np.random.default_rng(0).uniform(size=100)
    model = classifier(max_iter=6, metrics="accuracy")
    model.fit(make(x), names[y], X_val=make(xv), y_val=names[yv], sample_weight_val=weight)
    assert len(model.validation_loss_curve_) == 6
    probability = model.predict_proba(xv)[np.arange(100), yv]
    expected = np.average(-np.log(probability), weights=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-12)
    right = model.predict(xv) == names[yv]
    assert model.history_["val_accuracy"][-1] == pytest.approx(np.average(right, weights=weight))
    assert model.history_["accuracy"][-1] == model.score(x, names[y])
    assert model.validation_scores_ is None
    without = classifier(max_iter=6).fit(make(x), names[y])
    assert without.loss_curve_ == model.loss_curve_  # the data only observe
    assert not hasattr(without, "history_")


def test_a_new_fit_clears_the_series():
    data = {"X_val": X[150:], "y_val": Y[150:]}
    model = regressor(max_iter=3, metrics="r2").fit(X[:150], Y[:150], **data)
    assert list(model.history_) == ["loss", "lr", "seconds", "r2", "val_loss", "val_r2"]
    model.fit(X, Y)
    assert not hasattr(model, "validation_loss_curve_")
    assert list(model.history_) == ["loss", "lr", "seconds", "r2"]
    model.set_params(metrics=None).fit(X, Y)
    assert not hasattr(model, "history_")


def test_a_warm_start_continues_the_series():
    data = {"X_val": X[150:], "y_val": Y[150:]}
    model = regressor(max_iter=3, warm_start=True, metrics="r2").fit(X[:150], Y[:150], **data)
    first = model.history_, list(model.validation_loss_curve_)
    model.fit(X[:150], Y[:150], **data)
    model.set_params(metrics="mae").partial_fit(X[:150], Y[:150])
    history = model.history_
    assert len(first[0]["loss"]) == 3
    assert model.validation_loss_curve_[:3] == first[1]
    assert len(model.validation_loss_curve_) == 6
    assert history["loss"] == model.loss_curve_
    assert history["seconds"] == sorted(history["seconds"])
    assert history["r2"][:3] == first[0]["r2"]
    for name, has in (("r2", 6 * [1] + [0]), ("mae", 6 * [0] + [1]), ("val_loss", 6 * [1] + [0])):
        np.testing.assert_array_equal(np.isfinite(history[name]), has)


def test_validation_data_replace_the_split_of_early_stopping():
    x, y, xv, yv = X[:150], Y[:150], X[150:], Y[150:]
    model = regressor(
        early_stopping=True, max_iter=200, n_iter_no_change=5, learning_rate_init=0.01
    )
    model.fit(x, y, X_val=xv, y_val=yv)
    plain = regressor(max_iter=model.n_iter_, learning_rate_init=0.01, tol=0).fit(x, y)
    assert plain.loss_curve_ == model.loss_curve_  # all rows were trained
    assert model.score(xv, yv) == pytest.approx(model.best_validation_score_)
    assert max(model.validation_scores_) == model.best_validation_score_


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"X_val": X_DIGITS}, "X_val and y_val must be given together"),
        ({"sample_weight_val": [1.0]}, "sample_weight_val needs X_val and y_val"),
        ({"X_val": X_DIGITS[:, :5], "y_val": Y_DIGITS}, "expecting 64 features"),
        ({"X_val": X_DIGITS, "y_val": Y_DIGITS + 1}, r"classes that y does not have: \[10\]"),
    ],
)
def test_wrong_validation_data(data, message):
    with pytest.raises(ValueError, match=message):
        classifier(max_iter=1).fit(X_DIGITS, Y_DIGITS, **data)


def test_lbfgs_reports_its_iterations(tmp_path):
    epochs = []
    spy = bp.callbacks.LambdaCallback(
        on_epoch_end=lambda net, epoch, logs: epochs.append(epoch) or epoch == 6
    )
    model = regressor(solver="lbfgs", callbacks=spy, metrics="r2", max_iter=50)
    model.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert epochs == list(range(7))
    assert model.n_iter_ == 7
    assert model.history_["loss"][-1] == model.loss_
    assert model.history_["r2"][-1] == pytest.approx(model.score(X[:150], Y[:150]))
    cost = ((model.predict(X[150:]) - Y[150:]) ** 2).mean() / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(cost, rel=1e-12)
    expected = regressor(solver="lbfgs", max_iter=7).fit(X[:150], Y[:150])
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "weight", "message"),
    [
        ({"loss": "poisson"}, None, r"loss 'poisson' needs y >= 0"),
        ({}, np.r_[-1.0, np.ones(199)], r"Sample weights must not be negative"),
        ({}, np.zeros(200), r"at least one non-zero number"),
    ],
)
def test_wrong_data_change_nothing(parameters, weight, message):
    model = regressor(warm_start=True, batch_size=10, max_iter=2, **parameters).fit(X, Y**2)
    before = model.network_.parameters.copy()
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(model.network_.parameters, before)


# Callbacks, metrics, progress


def test_callbacks(tmp_path):
    events = []
    spy = bp.callbacks.LambdaCallback(
        on_train_begin=lambda net, info: events.append((info.epochs, info.rows, info.batch_size)),
        on_epoch_end=lambda net, epoch, logs: events.append(dict(logs)) or epoch == 3,
        on_train_end=lambda net, history: events.append(history),
    )
    path = tmp_path / "model.safetensors"
    model = regressor(max_iter=50, callbacks=[spy, bp.callbacks.Checkpoint(path)], metrics=["r2"])
    model.fit(X, Y)
    assert model.n_iter_ == 4
    assert events[0] == (50, 200, 200)
    assert [each["loss"] for each in events[1:5]] == model.loss_curve_
    assert events[4]["r2"] == pytest.approx(model.score(X, Y))
    assert events[5] is model.history_
    assert model.history_.stopped_early
    np.testing.assert_array_equal(bp.load(path).predict(X).ravel(), model.predict(X))


@pytest.mark.parametrize(
    ("metric", "error", "message"),
    [
        (accuracy_score, ValueError, r"accuracy_score failed: .*outputs of .* shape \(400, 10\)"),
        (lambda y: 0.0, TypeError, r"metric <lambda> failed: .*function \(y, output\) -> float"),
        ([accuracy_score] * 2, ValueError, r"two of \['accuracy_score', 'accuracy_score'\]"),
    ],
)
def test_a_metric_that_does_not_fit(metric, error, message):
    with pytest.raises(error, match=message):
        classifier(metrics=metric, max_iter=1).fit(X_DIGITS, Y_DIGITS)


def test_a_callback_stops_within_an_epoch():
    def stop(net, epoch, rows, loss):
        return time.monotonic() > end

    end = time.monotonic() + 0.2
    model = regressor(batch_size=1, callbacks=bp.callbacks.LambdaCallback(on_progress=stop))
    model.set_params(max_iter=10**6, tol=0, n_iter_no_change=np.inf).fit(X, Y)
    assert time.monotonic() < end + 2


def test_early_stopping_of_backpass():
    stopping = bp.callbacks.EarlyStopping(monitor="val_loss", patience=4)
    model = regressor(callbacks=stopping, max_iter=300, learning_rate_init=0.01)
    model.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    curve = model.validation_loss_curve_
    assert len(curve) == int(np.argmin(curve)) + 5 < 300
    cost = ((model.predict(X[150:]) - Y[150:]) ** 2).mean() / 2
    assert cost == pytest.approx(min(curve), rel=1e-12)
    with pytest.raises(ValueError, match="'val_loss' is not a series"):
        clone(model).fit(X, Y)


@pytest.mark.parametrize("ties", ["first", "last"])
def test_early_stopping_of_backpass_with_ties(ties):
    parameters = []
    record = bp.callbacks.LambdaCallback(
        on_epoch_end=lambda net, epoch, logs: parameters.append(net.parameters.copy())
    )
    stopping = bp.callbacks.EarlyStopping("val_accuracy", patience=60, ties=ties)
    model = MLPClassifier(
        (8,), max_iter=60, random_state=0, metrics="accuracy", callbacks=[record, stopping]
    ).set_params(learning_rate_init=0.03, n_iter_no_change=np.inf)
    labels = (np.median(Y) < Y).astype(int)
    model.fit(X[:150], labels[:150], X_val=X[150:], y_val=labels[150:])
    accuracy = np.array(model.history_["val_accuracy"])
    best = np.flatnonzero(accuracy == accuracy.max())
    assert best[0] < best[-1] < 59
    expected = parameters[best[0 if ties == "first" else -1]]
    np.testing.assert_array_equal(model.network_.parameters, expected)


def test_progress(capsys):
    regressor(progress=True, max_iter=3).fit(X, Y)
    assert "epoch 3/3" in capsys.readouterr().err


# Solvers


@pytest.mark.parametrize("name", bp.optim.names())
def test_every_optimizer(name):
    optimizer = bp.optim.get(name)
    optimizer.lr = 0.01
    model = regressor(solver=optimizer, max_iter=3, alpha=0.1).fit(X, Y)
    net = bp.Network([10, 12, 6, 1], dtype="float64", init="zeros")
    start = regressor(max_iter=1, solver="sgd", learning_rate_init=1e-300, alpha=0).fit(X, Y)
    net.parameters[:] = start.network_.parameters
    own = bp.optim.get(name)
    own.lr = 0.01
    order, state = np.arange(200), np.random.RandomState(0)
    for pair in ((10, 12), (12, 6), (6, 1)):
        state.uniform(size=pair[0] * pair[1] + pair[1])
    for _ in range(3):
        permutation = np.arange(200)
        state.shuffle(permutation)
        order = order[permutation]
        net.loss_and_gradient(X[order], Y[order], loss="mse")
        # 0.1/2 Σ w²/200 is added to half of the mean: twice the penalty for the mean
        net.step(own, l2=2 * 0.1 / 200)
    np.testing.assert_allclose(model.network_.parameters, net.parameters, rtol=1e-9, atol=1e-12)
    assert optimizer.state == {}  # fit used a copy
    assert clone(model).solver is not optimizer


@pytest.mark.parametrize("name", sorted({*bp.optim.names()} - {"adam", "sgd"}))
def test_a_solver_by_name(name):
    optimizer = bp.optim.get(name)
    optimizer.lr = 0.02
    expected = regressor(solver=optimizer, max_iter=3).fit(X, Y)
    found = regressor(solver=name, learning_rate_init=0.02, max_iter=3).fit(X, Y)
    assert found.loss_curve_ == expected.loss_curve_
    assert found.partial_fit(X, Y).loss_curve_ == expected.partial_fit(X, Y).loss_curve_


def test_the_names_of_scikit_learn_keep_their_meaning():
    assert type(regressor(max_iter=1).fit(X, Y)._optimizer).__name__ == "Adam"
    assert type(regressor(max_iter=1, solver="sgd").fit(X, Y)._optimizer).__name__ == "SGD"
    with pytest.raises(ValueError, match=r"'solver' parameter .* must be a str among"):
        regressor(solver="adamm").fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "sgd", bp.optim.RMSprop(lr=0.02)])
def test_schedules(solver):
    schedule = bp.schedules.LinearWarmup(steps=3, then=bp.schedules.Cosine())
    model = regressor(
        solver=solver, learning_rate=schedule, learning_rate_init=0.02, max_iter=8, batch_size=50,
        callbacks=bp.callbacks.LambdaCallback(on_epoch_end=lambda net, epoch, logs: None),
    ).fit(X, Y)  # fmt: skip
    whole = schedule.with_length(8 * 4, 8)
    expected = [whole.lr(0.02, epoch, 4 * epoch + 3) for epoch in range(8)]
    # The gradient of the core is twice that of half of the mean square.
    assert model._optimizer.rule.lr == expected[-1] * (0.5 if solver == "sgd" else 1)
    if solver != "adam":  # Adam's rate contains the correction of its averages
        np.testing.assert_allclose(model.history_["lr"], expected)


def test_a_schedule_observes_the_loss():
    schedule = bp.schedules.ReduceOnPlateau(factor=0.5, patience=1, threshold=0.01)
    model = regressor(
        solver=bp.optim.SGD(lr=1e-5), learning_rate=schedule, max_iter=6, progress=False
    ).fit(X, Y)
    assert model._optimizer.rule.lr < 1e-5


# Clipping, penalties, dropout, time, type


@pytest.mark.parametrize("targets", [Y, BOTH, np.c_[BOTH, Y]])  # gradient factors 1/2, 1 and 3/2
def test_clip_norm(targets):
    model = regressor(solver="sgd", momentum=0, learning_rate_init=1.0, clip_norm=0.01, alpha=0)
    model.set_params(max_iter=1).fit(X, targets)
    start = regressor(solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(X, targets)
    moved = model.network_.parameters - start.network_.parameters
    assert np.linalg.norm(moved) == pytest.approx(0.01, rel=1e-5)


def test_l1():
    model = regressor(solver="sgd", momentum=0, learning_rate_init=0.5, max_iter=1)
    start = clone(model).set_params(learning_rate_init=1e-300).fit(X, BOTH)
    plain = clone(model).fit(X, BOTH)
    model.set_params(l1=3.0).fit(X, BOTH)
    for a, b, w in zip(plain.coefs_, model.coefs_, start.coefs_, strict=True):
        np.testing.assert_allclose(a - b, 0.5 * 3.0 / 200 * np.sign(w), rtol=1e-9)
    np.testing.assert_array_equal(plain.intercepts_[0], model.intercepts_[0])
    cost = 3.0 / 200 * sum(np.abs(w).sum() for w in start.coefs_)
    assert model.loss_ == pytest.approx(plain.loss_ + cost, rel=1e-12)
    sparse = regressor(solver="lbfgs", l1=20.0, alpha=0, max_iter=60).fit(X, Y)
    dense = regressor(solver="lbfgs", alpha=0, max_iter=200).fit(X, Y)
    assert np.abs(sparse.coefs_[0]).sum() < 0.3 * np.abs(dense.coefs_[0]).sum()


def test_dropout():
    plain = classifier(max_iter=30).fit(X_DIGITS, Y_DIGITS)
    models = [classifier(max_iter=30, dropout=0.3).fit(X_DIGITS, Y_DIGITS) for _ in range(2)]
    assert models[0].loss_curve_ == models[1].loss_curve_
    assert models[0].loss_curve_[-1] > plain.loss_curve_[-1]
    # The initial weights are those without dropout, and predictions have no dropout.
    assert models[0].loss_curve_[0] == pytest.approx(plain.loss_curve_[0], rel=0.1)
    np.testing.assert_array_equal(*(models[0].predict_proba(X_DIGITS) for _ in range(2)))
    with pytest.raises(ValueError, match="dropout needs a stochastic solver"):
        classifier(dropout=0.1, solver="lbfgs").fit(X_DIGITS, Y_DIGITS)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_max_time(solver):
    # So large that it does not converge within the time.
    model = regressor(hidden_layer_sizes=(300, 300), solver=solver, max_iter=10**6, max_fun=10**9)
    model.set_params(n_iter_no_change=np.inf, tol=0, max_time=0.3)
    start = time.monotonic()
    model.fit(X, Y)
    assert 0.3 <= time.monotonic() - start < 5
    assert 0 < model.n_iter_ < 10**6
    cost = ((model.predict(X) - Y) ** 2).mean() / 2 + penalty(model) / 200
    assert model.loss_ == pytest.approx(cost, rel=0.1)


def test_dtype():
    model = classifier(dtype="float32", max_iter=5).fit(X_DIGITS, Y_DIGITS)
    expected = classifier(max_iter=5).fit(X_DIGITS.astype(np.float32), Y_DIGITS)
    assert model.loss_curve_ == expected.loss_curve_
    assert model.predict_proba(X_DIGITS).dtype == np.float32
    assert model.coefs_[0].dtype == np.float32
    with pytest.raises(ValueError, match="beyond the range of float32"):
        regressor(dtype="float32").fit(np.full((4, 2), 1e300), [1, 2, 3, 4])


# Derivatives


@pytest.mark.parametrize("make", [lambda x: x, scipy.sparse.csr_array])
def test_gradient(make):
    labels = make_multilabel_classification(100, 10, n_classes=3, random_state=0)
    models = {
        "one": (regressor(activation="tanh", max_iter=3).fit(X, Y), X, "predict"),
        "two": (regressor(activation="tanh", max_iter=3).fit(X, BOTH), X, "predict"),
        "classes": (
            classifier(activation="tanh", max_iter=3).fit(X_DIGITS, Y_DIGITS),
            X_DIGITS,
            "predict_proba",
        ),
        "binary": (
            classifier(activation="tanh", max_iter=3).fit(X_DIGITS, Y_DIGITS % 2),
            X_DIGITS,
            "predict_proba",
        ),
        "labels": (
            classifier(activation="tanh", max_iter=3).fit(*labels),
            labels[0],
            "predict_proba",
        ),
    }
    for name, (model, x, method) in models.items():
        x = x[:5].astype(float)
        found = model.gradient(make(x))
        single = name in ("one", "binary")
        assert found.shape == (5, *(() if single else (model.network_.sizes[-1],)), x.shape[1])
        h = 1e-6
        for k in range(0, x.shape[1], 9):
            step = h * np.eye(x.shape[1])[k]
            slope = (getattr(model, method)(x + step) - getattr(model, method)(x - step)) / (2 * h)
            if name == "binary":
                slope = slope[:, 1]
            np.testing.assert_allclose(found[..., k], slope, atol=1e-8)
