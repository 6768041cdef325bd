"""The estimators in scikit-learn's tools: searches, pipelines, routing, callbacks, pickles."""

import copy
import inspect
import pickle
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pytest
import sklearn
import threadpoolctl
from sklearn import neural_network
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

import backpass as bp
from backpass.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X_REG, Y_REG = (scale(each)[:150] for each in load_diabetes(return_X_y=True))


def classifier(**parameters):
    return MLPClassifier(
        **{"hidden_layer_sizes": 8, "max_iter": 20, "random_state": 0} | parameters
    )


def test_they_are_scikit_learns_classes():
    assert isinstance(MLPClassifier(), neural_network.MLPClassifier)
    assert isinstance(MLPRegressor(), neural_network.MLPRegressor)
    assert bp.sklearn.MLPClassifier is MLPClassifier


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_search(backend):
    grid = {"alpha": [1e-4, 1.0], "solver": ["adam", bp.optim.AdamW(lr=0.01)]}
    search = GridSearchCV(classifier(), grid, cv=2, n_jobs=2)
    with warnings.catch_warnings():
        # Python warns of a fork of a process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        with joblib.parallel_backend(backend):
            search.fit(X, Y)
    alone = GridSearchCV(classifier(), grid, cv=2).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


def test_pipelines():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 5, "x", "y"))
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind"]), remainder=StandardScaler()
    )
    model = make_pipeline(columns, classifier(max_iter=200)).set_output(transform="pandas")
    model.fit(frame, Y)
    assert list(model[-1].feature_names_in_) == list(columns.get_feature_names_out())
    assert model.score(frame, Y) > 0.7
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model[-1].predict(np.zeros((1, 6)))
    stacked = StackingClassifier(
        [("net", classifier()), ("bayes", GaussianNB())], GaussianNB(), cv=2
    )
    assert stacked.fit(X, Y).score(X, Y) > 0.8
    bagged = BaggingRegressor(MLPRegressor(max_iter=5, random_state=0), 3, random_state=0)
    assert bagged.fit(X_REG, Y_REG).predict(X_REG).shape == (150,)
    target = TransformedTargetRegressor(MLPRegressor(max_iter=5), transformer=StandardScaler())
    assert target.fit(X_REG, Y_REG).predict(X_REG).shape == (150,)


def test_metadata_routing():
    weight = np.linspace(0, 1, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True, X_val=True, y_val=True)
        routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        routed.fit(X, Y, sample_weight=weight, X_val=X, y_val=Y)
        fitted = routed[-1]
    direct = classifier().fit(StandardScaler().fit_transform(X), Y, weight, X_val=X, y_val=Y)
    assert fitted.loss_curve_ == direct.loss_curve_
    assert fitted.validation_loss_curve_ == direct.validation_loss_curve_


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (MLPClassifier(), {"solver": "lbfgs"}),
        (MLPRegressor(), {"solver": "sgd", "tol": 1e-2, "random_state": 42}),
    ],
)
def test_weights_are_repetitions(model, parameters):
    """scikit-learn's tests run this check of their MLP with these parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_sample_weight_equivalence_on_dense_data(
            type(model).__name__, clone(model).set_params(**parameters)
        )


# Parameters


@pytest.mark.parametrize(
    "make", [lambda m: pickle.loads(pickle.dumps(m)), copy.copy, copy.deepcopy]
)
def test_copies(make):
    model = classifier(solver=bp.optim.Adam(lr=0.01), activation=["gelu"]).fit(X, Y)
    found = make(model)
    np.testing.assert_array_equal(found.predict_proba(X), model.predict_proba(X))
    assert np.shares_memory(found.coefs_[0], found.network_.parameters)
    assert found.get_params().keys() == model.get_params().keys()
    assert not np.shares_memory(found.coefs_[0], model.coefs_[0])
    for each in (found, model):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(found.predict_proba(X), model.predict_proba(X))
    assert found.loss_curve_ == model.loss_curve_
    assert len(found.loss_curve_) == 21
    before = model.predict_proba(X)
    found.coefs_ = [np.zeros_like(coef) for coef in found.coefs_]
    found.intercepts_ = [np.zeros_like(intercept) for intercept in found.intercepts_]
    np.testing.assert_array_equal(found.predict_proba(X), np.full((150, 3), 1 / 3))
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_copy_of_an_unfitted_estimator():
    found = copy.copy(classifier())
    assert found.get_params() == classifier().get_params()
    assert found.fit(X, Y).loss_curve_ == classifier().fit(X, Y).loss_curve_


def test_a_pickle_has_the_parameters_once():
    model = classifier(hidden_layer_sizes=3000, solver="lbfgs", max_iter=1).fit(X, Y)
    # A pickle of the network has the parameters and the gradients.
    assert len(pickle.dumps(model)) < len(pickle.dumps(model.network_)) + 10_000


def test_the_arrays_are_views():
    model = MLPRegressor(hidden_layer_sizes=(5, 3), max_iter=3, random_state=0).fit(X_REG, Y_REG)
    net = model.network_
    for i, layer in enumerate(net.layers):
        assert model.coefs_[i].shape == (layer.inputs, layer.outputs)
        assert model.coefs_[i].flags.c_contiguous
        assert np.shares_memory(model.coefs_[i], net.parameters)
        assert np.shares_memory(model.intercepts_[i], net.parameters)
    model.coefs_[-1][:] = 0
    model.intercepts_[-1][:] = 7
    np.testing.assert_array_equal(model.predict(X_REG), np.full(150, 7.0))


def test_replaced_arrays_are_used():
    model = MLPRegressor("squared_error", (5,), "identity", max_iter=3, random_state=0)
    model.fit(X_REG, Y_REG)
    own = np.ones((10, 5))
    model.coefs_[0] = own
    model.coefs_[1] = np.full((5, 1), 0.2)
    model.intercepts_ = [np.zeros(5), np.array([1.0])]
    np.testing.assert_allclose(model.predict(X_REG), X_REG.sum(axis=1) + 1)
    own *= 2
    np.testing.assert_allclose(model.predict(X_REG), 2 * X_REG.sum(axis=1) + 1)
    np.testing.assert_allclose(
        pickle.loads(pickle.dumps(model)).predict(X_REG), 2 * X_REG.sum(axis=1) + 1
    )
    model.coefs_ = [np.ones((10, 2)), np.ones((2, 1))]
    model.intercepts_ = [np.zeros(2), np.zeros(1)]
    np.testing.assert_allclose(model.predict(X_REG), 2 * X_REG.sum(axis=1))
    model.partial_fit(X_REG, Y_REG)
    assert model.network_.sizes == (10, 2, 1)
    model.intercepts_ = [np.zeros(2)]
    with pytest.raises(ValueError, match="coefs_ has 2 arrays and intercepts_ has 1"):
        model.predict(X_REG)


def test_the_network_is_that_of_other_programs(tmp_path):
    model = classifier().fit(X, Y)
    model.network_.save(tmp_path / "model.safetensors")
    loaded = bp.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict_proba(X))


def test_the_attributes_that_emlearn_reads():
    """As emlearn.convert: it reads these attributes, and the arrays row by row."""
    model = classifier(hidden_layer_sizes=(6, 4)).fit(X, Y)
    layers = [model.activation] * (len(model.coefs_) - 1) + [model.out_activation_]
    assert layers == ["relu", "relu", "softmax"]
    a = X
    for w, b, name in zip(model.coefs_, model.intercepts_, layers, strict=True):
        a = a @ np.asarray(w) + np.asarray(b)
        if name == "relu":
            a = np.maximum(a, 0)
    a = np.exp(a - a.max(axis=1, keepdims=True))
    np.testing.assert_allclose(a / a.sum(axis=1, keepdims=True), model.predict_proba(X), rtol=1e-12)
    assert model.n_layers_ == 4
    assert model.n_outputs_ == 3


def test_representations():
    model = classifier(solver=bp.optim.Adam(lr=0.01), activation=["gelu", "tanh"])
    assert "solver=Adam(lr=0.01" in repr(model)
    assert "MLPClassifier" in model._repr_html_()
    assert "MLPClassifier" in make_pipeline(StandardScaler(), model)._repr_html_()


# Quick predictions


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_quick_prediction_checks_its_input(bad):
    x = X.copy()
    x[3, 1] = bad
    for ours, theirs in (
        (classifier(), neural_network.MLPClassifier(8, max_iter=20)),
        (MLPRegressor(max_iter=3), neural_network.MLPRegressor(max_iter=3)),
    ):
        for wrong in (x, X[:, :3], X[0], X[:0], "text", X + 1j):
            texts = []
            for each in (ours, theirs):
                each.fit(X, Y)
                with pytest.raises(ValueError, match=r".") as error:
                    each.predict(wrong)
                texts.append(str(error.value))
            assert texts[0] == texts[1]


def test_inputs_of_every_kind_give_the_same_prediction():
    pd = pytest.importorskip("pandas")
    model = classifier().fit(X, Y)
    expected = model.predict_proba(X)
    for x in (
        X.tolist(), np.asfortranarray(X), X[::-1][::-1], X.astype(">f8"), pd.DataFrame(X).to_numpy()
    ):  # fmt: skip
        np.testing.assert_array_equal(model.predict_proba(x), expected)
        np.testing.assert_array_equal(model.predict(x), expected.argmax(axis=1))


QUICK = [
    lambda x: x.astype(int), lambda x: x > 3, lambda x: x.astype("e"), lambda x: x.astype("f"),
    lambda x: x, lambda x: x.astype(">f8"), lambda x: x.astype("g"), lambda x: x.tolist(),
    lambda x: x.astype(int).tolist(), lambda x: list(x),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("own", [None, "float32"])
@pytest.mark.parametrize("make", QUICK)
def test_a_quick_prediction_takes_real_numbers_and_lists(make, dtype, own, monkeypatch):
    model = classifier(dtype=own, max_iter=3).fit(X.astype(dtype), Y)
    x = make(X)
    expected = model._forward_pass_fast(np.asarray(x), check_input=False)
    with monkeypatch.context() as patch:
        patch.setattr("backpass.sklearn.base.validate_data", None)  # not called
        found = model.predict_proba(x)
    np.testing.assert_array_equal(found, expected, strict=True)
    if own is None:
        theirs = neural_network.MLPClassifier(8, max_iter=1).fit(X.astype(dtype), Y)
        assert found.dtype == theirs.predict_proba(x).dtype


def test_a_quick_prediction_checks_the_names(monkeypatch):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    sparse = frame.astype({"a": pd.SparseDtype(float, 0)})
    cases = {
        "frame": frame, "mixed": frame.astype({"a": int}), "array": X, "list": X.tolist(),
        "order": frame[list("bacd")], "other": frame.rename(columns={"a": "z"}),
        "numbers": frame.set_axis(range(4), axis=1), "fewer": frame[["a", "b"]], "sparse": sparse,
        "nullable": frame.astype("Float64"), "text": frame.astype(str),
        "nan": frame.replace(3, np.nan), "narrow": X[:, :3],
    }  # fmt: skip
    for fitted in (frame, X):
        models = [classifier(), neural_network.MLPClassifier(8, max_iter=20, random_state=0)]
        for model in models:
            model.fit(fitted, Y)
        for name, x in cases.items():
            seen = []
            for model in models:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    try:
                        result = model.predict(x).tolist()
                    except (TypeError, ValueError) as error:
                        result = type(error), str(error)
                texts = [(str(each.message), each.category, each.filename) for each in caught]
                seen.append((texts, result))
            if seen[1][1] == (TypeError, "can't multiply sequence by non-int of type 'float'"):
                # An old scikit-learn does not check texts.
                seen[1] = seen[1][0], (TypeError, "x has dtype object; expected real numbers")
            assert seen[0] == seen[1], name
    model = classifier().fit(frame, Y)
    monkeypatch.setattr("backpass.sklearn.base.validate_data", None)  # not called
    for name in ("frame", "mixed"):
        model.predict(cases[name])
    with pytest.warns(UserWarning, match="X does not have valid feature names") as caught:
        model.predict(X.tolist())
    assert len(caught) == 1


@pytest.mark.parametrize("y", [Y, Y == 0, np.zeros(150, int), np.array(list("abc"))[Y]])
def test_quick_predictions_equal_scikit_learns_labels(y):
    model = classifier().fit(X, y)
    slow = neural_network.MLPClassifier.predict(model, X)
    quick = model.predict(X)
    assert quick.dtype == slow.dtype
    np.testing.assert_array_equal(quick, slow)


def test_predictions_from_many_threads():
    model = classifier(max_iter=5).fit(X, Y)
    expected = model.predict_proba(X)
    found = [None] * 8

    def run(i):
        found[i] = [model.predict_proba(X) for _ in range(50)]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found:
        for one in each:
            np.testing.assert_array_equal(one, expected)


# Threads


def test_a_limit_of_threadpoolctl_reaches_a_fit():
    seen = []
    spy = bp.callbacks.LambdaCallback(
        on_epoch_end=lambda net, epoch, logs: seen.append(bp.get_num_threads())
    )
    bp.set_num_threads(2)
    for api in ("openmp", "backpass", None):
        with threadpoolctl.threadpool_limits(1, user_api=api):
            classifier(callbacks=spy, max_iter=1).fit(X, Y)
        assert seen.pop() == 1
        classifier(callbacks=spy, max_iter=1).fit(X, Y)
        assert seen.pop() == 2


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_workers_of_joblib_share_the_cpus(jobs):
    """joblib gives each of its processes an equal share of the CPUs, by OMP_NUM_THREADS."""

    def count():
        import backpass.sklearn

        backpass.sklearn.MLPClassifier(max_iter=1)
        return backpass.get_num_threads()

    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=jobs):
        found = joblib.Parallel()(joblib.delayed(count)() for _ in range(4))
    # By default, 2 processes share the CPUs.
    threads = max(1, joblib.cpu_count() // 2) if jobs is None else min(jobs, joblib.cpu_count())
    assert found == [threads] * 4


# scikit-learn's callbacks

needs_callbacks = pytest.mark.skipif(
    not hasattr(MLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9"
)


class Spy:
    def __init__(self, stop=None):
        self.stop, self.seen = stop, []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator, metadata):
        score = None if fitted_estimator is None else fitted_estimator.predict_proba(X)
        self.seen.append(("end", context.task_name, context.task_id, score, metadata))
        return context.task_name == "iteration" and context.task_id == self.stop


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_scikit_learn(solver):
    spy = Spy()
    weight = np.ones(len(X))
    model = classifier(solver=solver, max_iter=4).set_callbacks(spy)
    model.fit(X, Y, sample_weight=weight)
    assert spy.seen[:2] == ["setup", ("begin", "fit", 0)]
    assert spy.seen[-1] == "teardown"
    ends = [each for each in spy.seen if each[0] == "end"]
    assert [each[1] for each in ends][:4] == ["iteration"] * 4
    assert ends[-1][1] == "fit"
    for n, each in enumerate(ends[:4], 1):
        before = classifier(solver=solver, max_iter=n).fit(X, Y, sample_weight=weight)
        np.testing.assert_allclose(each[3], before.predict_proba(X), rtol=1e-9)
        assert each[4]["sample_weight"] is weight
    plain = classifier(solver=solver, max_iter=4).fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_of_scikit_learn_stops(solver):
    model = classifier(solver=solver, max_iter=50).set_callbacks(Spy(stop=2)).fit(X, Y)
    assert model.n_iter_ == 3
    expected = classifier(solver=solver, max_iter=3).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-9)


@needs_callbacks
def test_callbacks_that_scikit_learn_has():
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(classifier(max_iter=3), {"alpha": [0.1, 1]}, cv=2)
    if hasattr(search, "set_callbacks"):
        search.set_callbacks(monitor).fit(X, Y)
    model = classifier(max_iter=3).set_callbacks(ScoringMonitor(scoring="accuracy"))
    assert model.fit(X, Y).n_iter_ == 3
    assert clone(model).fit(X, Y).n_iter_ == 3
    assert "ProgressBar" in str(ProgressBar)


def test_other_callbacks_are_refused():
    with pytest.raises(TypeError, match=r"must be backpass\.callbacks\.Callback objects"):
        classifier(callbacks=[Spy()]).fit(X, Y)


# The extra


def test_the_error_without_scikit_learn_names_the_extra():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try:\n    import backpass.sklearn\n"
        "except ImportError as error:\n    print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "pip install backpass[sklearn]" in result.stdout


def test_the_weights_of_scikit_learns_signature():
    for cls in (MLPClassifier, MLPRegressor):
        names = list(inspect.signature(cls.fit).parameters)
        assert names == ["self", "X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"]
    scores = cross_val_score(classifier(max_iter=200), *load_digits(n_class=3, return_X_y=True))
    assert scores.mean() > 0.95
