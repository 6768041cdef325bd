"""What the workers of an engine get and return: small pickles with the same bits."""

import pickle

import numpy as np
import pytest

import backpass as bp


def sent(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("sizes", [[3, 4, 1], [64, 128, 10], [64, 512, 512, 10]])
def test_a_network_has_the_size_of_its_parameters(sizes, dtype):
    net = bp.Network(sizes, dtype=dtype, seed=0)
    assert 0 <= len(pickle.dumps(net)) - net.parameters.nbytes < 1500
    members = bp.Ensemble(sizes, members=3, dtype=dtype, seed=0)
    assert len(pickle.dumps(members)) < 3 * (net.parameters.nbytes + 1500)


def test_a_method_takes_its_network_with_it():
    net = bp.Network([3, 4, 2], output="softmax", seed=0)
    ens = bp.Ensemble([3, 4, 2], members=3, seed=0)
    x = np.random.default_rng(0).normal(size=(20, 3))
    for function in (net.predict, ens.predict, ens.mean, ens.std):
        assert sent(function)(x).tobytes() == function(x).tobytes()


def test_a_history_keeps_its_curves_and_its_best_epoch():
    net = bp.Network([2, 3, 1], seed=0)
    x = np.random.default_rng(0).normal(size=(40, 2))
    early_stopping = bp.callbacks.EarlyStopping(patience=2)
    history = net.fit(
        x,
        x[:, :1],
        loss="mse",
        optimizer="adam",
        epochs=3,
        validation_split=0.5,
        early_stopping=early_stopping,
    )
    copy = sent(history)
    assert type(copy) is bp.History
    assert copy == history
    assert copy.best_epoch == history.best_epoch
    assert copy.restored_best == history.restored_best


def test_errors_keep_their_type_and_attributes(diverge, tmp_path):
    with pytest.raises(bp.DivergenceError) as caught:
        diverge()
    copy = sent(caught.value)
    assert type(copy) is bp.DivergenceError
    assert str(copy) == str(caught.value)
    assert vars(copy) == vars(caught.value) == {"epoch": 0, "batch": 1, "member": None}
    (tmp_path / "text").write_text("no network")
    with pytest.raises(bp.FormatError) as refused:
        bp.load(tmp_path / "text")
    assert type(sent(refused.value)) is bp.FormatError


def test_a_part_without_rows_has_predictions_without_rows(models, table):
    x = table[["size", "kind"]].head(0)
    assert bp.Network([3, 2], seed=0).predict(np.empty((0, 3))).shape == (0, 2)
    assert bp.Ensemble([3, 2], members=4, seed=0).mean(np.empty((0, 3))).shape == (0, 2)
    assert models["numbers"].predict(x).shape == (0,)
    assert models["classes"].predict(x[["size"]]).dtype == object
    assert models["classes"].predict_proba(x[["size"]]).shape == (0, 2)
    assert models["model"].predict(x).shape == (0,)
