"""Ensemble: every member is trained as alone; predictions are compared with NumPy."""

import copy
import pickle
import threading
import time
from typing import Any

import numpy as np
import pytest

import backpass as bp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 5))
LABELS = (X[:, 0] > X[:, 1]).astype(int)
VALUES = np.sin(X[:, :2])
SILENT = {"progress": False}


def same_history(a: bp.History, b: bp.History) -> bool:
    a, b = copy.deepcopy(a), copy.deepcopy(b)
    a.pop("seconds"), b.pop("seconds")
    return a == b


def fit_alone(
    members: bp.Ensemble, x: Any, y: Any, seed: int, each: list[dict[str, Any]], **shared: Any
) -> list[bp.History]:
    seeds = bp.Ensemble.seeds(seed, len(members))
    return [
        net.fit(x, y, seed=one, **settings, **shared, **SILENT)
        for net, one, settings in zip(members, seeds, each, strict=True)
    ]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_members_have_the_bits_of_fit_alone(dtype: str, threads: int) -> None:
    ens = bp.Ensemble([5, 9, 2], output="softmax", members=5, dropout=0.1, dtype=dtype, seed=1)
    alone = ens.copy()
    shared: dict[str, Any] = {
        "loss": "cross_entropy",
        "epochs": 4,
        "batch_size": 20,
        "validation_split": 0.2,
        "sample_weight": RNG.uniform(size=len(X)),
        "metrics": ["accuracy", "rmse"] if threads == 9 else ["accuracy"],
        "l2": 0.01,
        "dropout_schedule": bp.schedules.CosLog(),
    }
    # ReduceOnPlateau and the optimizer have a state of their own per member.
    histories = ens.fit(
        X,
        LABELS,
        optimizer=bp.optim.Adam(lr=0.1),
        schedule=bp.schedules.ReduceOnPlateau(patience=0),
        early_stopping=2,
        seed=3,
        num_threads=threads,
        **shared,
        **SILENT,
    )
    each = [
        {
            "optimizer": bp.optim.Adam(lr=0.1),
            "schedule": bp.schedules.ReduceOnPlateau(patience=0),
            "early_stopping": 2,
        }
        for _ in alone
    ]
    expected = fit_alone(alone, X, LABELS, 3, each, **shared)
    for net, other, history, other_history in zip(ens, alone, histories, expected, strict=True):
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert same_history(history, other_history)
    assert len({net.parameters.tobytes() for net in ens}) == 5


def test_a_sweep_has_a_list_per_setting() -> None:
    sweep: dict[str, list[Any]] = {
        "optimizer": [bp.optim.SGD(lr=0.1), "adam", bp.optim.AdamW(lr=0.01)],
        "epochs": [3, 5, 4],
        "batch_size": [7, 203, 32],
        "schedule": [None, bp.schedules.Cosine(), bp.schedules.Step(step_size=1)],
        "dropout_schedule": [bp.schedules.CosLog(), None, None],
        "weight_decay_schedule": [None, None, bp.schedules.FlatCosine()],
        "early_stopping": [None, 1, bp.callbacks.EarlyStopping("loss", patience=2)],
        "clip_norm": [None, 0.5, None],
        "clip_value": [0.1, None, None],
        "l1": [0.0, 1e-3, 0.0],
        "l2": [0.0, 0.0, 0.1],
    }
    ens = bp.Ensemble([5, 8, 2], "tanh", members=3, dropout=0.2, seed=0)
    alone = ens.copy()
    shared = {"loss": "mse", "validation_data": (X[:50], VALUES[:50]), "metrics": "r2"}
    arrays = sweep | {"l2": np.array(sweep["l2"]), "epochs": tuple(sweep["epochs"])}
    histories = ens.fit(X, VALUES, seed=5, **shared, **arrays, **SILENT)
    each = [{name: copy.deepcopy(values[k]) for name, values in sweep.items()} for k in range(3)]
    each[0]["optimizer"] = bp.optim.SGD(lr=0.1)
    each[2]["optimizer"] = bp.optim.AdamW(lr=0.01)
    expected = fit_alone(alone, X, VALUES, 5, each, **shared)
    for net, other, history, other_history in zip(ens, alone, histories, expected, strict=True):
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert same_history(history, other_history)
    # The optimizers of a list keep their states: the training can go on.
    assert sweep["optimizer"][2].state["step"] != []
    ens.fit(X, VALUES, seed=6, **shared, **arrays, **SILENT)


@pytest.mark.parametrize("rows", [0, 1, 7, 1000])
def test_statistics_are_numpys(dtype: str, rows: int) -> None:
    ens = bp.Ensemble([5, 9, 3], "tanh", members=6, dtype=dtype, seed=0)
    x = np.random.default_rng(rows).normal(size=(rows, 5))
    each = np.stack([net.predict(x) for net in ens])
    exact = each.astype(np.float64)
    eps = np.finfo(dtype).eps
    assert np.array_equal(ens.predict(x), each)
    for num_threads in (None, 1, 2):
        mean = ens.mean(x, num_threads=num_threads)
        assert mean.dtype == dtype
        np.testing.assert_allclose(mean, exact.mean(axis=0), atol=2 * eps)
        np.testing.assert_allclose(ens.std(x), exact.std(axis=0), atol=4 * eps)
    for q in (0.3, [0.0, 0.25, 1.0], [[0.1, 0.2], [0.5, 0.9]]):
        expected = np.quantile(exact, q, axis=0)
        result = ens.quantile(x, q)
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, atol=4 * eps)


def test_one_sample_has_no_axis_of_rows() -> None:
    ens = bp.Ensemble([5, 3], members=4, seed=0)
    x = X[0]
    assert ens.predict(x).shape == (4, 3)
    assert np.array_equal(ens.predict(x), ens.predict(X[:1])[:, 0])
    assert np.array_equal(ens.mean(x), ens.mean(X[:1])[0])
    assert np.array_equal(ens.std(x), ens.std(X[:1])[0])
    assert np.array_equal(ens.quantile(x, 0.5), ens.quantile(X[:1], 0.5)[0])
    assert ens.quantile(x, [0.5, 0.6]).shape == (2, 3)


def test_out_gets_the_result() -> None:
    ens = bp.Ensemble([5, 5], members=3, seed=0)
    expected = ens.predict(X)
    out = np.empty_like(expected)
    assert ens.predict(X, out=out) is out
    assert np.array_equal(out, expected)
    one = np.empty((3, 5), np.float32)
    assert ens.predict(X[0], out=one) is one
    # x and out may share memory, as in NumPy.
    memory = np.empty((3, 203, 5), np.float32)
    memory[1] = X
    assert np.array_equal(ens.predict(memory[1], out=memory), expected)
    for wrong, error in [
        (np.empty((3, 203, 4), np.float32), ValueError),
        (np.empty((203, 5), np.float32), ValueError),
        (np.empty((3, 203, 5)), TypeError),
        (np.empty((203, 3, 5), np.float32).transpose(1, 0, 2), ValueError),
        (expected.tolist(), TypeError),
    ]:
        with pytest.raises(error, match="out"):
            ens.predict(X, out=wrong)
    expected.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ens.predict(X, out=expected)


def test_evaluate_is_that_of_the_mean() -> None:
    ens = bp.Ensemble([5, 9, 2], output="softmax", members=3, seed=0)
    loss = bp.losses.CrossEntropy()
    weights = RNG.uniform(size=len(X))
    value = loss(ens.mean(X), LABELS, sample_weight=weights)[0]
    assert ens.evaluate(X, LABELS, loss="cross_entropy", sample_weight=weights) == value
    got = ens.evaluate(X, LABELS, loss=loss, metrics=["accuracy"], sample_weight=weights)
    right = ens.mean(X).argmax(axis=1) == LABELS
    assert got["loss"] == value
    assert got["accuracy"] == pytest.approx(np.average(right, weights=weights))


def test_members_are_networks_with_the_seeds() -> None:
    ens = bp.Ensemble(iter([5, 4, 2]), "tanh", "sigmoid", members=3, dtype="float64", seed=7)
    seeds = bp.Ensemble.seeds(7, 3)
    assert seeds == bp.Ensemble.seeds(7, 9)[:3]
    assert bp.Ensemble.seeds(np.random.SeedSequence(7), 3) != seeds
    for k, net in enumerate(ens):
        other = bp.Network([5, 4, 2], "tanh", "sigmoid", dtype="float64", seed=seeds[k])
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert ens[k] is net is ens.members[k]
    assert len(ens) == 3
    assert ens.dtype == np.float64
    assert repr(ens) == f"Ensemble(3 members: {ens[0]!r})"
    assert len(bp.Ensemble([2, 1])) == 8
    with pytest.raises(ValueError, match="members must be at least 1"):
        bp.Ensemble([2, 1], members=0)


def test_of_uses_the_networks() -> None:
    a, b = bp.Network([3, 5, 2], seed=0), bp.Network([3, 8, 8, 2], seed=1)
    ens = bp.Ensemble.of(net for net in (a, b))
    assert ens.members == (a, b)
    assert repr(ens) == "Ensemble(2 members: 3 -> 2)"
    before = b.parameters.copy()
    ens.fit(X[:, :3], VALUES, loss="mse", optimizer="adam", epochs=1, **SILENT)
    assert not np.array_equal(b.parameters, before)
    for wrong, error, match in [
        ([], ValueError, "at least one network"),
        ([a, a], ValueError, "twice"),
        ([a, bp.Network([3, 1])], ValueError, "1 outputs, but network 0 has 3 and 2"),
        ([a, bp.Network([3, 2], dtype="float64")], ValueError, "same dtype"),
        ([a, "b"], TypeError, "consists of networks, got str"),
    ]:
        with pytest.raises(error, match=match):
            bp.Ensemble.of(wrong)


def test_copies_are_independent_and_pickles_are_equal() -> None:
    ens = bp.Ensemble.of([bp.Network([3, 5, 2], seed=0), bp.Network([3, 2], seed=1)])
    for other in (ens.copy(), copy.copy(ens), copy.deepcopy(ens), pickle.loads(pickle.dumps(ens))):
        assert type(other) is bp.Ensemble
        assert np.array_equal(other.predict(X[:, :3]), ens.predict(X[:, :3]))
        other[0].parameters += 1
        assert not np.array_equal(other[0].parameters, ens[0].parameters)
    assert ens.astype("float64").dtype == np.float64


# ---- failures


def test_a_diverged_member_is_named_and_the_others_are_trained() -> None:
    ens = bp.Ensemble([5, 8, 2], members=4, seed=0)
    alone = ens.copy()
    rates = [0.01, 0.02, 1e30, 0.03]
    optimizers = [bp.optim.SGD(lr=lr) for lr in rates]
    settings = {"loss": "mse", "epochs": 3}
    with pytest.raises(bp.DivergenceError, match=r"^member 2: the loss became") as error:
        ens.fit(X, VALUES, optimizer=optimizers, seed=0, **settings, **SILENT)
    assert error.value.member == 2
    seeds = bp.Ensemble.seeds(0, 4)
    for k in (0, 1, 3):
        alone[k].fit(
            X, VALUES, optimizer=bp.optim.SGD(lr=rates[k]), seed=seeds[k], **settings, **SILENT
        )
    for net, other in zip(ens, alone, strict=True):
        assert net.parameters.tobytes() == other.parameters.tobytes()
    assert optimizers[2].lr == 1e30


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"l2": [0.1]}, ValueError, "l2 has 1 entries, but the ensemble has 3 members"),
        ({"optimizer": ["adam"] * 2}, ValueError, "optimizer has 2 entries"),
        ({"optimizer": [bp.optim.Adam()] * 3}, ValueError, "members 0 and 1 have the same object"),
        ({"optimizer": [1, 2, 3]}, TypeError, "optimizer must be an object"),
        ({"epochs": [1, -1, 1]}, ValueError, "epochs must be at least 0"),
        ({"batch_size": [1, 0, 1]}, ValueError, "batch_size must be at least 1"),
        ({"l1": [0.0, 0.0, -1.0]}, ValueError, "member 2: .*l1 = -1"),
        ({"schedule": [None, "x", None]}, TypeError, "schedule must be an object"),
        ({"early_stopping": [1, 2, "x"]}, TypeError, "early_stopping must be"),
        ({"early_stopping": [1, 1, 1], "metrics": []}, ValueError, "val_loss"),
        ({"loss": ["mse"] * 3}, TypeError, "loss must be a name"),
        ({"num_threads": 0}, ValueError, "num_threads must be at least 1"),
        ({"checkpoint": "file"}, TypeError, "checkpoint"),
        ({"callbacks": bp.callbacks.Checkpoint("file")}, ValueError, "saves one network"),
        ({"metrics": "confusion_matrix"}, ValueError, "confusion_matrix"),
        ({"weight_decay_schedule": bp.schedules.Cosine()}, ValueError, "no weight_decay"),
        ({"validation_split": 1.5}, ValueError, "validation_split"),
    ],
)
def test_wrong_arguments_change_nothing(
    arguments: dict[str, Any], error: type[Exception], match: str
) -> None:
    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)
    before = [net.parameters.copy() for net in ens]
    good = {"loss": "mse", "optimizer": bp.optim.SGD(lr=0.1) if "weight" in match else "adam"}
    if "weight_decay" in match:
        good["optimizer"] = bp.optim.Rprop()
    with pytest.raises(error, match=match):
        ens.fit(X, VALUES, **({**good, "epochs": 2} | arguments), **SILENT)
    for net, parameters in zip(ens, before, strict=True):
        assert np.array_equal(net.parameters, parameters)


# ---- callbacks, and other calls


def test_callbacks_see_all_members_after_an_epoch() -> None:
    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)
    alone = ens.copy()
    seen: list[tuple[Any, ...]] = []

    class Recorder(bp.callbacks.Callback):
        def on_train_begin(self, net: Any, info: Any) -> None:
            seen.append(("begin", net is ens, info.epochs, info.rows))

        def on_epoch_end(self, net: Any, epoch: int, logs: Any) -> bool:
            assert net[0].predict(X[:1]).shape == (1, 2)
            net[1].parameters *= 1  # may change the networks
            seen.append((epoch, logs["loss"]))
            return epoch == 2

        def on_train_end(self, net: Any, history: Any) -> None:
            seen.append(("end", net is ens, len(history)))

    settings = {"loss": "mse", "optimizer": "adam"}
    histories = ens.fit(X, VALUES, epochs=9, seed=0, callbacks=Recorder(), **settings, **SILENT)
    assert [history.epochs for history in histories] == [3] * 3
    assert all(history.stopped_early for history in histories)
    means = np.mean([history["loss"] for history in histories], axis=0)
    assert seen[0] == ("begin", True, 9, len(X))
    assert seen[-1] == ("end", True, 3)
    assert [one[0] for one in seen[1:-1]] == [0, 1, 2]
    np.testing.assert_allclose([one[1] for one in seen[1:-1]], means, rtol=1e-12)
    fit_alone(alone, X, VALUES, 0, [{}] * 3, epochs=3, **settings)
    for net, other in zip(ens, alone, strict=True):
        assert net.parameters.tobytes() == other.parameters.tobytes()


def test_python_functions_run_on_the_calling_thread() -> None:
    threads = set()

    def mse(a: Any, y: Any) -> tuple[float, Any]:
        threads.add(threading.get_ident())
        return float(((a - y) ** 2).mean()), 2 * (a - y) / a.size

    def worst(y: Any, output: Any) -> float:
        threads.add(threading.get_ident())
        return float(np.abs(y - output).max())

    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)
    alone = ens.copy()
    settings = {"loss": bp.losses.Custom(mse), "metrics": worst, "epochs": 2}
    histories = ens.fit(X, VALUES, optimizer="adam", seed=0, num_threads=2, **settings, **SILENT)
    expected = fit_alone(alone, X, VALUES, 0, [{"optimizer": "adam"}] * 3, **settings)
    assert all(map(same_history, histories, expected))
    assert threads == {threading.get_ident()}


def test_an_error_of_a_callback_ends_fit() -> None:
    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)

    def fail(net: Any, epoch: int, logs: Any) -> None:
        raise KeyError("mine")

    settings = {"loss": "mse", "optimizer": "adam", "epochs": 2, **SILENT}
    with pytest.raises(KeyError, match="mine"):
        ens.fit(X, VALUES, callbacks=bp.callbacks.LambdaCallback(on_epoch_end=fail), **settings)
    ens.fit(X, VALUES, **settings)  # the members are free again


def test_members_are_taken_during_fit() -> None:
    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)
    other = bp.Ensemble.of([ens[2], bp.Network([5, 2], seed=1)])
    settings = {"loss": "mse", "optimizer": "adam", "epochs": 1, **SILENT}
    errors: list[str] = []

    def on_thread(call: Any) -> None:
        def run() -> None:
            try:
                call()
            except RuntimeError as error:
                errors.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def meanwhile(net: Any, epoch: int, logs: Any) -> None:
        on_thread(lambda: other.fit(X, VALUES, **settings))
        on_thread(lambda: ens[1].fit(X, VALUES, **settings))
        on_thread(lambda: ens.predict(X))  # changes nothing

    ens.fit(X, VALUES, callbacks=bp.callbacks.LambdaCallback(on_epoch_end=meanwhile), **settings)
    assert len(errors) == 2
    assert all("fit uses the network" in error for error in errors)


def test_calls_in_many_threads_do_not_wait_for_each_other_forever() -> None:
    """Two ensembles with common members in opposite orders: fits refuse, predictions wait."""
    nets = [bp.Network([5, 16, 2], seed=k) for k in range(4)]
    forward, backward = bp.Ensemble.of(nets), bp.Ensemble.of(nets[::-1])
    stop = threading.Event()
    counts = [0, 0, 0]

    def predict(i: int, ens: bp.Ensemble) -> None:
        while not stop.is_set():
            ens.mean(X)
            counts[i] += 1

    def fit() -> None:
        while not stop.is_set():
            forward.fit(X, VALUES, loss="mse", optimizer="adam", epochs=20, **SILENT)
            counts[2] += 1

    threads = [
        threading.Thread(target=predict, args=(i, e)) for i, e in enumerate((forward, backward))
    ]
    threads.append(threading.Thread(target=fit))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60  # on a busy machine; a moment otherwise
    while min(counts) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert min(counts) >= 5


def test_the_progress_bar_counts_the_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    ens = bp.Ensemble([5, 4, 2], members=3, seed=0)
    ens.fit(X, VALUES, loss="mse", optimizer="adam", epochs=[2, 4, 3], progress=True)
    shown = capsys.readouterr().err
    assert "epoch 4/4: 100%" in shown
    assert "loss=" in shown
