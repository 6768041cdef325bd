"""fit: batches, penalties, schedules and shuffles, compared with the reference's own loop."""

import math

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, assert_same_parameters, data, recorded_orders, sgd
from network_pair import bits
from reference import losses, training

# ---- batches, penalties, schedules: compared with the reference's own loop


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
    """Linear from `start` to 1 over `steps` steps, then `then` with its own count of steps."""

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


# name: (schedule, lr as a multiple of 0.1 for (epoch, step)); 4 steps per epoch, 6 epochs.
SCHEDULES = {
    "constant": (lambda s: s.Constant(), lambda e, k: 1.0),
    "step": (lambda s: s.Step(step_size=2, gamma=0.5), lambda e, k: 0.5 ** (e // 2)),
    "exponential": (lambda s: s.Exponential(gamma=0.7), lambda e, k: 0.7**e),
    "cosine": (
        lambda s: s.Cosine(period=4, min_lr=0.01),
        lambda e, k: 0.1 + 0.9 * (1 + math.cos(math.pi * min(e, 4) / 4)) / 2,
    ),
    "cosine_over_all_epochs": (
        lambda s: s.Cosine(),
        lambda e, k: (1 + math.cos(math.pi * e / 6)) / 2,
    ),
    "one_cycle": (
        lambda s: s.OneCycle(max_lr=0.2, pct_start=0.25, div_factor=10, final_div_factor=100),
        lambda e, k: one_cycle(k, 24, 0.2, 0.25, 10, 100) / 0.1,
    ),
    "cos_log": (
        lambda s: s.CosLog(cycles=3),
        lambda e, k: math.sin(math.pi * math.log2(1 + 7 * k / 24)) ** 2,
    ),
    "flat_cosine": (
        lambda s: s.FlatCosine(),
        lambda e, k: math.sin(math.pi * min(1, 2 - k / 12) / 2) ** 2,
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
    # The history has one rate per epoch: that of its first step.
    np.testing.assert_allclose(
        history["lr"], [0.1 * factor(e, 4 * e) for e in range(6)], rtol=1e-12
    )


def test_reduce_on_plateau():
    """For a target that cannot be learned, the rate falls each time patience runs out."""
    net = bp.Network([1, 1], dtype="float64", seed=0)
    net.parameters[:] = 0
    x, y = np.zeros((4, 1)), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    schedule = bp.schedules.ReduceOnPlateau(factor=0.5, patience=2)
    history = net.fit(
        x, y, loss="mse", optimizer=sgd(), epochs=10, batch_size=4, schedule=schedule, **SILENT
    )
    # Epoch 0 is the best. Epochs 1, 2 and 3 are bad, one more than patience. So the rate is halved
    # from epoch 4 on, and then after every third epoch.
    np.testing.assert_allclose(history["lr"], [0.1] * 4 + [0.05] * 3 + [0.025] * 3)


def test_lr_is_restored_when_training_fails():
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


def test_every_epoch_uses_every_row_once_in_a_new_order():
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
    """Each row is equally often at each place: chi-squared over 400 permutations of 8 rows.

    The limit is five standard deviations.
    """
    counts = np.zeros((8, 8))
    for order in recorded_orders(seed=5, epochs=400, rows=8, batch_size=8):
        counts[np.arange(8), order] += 1
    chi2 = ((counts - 50) ** 2 / 50).sum()
    freedom = 49
    assert abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)


def test_shuffled_training_matches_the_reference_in_the_same_order():
    """A custom loss records the order, and the reference then uses it."""
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
