"""Callbacks: their order, their arguments, and their effects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass as bp
from backpass.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LambdaCallback,
    TrainInfo,
)
from backpass.callbacks.history import History
from backpass.callbacks.hooks import collect

OPTIMIZER, SCHEDULE = bp.optim.Adam(), bp.schedules.Constant()


def info() -> TrainInfo:
    memory = bp._core.TrainingMemory()
    return TrainInfo(
        epochs=5, batch_size=2, rows=10, optimizer=OPTIMIZER, schedule=SCHEDULE, memory=memory
    )


class Recorder:
    """Replaces a network and records what was saved."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, dict[str, Any]]] = []

    def save(self, path: str, **options: Any) -> None:
        self.saved.append((path, options))


def run(checkpoint: Checkpoint, logs: list[dict[str, float]]) -> list[tuple[str, dict[str, Any]]]:
    net: Any = Recorder()
    checkpoint.on_train_begin(net, info())
    for epoch, entry in enumerate(logs):
        assert checkpoint.on_epoch_end(net, epoch, entry) is None
    return net.saved


def losses(*values: float, name: str = "loss") -> list[dict[str, float]]:
    return [{name: value} for value in values]


class TestEarlyStopping:
    def test_defaults(self) -> None:
        assert EarlyStopping() == EarlyStopping("val_loss", 10, 0.0, True)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"patience": 0}, "patience must be at least 1, got 0"),
            ({"min_delta": -1.0}, r"min_delta .* got -1\.0"),
            ({"min_delta": float("nan")}, "min_delta .* got nan"),
            ({"monitor": ""}, "monitor"),
            ({"ties": "both"}, 'ties must be "first" or "last"'),
        ],
    )
    def test_refuses(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            EarlyStopping(**arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"patience": 1.5}, "patience must be an integer, not float"),
            ({"patience": "2"}, "patience must be an integer, not str"),
            ({"min_delta": "0"}, "min_delta must be a number, not str"),
            ({"min_delta": None}, "min_delta must be a number, not NoneType"),
            ({"restore_best": 1}, "restore_best must be a bool, not int"),
            ({"monitor": 3}, "monitor must be a name, got 3"),
        ],
    )
    def test_refuses_other_types(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(TypeError, match=f"EarlyStopping: {message}"):
            EarlyStopping(**arguments)

    def test_takes_what_numpy_users_have(self) -> None:
        stopping: Any = EarlyStopping(
            "loss", np.int64(2), np.float32(1e9), restore_best=np.bool_(True)
        )
        _, history = fit([stopping], epochs=10)
        assert history.epochs == 3


class TestCheckpoint:
    def test_saves_every_epoch(self) -> None:
        saved = run(Checkpoint("m", metadata={"a": "b"}), losses(3, 2, 4))
        assert [path for path, _ in saved] == ["m"] * 3
        options = saved[-1][1]
        assert options["optimizer"] is OPTIMIZER
        assert options["schedule"] is SCHEDULE
        assert options["metadata"] == {"a": "b"}

    def test_saves_every_nth(self) -> None:
        saved = run(Checkpoint("m{epoch}", every=2), losses(1, 1, 1, 1, 1))
        assert [path for path, _ in saved] == ["m2", "m4"]

    def test_fills_the_path_in(self) -> None:
        saved = run(Checkpoint(Path("m-{epoch:03d}-{loss:.2f}")), losses(0.123))
        assert saved[0][0] == "m-001-0.12"

    def test_unknown_field_says_what_there_is(self) -> None:
        with pytest.raises(ValueError, match="epoch, loss"):
            run(Checkpoint("m-{val_loss}"), losses(1))

    def test_saves_the_best_only(self) -> None:
        saved = run(Checkpoint("m{epoch}", save_best_only=True), losses(3, 4, 2, float("nan"), 1))
        assert [path for path, _ in saved] == ["m1", "m3", "m5"]

    def test_nan_first_does_not_block_what_follows(self) -> None:
        saved = run(Checkpoint("m{epoch}", save_best_only=True), losses(float("nan"), 2))
        assert [path for path, _ in saved] == ["m2"]

    def test_prefers_the_validation_loss(self) -> None:
        logs = [{"loss": 3.0, "val_loss": 1.0}, {"loss": 2.0, "val_loss": 2.0}]
        assert len(run(Checkpoint("m", save_best_only=True), logs)) == 1

    @pytest.mark.parametrize("name", ["accuracy", "val_accuracy", "r2", "val_r2"])
    def test_higher_metrics_are_better(self, name: str) -> None:
        checkpoint = Checkpoint("m{epoch}", monitor=name, save_best_only=True)
        saved = run(checkpoint, losses(0.5, 0.7, 0.6, name=name))
        assert [path for path, _ in saved] == ["m1", "m2"]

    def test_unknown_monitor_is_an_error(self) -> None:
        with pytest.raises(
            ValueError, match=r"unknown series to monitor 'val_loss' .*there are: loss"
        ):
            run(Checkpoint("m", monitor="val_loss", save_best_only=True), losses(1))

    def test_a_new_run_starts_afresh(self) -> None:
        checkpoint = Checkpoint("m", save_best_only=True)
        assert len(run(checkpoint, losses(1))) == 1
        assert len(run(checkpoint, losses(5))) == 1

    def test_every_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match="every must be at least 1, got 0"):
            Checkpoint("m", every=0)

    def test_refuses_other_types(self) -> None:
        arguments: Any = {"every": 1.5}
        with pytest.raises(TypeError, match=r"Checkpoint: every must be an integer, not float"):
            Checkpoint("m", **arguments)
        arguments = {"save_best_only": "yes"}
        with pytest.raises(TypeError, match="Checkpoint: save_best_only must be a bool, not str"):
            Checkpoint("m", **arguments)


class TestCollect:
    def test_sorts(self) -> None:
        callback, stopping, checkpoint = Callback(), EarlyStopping(), Checkpoint("m")
        assert collect() == ([], None)
        assert collect(callback) == ([callback], None)
        assert collect([stopping, callback], checkpoint=checkpoint) == (
            [callback, checkpoint],
            stopping,
        )
        assert collect((), early_stopping=stopping) == ([], stopping)

    def test_short_forms(self, tmp_path: Path) -> None:
        callbacks, stopping = collect(early_stopping=3, checkpoint=tmp_path / "m")
        assert stopping == EarlyStopping(patience=3)
        assert isinstance(callbacks[0], Checkpoint)
        assert callbacks[0].path == str(tmp_path / "m")

    @pytest.mark.parametrize(
        "arguments",
        [
            {"callbacks": [print]},
            {"early_stopping": "val_loss"},
            {"early_stopping": True},
            {"checkpoint": 3},
        ],
    )
    def test_refuses_other_types(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(TypeError):
            collect(**arguments)

    def test_refuses_two_early_stoppings(self) -> None:
        with pytest.raises(ValueError, match="more than one EarlyStopping"):
            collect([EarlyStopping()], early_stopping=EarlyStopping())


def fit(callbacks: Any, epochs: int = 4, **options: Any) -> tuple[bp.Network, History]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    net = bp.Network([3, 4, 1], seed=0)
    history = net.fit(
        x,
        x.sum(axis=1, keepdims=True),
        loss="mse",
        optimizer=bp.optim.Adam(),
        epochs=epochs,
        batch_size=8,
        callbacks=callbacks,
        progress=False,
        seed=0,
        **options,
    )
    return net, history


class TestInFit:
    def test_all_hooks_are_called_in_order_with_what_happens(self) -> None:
        calls: list[Any] = []
        callback = LambdaCallback(
            on_train_begin=lambda net, info: calls.append((net, info)),
            on_epoch_end=lambda net, epoch, logs: calls.append((net, epoch, dict(logs))),
            on_train_end=lambda net, history: calls.append((net, history)),
        )
        net, history = fit([callback], epochs=2)
        assert all(call[0] is net for call in calls)
        assert (calls[0][1].epochs, calls[0][1].batch_size, calls[0][1].rows) == (2, 8, 20)
        assert [call[1] for call in calls[1:3]] == [0, 1]
        for epoch, call in enumerate(calls[1:3]):
            assert call[2] == {name: values[epoch] for name, values in history.items()}
        assert calls[3][1] == history
        assert len(calls) == 4

    def test_true_stops(self) -> None:
        _, history = fit([LambdaCallback(on_epoch_end=lambda net, epoch, logs: epoch == 1)])
        assert history.epochs == len(history["loss"]) == 2
        assert history.stopped_early

    def test_none_does_not_stop(self) -> None:
        _, history = fit([Callback()])
        assert history.epochs == 4
        assert not history.stopped_early

    def test_an_exception_reaches_the_caller(self) -> None:
        def fail(net: Any, epoch: int, logs: Any) -> bool:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            fit([LambdaCallback(on_epoch_end=fail)])

    @pytest.mark.parametrize("where", ["early_stopping", "callbacks"])
    def test_early_stopping_is_taken_from_both_places(self, where: str) -> None:
        # No improvement is larger than min_delta, so the first epoch stays the best.
        stopping = EarlyStopping(monitor="loss", patience=2, min_delta=1e9)
        if where == "callbacks":
            _, history = fit([stopping], epochs=10)
        else:
            _, history = fit([], epochs=10, early_stopping=stopping)
        assert history.stopped_early
        assert history.best_epoch == 0
        assert history.epochs == 3

    def test_checkpoint_holds_the_network_of_its_epoch(self, tmp_path: Path) -> None:
        net, _ = fit([Checkpoint(tmp_path / "m{epoch}.safetensors")], epochs=2)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "m1.safetensors",
            "m2.safetensors",
        ]
        last = bp.load(tmp_path / "m2.safetensors")
        assert np.array_equal(last.parameters, net.parameters)
        first = bp.load(tmp_path / "m1.safetensors")
        assert not np.array_equal(first.parameters, net.parameters)

    @pytest.mark.parametrize("split", [0.29, 0.57, 0.58])
    def test_a_checkpoint_counts_the_steps_that_were_made(
        self, tmp_path: Path, split: float
    ) -> None:
        """Also if binary rounding makes the split slightly less than a whole number of rows."""
        infos: list[TrainInfo] = []
        seen: list[int] = []

        def cost(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
            seen.append(len(a))
            return float(a.sum()), np.full_like(a, 1e-3)

        adam = bp.optim.Adam()
        net = bp.Network([3, 1], seed=0)
        net.fit(
            np.ones((100, 3)),
            np.ones((100, 1)),
            loss=bp.losses.Custom(cost),
            optimizer=adam,
            epochs=2,
            batch_size=1,
            validation_split=split,
            callbacks=[
                LambdaCallback(on_train_begin=lambda net, info: infos.append(info)),
                Checkpoint(tmp_path / "m"),
            ],
            progress=False,
        )
        steps = seen.count(1)
        assert steps == 2 * round(100 * (1 - split))
        assert bp.load_checkpoint(tmp_path / "m").steps == steps
        assert infos[0].rows == steps // 2
        assert adam.state["step"] == [steps]

    def test_rows_are_counted_whatever_they_come_in(self) -> None:
        class OnlyDLPack:
            def __init__(self, array: np.ndarray) -> None:
                self._array = array

            def __dlpack__(self, **options: Any) -> Any:
                return self._array.__dlpack__(**options)

            def __dlpack_device__(self) -> Any:
                return self._array.__dlpack_device__()

        infos: list[TrainInfo] = []
        callback = LambdaCallback(on_train_begin=lambda net, info: infos.append(info))
        x, y = np.ones((7, 3), np.float32), np.ones((7, 1), np.float32)
        for inputs, targets in (
            (OnlyDLPack(x), OnlyDLPack(y)),
            (x.tolist(), y.tolist()),
            (x[0], y[0]),
        ):
            bp.Network([3, 1], seed=0).fit(
                inputs,  # type: ignore[arg-type]
                targets,  # type: ignore[arg-type]
                loss="mse",
                optimizer="sgd",
                epochs=1,
                callbacks=callback,
                progress=False,
            )
        assert [info.rows for info in infos] == [7, 7, 1]

    @pytest.mark.parametrize("epoch", [1, 3])
    @pytest.mark.parametrize(
        "make_schedule",
        [
            lambda: bp.schedules.Cosine(period=6),
            lambda: bp.schedules.Cosine(),
            lambda: bp.schedules.OneCycle(max_lr=0.05),
            lambda: bp.schedules.LinearWarmup(steps=2, then=bp.schedules.OneCycle(max_lr=0.05)),
        ],
        ids=["cosine", "cosine_over_all", "one_cycle", "warmup"],
    )
    def test_training_from_a_checkpoint_has_the_bits_of_uninterrupted_training(
        self, tmp_path: Path, epoch: int, make_schedule: Callable[[], bp.schedules.Schedule]
    ) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(25, 3))
        y = x.sum(axis=1, keepdims=True)

        def train(net: bp.Network, optimizer: Any, epochs: int, **options: Any) -> History:
            return net.fit(
                *(x, y),
                loss="mse",
                optimizer=optimizer,
                epochs=epochs,
                batch_size=10,
                progress=False,
                seed=1,
                **options,
            )

        def make() -> bp.Network:
            return bp.Network([3, 8, 1], dropout=0.2, seed=0)

        whole, adam = make(), bp.optim.Adam(lr=0.01)
        schedule = make_schedule()
        checkpoint = Checkpoint(tmp_path / "{epoch}")
        history = train(whole, adam, 6, schedule=schedule, callbacks=[checkpoint])
        assert adam.lr == 0.01
        assert schedule == make_schedule()  # the object of the caller gets no length

        path = tmp_path / str(epoch)
        saved = bp.load_checkpoint(path)
        assert (saved.epochs, saved.steps) == (epoch, 3 * epoch)
        assert saved.history["loss"] == history["loss"][:epoch]
        net, other = make(), bp.optim.Adam(lr=0.01)
        rest = train(net, other, 6, schedule=schedule, resume_from=path)
        assert rest["loss"] == history["loss"]
        assert rest["lr"] == history["lr"]
        assert other.lr == 0.01
        assert np.array_equal(net.parameters, whole.parameters)


def test_the_methods_of_the_base_class_do_nothing() -> None:
    net: Any = None
    base = Callback()
    assert base.on_train_begin(net, info()) is None
    assert base.on_epoch_end(net, 0, {"loss": 0.5}) is None
    assert base.on_progress(net, 0, 3, 0.5) is None
    assert base.on_train_end(net, History({"loss": [0.5]})) is None
    assert LambdaCallback().on_progress(net, 0, 3, 0.5) is None


class TestSavesByTime:
    @pytest.mark.parametrize(("seconds", "saves"), [(0, 3), (3600, 0)])
    def test_saves_when_the_time_has_passed(self, seconds: float, saves: int) -> None:
        checkpoint = Checkpoint("m", every=100, every_seconds=seconds)
        net: Any = Recorder()
        checkpoint.on_train_begin(net, info())
        for rows in (2, 4, 6):
            checkpoint.on_progress(net, 0, rows, 0.5)
        assert len(net.saved) == saves

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_a_negative_time_is_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="every_seconds must be at least 0"):
            Checkpoint("m", every_seconds=seconds)

    def test_the_best_epoch_is_not_a_matter_of_time(self) -> None:
        with pytest.raises(ValueError, match="use a second Checkpoint"):
            Checkpoint("m", save_best_only=True, every_seconds=1)


@pytest.mark.parametrize("argument", ["callbacks", "early_stopping", "checkpoint"])
def test_a_class_in_place_of_an_object_is_named(argument: str) -> None:
    arguments: Any = {argument: Checkpoint}
    with pytest.raises(TypeError, match=r"got the class Checkpoint: write Checkpoint\(\.\.\.\)"):
        collect(**arguments)


def test_a_count_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"every must be below 2\*\*63"):
        Checkpoint("m", every=2**63)
