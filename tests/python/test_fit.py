"""fit: batches, shuffles, validation, metrics, schedules, early stopping, callbacks, divergence."""

import math

import numpy as np
import pytest

import backpass as bp
from comparison import Spec, bits
from reference import losses, training

SPEC = Spec([4, 9, 3], ["tanh", "identity"], dtype="float64", seed=2)
SILENT = {"progress": False}


def data(rows: int = 25, seed: int = 0, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(dtype)
    return x, np.sin(2 * x[:, :3]) + 0.1 * rng.normal(size=(rows, 3)).astype(dtype)


def sgd(lr: float = 0.1) -> bp.optim.SGD:
    return bp.optim.SGD(lr=lr)


def assert_same_parameters(net: bp.Network, reference, tolerance: float = 1e-12) -> None:
    for layer, expected in zip(net.layers, reference.layers, strict=True):
        np.testing.assert_allclose(layer.weight, expected.weight, atol=tolerance)
        np.testing.assert_allclose(layer.bias, expected.bias, atol=tolerance)


# ---- batches, penalties, schedules: against the reference's own loop


@pytest.mark.parametrize("batch_size", [1, 7, 25, 1000])
def test_batches_in_order_with_a_partial_last_one(batch_size):
    net = SPEC.make()
    reference = SPEC.reference(net)
    x, y = data()
    history = net.fit(
        x, y, loss="mse", optimizer=sgd(), epochs=3, batch_size=batch_size, shuffle=False, **SILENT
    )
    expected = training.fit(
        reference, x, y, losses.LOSSES["mse"], epochs=3, batch_size=batch_size, lr=lambda *_: 0.1
    )
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-12)
    assert_same_parameters(net, reference)


@pytest.mark.parametrize(
    "settings",
    [
        {"l1": 0.02},
        {"l2": 0.05},
        {"clip_norm": 0.1},
        {"clip_norm": 1e6},
        {"clip_value": 0.02},
        {"l1": 0.01, "l2": 0.03, "clip_norm": 0.2, "clip_value": 0.05},
    ],
    ids=str,
)
def test_penalties_and_clipping(settings):
    net, plain = SPEC.make(), SPEC.make()
    reference = SPEC.reference(net)
    x, y = data()
    common = {"loss": "mse", "epochs": 4, "batch_size": 8, "shuffle": False, **SILENT}
    history = net.fit(x, y, optimizer=sgd(), **common, **settings)
    plain.fit(x, y, optimizer=sgd(), **common)
    expected = training.fit(
        reference,
        x,
        y,
        losses.LOSSES["mse"],
        epochs=4,
        batch_size=8,
        lr=lambda *_: 0.1,
        penalties=training.Penalties(**settings),
    )
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-11)
    assert_same_parameters(net, reference)
    inactive = settings.get("clip_norm") == 1e6
    assert (bits(net.parameters) == bits(plain.parameters)) == inactive


def warm(steps: int, start: float, then):
    """Linear from start to 1 over `steps` steps, then `then` with its own count of steps."""

    def rate(epoch: int, step: int) -> float:
        if step < steps:
            return start + (1 - start) * step / steps
        return then(epoch, step - steps)

    return rate


def one_cycle(step: int, total: int, peak: float, up: float, div: float, final_div: float) -> float:
    """PyTorch's OneCycleLR, cosine annealing, two phases."""

    def cosine(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    initial = peak / div
    turn = up * total - 1
    if step <= turn:
        return cosine(initial, peak, step / turn)
    return cosine(peak, initial / final_div, (step - turn) / (total - 1 - turn))


# name: (schedule, lr as a multiple of 0.1 by (epoch, step)); 4 steps an epoch, 6 epochs.
SCHEDULES = {
    "constant": (lambda s: s.Constant(), lambda e, k: 1.0),
    "step": (lambda s: s.Step(step_size=2, gamma=0.5), lambda e, k: 0.5 ** (e // 2)),
    "exponential": (lambda s: s.Exponential(gamma=0.7), lambda e, k: 0.7**e),
    "cosine": (
        lambda s: s.Cosine(period=4, min_lr=0.01),
        lambda e, k: 0.1 + 0.9 * (1 + math.cos(math.pi * min(e, 4) / 4)) / 2,
    ),
    "one_cycle": (
        lambda s: s.OneCycle(max_lr=0.2, pct_start=0.25, div_factor=10, final_div_factor=100),
        lambda e, k: one_cycle(k, 24, 0.2, 0.25, 10, 100) / 0.1,
    ),
    "inverse_scaling": (lambda s: s.InverseScaling(power=0.5), lambda e, k: (1 + k) ** -0.5),
    "warmup": (lambda s: s.LinearWarmup(steps=6, start_factor=0.2), warm(6, 0.2, lambda e, k: 1.0)),
    "warmup_then_steps": (
        lambda s: s.LinearWarmup(steps=5, start_factor=0.0, then=s.InverseScaling(power=1.0)),
        warm(5, 0.0, lambda e, k: 1 / (1 + k)),
    ),
    "warmup_then_epochs": (
        lambda s: s.LinearWarmup(steps=3, start_factor=0.5, then=s.Exponential(gamma=0.5)),
        warm(3, 0.5, lambda e, k: 0.5**e),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    make, factor = SCHEDULES[name]
    net = SPEC.make()
    reference = SPEC.reference(net)
    x, y = data()
    optimizer = sgd()
    history = net.fit(
        x,
        y,
        loss="mse",
        optimizer=optimizer,
        epochs=6,
        batch_size=7,
        shuffle=False,
        schedule=make(bp.schedules),
        **SILENT,
    )
    expected = training.fit(
        reference,
        x,
        y,
        losses.LOSSES["mse"],
        epochs=6,
        batch_size=7,
        lr=lambda epoch, step: 0.1 * factor(epoch, step),
    )
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-11)
    assert_same_parameters(net, reference)
    assert optimizer.lr == 0.1
    # One number an epoch: the rate of its first step.
    np.testing.assert_allclose(
        history["lr"], [0.1 * factor(e, 4 * e) for e in range(6)], rtol=1e-12
    )


def test_reduce_on_plateau():
    """A target that cannot be learned: the rate falls by the factor each time patience is over."""
    net = bp.Network([1, 1], dtype="float64", seed=0)
    net.parameters[:] = 0
    x, y = np.zeros((4, 1)), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    schedule = bp.schedules.ReduceOnPlateau(factor=0.5, patience=2)
    history = net.fit(
        x, y, loss="mse", optimizer=sgd(), epochs=10, batch_size=4, schedule=schedule, **SILENT
    )
    # Epoch 0 is the best; bad epochs 1, 2, 3 make three, one more than patience: halved from
    # epoch 4 on, then every third.
    np.testing.assert_allclose(history["lr"], [0.1] * 4 + [0.05] * 3 + [0.025] * 3)


def test_lr_is_put_back_when_training_fails():
    net = SPEC.make()
    x, y = data()
    optimizer = sgd()

    def stop(net, epoch, logs):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        net.fit(
            x,
            y,
            loss="mse",
            optimizer=optimizer,
            epochs=5,
            schedule=bp.schedules.Exponential(0.5),
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=stop)],
            **SILENT,
        )
    assert optimizer.lr == 0.1


# ---- shuffles


def recorded_orders(
    seed, *, shuffle=True, epochs=3, rows=23, batch_size=5, split=0.0
) -> list[list[int]]:
    """Which rows each epoch saw, in which order: the targets are the rows' numbers."""
    seen: list[int] = []

    def loss(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        seen.extend(int(v) for v in y[:, 0])
        return float(a.sum()), np.ones_like(a) * 1e-3

    net = bp.Network([2, 1], dtype="float64", seed=0)
    x, y = np.ones((rows, 2)), np.arange(rows, dtype=float)[:, None]
    net.fit(
        x,
        y,
        loss=bp.losses.Custom(loss),
        optimizer=sgd(),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=split,
        **SILENT,
    )
    per_epoch = len(seen) // epochs
    return [seen[e * per_epoch : (e + 1) * per_epoch] for e in range(epochs)]


def test_every_epoch_sees_every_row_once_in_an_order_of_its_own():
    orders = recorded_orders(seed=1)
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert len({tuple(order) for order in [*orders, range(23)]}) == 4


def test_a_seed_is_an_order():
    assert recorded_orders(seed=1) == recorded_orders(seed=1)
    assert recorded_orders(seed=1) != recorded_orders(seed=2)
    assert recorded_orders(seed=None) != recorded_orders(seed=None)


def test_no_shuffle_is_the_given_order():
    assert recorded_orders(seed=1, shuffle=False) == [list(range(23))] * 3


def test_shuffles_are_uniform():
    """Each row is at each place about equally often: chi-squared over 400 permutations of 8,
    five deviations."""
    counts = np.zeros((8, 8))
    for order in recorded_orders(seed=5, epochs=400, rows=8, batch_size=8):
        counts[np.arange(8), order] += 1
    chi2 = ((counts - 50) ** 2 / 50).sum()
    freedom = 49
    assert abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)


def test_shuffled_training_matches_the_reference_in_the_same_order():
    """The order is recorded with a custom loss, then given to the reference."""
    orders = recorded_orders(seed=9, rows=25, batch_size=7)
    net = SPEC.make()
    reference = SPEC.reference(net)
    x, y = data()
    net.fit(x, y, loss="mse", optimizer=sgd(), epochs=3, batch_size=7, seed=9, **SILENT)
    training.fit(
        reference,
        x,
        y,
        losses.LOSSES["mse"],
        epochs=3,
        batch_size=7,
        lr=lambda *_: 0.1,
        order=lambda epoch: np.array(orders[epoch]),
    )
    assert_same_parameters(net, reference)


# ---- validation and metrics


def test_validation_data_is_only_looked_at():
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
    # The custom loss also sees the validation rows, after the training rows of each epoch.
    assert sorted(orders[0][: 25 - held_out]) == list(range(25 - held_out))


def test_a_split_is_the_number_of_rows_it_says():
    """Products that binary rounding puts just below a whole number included."""
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


def test_accuracy_of_classes():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    net = bp.Network([4, 9, 3], "tanh", "softmax", dtype="float64", seed=0)
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
    onehot = bp.Network([4, 9, 3], "tanh", "softmax", dtype="float64", seed=0)
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
    """With a rate of 0 the running mean and the mean at the epoch's end are the same number."""
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
    with pytest.raises(ValueError, match=r"f1.*accuracy.*r2.*mae"):
        SPEC.make().fit(x, y, loss="mse", optimizer=sgd(), epochs=1, metrics=["f1"], **SILENT)


# ---- the end: early stopping, callbacks


class Scripted:
    """A validation loss that follows a script: the one parameter is moved by a callback, not by
    training."""

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
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    net = bp.Network([4, 9, 3], "tanh", "softmax", dtype="float64", seed=0)
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


def test_two_calls_go_on_where_one_would_have_been():
    """Without a shuffle and a schedule, two epochs and three are five: the optimizer's state
    included."""
    x, y = data()
    once, twice = SPEC.make(), SPEC.make()
    optimizers = [bp.optim.Adam(lr=0.01), bp.optim.Adam(lr=0.01)]
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    whole = once.fit(x, y, optimizer=optimizers[0], epochs=5, **settings)
    parts = [twice.fit(x, y, optimizer=optimizers[1], epochs=e, **settings)["loss"] for e in (2, 3)]
    assert whole["loss"] == [*parts[0], *parts[1]]
    assert bits(once.parameters) == bits(twice.parameters)


# ---- what goes wrong


def test_divergence_names_epoch_and_batch_and_keeps_the_last_finite_epoch():
    """A target that becomes infinite in epoch 2, batch 1, by a callback that changes the data in
    place."""
    x, y = data(24)
    net, expected = SPEC.make(), SPEC.make()
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    expected.fit(x, y, optimizer=sgd(), epochs=2, **settings)

    def poison(net, epoch, logs):
        if epoch == 1:
            y[10] = np.inf

    optimizer = sgd()
    with pytest.raises(bp.DivergenceError, match=r"epoch 2.*batch 1|epoch 3.*batch 2") as error:
        net.fit(
            x,
            y,
            optimizer=optimizer,
            epochs=5,
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=poison)],
            **settings,
        )
    assert (error.value.epoch, error.value.batch) == (2, 1)
    assert isinstance(error.value, ArithmeticError)
    assert "lr" in str(error.value) or "learning rate" in str(error.value)
    assert bits(net.parameters) == bits(expected.parameters)
    assert optimizer.lr == 0.1


def test_a_rate_that_explodes_is_divergence():
    x, y = data(200)
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises(bp.DivergenceError) as error:
        net.fit(x, y, loss="mse", optimizer=sgd(1e200), epochs=5, batch_size=8, seed=0, **SILENT)
    assert np.isfinite(net.parameters).all()
    if error.value.epoch == 0:
        assert bits(net.parameters) == before


def test_divergence_puts_the_optimizer_and_dropout_back_too():
    """Both networks go on from there alike, masks included."""
    x, y = data(24)
    spec = Spec(SPEC.sizes, SPEC.activations, dropout=0.3, dtype="float64", seed=2)
    net, expected = spec.make(), spec.make()
    optimizers = [bp.optim.Adam(lr=0.01), bp.optim.Adam(lr=0.01)]
    settings = {"loss": "mse", "batch_size": 8, "shuffle": False, **SILENT}
    clean = y.copy()
    expected.fit(x, clean, optimizer=optimizers[1], epochs=2, **settings)

    def poison(net, epoch, logs):
        if epoch == 1:
            y[20] = np.nan

    with pytest.raises(bp.DivergenceError):
        net.fit(
            x,
            y,
            optimizer=optimizers[0],
            epochs=5,
            callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=poison)],
            **settings,
        )
    for network, optimizer in zip((net, expected), optimizers, strict=True):
        network.fit(x, clean, optimizer=optimizer, epochs=2, **settings)
    assert bits(net.parameters) == bits(expected.parameters)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"batch_size": -3},
        {"clip_norm": -1.0},
        {"clip_value": float("nan")},
        {"l1": -0.1},
        {"l2": float("inf")},
        {"sample_weight": np.ones(7)},
        {"validation_data": (np.ones((3, 9)), np.ones((3, 3)))},
        {"validation_data": (np.ones((3, 4)), np.ones((2, 3)))},
        {"schedule": "cosine_of_nothing"},
        {"callbacks": [print]},
    ],
    ids=lambda s: next(iter(s)),
)
def test_bad_settings_are_refused_before_anything_changes(settings):
    x, y = data()
    net = SPEC.make()
    before = bits(net.parameters)
    with pytest.raises((ValueError, TypeError)):
        net.fit(x, y, **{"loss": "mse", "optimizer": sgd(), "epochs": 2, **SILENT, **settings})
    assert bits(net.parameters) == before


def test_no_epochs_do_nothing():
    x, y = data()
    net = SPEC.make()
    before = bits(net.parameters)
    history = net.fit(x, y, loss="mse", optimizer=sgd(), epochs=0, **SILENT)
    assert history.epochs == 0
    assert bits(net.parameters) == before


def test_input_of_other_types_trains_the_same(dtype):
    """Lists, Fortran order, float64 for a float32 network: converted once."""
    spec = Spec(SPEC.sizes, SPEC.activations, dtype=dtype, seed=2)
    x, y = (v.astype(dtype) for v in data())
    results = set()
    for as_x, as_y in [(x, y), (x.tolist(), y.tolist()), (np.asfortranarray(x), y[::-1][::-1])]:
        net = spec.make()
        net.fit(as_x, as_y, loss="mse", optimizer=sgd(), epochs=2, batch_size=8, seed=4, **SILENT)
        results.add(bits(net.parameters))
    assert len(results) == 1
