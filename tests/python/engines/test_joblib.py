"""joblib: workers give the bits of this process, and divide the CPUs."""

import numpy as np
import pytest

import backpass as bp

joblib = pytest.importorskip("joblib")
loky = pytest.importorskip("joblib.externals.loky")


def in_workers(function, *arguments, **settings):
    with joblib.parallel_config("loky", **settings):
        calls = [joblib.delayed(function)(*each) for each in zip(*arguments, strict=True)]
        return joblib.Parallel(n_jobs=2, timeout=60)(calls)


def test_a_sweep_has_the_bits_of_a_loop(train, settings, data, assert_same):
    x, y = data
    assert x.nbytes > 1 << 20  # the workers map it from a file, and cannot write to it
    assert_same(in_workers(train, settings, [x] * len(settings), [y] * len(settings)))


def test_members_of_workers_are_those_of_an_ensemble(train_member, data, assert_gathered):
    x, y = data
    assert_gathered(in_workers(train_member, bp.Ensemble.seeds(0, 3), [x] * 3, [y] * 3))


def test_predictions_have_the_bits_of_this_process(data):
    x = data[0]
    net = bp.Network([8, 70, 3], output="softmax", seed=0)
    parts = in_workers(net.predict, np.array_split(x, 7))
    assert np.concatenate(parts).tobytes() == net.predict(x).tobytes()


def test_a_divergence_arrives(diverge):
    with pytest.raises(bp.DivergenceError) as caught:
        in_workers(diverge, range(2))
    assert vars(caught.value) == {"epoch": 0, "batch": 1, "member": None}


def test_a_search_has_the_scores_of_one_process(table):
    search = pytest.importorskip("sklearn.model_selection")
    tabular = pytest.importorskip("backpass.tabular")
    model = tabular.TabularClassifier(members=2, epochs=2, random_state=0)
    x, y = table[["size", "price"]], table["kind"]
    scores = [search.cross_val_score(model, x, y, cv=3, n_jobs=jobs) for jobs in (1, 2)]
    assert scores[0].tobytes() == scores[1].tobytes()


@pytest.mark.usefixtures("_no_thread_variables")
class TestThreads:
    @pytest.fixture(autouse=True)
    def _new_workers(self):
        """Stop the workers: new ones get the variables of this test."""
        loky.get_reusable_executor().shutdown(wait=True)
        yield
        loky.get_reusable_executor().shutdown(wait=True)

    def test_workers_divide_the_cpus(self, threads):
        share = max(1, joblib.cpu_count() // 2)
        assert in_workers(threads, range(2)) == [share] * 2

    def test_the_number_of_joblib_counts(self, threads):
        assert in_workers(threads, range(2), inner_max_num_threads=1) == [1] * 2

    def test_the_variable_of_the_library_counts_more(self, threads, monkeypatch):
        monkeypatch.setenv("BACKPASS_NUM_THREADS", "1")
        assert in_workers(threads, range(2), inner_max_num_threads=2) == [1] * 2
