"""Training that continues from a checkpoint ends like uninterrupted training."""

import pickle
import time

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("monitor", ["val_loss", "val_r2"])
@pytest.mark.parametrize("interrupted", [1, 3, 5, 6])
def test_early_stopping_goes_on(tmp_path, dtype, restore_best, monitor, interrupted):
    early = stop(monitor, restore_best=restore_best)
    plateau = {"patience": 1, "factor": 0.5}
    whole, optimizer = make(dtype), bp.optim.Adam(lr=0.05)
    expected = whole.fit(
        **settings(bp.schedules.ReduceOnPlateau(**plateau)),
        optimizer=optimizer,
        epochs=LAST,
        early_stopping=early,
    )
    assert expected.stopped_early
    assert interrupted < expected.epochs < LAST

    path = tmp_path / "checkpoint"
    part, other = make(dtype), bp.optim.Adam(lr=0.05)
    part.fit(
        **settings(bp.schedules.ReduceOnPlateau(**plateau)),
        optimizer=other,
        epochs=interrupted,
        early_stopping=early,
        checkpoint=bp.callbacks.Checkpoint(path, optimizer=other),
    )
    saved = bp.load_checkpoint(path)
    history = saved.network.fit(
        **settings(saved.schedule),
        optimizer=saved.optimizer,
        epochs=LAST - interrupted,
        early_stopping=early,
        resume_from=saved,
    )
    assert interrupted + history.epochs == expected.epochs
    assert history.best_epoch == expected.best_epoch
    assert history["val_loss"] == expected["val_loss"][interrupted:]
    assert history["lr"] == expected["lr"][interrupted:]
    assert bits(saved.network.parameters) == bits(whole.parameters)
    # Training can continue from a checkpoint of continued training.
    assert saved.memory.waited <= interrupted


@pytest.mark.parametrize("kept", [1, 4, 6, 8])
def test_a_checkpoint_within_an_epoch_is_gone_on_from(tmp_path, kept):
    """Steps take longer than the 50 ms between two reports, so there is a file after every step."""
    names = iter(range(100))

    class Keep(bp.callbacks.Checkpoint):
        def on_progress(self, net, epoch, rows_done, loss):
            self.path = str(tmp_path / str(next(names)))
            super().on_progress(net, epoch, rows_done, loss)

    def slow(a, y):
        if len(y) <= 8:  # not for the validation rows
            time.sleep(0.06)
        return 0.5 * float(((a - y) ** 2).mean()), (a - y) / a.size

    loss = bp.losses.Custom(slow)
    whole, optimizer = make(), bp.optim.Adam(lr=0.05)
    options = {**settings(bp.schedules.OneCycle(max_lr=0.1)), "loss": loss}
    keep = Keep(tmp_path / "end", optimizer=optimizer, every=9, every_seconds=0)
    expected = whole.fit(**options, optimizer=optimizer, epochs=3, callbacks=keep)

    saved = bp.load_checkpoint(tmp_path / str(kept))
    assert saved.epochs == kept // 3
    assert saved.steps == kept + 1
    assert saved.memory.epoch_steps == kept % 3 + 1  # 24 of 40 rows, 8 per step
    options = {**settings(saved.schedule), "loss": loss}
    left = 3 - saved.epochs
    history = saved.network.fit(
        **options, optimizer=saved.optimizer, epochs=left, resume_from=saved
    )
    assert bits(saved.network.parameters) == bits(whole.parameters)
    for name in ("loss", "val_loss", "lr"):
        assert history[name] == expected[name][saved.epochs :]


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


def test_a_new_training_remembers_nothing(tmp_path):
    net, optimizer = make(), bp.optim.Adam(lr=0.05)
    path = tmp_path / "checkpoint"
    keep = bp.callbacks.Checkpoint(path, optimizer=optimizer)
    common = settings(optimizer=optimizer, epochs=3, early_stopping=stop(), checkpoint=keep)
    net.fit(**common)
    saved = bp.load_checkpoint(path)
    assert saved.memory.monitor == "val_loss"
    assert saved.memory.best is not None
    history = saved.network.fit(**{**common, "optimizer": saved.optimizer, "checkpoint": None})
    assert history.best_epoch in range(3)


def test_save_best_only_goes_on(tmp_path):
    """A save after the interruption must beat the best save before it."""

    def fit(net, optimizer, folder, epochs, **options):
        best = bp.callbacks.Checkpoint(
            folder / "best-{epoch}", save_best_only=True, optimizer=optimizer
        )
        last = bp.callbacks.Checkpoint(folder / "last", optimizer=optimizer)
        net.fit(**settings(), optimizer=optimizer, epochs=epochs, callbacks=[best, last], **options)

    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    fit(make(), bp.optim.Adam(lr=0.05), tmp_path / "whole", LAST)
    fit(make(), bp.optim.Adam(lr=0.05), tmp_path / "parts", 7)
    saved = bp.load_checkpoint(tmp_path / "parts" / "last")
    fit(saved.network, saved.optimizer, tmp_path / "parts", LAST - 7, resume_from=saved)
    names = sorted(p.name for p in (tmp_path / "whole").iterdir())
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == names
    assert len(names) < LAST  # some epochs were not the best so far


def test_what_a_checkpoint_remembers_can_be_pickled_and_saved_again(tmp_path):
    net, optimizer = make("float32"), bp.optim.Adam(lr=0.05)
    keep = bp.callbacks.Checkpoint(tmp_path / "a", save_best_only=True, optimizer=optimizer)
    net.fit(**settings(), optimizer=optimizer, epochs=2, early_stopping=stop(), checkpoint=keep)
    memory = bp.load_checkpoint(tmp_path / "a").memory
    again = pickle.loads(pickle.dumps(memory))
    files = []
    for name, saved in (("b", memory), ("c", again)):
        net.save(tmp_path / name, memory=saved)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert bp.load_checkpoint(tmp_path / "c").memory.best_saved == memory.best_saved
    with pytest.raises(TypeError, match="memory"):
        net.save(tmp_path / "d", memory=3)
    with pytest.raises(ValueError, match="another network"):
        bp.Network([2, 2]).save(tmp_path / "d", memory=memory)
    assert not (tmp_path / "d").exists()


def test_another_series_is_refused(tmp_path):
    net, optimizer = make(), bp.optim.SGD(lr=0.01)
    keep = bp.callbacks.Checkpoint(tmp_path / "a", optimizer=optimizer)
    net.fit(**settings(), optimizer=optimizer, epochs=2, early_stopping=stop(), checkpoint=keep)
    saved = bp.load_checkpoint(tmp_path / "a")
    before = bits(saved.network.parameters)
    common = settings(optimizer=saved.optimizer, epochs=2, resume_from=saved)
    with pytest.raises(ValueError, match=r'"val_loss", not "loss"'):
        saved.network.fit(**common, early_stopping=stop("loss"))
    with pytest.raises(ValueError, match="resume_from"):
        saved.network.fit(**common, first_epoch=2)
    assert bits(saved.network.parameters) == before


def test_files_without_a_memory_are_read_as_before(tmp_path):
    make().save(tmp_path / "a")
    memory = bp.load_checkpoint(tmp_path / "a").memory
    assert (memory.monitor, memory.best, memory.waited) == ("", None, 0)
