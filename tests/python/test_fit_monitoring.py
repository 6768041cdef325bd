"""fit: validation, metrics, early stopping, callbacks, history."""

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, data, recorded_orders, sgd
from network_pair import bits

# ---- validation and metrics


def test_validation_data_does_not_change_the_training():
    net, plain = SPEC.make(), SPEC.make()
    x, y = data()
    vx, vy = data(11, seed=3)
    settings = {"loss": "mse", "epochs": 3, "batch_size": 8, "seed": 1, **SILENT}
    watched = []
    history = net.fit(
        x,
        y,
        optimizer=sgd(),
        validation_data=(vx, vy),
        metrics=["mae"],
        **settings,
        callbacks=[
            bp.callbacks.LambdaCallback(
                on_epoch_end=lambda n, e, logs: (
                    watched.append(n.evaluate(vx, vy, loss="mse")) or False
                )
            )
        ],
    )
    plain.fit(x, y, optimizer=sgd(), **settings)
    assert bits(net.parameters) == bits(plain.parameters)
    assert history["val_loss"] == watched
    assert history["val_mae"][-1] == pytest.approx(np.abs(net.predict(vx) - vy).mean())
    assert set(history) >= {"loss", "lr", "seconds", "mae", "val_loss", "val_mae"}


@pytest.mark.parametrize("split", [0.2, 0.5, 0.33])
def test_a_split_takes_the_last_rows(split):
    held_out = round(25 * split)
    net, separate = SPEC.make(), SPEC.make()
    x, y = data()
    settings = {"loss": "mse", "epochs": 3, "batch_size": 8, "seed": 1, **SILENT}
    history = net.fit(x, y, optimizer=sgd(), validation_split=split, **settings)
    expected = separate.fit(
        x[:-held_out],
        y[:-held_out],
        optimizer=sgd(),
        validation_data=(x[-held_out:], y[-held_out:]),
        **settings,
    )
    assert bits(net.parameters) == bits(separate.parameters)
    assert history["val_loss"] == expected["val_loss"]
    orders = recorded_orders(seed=1, rows=25, split=split)
    # The custom loss also gets the validation rows, after the training rows of each epoch.
    assert sorted(orders[0][: 25 - held_out]) == list(range(25 - held_out))


def test_a_split_is_the_number_of_rows_it_says():
    """Also for products that binary rounding makes slightly less than a whole number."""
    for split, rows, held_out in [(0.29, 100, 29), (0.1, 30, 3), (0.07, 100, 7), (0.25, 10, 2)]:
        order = recorded_orders(seed=1, epochs=1, rows=rows, batch_size=rows, split=split)[0]
        assert sorted(order[: rows - held_out]) == list(range(rows - held_out))


@pytest.mark.parametrize("split", [-0.1, 1.0, 1.5, 0.01, float("nan")])
def test_a_split_that_leaves_nothing_is_refused(split):
    x, y = data()
    with pytest.raises(ValueError, match="split"):
        SPEC.make().fit(
            x, y, loss="mse", optimizer=sgd(), epochs=1, validation_split=split, **SILENT
        )


def test_data_and_split_exclude_each_other():
    x, y = data()
    with pytest.raises(ValueError, match="validation"):
        SPEC.make().fit(
            x,
            y,
            loss="mse",
            optimizer=sgd(),
            epochs=1,
            validation_split=0.2,
            validation_data=(x, y),
            **SILENT,
        )


def make_classifier() -> bp.Network:
    return bp.Network([4, 9, 3], "tanh", "softmax", dtype="float64", seed=0)


def data_of_classes():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.integers(0, 3, 60)


def test_accuracy_of_classes():
    net, (x, labels) = make_classifier(), data_of_classes()
    history = net.fit(
        x,
        labels,
        loss="cross_entropy",
        optimizer=sgd(),
        epochs=2,
        validation_data=(x, labels),
        metrics=["accuracy"],
        **SILENT,
    )
    expected = (net.predict(x).argmax(axis=1) == labels).mean()
    assert history["val_accuracy"][-1] == pytest.approx(expected)
    onehot = make_classifier()
    same = onehot.fit(
        x,
        np.eye(3)[labels],
        loss="cross_entropy",
        optimizer=sgd(),
        epochs=2,
        validation_data=(x, np.eye(3)[labels]),
        metrics=["accuracy"],
        **SILENT,
    )
    np.testing.assert_allclose(same["val_accuracy"], history["val_accuracy"])


@pytest.mark.parametrize(
    ("output", "loss", "threshold"),
    [("sigmoid", "binary_cross_entropy", 0.5), ("identity", "sigmoid_cross_entropy", 0.0)],
)
def test_accuracy_of_one_output(output, loss, threshold):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4))
    y = (rng.random((80, 1)) < 0.5).astype(float)
    net = bp.Network([4, 9, 1], "tanh", output, dtype="float64", seed=0)
    history = net.fit(
        x,
        y,
        loss=loss,
        optimizer=sgd(),
        epochs=1,
        validation_data=(x, y),
        metrics=["accuracy"],
        **SILENT,
    )
    expected = ((net.predict(x) > threshold) == (y > 0.5)).mean()
    assert history["val_accuracy"][-1] == pytest.approx(expected)
    assert 0.3 < expected < 0.9


def test_r2_and_mae():
    x, y = data(40)
    y = y * [1.0, 10.0, 0.1]
    net = SPEC.make()
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(0.01),
        epochs=2,
        validation_data=(x, y),
        metrics=["r2", "mae"],
        **SILENT,
    )
    a = net.predict(x)
    r2 = 1 - ((y - a) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert history["val_r2"][-1] == pytest.approx(r2.mean(), rel=1e-10)
    assert history["val_mae"][-1] == pytest.approx(np.abs(a - y).mean(), rel=1e-12)


def test_training_metrics_are_of_the_training_rows():
    """With a rate of 0, the running mean equals the mean at the end of the epoch."""
    x, y = data(40)
    net = SPEC.make()
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(0.0),
        epochs=2,
        batch_size=16,
        metrics=["mae", "r2"],
        **SILENT,
    )
    a = net.predict(x)
    assert history["mae"] == pytest.approx([np.abs(a - y).mean()] * 2, rel=1e-10)
    assert history["loss"] == pytest.approx([((a - y) ** 2).mean()] * 2, rel=1e-12)
    r2 = 1 - ((y - a) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert history["r2"] == pytest.approx([r2.mean()] * 2, rel=1e-10)


def test_an_unknown_metric_lists_the_known_ones():
    x, y = data()
    with pytest.raises(ValueError, match=r"'accuracyy' \(did you mean 'accuracy'.*mae.*r2"):
        SPEC.make().fit(x, y, loss="mse", optimizer=sgd(), epochs=1, metrics="accuracyy", **SILENT)


# ---- the end: early stopping, callbacks


class Scripted:
    """A validation loss that follows a script: a callback moves the only parameter."""

    def __init__(self, values: list[float]) -> None:
        self.net = bp.Network([1, 1], bias=False, dtype="float64", seed=0)
        self.values = values
        self.net.parameters[0] = values[0]

    def fit(self, **settings) -> bp.History:
        def move(net, epoch, logs):
            if epoch + 1 < len(self.values):
                net.parameters[0] = self.values[epoch + 1]

        # val_loss = w, and the rate is 0.
        return self.net.fit(
            np.ones((2, 1)),
            np.zeros((2, 1)),
            loss="mae",
            optimizer=sgd(0.0),
            epochs=len(self.values),
            validation_data=(np.ones((1, 1)), np.zeros((1, 1))),
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=move)],
            **SILENT,
            **settings,
        )


def test_early_stopping_restores_the_best():
    run = Scripted([5.0, 3.0, 4.0, 2.0, 2.5, 2.2, 2.1, 9.0])
    history = run.fit(early_stopping=bp.callbacks.EarlyStopping(patience=3))
    assert history["val_loss"] == [5.0, 3.0, 4.0, 2.0, 2.5, 2.2, 2.1]
    assert history.epochs == 7
    assert history.best_epoch == 3
    assert history.stopped_early
    assert run.net.parameters[0] == 2.0


def test_early_stopping_may_keep_the_last():
    run = Scripted([5.0, 3.0, 4.0, 4.5, 1.0])
    history = run.fit(early_stopping=bp.callbacks.EarlyStopping(patience=2, restore_best=False))
    assert history.epochs == 4
    assert history.best_epoch == 1
    assert run.net.parameters[0] != 3.0


def test_small_improvements_do_not_count():
    run = Scripted([5.0, 4.9, 4.85, 4.8, 1.0])
    history = run.fit(early_stopping=bp.callbacks.EarlyStopping(patience=3, min_delta=0.5))
    assert history.epochs == 4
    assert history.best_epoch == 0


def test_the_best_is_restored_when_patience_never_runs_out():
    run = Scripted([5.0, 3.0, 4.0])
    history = run.fit(early_stopping=bp.callbacks.EarlyStopping(patience=10))
    assert history.epochs == 3
    assert not history.stopped_early
    assert run.net.parameters[0] == 3.0


def test_early_stopping_needs_its_series():
    x, y = data()
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises(ValueError, match=r"val_loss.*loss"):
        net.fit(
            x,
            y,
            loss="mse",
            optimizer=sgd(),
            epochs=3,
            early_stopping=bp.callbacks.EarlyStopping(monitor="val_loss"),
            **SILENT,
        )
    assert bits(net.parameters) == before


def test_early_stopping_on_a_metric_that_rises():
    net, (x, labels) = make_classifier(), data_of_classes()
    history = net.fit(
        x,
        labels,
        loss="cross_entropy",
        optimizer=sgd(0.5),
        epochs=40,
        validation_split=0.3,
        metrics=["accuracy"],
        early_stopping=bp.callbacks.EarlyStopping(monitor="val_accuracy", patience=5),
        seed=0,
        **SILENT,
    )
    best = int(np.argmax(history["val_accuracy"]))
    assert history.best_epoch == best
    accuracy = (net.predict(x[-18:]).argmax(axis=1) == labels[-18:]).mean()
    assert accuracy == pytest.approx(max(history["val_accuracy"]))


@pytest.mark.parametrize("ties", ["first", "last"])
def test_the_best_epoch_by_a_metric_without_a_stop(ties):
    net, (x, labels) = make_classifier(), data_of_classes()
    parameters = []
    history = net.fit(
        x,
        labels,
        loss="cross_entropy",
        optimizer=sgd(0.5),
        epochs=30,
        validation_split=0.3,
        metrics=["accuracy"],
        early_stopping=bp.callbacks.EarlyStopping("val_accuracy", patience=30, ties=ties),
        callbacks=bp.callbacks.LambdaCallback(
            on_epoch_end=lambda net, epoch, logs: parameters.append(net.parameters.copy())
        ),
        seed=0,
        **SILENT,
    )
    accuracy = np.array(history["val_accuracy"])
    best = np.flatnonzero(accuracy == accuracy.max())
    assert len(best) > 1
    assert best[-1] < 29  # the last epoch is not the best
    assert history.best_epoch == best[0 if ties == "first" else -1]
    assert (history.epochs, history.stopped_early) == (30, False)
    assert bits(net.parameters) == bits(parameters[history.best_epoch])


def test_a_callback_stops():
    x, y = data()
    calls = []

    class Stop(bp.callbacks.Callback):
        def on_train_begin(self, net, info):
            calls.append(("begin", info.epochs, info.rows))

        def on_epoch_end(self, net, epoch, logs):
            calls.append(("epoch", epoch, logs["loss"]))
            return epoch == 2

        def on_train_end(self, net, history):
            calls.append(("end", history.epochs, history.stopped_early))

    history = SPEC.make().fit(
        x, y, loss="mse", optimizer=sgd(), epochs=50, callbacks=[Stop()], **SILENT
    )
    assert calls == [
        ("begin", 50, 25),
        *(("epoch", e, history["loss"][e]) for e in range(3)),
        ("end", 3, True),
    ]


def test_stopping_after_the_last_epoch_is_not_an_early_stop():
    x, y = data()
    stop = bp.callbacks.LambdaCallback(on_epoch_end=lambda net, epoch, logs: epoch == 2)
    settings = {"loss": "mse", "callbacks": [stop], **SILENT}
    assert not SPEC.make().fit(x, y, optimizer=sgd(), epochs=3, **settings).stopped_early
    assert SPEC.make().fit(x, y, optimizer=sgd(), epochs=4, **settings).stopped_early


def test_a_nan_in_validation_does_not_end_fit():
    x, y = data()
    net = SPEC.make()
    plateau = bp.schedules.ReduceOnPlateau(factor=0.5, patience=0)
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(),
        epochs=3,
        validation_data=(x[:2], np.full((2, 3), np.nan)),
        schedule=plateau,
        **SILENT,
    )
    assert history.epochs == 3
    assert np.isnan(history["val_loss"]).all()
    assert plateau.scale == 0.125
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(),
        epochs=9,
        validation_data=(x[:2], np.full((2, 3), np.nan)),
        early_stopping=2,
        **SILENT,
    )
    assert (history.epochs, history.best_epoch, history.stopped_early) == (2, None, True)


def test_an_exception_in_a_callback_ends_fit_with_a_usable_network():
    x, y = data()
    net = SPEC.make()

    def broken(net, epoch, logs):
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        net.fit(
            x,
            y,
            loss="mse",
            optimizer=sgd(),
            epochs=3,
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=broken)],
            **SILENT,
        )
    net.fit(x, y, loss="mse", optimizer=sgd(), epochs=1, **SILENT)


def test_history():
    x, y = data()
    history = SPEC.make().fit(
        x, y, loss="mse", optimizer=sgd(), epochs=4, validation_split=0.2, metrics=["mae"], **SILENT
    )
    assert history.epochs == 4
    assert {len(values) for values in history.values()} == {4}
    assert all(seconds >= 0 for seconds in history["seconds"])
    assert history["lr"] == [0.1] * 4
    assert not history.stopped_early
    assert history["loss"][-1] < history["loss"][0]


def test_two_calls_equal_one_longer_call():
    """Without shuffle and schedule, 2 and 3 epochs equal 5, including the optimizer's state."""
    x, y = data()
    once, twice = SPEC.make(), SPEC.make()
    optimizers = [bp.optim.Adam(lr=0.01), bp.optim.Adam(lr=0.01)]
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    whole = once.fit(x, y, optimizer=optimizers[0], epochs=5, **settings)
    parts = [twice.fit(x, y, optimizer=optimizers[1], epochs=e, **settings)["loss"] for e in (2, 3)]
    assert whole["loss"] == [*parts[0], *parts[1]]
    assert bits(once.parameters) == bits(twice.parameters)
