"""Invalid arguments, and errors of the core and the system."""

import pickle

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (([3],), {}, ValueError, "got 1"),
        (([3, 0],), {}, ValueError, "entry 1 is 0"),
        (([3, -1],), {}, ValueError, "sizes"),
        (([3, 2.5],), {}, TypeError, "sizes"),
        (("32",), {}, TypeError, "sizes"),
        ((3,), {}, TypeError, "sizes"),
        (([3, 2], "rleu"), {}, ValueError, "rleu"),
        (([3, 2], 5), {}, TypeError, "activation"),
        (([3, 2, 1], ["relu", "relu"], "relu"), {}, ValueError, "output"),
        (([3, 2, 1], ["relu"] * 3), {}, ValueError, "list of 2, got 3"),
        (([3, 2],), {"bias": "yes"}, TypeError, "bias"),
        (([3, 2, 1],), {"dropout": 1.0}, ValueError, "dropout"),
        (([3, 2],), {"dropout": "much"}, TypeError, "dropout"),
        (([3, 2],), {"dtype": "float16"}, ValueError, "float16"),
        (([3, 2],), {"dtype": int}, ValueError, "int64"),
        (([3, 2],), {"init": "hee"}, ValueError, "hee"),
        (([3, 2],), {"seed": -1}, ValueError, "seed"),
        (([3, 2],), {"seed": 1.5}, TypeError, "seed"),
        (([3, 2],), {"sede": 1}, TypeError, "sede"),
        (([3, 2], "re\ud800lu"), {}, ValueError, r"activation has characters .* 're\\ud800lu'"),
        (([3, 2],), {"init": "\ud800"}, ValueError, "initializer has characters"),
    ],
)
def test_constructor_errors(arguments, options, error, words):
    with pytest.raises(error, match=words):
        bp.Network(*arguments, **options)


def test_an_array_is_a_list_of_values():
    net = bp.Network([2, 3, 3, 1], dropout=np.array([0.25, 0.5]))
    assert [layer.dropout for layer in net.layers] == [0.25, 0.5, 0.0]
    with pytest.raises(ValueError, match="dropout: expected one value or a list of 1, got 0"):
        bp.Network([2, 3, 1], dropout=np.array([]))


def test_a_monitor_is_text():
    stopping = bp.callbacks.EarlyStopping(monitor="\ud800")
    with pytest.raises(TypeError, match="monitor cannot be"):
        make().fit(
            VALUES,
            np.zeros((4, 3)),
            loss="mse",
            optimizer="sgd",
            epochs=1,
            early_stopping=stopping,
            progress=False,
        )


def test_no_dtype_is_the_default():
    assert bp.Network([3, 2], dtype=None).dtype == np.float32


def test_constructor_takes_what_numpy_users_have():
    a = bp.Network(
        np.array([3, 4, 2]),
        seed=np.int64(3),
        dtype=np.float64,
        bias=np.bool_(True),
        dropout=np.float32(0.5),
    )
    b = bp.Network(
        (3, 4, 2),
        ["relu", bp.activations.Identity()],
        seed=3,
        dtype=np.dtype(float),
        bias=[True, True],
        dropout=[0.5],
    )
    np.testing.assert_array_equal(a.parameters, b.parameters)
    assert a.dtype == np.float64
    assert a.sizes == (3, 4, 2)


@pytest.mark.parametrize("call", ["train_step", "step", "fit"])
def test_an_optimizer_is_an_object(call):
    net = make()
    y = np.zeros((4, 3))
    calls = {
        "train_step": lambda o: net.train_step(VALUES, y, loss="mse", optimizer=o),
        "step": lambda o: net.step(o),
        "fit": lambda o: net.fit(VALUES, y, loss="mse", optimizer=o, epochs=1, progress=False),
    }
    for bad in (None, 3, bp.optim.Adam):
        with pytest.raises(TypeError, match="optimizer"):
            calls[call](bad)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": -1}, ValueError, "epochs"),
        ({"epochs": 1.5}, TypeError, "epochs"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"clip_norm": 0.0}, ValueError, "clip_norm"),
        ({"clip_value": -1.0}, ValueError, "clip_value"),
        ({"metrics": ["acc"]}, ValueError, "acc"),
        ({"validation_data": VALUES}, ValueError, "validation_data"),
        (
            {"validation_data": (VALUES[:, :4], np.zeros((4, 3)))},
            ValueError,
            r"validation_data\[0\]",
        ),
        ({"schedule": "cosine"}, TypeError, "schedule"),
        ({"callbacks": [print]}, TypeError, "callbacks"),
        ({"loss": 3}, TypeError, "loss"),
        ({"seed": -2}, ValueError, "seed"),
        ({"shuffle": "no"}, TypeError, "shuffle must be a bool, not str"),
        ({"shuffle": 1}, TypeError, "shuffle must be a bool, not int"),
        ({"validation_split": "some"}, TypeError, "validation_split must be a number, not str"),
        ({"l1": None}, TypeError, "l1 must be a number, not NoneType"),
        ({"l2": [1.0]}, TypeError, "l2 must be a number, not list"),
        ({"clip_norm": "1"}, TypeError, "clip_norm must be a number, not str"),
        ({"clip_value": 1j}, TypeError, "clip_value must be a number, not complex"),
        ({"metrics": [3]}, TypeError, "metrics must be names or functions"),
        ({"metrics": 3}, TypeError, "metrics must be names or functions"),
        ({"validation_data": 3}, TypeError, "validation_data must be a pair"),
        ({"early_stopping": 1.5}, TypeError, "early_stopping"),
    ],
)
def test_fit_errors_change_nothing(options, error, words):
    net = make()
    before = net.parameters.copy()
    settings = {"loss": "mse", "optimizer": "sgd", "epochs": 1, "progress": False, **options}
    with pytest.raises(error, match=words):
        net.fit(VALUES, np.zeros((4, 3)), **settings)
    np.testing.assert_array_equal(net.parameters, before)


def test_backward_needs_forward():
    with pytest.raises(RuntimeError, match="forward"):
        make().backward(np.zeros((4, 3)))


@pytest.mark.parametrize("grad", [np.zeros((3, 3)), np.zeros((4, 2)), np.zeros(4), 1.0])
def test_backward_states_both_shapes(grad):
    net = make()
    net.forward(VALUES)
    with pytest.raises(ValueError, match=r"grad_output|\(4, 3\)"):
        net.backward(grad)


def test_file_errors_are_those_of_the_system(tmp_path):
    missing = tmp_path / "no" / "model.safetensors"
    with pytest.raises(FileNotFoundError) as error:
        bp.load(missing)
    assert error.value.errno == 2
    assert error.value.filename == str(missing)
    with pytest.raises(FileNotFoundError):
        make().save(missing)
    with pytest.raises(OSError, match=str(tmp_path)):
        bp.load(tmp_path)
    bad = tmp_path / "bad"
    bad.write_bytes(b"\x10\0\0\0\0\0\0\0nonsense")
    with pytest.raises(bp.FormatError):
        bp.load(bad)
    assert issubclass(bp.FormatError, ValueError)
    with pytest.raises(TypeError):
        bp.load(3)


def test_paths_of_every_kind(tmp_path):
    net = make()
    for path in (tmp_path / "ä b", str(tmp_path / "c"), bytes(tmp_path / "d")):
        net.save(path)
        np.testing.assert_array_equal(bp.load(path).parameters, net.parameters)


@pytest.mark.parametrize("path", ["a\0b", b"a\0b"])
def test_a_path_with_a_null_character_is_a_value_error(path):
    for use in (bp.load, bp.load_checkpoint, make().save):
        with pytest.raises(ValueError, match=r"invalid file name b?'a\\x00b': .*null"):
            use(path)


@pytest.mark.parametrize(
    ("metadata", "error", "words"),
    [
        ({"a": 1}, TypeError, r"metadata\['a'\] must be a str, not int"),
        ({"a": None}, TypeError, r"metadata\['a'\] must be a str, not NoneType"),
        ({1: "a"}, TypeError, "a key of metadata must be a str, not int"),
        ([("a", "b")], TypeError, "metadata must be a dict of str to str, not list"),
        ({"a": "x\ud800"}, ValueError, r"metadata\['a'\] has characters .* 'x\\ud800'"),
        ({"\ud800": "a"}, ValueError, "a key of metadata has characters"),
    ],
)
def test_metadata_are_text(tmp_path, metadata, error, words):
    with pytest.raises(error, match=words):
        make().save(tmp_path / "m", metadata=metadata)
    assert list(tmp_path.iterdir()) == []


def test_divergence_says_where():
    net = make()
    with pytest.raises(bp.DivergenceError) as error:
        net.fit(
            VALUES,
            np.zeros((4, 3)),
            loss="mse",
            optimizer=bp.optim.SGD(lr=1e30),
            epochs=9,
            progress=False,
        )
    assert isinstance(error.value, ArithmeticError)
    assert 0 <= error.value.epoch < 9
    assert error.value.batch == 0
    assert np.isfinite(net.parameters).all()
    again = pickle.loads(pickle.dumps(error.value))
    assert (again.epoch, again.batch, str(again)) == (error.value.epoch, 0, str(error.value))


def test_checkpoint_loads_everything_that_was_saved(tmp_path):
    net = make()
    adam = bp.optim.Adam(lr=0.02)
    net.train_step(VALUES, np.ones((4, 3)), loss="mse", optimizer=adam)
    schedule = bp.schedules.LinearWarmup(3, then=bp.schedules.ReduceOnPlateau(patience=1))
    net.save(
        tmp_path / "m", optimizer=adam, schedule=schedule, epochs=4, steps=17, metadata={"a": "ü"}
    )
    saved = bp.load_checkpoint(tmp_path / "m")
    assert isinstance(saved, bp.SavedTraining)
    assert type(saved.network) is bp.Network
    assert repr(saved.optimizer) == repr(adam)
    np.testing.assert_array_equal(saved.optimizer.state["exp_avg"], adam.state["exp_avg"])
    assert saved.schedule == schedule
    assert saved[3:] == (4, 17, {"a": "ü"}, bp.History())
    plain = tmp_path / "plain"
    net.save(plain)
    assert bp.load_checkpoint(plain)[1:] == (None, None, 0, 0, {}, bp.History())
