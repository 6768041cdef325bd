"""ReduceOnPlateau and early stopping: the definition of an improvement, and the start of a fit."""

import math

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, SPEC, data, sgd


def epochs_until_reduction(losses, **settings) -> int:
    schedule = bp.schedules.ReduceOnPlateau(**settings)
    for epoch, loss in enumerate(losses):
        schedule.observe(1.0, loss)
        if schedule.scale < 1:
            return epoch
    return -1


@pytest.mark.parametrize("loss", [-1.0, -1e-300, -1e300, 0.0, 1.0, 1e300])
def test_a_constant_loss_is_a_plateau(loss):
    """The first epoch is the best. After `patience` more epochs, the next one reduces the rate."""
    assert epochs_until_reduction([loss] * 10, patience=2) == 3


@pytest.mark.parametrize("best", [-2.0, 2.0, -1e-5])
@pytest.mark.parametrize("threshold", [1e-4, 0.1])
def test_the_margin_is_a_share_of_the_best_losss_size(best, threshold):
    """A fall slightly larger than the margin is an improvement; a slightly smaller one is not."""
    margin = threshold * abs(best)
    settings = {"patience": 0, "threshold": threshold}
    assert epochs_until_reduction([best, best - 1.01 * margin], **settings) == -1
    assert epochs_until_reduction([best, best - 0.99 * margin], **settings) == 1


def test_nan_and_infinity_are_not_an_improvement():
    assert epochs_until_reduction([1.0, math.nan, math.inf, math.nan], patience=2) == 3
    assert epochs_until_reduction([math.inf] * 5, patience=2) == 2


@pytest.mark.parametrize("warmup", [False, True])
def test_a_fit_that_does_not_resume_starts_at_the_base_rate(warmup, tmp_path):
    plateau = bp.schedules.ReduceOnPlateau(patience=0, factor=0.5, threshold=0.9)
    schedule = bp.schedules.LinearWarmup(steps=0, then=plateau) if warmup else plateau
    x, y = data()
    net = SPEC.make()
    settings = {"loss": "mse", "optimizer": sgd(1e-3), "schedule": schedule, **SILENT}
    first = net.fit(x, y, epochs=4, checkpoint=tmp_path / "a", seed=0, **settings)
    assert first["lr"] == [1e-3, 1e-3, 5e-4, 2.5e-4]
    assert net.fit(x, y, epochs=2, **settings)["lr"] == [1e-3, 1e-3]
    rest = net.fit(x, y, epochs=5, resume_from=tmp_path / "a", **settings)
    assert rest["lr"] == [*first["lr"], 1.25e-4]


def test_early_stopping_waits_for_less_not_for_the_same():
    """With a rate of 0, every epoch's loss has the bits of the first one."""
    x, y = data()
    history = SPEC.make().fit(
        x,
        y,
        loss="mse",
        optimizer=sgd(0.0),
        epochs=10,
        validation_data=(x, y),
        early_stopping=3,
        **SILENT,
    )
    assert len(set(history["val_loss"])) == 1
    assert (history.epochs, history.best_epoch, history.stopped_early) == (4, 0, True)


def test_early_stopping_needs_more_than_min_delta():
    """The loss is the only weight, which a callback lowers by 1 per epoch."""
    net = bp.Network([1, 1], bias=False, dtype="float64", seed=0)
    x, y = np.ones((1, 1)), np.zeros((1, 1))

    def loss(a, _y):
        return float(a[0, 0]), np.zeros_like(a)

    def fall(net, epoch, logs):
        net.parameters[0] -= 1.0

    net.parameters[0] = 0.0
    history = net.fit(
        x,
        y,
        loss=bp.losses.Custom(loss),
        optimizer=sgd(0.0),
        epochs=20,
        early_stopping=bp.callbacks.EarlyStopping("loss", patience=2, min_delta=1.0),
        callbacks=bp.callbacks.LambdaCallback(on_epoch_end=fall),
        **SILENT,
    )
    # Epoch 1 is exactly 1 below epoch 0, which is not enough; epoch 2 is 2 below it and improves.
    assert history["loss"][:3] == [0.0, -1.0, -2.0]
    assert history.best_epoch % 2 == 0
    assert history.epochs == 20


def test_two_fits_at_the_same_time_do_not_share_a_memory():
    """The second fit, observe() and the state raise; other schedules have no memory."""
    x, y = data()
    nets = [bp.Network([4, 9, 3], seed=k) for k in range(2)]
    plateau = bp.schedules.ReduceOnPlateau(patience=0)
    warm = bp.schedules.LinearWarmup(steps=2, then=plateau)
    refused = []

    def attempt(call):
        with pytest.raises(RuntimeError, match="give each fit a schedule of its own"):
            call()
        refused.append(call)

    def fit(net, schedule, **options):
        arguments = {"loss": "mse", "optimizer": sgd(0.1), "epochs": 2, **SILENT, **options}
        net.fit(x, y, schedule=schedule, **arguments)

    def inner(*_):
        for schedule in (plateau, warm):
            attempt(lambda schedule=schedule: fit(nets[1], schedule))
        attempt(lambda: plateau.observe(1.0, 1.0))
        attempt(lambda: setattr(plateau, "state", plateau.state))
        fit(nets[1], bp.schedules.ReduceOnPlateau())

    before = nets[1].parameters.copy()
    fit(nets[0], warm, callbacks=bp.callbacks.LambdaCallback(on_epoch_end=inner))
    assert len(refused) == 8
    assert not np.array_equal(nets[1].parameters, before)
    fit(nets[1], plateau)  # the first fit has ended
    step = bp.schedules.Step()
    shared = bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: fit(nets[1], step))
    fit(nets[0], step, callbacks=shared)
