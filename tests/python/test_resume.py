"""Training that continues from a file ends like a training without an interruption."""

import copy
import time

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT
from members import OPTIMIZERS, SCHEDULES
from network_pair import bits

LAST = 12  # epochs of the uninterrupted training, unless it stops early


def problem():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 4))
    return x, rng.normal(size=(40, 2))  # noise: the validation loss soon rises


def make(dtype="float64"):
    return bp.Network([4, 24, 2], "tanh", dropout=0.1, dtype=dtype, seed=1)


def settings(schedule=None, **options):
    x, y = problem()
    return {
        "x": x,
        "y": y,
        "loss": "mse",
        "batch_size": 8,
        "validation_split": 0.4,
        "seed": 5,
        "schedule": schedule,
        "metrics": ["r2"],
        **SILENT,
        **options,
    }


def stop(monitor="val_loss", **options):
    return bp.callbacks.EarlyStopping(monitor, **{"patience": 4, **options})


class InterruptionError(Exception):
    """Ends a training from a callback."""


def interrupt_after(epochs):
    def act(net, epoch, logs):
        if epoch + 1 == epochs:
            raise InterruptionError

    return bp.callbacks.LambdaCallback(on_epoch_end=act)


def fit_in_parts(path, make_network, ends, options):
    """Interrupt the training after the epochs `ends`; every part has new objects."""
    resume_from = None
    for end in ends:
        with pytest.raises(InterruptionError):
            make_network().fit(
                **options(),
                epochs=LAST,
                resume_from=resume_from,
                callbacks=[bp.callbacks.Checkpoint(path), interrupt_after(end)],
            )
        resume_from = path
    net = make_network()
    return net, net.fit(**options(), epochs=LAST, resume_from=path)


def same_histories(a, b):
    assert list(a) == list(b)
    for name in set(a) - {"seconds"}:
        np.testing.assert_array_equal(a[name], b[name])
    assert len(a["seconds"]) == len(b["seconds"])
    for name in ("epochs", "best_epoch", "stopped_early", "restored_best"):
        assert getattr(a, name) == getattr(b, name), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("monitor", ["val_loss", "val_r2"])
@pytest.mark.parametrize("ends", [(1,), (3,), (5,), (6,), (2, 4)], ids=str)
def test_early_stopping_continues(tmp_path, dtype, restore_best, monitor, ends):
    def options():
        return settings(
            bp.schedules.ReduceOnPlateau(patience=1, factor=0.5),
            optimizer=bp.optim.Adam(lr=0.05),
            early_stopping=stop(monitor, restore_best=restore_best),
        )

    whole = make(dtype)
    expected = whole.fit(**options(), epochs=LAST)
    assert expected.stopped_early
    assert ends[-1] < expected.epochs < LAST
    net, history = fit_in_parts(tmp_path / "a", lambda: make(dtype), ends, options)
    same_histories(history, expected)
    assert bits(net.parameters) == bits(whole.parameters)


def test_the_last_of_equal_epochs_continues(tmp_path):
    """With the rate 0, all epochs are equal: the wait ends after `patience` epochs."""

    def options():
        return settings(
            optimizer=bp.optim.SGD(lr=0.0), early_stopping=stop(patience=5, ties="last")
        )

    _, history = fit_in_parts(tmp_path / "a", make, (2, 4), options)
    assert (history.epochs, history.best_epoch, history.stopped_early) == (6, 5, True)
    assert history.restored_best


@pytest.mark.parametrize("schedule", [None, *SCHEDULES], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_every_optimizer_and_schedule_continues(tmp_path, optimizer, schedule):
    def options():
        return settings(
            copy.deepcopy(schedule), optimizer=copy.deepcopy(optimizer), clip_norm=1.0, l2=1e-3
        )

    whole = make()
    expected = whole.fit(**options(), epochs=LAST)
    net, history = fit_in_parts(tmp_path / "a", make, (3,), options)
    same_histories(history, expected)
    assert bits(net.parameters) == bits(whole.parameters)


def test_a_rate_that_a_callback_changes_continues(tmp_path):
    def halve(net, epoch, logs):
        optimizer.lr /= 2

    each = bp.callbacks.LambdaCallback(on_epoch_end=halve)
    optimizer = bp.optim.Adam(lr=0.05)
    whole = make()
    expected = whole.fit(**settings(optimizer=optimizer), epochs=6, callbacks=each)
    optimizer = bp.optim.Adam(lr=0.05)
    make().fit(**settings(optimizer=optimizer), epochs=3, callbacks=each, checkpoint=tmp_path / "a")
    assert optimizer.lr == 0.05  # restored
    net, optimizer = make(), bp.optim.Adam(lr=0.05)
    history = net.fit(
        **settings(optimizer=optimizer), epochs=6, callbacks=each, resume_from=tmp_path / "a"
    )
    same_histories(history, expected)
    assert optimizer.lr == 0.05
    assert bits(net.parameters) == bits(whole.parameters)


def test_a_frozen_layer_continues(tmp_path):
    def frozen():
        net = make()
        net.layers[0].trainable = False
        net.layers[1].lr_scale = 0.5
        net.layers[1].bias_lr_scale = 0.1
        return net

    common = settings(optimizer="adam")
    whole = frozen()
    whole.fit(**common, epochs=4)
    frozen().fit(**common, epochs=2, checkpoint=tmp_path / "a")
    net = make()
    net.fit(**common, epochs=4, resume_from=tmp_path / "a")
    assert not net.layers[0].trainable
    assert (net.layers[1].lr_scale, net.layers[1].bias_lr_scale) == (0.5, 0.1)
    assert bits(net.parameters) == bits(whole.parameters)


@pytest.mark.parametrize("seed", [None, np.random.SeedSequence(3), np.random.default_rng(3)])
def test_the_seed_comes_from_the_file(tmp_path, seed):
    """A random seed and a Generator, which gives another seed in each call."""
    whole = make()
    keep = bp.callbacks.Checkpoint(tmp_path / "{epoch}")
    common = {**settings(optimizer="adam"), "seed": seed}
    whole.fit(**common, epochs=4, checkpoint=keep)
    net = make()
    net.fit(**common, epochs=4, resume_from=tmp_path / "2")
    assert bits(net.parameters) == bits(whole.parameters)


def test_a_finished_training_only_returns_its_history(tmp_path):
    common = settings(optimizer="adam", early_stopping=stop())
    whole = make()
    expected = whole.fit(**common, epochs=LAST, checkpoint=tmp_path / "a")
    assert expected.restored_best
    net = make()
    history = net.fit(**common, epochs=LAST, resume_from=tmp_path / "a")
    same_histories(history, expected)
    assert history["seconds"] == expected["seconds"]
    assert bits(net.parameters) == bits(whole.parameters)


def test_more_epochs_than_before(tmp_path):
    """A schedule without a length is stretched to the new number of epochs."""
    schedule = bp.schedules.Cosine()
    common = settings(schedule, optimizer="sgd")
    make().fit(**common, epochs=3, checkpoint=tmp_path / "a")
    history = make().fit(**common, epochs=6, resume_from=tmp_path / "a")
    short, long = schedule.with_length(9, 3), schedule.with_length(18, 6)
    base = bp.optim.SGD().lr
    expected = [short.lr(base, i) for i in range(3)] + [long.lr(base, i) for i in range(3, 6)]
    assert history["lr"] == expected


@pytest.mark.parametrize("kept", [1, 4, 6, 8])
def test_a_file_within_an_epoch_continues(tmp_path, kept):
    """Steps take longer than the 50 ms between two reports, so there is a file after every step."""

    class Keep(bp.callbacks.Checkpoint):
        def on_progress(self, net, epoch, rows_done, loss):
            # A slow validation reports again after the last step of an epoch.
            self.path = str(tmp_path / str(3 * epoch + rows_done // 8 - 1))
            super().on_progress(net, epoch, rows_done, loss)

    def slow(a, y):
        if len(y) <= 8:  # not for the validation rows
            time.sleep(0.06)
        return 0.5 * float(((a - y) ** 2).mean()), (a - y) / a.size

    def options():
        schedule = bp.schedules.OneCycle(max_lr=0.1)
        return settings(schedule, optimizer="adam") | {"loss": bp.losses.Custom(slow)}

    whole = make()
    keep = Keep(tmp_path / "end", every=9, every_seconds=0)
    expected = whole.fit(**options(), epochs=3, callbacks=keep)

    path = tmp_path / str(kept)
    saved = bp.load_checkpoint(path)
    assert saved.epochs == kept // 3  # an epoch has 24 of 40 rows, 8 per step
    assert saved.steps == kept + 1
    assert saved.history.epochs == saved.epochs
    net = make()
    history = net.fit(**options(), epochs=3, resume_from=path)
    assert bits(net.parameters) == bits(whole.parameters)
    same_histories(history, expected)


def test_every_seconds_is_checked(tmp_path):
    with pytest.raises(ValueError, match="every_seconds must be at least 0, got -1"):
        bp.callbacks.Checkpoint(tmp_path / "a", every_seconds=-1)
    with pytest.raises(TypeError, match="every_seconds"):
        bp.callbacks.Checkpoint(tmp_path / "a", every_seconds="1")
    with pytest.raises(ValueError, match="compares whole epochs"):
        bp.callbacks.Checkpoint(tmp_path / "a", every_seconds=1, save_best_only=True)
    keep = bp.callbacks.Checkpoint(tmp_path / "{loss}", every_seconds=0)
    with pytest.raises(ValueError, match="the possible fields are: epoch"):
        keep.on_progress(make(), 0, 8, 1.0)


def test_on_progress_stops_at_once():
    """The history does not contain the epoch. Only True stops; the number 7 does not."""

    def slow(a, y):
        time.sleep(0.06)
        return float(((a - y) ** 2).mean()), 2 * (a - y) / a.size

    seen = []

    def progress(net, epoch, rows_done, loss):
        seen.append((epoch, rows_done, loss))
        return 7 if len(seen) < 2 else True

    net = make()
    history = net.fit(
        **{**settings(), "loss": bp.losses.Custom(slow)},
        optimizer="sgd",
        epochs=2,
        callbacks=bp.callbacks.LambdaCallback(on_progress=progress),
    )
    assert [entry[:2] for entry in seen] == [(0, 8), (0, 16)]
    assert history.epochs == 0
    assert history.stopped_early


def test_a_new_training_has_no_memory():
    net, optimizer = make(), bp.optim.Adam(lr=0.05)
    common = settings(optimizer=optimizer, epochs=3, early_stopping=stop())
    net.fit(**common)
    history = net.fit(**common)
    assert history.best_epoch in range(3)
    assert history.epochs == 3


def test_save_best_only_continues(tmp_path):
    """A save after the interruption must beat the best save before it."""

    def fit(folder, epochs, **options):
        best = bp.callbacks.Checkpoint(folder / "best-{epoch}", save_best_only=True)
        last = bp.callbacks.Checkpoint(folder / "last")
        common = settings(optimizer=bp.optim.Adam(lr=0.05))
        make().fit(**common, epochs=epochs, callbacks=[best, last], **options)

    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    fit(tmp_path / "whole", LAST)
    fit(tmp_path / "parts", 7)
    fit(tmp_path / "parts", LAST, resume_from=tmp_path / "parts" / "last")
    names = sorted(p.name for p in (tmp_path / "whole").iterdir())
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == names
    assert len(names) < LAST  # some epochs were not the best so far


def test_a_callback_saves_a_training(tmp_path):
    """With the metadata of the user."""

    class Save(bp.callbacks.Callback):
        def on_train_begin(self, net, info):
            self.info = info

        def on_epoch_end(self, net, epoch, logs):
            info = self.info
            assert (info.memory.epochs, info.memory.steps) == (epoch + 1, 3 * (epoch + 1))
            assert info.memory.history["loss"][-1] == logs["loss"]
            net.save(
                tmp_path / str(epoch),
                optimizer=info.optimizer,
                schedule=info.schedule,
                memory=info.memory,
                metadata={"by": "me"},
            )

    common = settings(bp.schedules.Cosine(), optimizer="adam", epochs=4)
    whole, net = make(), make()
    expected = whole.fit(**common, callbacks=Save())
    history = net.fit(**common, resume_from=tmp_path / "1")
    same_histories(history, expected)
    assert bits(net.parameters) == bits(whole.parameters)
    assert bp.load_checkpoint(tmp_path / "2").metadata == {"by": "me"}
    keep = bp.callbacks.Checkpoint(tmp_path / "b", metadata={"by": "you"})
    make().fit(**common, checkpoint=keep)
    assert bp.load_checkpoint(tmp_path / "b").metadata == {"by": "you"}


def test_a_memory_that_cannot_be_saved(tmp_path):
    net = make()
    with pytest.raises(TypeError, match="memory"):
        net.save(tmp_path / "d", memory=3)
    infos = []
    begin = bp.callbacks.LambdaCallback(on_train_begin=lambda net, info: infos.append(info))
    net.fit(**settings(optimizer="sgd", epochs=1, early_stopping=stop()), callbacks=begin)
    with pytest.raises(ValueError, match="another network"):
        bp.Network([2, 2]).save(tmp_path / "d", memory=infos[0].memory)
    assert not (tmp_path / "d").exists()


REFUSED = {
    r"layer 1 of the network differs. In the file: 4 -> 24, tanh, bias, dropout 0.1. Here: 4 -> 24,"
    " relu, bias, dropout 0": (lambda: bp.Network([4, 24, 2], "relu", dtype="float64"), {}),
    "number of layers differs. In the file: 2. Here: 1": (
        lambda: bp.Network([4, 2], dtype="float64"),
        {},
    ),
    "the file contains a float64 network, but float32": (lambda: make("float32"), {}),
    'the optimizer differs. In the file: .*"name":"Adam"': (make, {"optimizer": "sgd"}),
    'optimizer differs.*"lr":0.001.*"lr":0.1': (make, {"optimizer": bp.optim.Adam(lr=0.1)}),
    "the schedule differs.* Here: none": (make, {"schedule": None}),
    "the schedule differs.*4": (make, {"schedule": bp.schedules.Step(4)}),
    "the seed differs. In the file: 5. Here: 6": (make, {"seed": 6}),
    "In the file: loss, r2, val_loss, val_r2, lr, seconds. Here: loss, val_loss": (
        make,
        {"metrics": []},
    ),
    "6 steps in 2 epochs .* Here: 4 steps per epoch. Use the same": (make, {"batch_size": 7}),
    "2 epochs are finished, but epochs is 1": (make, {"epochs": 1}),
    '"val_loss", not "loss"': (make, {"early_stopping": stop("loss")}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_another_training_is_refused_and_changes_nothing(tmp_path, message):
    network, changes = REFUSED[message]
    common = settings(bp.schedules.Step(3), optimizer="adam", early_stopping=stop())
    make().fit(**common, epochs=2, checkpoint=tmp_path / "a")
    net = network()
    before = bits(net.parameters)
    arguments = {**common, "epochs": 4, **changes}
    schedule, optimizer = arguments["schedule"], arguments["optimizer"]
    same = copy.deepcopy(schedule)
    with pytest.raises(ValueError, match=message):
        net.fit(**arguments, resume_from=tmp_path / "a")
    assert bits(net.parameters) == before
    assert schedule == same
    assert isinstance(optimizer, str) or not optimizer.state


def test_files_without_a_training_are_refused(tmp_path):
    make().save(tmp_path / "a", optimizer=bp.optim.Adam())
    with pytest.raises(ValueError, match="contains no training"):
        make().fit(**settings(optimizer="adam"), epochs=2, resume_from=tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        make().fit(**settings(optimizer="adam"), epochs=2, resume_from=tmp_path / "b")
    with pytest.raises(TypeError, match="resume_from must be a path, got 3"):
        make().fit(**settings(optimizer="adam"), epochs=2, resume_from=3)
    assert bp.load_checkpoint(tmp_path / "a").history == bp.History()
