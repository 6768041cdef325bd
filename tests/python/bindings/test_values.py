"""Networks, settings and optimizers are copied, pickled and compared."""

import copy
import pickle

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, address, make

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
TWINS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": lambda o, p=p: pickle.loads(pickle.dumps(o, p)) for p in PROTOCOLS},
}


class Annotated(bp.Network):
    """A subclass: its objects may have any attributes."""


@pytest.mark.parametrize("how", [*TWINS, "method"])
def test_a_copied_network_is_the_same_and_apart(how, dtype):
    net = make(dtype, Annotated, dropout=0.3)
    net.layers[0].trainable = False
    net.layers[1].lr_scale = 0.25
    net.layers[1].bias_lr_scale = 0.5
    net.note = ["mine"]
    optimizers = [bp.optim.SGD(), bp.optim.SGD()]
    y = np.ones((4, 3))
    net.train_step(VALUES, y, loss="mse", optimizer=optimizers[0])  # dropout has now drawn once
    twin = net.copy() if how == "method" else TWINS[how](net)
    assert type(twin) is Annotated
    assert repr(twin) == repr(net)
    np.testing.assert_array_equal(twin.parameters, net.parameters)
    assert address(twin.parameters) != address(net.parameters)
    assert twin.layers[0].trainable is False
    assert (twin.layers[1].lr_scale, twin.layers[1].bias_lr_scale) == (0.25, 0.5)
    assert twin.note == ["mine"]
    assert (twin.note is net.note) == (how in ("copy", "method"))
    # Dropout continues identically.
    for one, optimizer in zip((net, twin), optimizers, strict=True):
        one.train_step(VALUES, y, loss="mse", optimizer=optimizer)
    np.testing.assert_array_equal(twin.parameters, net.parameters)


class Mine(bp.Network):
    def double(self, x):
        return 2 * self.predict(x)


def test_copies_and_pickles_keep_the_subclass():
    net = Mine([5, 3], seed=0)
    for twin in (net.copy(), *(f(net) for f in TWINS.values())):
        assert type(twin) is Mine
        np.testing.assert_array_equal(twin.double(VALUES), net.double(VALUES))


def test_custom_activations_are_copied_but_not_pickled():
    net = bp.Network(
        [5, 4, 3], bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2), seed=0
    )
    np.testing.assert_array_equal(copy.deepcopy(net).predict(VALUES), net.predict(VALUES))
    with pytest.raises(ValueError, match=r"[Cc]ustom"):
        pickle.dumps(net)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_views_of_a_network_are_not_pickled(protocol):
    """A view cannot be pickled: the copy would not be a view of the network."""
    for view in (make().layers, make().layers[0]):
        with pytest.raises(TypeError, match=r"cannot pickle '.*Layers?' object"):
            pickle.dumps(view, protocol)


def test_a_broken_pickle_is_an_error():
    state = make().__getstate__()
    blank = bp.Network.__new__(bp.Network)
    with pytest.raises(bp.FormatError):
        blank.__setstate__((state[0][:-3], *state[1:]))
    with pytest.raises((TypeError, RuntimeError, ValueError)):
        blank.__setstate__(3)


OBJECTS = [
    *(bp.activations.get(name) for name in bp.activations.names()),
    bp.activations.LeakyReLU(0.3),
    bp.activations.CELU(alpha=2.0),
    bp.activations.Custom(np.tanh, np.cos),
    *(
        getattr(bp.losses, name)()
        for name in bp.losses.__all__
        if name not in ("Custom", "Loss", "get", "names")
    ),
    bp.losses.Huber(delta=0.3),
    bp.losses.CrossEntropy(label_smoothing=0.2),
    bp.losses.Custom(np.add),
    *(getattr(bp.schedules, name)() for name in bp.schedules.__all__ if name != "Schedule"),
    bp.schedules.OneCycle(max_lr=0.3, total_steps=7),
    bp.schedules.LinearWarmup(5, then=bp.schedules.Step(3)),
    bp.initializers.Constant(0.5),
    bp.initializers.Normal(0.5),
]


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_settings_are_values(value):
    for twin in (f(value) for f in TWINS.values()):
        assert type(twin) is type(value)
        assert twin == value
        assert hash(twin) == hash(value)
        assert repr(twin) == repr(value)
    assert value != "text"
    assert sum(value == other for other in OBJECTS) == 1
    if "Custom" not in repr(value) and "Warmup(steps=5" not in repr(value):
        names = vars(bp.activations) | vars(bp.losses) | vars(bp.schedules) | vars(bp.initializers)
        if repr(value).split("(")[0] not in ("Step", "Constant"):
            assert eval(repr(value), {**names, "Step": bp.schedules.Step}) == value
    with pytest.raises(AttributeError):
        value.alpha = 1.0


@pytest.mark.parametrize(
    "name", [n for n in bp.optim.__all__ if n not in ("Optimizer", "get", "names")]
)
@pytest.mark.parametrize("how", TWINS)
def test_optimizers_keep_their_state(name, how, dtype):
    optimizer = getattr(bp.optim, name)(lr=0.01)
    if name == "SGD":
        optimizer.momentum = 0.9
    assert optimizer.state == {}
    net = make(dtype)
    y = np.ones((4, 3))
    for _ in range(3):
        net.train_step(VALUES, y, loss="mse", optimizer=optimizer)
    state = optimizer.state
    assert state["step"] == [3, 3]
    arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
    assert arrays
    assert all(v.shape == (net.num_parameters,) and v.dtype == dtype for v in arrays.values())
    twin = TWINS[how](optimizer)
    assert type(twin) is type(optimizer)
    assert repr(twin) == repr(optimizer)
    other = net.copy()
    for one, rule in ((net, optimizer), (other, twin)):
        one.train_step(VALUES, y, loss="mse", optimizer=rule)
    np.testing.assert_array_equal(other.parameters, net.parameters)
    # The state can be restored, and reset() clears it.
    optimizer.state = state
    for key, array in arrays.items():
        np.testing.assert_array_equal(optimizer.state[key], array)
    optimizer.reset()
    assert optimizer.state == {}


@pytest.mark.parametrize(
    "state",
    [
        {"step": [1], "exp_avg": np.zeros((2, 2))},
        {"step": [1], "exp_avg": np.zeros(3), "exp_avg_sq": np.zeros(4)},
        {"step": [1], "exp_avg": np.zeros(3), "exp_avg_sq": np.zeros(3, "float32")},
        {"exp_avg": np.zeros(3)},
        {"step": [1], "nothing": np.zeros(3)},
    ],
)
def test_a_state_that_is_none_changes_nothing(state):
    adam = bp.optim.Adam()
    net = make()
    net.train_step(VALUES, np.ones((4, 3)), loss="mse", optimizer=adam)
    before = adam.state
    with pytest.raises(ValueError, match="state"):
        adam.state = state
    assert adam.state["step"] == before["step"]


def test_hyperparameters_are_checked_when_set():
    adam = bp.optim.Adam()
    adam.lr = 0.5
    adam.betas = (0.5, 0.75)
    assert (adam.lr, adam.betas) == (0.5, (0.5, 0.75))
    for name, value in (("lr", -1.0), ("lr", np.nan), ("betas", (1.5, 0.9)), ("eps", -1.0)):
        before = getattr(adam, name)
        with pytest.raises(ValueError, match="Adam"):
            setattr(adam, name, value)
        assert getattr(adam, name) == before
    with pytest.raises(TypeError):
        adam.lr = "fast"


@pytest.mark.parametrize(
    ("make_bad", "words"),
    [
        (lambda: bp.losses.Huber(delta=0.0), "delta"),
        (lambda: bp.losses.Quantile(q=1.0), "quantile: q = 1, but it must be in"),
        (lambda: bp.losses.CrossEntropy(label_smoothing=1.5), "label_smoothing"),
        (lambda: bp.losses.get("msee"), r"msee.*mse"),
        (lambda: bp.activations.get("rleu"), r"rleu.*relu"),
        (lambda: bp.optim.get("adams"), r"adams.*adam"),
        (lambda: bp.schedules.Step(step_size=0), "step_size"),
        (lambda: bp.schedules.LinearWarmup(steps=-1), "steps"),
    ],
)
def test_settings_out_of_range(make_bad, words):
    with pytest.raises(ValueError, match=words):
        make_bad()


def test_reduce_on_plateau_has_a_memory():
    plateau = bp.schedules.ReduceOnPlateau(factor=0.5, patience=0)
    warm = bp.schedules.LinearWarmup(2, then=plateau)
    for loss in (1.0, 2.0, 3.0):
        warm.observe(0.1, loss)
    assert plateau.best == 1.0
    assert plateau.scale == 0.25  # the given object, not a copy
    for twin in (f(plateau) for f in TWINS.values()):
        assert (twin.scale, twin.best, twin.lr(1.0)) == (0.25, 1.0, 0.25)


def test_the_memory_of_reduce_on_plateau_can_be_moved():
    plateau = bp.schedules.ReduceOnPlateau(factor=0.5, patience=0, cooldown=3)
    for loss in (1.0, 2.0):
        plateau.observe(0.1, loss)
    assert plateau.state == (1.0, 0, 3, 0.5)  # best, bad epochs, remaining cooldown, scale
    other = bp.schedules.ReduceOnPlateau(factor=0.5, patience=0, cooldown=3)
    other.state = plateau.state
    assert (other.state, other.lr(1.0)) == (plateau.state, 0.5)


@pytest.mark.parametrize("module", [bp.activations, bp.losses, bp.optim])
def test_a_name_stands_for_an_object(module):
    for name in module.names():
        shown = getattr(module.get(name), "name", name)  # optimizers have no attribute `name`
        assert shown == name


def test_initializers_have_names():
    kinds = ("Constant", "Normal", "Uniform", "Orthogonal")
    names = [getattr(bp.initializers, kind)().name for kind in kinds]
    assert names == ["constant", "normal", "uniform", "orthogonal"]


@pytest.mark.parametrize("to", ["float32", "float64"])
def test_astype_converts_everything_but_the_gradients(to, dtype):
    net = make(dtype, Annotated, dropout=0.3)
    net.layers[0].trainable = False
    net.layers[1].lr_scale = 0.25
    net.layers[1].bias_lr_scale = 0.5
    net.note = "mine"
    net.train_step(VALUES, np.ones((4, 3)), loss="mse", optimizer=bp.optim.SGD())
    twin = net.astype(to)
    assert twin.dtype == to
    assert type(twin) is Annotated
    assert twin.note == "mine"
    np.testing.assert_array_equal(twin.parameters, net.parameters.astype(to))
    assert address(twin.parameters) != address(net.parameters)
    assert (twin.layers[0].trainable, twin.layers[1].lr_scale) == (False, 0.25)
    assert twin.layers[1].bias_lr_scale == 0.5
    back = twin.astype(dtype)
    outputs = [one.forward(VALUES, training=True) for one in (net, back)]
    assert np.array_equal(*outputs) == (dtype == "float32" or to == "float64")  # the same dropout


def test_loading_with_a_dtype(tmp_path, dtype):
    net = make(dtype)
    net.save(tmp_path / "net.safetensors")
    for to in ("float32", np.float64):
        loaded = bp.load(tmp_path / "net.safetensors", dtype=to)
        assert loaded.dtype == to
        np.testing.assert_array_equal(loaded.parameters, net.parameters.astype(to))
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        bp.load(tmp_path / "net.safetensors", dtype="int32")


def test_an_attribute_that_does_not_exist_cannot_be_set():
    net = make()
    with pytest.raises(AttributeError, match="learning_rate"):
        net.learning_rate = 0.1


def test_tables_for_notebooks():
    html = make()._repr_html_()
    assert html.count("<tr>") == 4
    assert "<td>tanh</td>" in html
