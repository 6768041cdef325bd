"""The training equals scikit-learn's, up to rounding, for the same `random_state`.

scikit-learn's own estimators are the reference, in float64. The learning curves of a non-linear
training amplify rounding, so that few epochs are compared.
"""

import inspect
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn import neural_network
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import parse_version

from backpass.sklearn import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # of scikit-learn 1.6 with a newer SciPy
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp` and `iprint` options"),
]
# Before scikit-learn 1.9, early stopping fails with labels that are texts.
TEXTS = parse_version(sklearn.__version__) >= parse_version("1.9")
# scikit-learn 1.6 has no sample_weight and no Poisson loss.
NEW = "sample_weight" in inspect.signature(neural_network.MLPClassifier.fit).parameters

X_DIGITS, Y_DIGITS = (each[:300] for each in load_digits(return_X_y=True))
X_DIGITS = X_DIGITS / 16
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_DIABETES, Y_DIABETES = X_DIABETES[:250] * 20, Y_DIABETES[:250] / 50
X_LABELS, Y_LABELS = make_multilabel_classification(200, 12, n_classes=4, random_state=1)

DATA = {
    "multiclass": (X_DIGITS, np.array(list("abcdefghij"))[Y_DIGITS] if TEXTS else Y_DIGITS),
    "binary": (X_DIGITS, np.array(["no", "yes"])[Y_DIGITS % 2] if TEXTS else Y_DIGITS % 2),
    "multilabel": (X_LABELS / 10, Y_LABELS),
    "regression": (X_DIABETES, Y_DIABETES),
    "two targets": (X_DIABETES, np.c_[Y_DIABETES, X_DIABETES[:, 0] ** 2 - Y_DIABETES]),
}
SOLVERS = {
    "adam": {},
    "adam, large epsilon": {"epsilon": 0.1, "beta_1": 0.5, "beta_2": 0.9},
    "sgd": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.05},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.8},
    "no momentum": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0},
    "invscaling": {
        "solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2, "power_t": 0.3
    },
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05, "tol": 0.05,
        "n_iter_no_change": 2,
    },
    "lbfgs": {"solver": "lbfgs", "max_iter": 8},
}  # fmt: skip


def pair(task, **parameters):
    """Return scikit-learn's estimator and ours, with the same parameters."""
    name = "MLPRegressor" if task in ("regression", "two targets") else "MLPClassifier"
    ours = {"MLPRegressor": MLPRegressor, "MLPClassifier": MLPClassifier}[name]
    parameters = {"max_iter": 12, "hidden_layer_sizes": (20, 7), "random_state": 3} | parameters
    return getattr(neural_network, name)(**parameters), ours(**parameters)


def assert_equal(theirs, ours, X, tolerance=1e-9):
    """Compare all public attributes, and the predictions."""
    public = {n for n in vars(theirs) if n.endswith("_") and not n.startswith("_")}
    for name in sorted(public - {"feature_names_in_"}):
        want, got = getattr(theirs, name), getattr(ours, name)
        if isinstance(want, list) and len(want) and isinstance(want[0], np.ndarray):
            assert len(want) == len(got)
            for a, b in zip(want, got, strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance, err_msg=name)
        elif want is None or isinstance(want, str):
            assert want == got, name
        elif np.asarray(want).dtype.kind in "fi":
            np.testing.assert_allclose(got, want, rtol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(got, want, err_msg=name)
    for method in ("predict", "predict_proba"):
        if hasattr(theirs, method):
            want, got = getattr(theirs, method)(X), getattr(ours, method)(X)
            assert want.dtype == got.dtype
            assert want.shape == got.shape
            if want.dtype.kind == "f":
                np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
            else:
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_and_task(task, solver):
    theirs, ours = pair(task, **SOLVERS[solver])
    X, y = DATA[task]
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.parametrize("task", ["multiclass", "two targets"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_activation(task, activation, solver):
    theirs, ours = pair(task, activation=activation, solver=solver, max_iter=8, alpha=0.5)
    X, y = DATA[task]
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_early_stopping(task, solver):
    theirs, ours = pair(task, solver=solver, early_stopping=True, n_iter_no_change=3, tol=0.01)
    X, y = DATA[task]
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.skipif(not NEW, reason="scikit-learn 1.6 has no sample_weight")
@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize(
    "parameters",
    [{"early_stopping": True, "tol": 0.1}, {"solver": "lbfgs", "max_iter": 6, "random_state": 4}],
)
def test_sample_weight(task, parameters):
    theirs, ours = pair(task, **parameters)
    X, y = DATA[task]
    weight = np.random.default_rng(1).exponential(size=len(X))
    weight[::7] = 0
    assert_equal(theirs.fit(X, y, weight), ours.fit(X, y, weight), X)


def test_the_log_loss_of_a_certain_error_is_not_bounded():
    """scikit-learn bounds the loss of a row by −log(eps), and not its gradient: 36 in float64."""
    theirs, ours = pair("binary", hidden_layer_sizes=(1,), activation="identity", max_iter=1)
    X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    for each in (theirs, ours):
        each.partial_fit(X, y, classes=[0, 1])
        each.coefs_ = [np.array([[1.0]]), np.array([[-100.0]])]
        each.intercepts_ = [np.zeros(1), np.zeros(1)]
        each.partial_fit(X, y)
    # log 2 for the first row; −log σ(−100) = 100 for the second one. The penalty is 0.0001 · 10001.
    assert ours.loss_ == pytest.approx((np.log(2) + 100 + 0.5 * 1e-4 * 10001) / 2, rel=1e-12)
    assert theirs.loss_ == pytest.approx(ours.loss_ - (100 - 36.04365338911715) / 2, rel=1e-9)


def test_an_overflow_is_an_error_without_warnings():
    theirs, ours = pair("binary", max_iter=2)
    X, y = DATA["binary"]
    with pytest.warns(RuntimeWarning, match="overflow"):
        theirs.fit(X * 1e200, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            ours.fit(X * 1e200, y)


def test_targets_that_are_texts_of_numbers_are_read():
    theirs, ours = pair("regression", max_iter=2)
    X, y = DATA["regression"]
    expected = theirs.fit(X, y).loss_curve_
    np.testing.assert_allclose(ours.fit(X, y.astype(str)).loss_curve_, expected, rtol=1e-9)
    with pytest.raises(TypeError):
        theirs.fit(X, y.astype(str))


@pytest.mark.skipif(not NEW, reason="scikit-learn 1.6 has no Poisson loss")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
def test_poisson(solver, weighted):
    X = X_DIABETES
    y = np.random.default_rng(0).poisson(np.exp(X[:, [0, 3]] / 2))
    weight = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    theirs, ours = pair("two targets", loss="poisson", solver=solver, max_iter=7, batch_size=64)
    assert_equal(theirs.fit(X, y, weight), ours.fit(X, y, weight), X)


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start(task, solver):
    theirs, ours = pair(task, warm_start=True, max_iter=3, solver=solver)
    X, y = DATA[task]
    for _ in range(2):
        assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_second_fit_with_other_parameters(warm_start):
    theirs, ours = pair("multiclass", warm_start=warm_start, max_iter=4, early_stopping=True)
    X, y = DATA["multiclass"]
    changes = {"max_iter": 3}, {"early_stopping": False}, {"solver": "lbfgs", "max_iter": 5}
    for change in ({}, *(changes[::2] if warm_start else changes)):
        for each in (theirs, ours):
            each.set_params(**change).fit(X, y)
        assert_equal(theirs, ours, X)


def test_a_warm_start_without_a_better_epoch_keeps_the_best_parameters():
    """scikit-learn's best arrays are those that the second fit changes."""
    X, y = DATA["regression"]
    theirs, ours = pair("regression", warm_start=True, max_iter=4, early_stopping=True)
    before = [each.fit(X, y).predict(X) for each in (theirs, ours)]
    for each in (theirs, ours):
        each.set_params(max_iter=3).fit(X, y)
        assert each.best_validation_score_ == each.validation_scores_[3]
    assert np.abs(theirs.predict(X) - before[0]).max() > 0.01
    np.testing.assert_array_equal(ours.predict(X), before[1])


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit(task, solver):
    theirs, ours = pair(task, solver=solver, learning_rate="invscaling")
    X, y = DATA[task]
    for part in (slice(0, 120), slice(120, 200), slice(0, 200)):
        first = not hasattr(theirs, "coefs_") and task in ("multiclass", "binary", "multilabel")
        classes = {"classes": np.arange(4) if task == "multilabel" else np.unique(y)}
        for each in (theirs, ours):
            each.partial_fit(X[part], y[part], **(classes if first else {}))
        assert_equal(theirs, ours, X)


@pytest.mark.parametrize("container", ["csr_matrix", "csc_array", "csr_array"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse(container, solver):
    X, y = DATA["multiclass"]
    X = getattr(scipy.sparse, container)(X)
    theirs, ours = pair("multiclass", solver=solver, max_iter=5, early_stopping=True)
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.parametrize("batch_size", [1, 37, 1000])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_batches(batch_size, shuffle):
    X, y = DATA["regression"]
    theirs, ours = pair("regression", batch_size=batch_size, shuffle=shuffle, max_iter=3)
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_float32_stays_float32(task):
    X, y = DATA[task]
    theirs, ours = pair(task, max_iter=5)
    X = X.astype(np.float32)
    # 5 epochs of two batches, each with an error of a few units in the last place
    assert_equal(theirs.fit(X, y), ours.fit(X, y), X, tolerance=2e-4)
    assert ours.network_.dtype == np.float32
    for dtype in (np.float64, np.int64):
        assert ours.predict(X.astype(dtype)).dtype == theirs.predict(X.astype(dtype)).dtype


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_lbfgs_gives_float64_for_float32(task):
    X, y = DATA[task]
    theirs, ours = pair(task, solver="lbfgs", max_iter=5, warm_start=True)
    X = X.astype(np.float32)
    for _ in range(2):  # scikit-learn evaluates the first fit in float32
        assert_equal(theirs.fit(X, y), ours.fit(X, y), X, tolerance=2e-4)
    assert ours.network_.dtype == np.float64
    ours.set_params(dtype="float32", warm_start=False).fit(X, y)
    assert ours.network_.dtype == np.float32


def test_a_random_state_object_is_used_in_the_same_way():
    X, y = DATA["binary"]
    states = np.random.RandomState(5), np.random.RandomState(5)
    theirs, ours = pair("binary", max_iter=2)
    theirs.set_params(random_state=states[0]).fit(X, y)
    ours.set_params(random_state=states[1]).fit(X, y)
    assert_equal(theirs, ours, X)
    assert states[0].randint(1000) == states[1].randint(1000)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warnings_and_output(solver, capsys):
    X, y = DATA["binary"]
    found = []
    for each in pair("binary", solver=solver, max_iter=2, verbose=solver != "lbfgs"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            each.fit(X, y)
        caught = [w for w in caught if w.category is not DeprecationWarning]
        assert [w.category for w in caught] == [ConvergenceWarning]
        found.append((str(caught[0].message), capsys.readouterr().out))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("parameters", "method"),
    [
        ({"hidden_layer_sizes": -1}, "fit"),
        ({"alpha": -1}, "fit"),
        ({"early_stopping": True}, "partial_fit"),
        pytest.param(
            {"early_stopping": True, "validation_fraction": 0.001},
            "fit",
            marks=pytest.mark.skipif(not NEW, reason="a newer check"),
        ),
        ({"solver": "sgd", "learning_rate_init": 1e200, "alpha": 0.0}, "fit"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors(parameters, method):
    X, y = DATA["regression"]
    found = []
    for each in pair("regression", **parameters):
        with pytest.raises(ValueError, match=r".") as error:
            getattr(each, method)(X, y)
        found.append(str(error.value))
    assert found[0] == found[1]


def test_the_parameters_come_in_the_same_order():
    for ours, theirs in (
        (MLPClassifier, neural_network.MLPClassifier),
        (MLPRegressor, neural_network.MLPRegressor),
    ):
        known = {n: p.default for n, p in inspect.signature(theirs).parameters.items()}
        given = {n: p.default for n, p in inspect.signature(ours).parameters.items()}
        if ours is MLPRegressor and not NEW:
            assert next(iter(given)) == "loss"
            given.pop("loss")
        assert list(given.items())[: len(known)] == list(known.items())
        added = list(inspect.signature(ours).parameters.values())[len(known) + 1 :]
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in added)
