"""Dropout and weight decay that follow schedules, compared with the reference's own loop."""

import copy
import math

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, assert_same_parameters, data, sgd
from members import OPTIMIZERS, SCHEDULES
from network_pair import Spec, bits, set_masks
from reference import losses, training

SPEC = Spec([4, 9, 7, 3], ["tanh", "tanh", "identity"], dropout=[0.5, 0.3], seed=2)
EPOCHS, STEPS = 6, 4  # steps per epoch: 25 rows, 7 per step
COMMON = {"loss": "mse", "epochs": EPOCHS, "batch_size": 7, "shuffle": False, **SILENT}

# name: (schedule, factor for (epoch, step))
FACTORS = {
    "step": (bp.schedules.Step(step_size=2, gamma=0.5), lambda e, k: 0.5 ** (e // 2)),
    "off": (bp.schedules.Step(step_size=2, gamma=0.0), lambda e, k: float(e < 2)),
    "flat_cosine": (
        bp.schedules.FlatCosine(),
        lambda e, k: math.sin(math.pi * min(1, 2 - k / 12) / 2) ** 2,
    ),
    "cos_log": (
        bp.schedules.CosLog(cycles=2),
        lambda e, k: math.sin(math.pi * math.log2(1 + 3 * k / 24)) ** 2,
    ),
    "one_cycle_of_a_fraction": (
        bp.schedules.OneCycle(max_lr=0.5, pct_start=1 / 24, final_div_factor=1e300),
        lambda e, k: (1 + math.cos(math.pi * k / 23)) / 4,
    ),
}


@pytest.mark.parametrize("name", FACTORS)
def test_the_rates_of_every_step(name):
    schedule, factor = FACTORS[name]
    net = SPEC.make()
    reference = SPEC.reference(net)
    x, y = data()
    optimizer = bp.optim.SGD(lr=0.1, weight_decay=0.2)
    history = net.fit(
        x,
        y,
        optimizer=optimizer,
        dropout_schedule=schedule,
        weight_decay_schedule=schedule,
        **COMMON,
    )

    def prepare(epoch, step, rows):
        for layer, rate in zip(reference.layers, SPEC.dropout, strict=False):
            layer.dropout = rate * factor(epoch, step)
            layer.keep = None
        set_masks(reference, rows, SPEC.seed, step)

    expected = training.fit(
        reference,
        x,
        y,
        losses.LOSSES["mse"],
        epochs=EPOCHS,
        batch_size=7,
        lr=lambda *_: 0.1,
        weight_decay=lambda e, k: 0.2 * factor(e, k),
        prepare=prepare,
    )
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-11)
    assert_same_parameters(net, reference)
    assert optimizer.weight_decay == 0.2
    assert [layer.dropout for layer in net.layers] == [*SPEC.dropout, 0.0]


@pytest.mark.parametrize(
    "optimizer", [o for o in OPTIMIZERS if hasattr(o, "weight_decay")], ids=repr
)
def test_every_optimizer_with_weight_decay(optimizer):
    schedule, factor = FACTORS["flat_cosine"]
    ours, theirs = copy.deepcopy(optimizer), copy.deepcopy(optimizer)
    ours.weight_decay = theirs.weight_decay = 0.3
    net, twin = SPEC.make(), SPEC.make()
    x, y = data()
    net.fit(x, y, optimizer=ours, weight_decay_schedule=schedule, **COMMON)
    for step in range(EPOCHS * STEPS):
        theirs.weight_decay = 0.3 * factor(step // STEPS, step)
        rows = slice(step % STEPS * 7, (step % STEPS + 1) * 7)
        twin.train_step(x[rows], y[rows], loss="mse", optimizer=theirs)
    np.testing.assert_allclose(net.parameters, twin.parameters, rtol=0, atol=1e-12)
    assert ours.weight_decay == 0.3


def test_one_without_weight_decay_is_refused():
    net = SPEC.make()
    before = bits(net.parameters)
    for optimizer in OPTIMIZERS:
        if not hasattr(optimizer, "weight_decay"):
            with pytest.raises(ValueError, match=f"{type(optimizer).__name__} has no weight_decay"):
                net.fit(
                    *data(),
                    optimizer=copy.deepcopy(optimizer),
                    weight_decay_schedule=bp.schedules.FlatCosine(),
                    **COMMON,
                )
    assert bits(net.parameters) == before


@pytest.mark.parametrize("name", ["dropout_schedule", "weight_decay_schedule"])
def test_another_type_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} must be an object of backpass.schedules"):
        SPEC.make().fit(*data(), optimizer=sgd(), **{name: "cosine"}, **COMMON)


def test_rates_out_of_range_end_the_training():
    """Dropout of layer 1 doubles in every epoch from 0.5; the weight decay overflows."""
    growing = bp.schedules.Exponential(gamma=2.0)
    net = SPEC.make()
    with pytest.raises(ValueError, match=r"dropout_schedule: dropout of layer 1 = 1, .* \[0, 1\)"):
        net.fit(*data(), optimizer=sgd(), dropout_schedule=growing, **COMMON)
    optimizer = bp.optim.SGD(lr=0.0, weight_decay=1e308)
    with pytest.raises(ValueError, match=r"SGD: weight_decay = inf"):
        net.fit(*data(), optimizer=optimizer, weight_decay_schedule=growing, **COMMON)
    assert optimizer.weight_decay == 1e308
    net.fit(*data(), optimizer=sgd(), **COMMON)


def test_a_copy_is_followed():
    """A plateau schedule of the caller does not change, and every fit starts at the base rate."""
    plateau = bp.schedules.ReduceOnPlateau(patience=0, factor=0.5, threshold=0.9)
    decays = []
    optimizer = bp.optim.SGD(lr=1e-3, weight_decay=0.4)
    note = bp.callbacks.LambdaCallback(
        on_epoch_end=lambda net, epoch, logs: decays.append(optimizer.weight_decay)
    )
    net = SPEC.make()
    for _ in range(2):
        net.fit(
            *data(),
            optimizer=optimizer,
            weight_decay_schedule=plateau,
            callbacks=note,
            **COMMON | {"epochs": 4},
        )
    assert decays == [0.4, 0.4, 0.2, 0.1] * 2
    assert (plateau.scale, plateau.best) == (1.0, math.inf)


# ---- resuming


def settings(dropout, weight_decay, **options):
    x, y = data(40)
    return {
        "x": x,
        "y": y,
        "loss": "mse",
        "batch_size": 8,
        "validation_split": 0.4,
        "seed": 5,
        "optimizer": bp.optim.AdamW(lr=0.01, weight_decay=0.3),
        "schedule": bp.schedules.CosLog(),
        "dropout_schedule": dropout,
        "weight_decay_schedule": weight_decay,
        **SILENT,
        **options,
    }


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_schedule_continues(tmp_path, schedule):
    both = (schedule, bp.schedules.ReduceOnPlateau(patience=0, threshold=0.9, factor=0.5))
    whole = SPEC.make()
    expected = whole.fit(**settings(*both), epochs=8)

    def interrupt(net, epoch, logs):
        if epoch == 4:
            raise InterruptedError

    hooks = [
        bp.callbacks.Checkpoint(tmp_path / "a"),
        bp.callbacks.LambdaCallback(on_epoch_end=interrupt),
    ]
    with pytest.raises(InterruptedError):
        SPEC.make().fit(**settings(*both), epochs=8, callbacks=hooks)
    net = SPEC.make()
    options = settings(*both)
    history = net.fit(**options, epochs=8, resume_from=tmp_path / "a")
    assert history["val_loss"] == expected["val_loss"]
    assert bits(net.parameters) == bits(whole.parameters)
    assert options["optimizer"].weight_decay == 0.3
    # The file has the network's own rates, and the weight decay of the last step.
    saved = bp.load_checkpoint(tmp_path / "a")
    assert [layer.dropout for layer in saved.network.layers] == [*SPEC.dropout, 0.0]


def test_another_schedule_or_weight_decay_is_refused(tmp_path):
    flat = bp.schedules.FlatCosine()
    SPEC.make().fit(**settings(flat, flat), epochs=2, checkpoint=tmp_path / "a")
    for other, message in (
        (settings(None, flat), "dropout_schedule differs"),
        (settings(flat, bp.schedules.FlatCosine(flat=0.1)), "weight_decay_schedule differs"),
        (settings(flat, flat, optimizer=bp.optim.AdamW(lr=0.01)), "the optimizer differs"),
    ):
        net = SPEC.make()
        before = bits(net.parameters)
        with pytest.raises(ValueError, match=message):
            net.fit(**other, epochs=4, resume_from=tmp_path / "a")
        assert bits(net.parameters) == before
    SPEC.make().fit(**settings(flat, flat), epochs=4, resume_from=tmp_path / "a")
