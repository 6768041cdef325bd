"""An optimizer's state: what may be assigned to it, and which network it belongs to."""

import copy
import pickle

import numpy as np
import pytest

import backpass as bp
from members import OPTIMIZERS
from network_pair import bits
from small_network import make

X, Y = np.linspace(-1, 1, 40).reshape(8, 5), np.linspace(0, 1, 24).reshape(8, 3)


def stepped(optimizer, net=None, steps=2):
    net = make() if net is None else net
    for _ in range(steps):
        net.train_step(X, Y, loss="mse", optimizer=optimizer)
    return net


# SGD without momentum has no arrays.
@pytest.fixture(params=[one for one in OPTIMIZERS if getattr(one, "momentum", 1)], ids=str)
def optimizer(request):
    return copy.deepcopy(request.param)


def test_no_entry_may_be_missing(optimizer):
    net = stepped(optimizer)
    state = optimizer.state
    for key in state:
        part = {k: v for k, v in state.items() if k != key}
        with pytest.raises(ValueError, match=key):
            optimizer.state = part
        assert list(optimizer.state) == list(state)  # the previous state
    optimizer.state = state
    twin, other = make(), copy.deepcopy(optimizer)
    twin.parameters[...] = net.parameters
    stepped(optimizer, net)
    stepped(other, twin)
    assert bits(net.parameters) == bits(twin.parameters)


@pytest.mark.parametrize("value", ["text", None, 3, object(), [1, "x", 2], {"a": 1}])
def test_wrong_types_are_named(optimizer, value):
    stepped(optimizer)
    state = optimizer.state
    for key in state:
        with pytest.raises((TypeError, ValueError), match=rf"state.*{key}|{key}"):
            optimizer.state = {**state, key: value}
    with pytest.raises(ValueError, match="step"):
        optimizer.state = {**state, "step": [-1] * len(state["step"])}


def test_settings_that_need_another_array_go_through_a_pickle():
    for optimizer, setting, value in [
        (bp.optim.Adam(), "amsgrad", True),
        (bp.optim.RMSprop(), "momentum", 0.9),
        (bp.optim.RMSprop(momentum=0.5), "centered", True),
        (bp.optim.SGD(), "momentum", 0.9),
    ]:
        net = stepped(optimizer)
        setattr(optimizer, setting, value)
        twin, again = make(), pickle.loads(pickle.dumps(optimizer))
        twin.parameters[...] = net.parameters
        stepped(optimizer, net)
        stepped(again, twin)
        assert bits(net.parameters) == bits(twin.parameters), optimizer


def test_an_optimizer_belongs_to_one_network(optimizer):
    first, second = make(), make()
    stepped(optimizer, first)
    second.gradients[...] = 1
    before = bits(second.parameters)
    for use in (
        lambda: stepped(optimizer, second),
        lambda: second.step(optimizer),
        lambda: second.fit(X, Y, loss="mse", optimizer=optimizer, epochs=1, progress=False),
    ):
        with pytest.raises(RuntimeError, match=r"another network.*reset\(\)"):
            use()
    assert bits(second.parameters) == before
    stepped(optimizer, first)  # it still belongs to the first network
    optimizer.reset()
    stepped(optimizer, second)
    with pytest.raises(RuntimeError, match="another network"):
        stepped(optimizer, first)


def test_a_copy_belongs_to_the_network_that_takes_its_next_step(optimizer):
    net = stepped(optimizer)
    for duplicate in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        twin = net.copy()
        expected = net.copy()
        other = copy.deepcopy(optimizer)
        stepped(duplicate, twin)
        stepped(other, expected)
        assert bits(twin.parameters) == bits(expected.parameters)
        with pytest.raises(RuntimeError, match="another network"):
            stepped(duplicate, net)


def test_frozen_layers_and_the_end_of_the_first_network():
    optimizer = bp.optim.Adam()
    net = make()
    net.layers[0].trainable = False
    stepped(optimizer, net)
    net.layers[0].trainable = True
    stepped(optimizer, net)
    del net
    with pytest.raises(RuntimeError, match="another network"):
        stepped(optimizer, make())


def test_a_loaded_optimizer_belongs_to_the_loaded_network(tmp_path):
    optimizer = bp.optim.Adam()
    net = stepped(optimizer)
    net.save(tmp_path / "a", optimizer=optimizer)
    saved = bp.load_checkpoint(tmp_path / "a")
    with pytest.raises(RuntimeError, match="another network"):
        stepped(saved.optimizer, net)
    stepped(saved.optimizer, saved.network)
    stepped(optimizer, net)
    assert bits(saved.network.parameters) == bits(net.parameters)


def test_divergence_leaves_the_optimizer_to_its_network():
    optimizer = bp.optim.Adam(lr=1e300)
    net = make()
    with pytest.raises(bp.DivergenceError):
        net.fit(X, Y, loss="mse", optimizer=optimizer, epochs=3, progress=False)
    optimizer.lr = 1e-3
    stepped(optimizer, net)


def test_entries_that_an_optimizer_does_not_have_are_named(optimizer):
    stepped(optimizer)
    state = optimizer.state
    with pytest.raises(ValueError, match=r"this optimizer does not have: \['surplus'\]"):
        optimizer.state = {**state, "surplus": 1}
    assert list(optimizer.state) == list(state)


def test_the_slots_of_a_state_without_steps_are_in_order():
    with pytest.raises(ValueError, match="exp_avg is missing"):
        bp.optim.Adam().state = {"exp_avg_sq": np.ones(3)}
