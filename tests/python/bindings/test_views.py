"""Views of a network's memory: their contents and their lifetime."""

import gc
import weakref

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, address, make


def test_views_are_the_networks_memory(dtype):
    net = make(dtype)
    item = np.dtype(dtype).itemsize
    flat = net.parameters
    assert flat.flags.c_contiguous
    assert flat.flags.writeable
    assert address(net.parameters) == address(flat)
    for flat_name, weight, bias in (
        ("parameters", "weight", "bias"),
        ("gradients", "weight_grad", "bias_grad"),
    ):
        start = address(getattr(net, flat_name))
        for layer in net.layers:
            w = getattr(layer, weight)
            assert w.shape == (layer.outputs, layer.inputs)
            assert w.dtype == dtype
            assert w.flags.writeable
            assert address(w) == start
            start += item * w.size
            assert address(getattr(layer, bias)) == start
            start += item * layer.outputs
    net.layers[0].weight[2, 3] = 42
    assert net.parameters[3 * 7 + 2] == 42  # stored input by input
    assert np.count_nonzero(net.parameters == 42) == 1


def test_weight_is_oriented_as_the_mathematics():
    net = bp.Network([5, 3], dtype="float64", seed=0)
    layer = net.layers[0]
    layer.bias = [1.0, 2.0, 3.0]
    np.testing.assert_allclose(
        net.predict(VALUES), VALUES @ layer.weight.T + layer.bias, rtol=1e-13
    )


def test_assignment_copies_in_place(dtype):
    net = make(dtype)
    layer = net.layers[1]
    before = address(layer.weight)
    new = np.arange(21).reshape(3, 7)
    layer.weight = new
    assert address(layer.weight) == before
    np.testing.assert_array_equal(layer.weight, new)
    layer.bias += 1
    np.testing.assert_array_equal(layer.bias, np.ones(3))
    net.parameters = np.zeros(net.num_parameters)
    assert not layer.weight.any()
    net.parameters += 2
    assert (layer.weight == 2).all()
    net.gradients = list(range(net.num_parameters))
    np.testing.assert_array_equal(net.gradients, np.arange(net.num_parameters))
    for target, name, value in (
        (layer, "weight", new.T),
        (layer, "bias", np.ones((3, 1))),
        (net, "parameters", [1.0]),
    ):
        with pytest.raises(ValueError, match=f"{name} has shape .*expected"):
            setattr(target, name, value)
    with pytest.raises(TypeError, match="complex"):
        layer.weight = new * 1j


def test_no_bias():
    net = bp.Network([5, 7, 3], bias=[False, True], seed=0)
    assert net.layers[0].bias is None
    assert net.layers[0].bias_grad is None
    assert net.layers[1].bias.shape == (3,)
    with pytest.raises(ValueError, match="no bias"):
        net.layers[0].bias = np.zeros(7)


@pytest.mark.parametrize(
    "view",
    [
        lambda net: net.parameters,
        lambda net: net.gradients,
        lambda net: net.layers[0].weight,
        lambda net: net.layers[-1].bias,
        lambda net: net.layers[1].weight_grad[::2, 1:],
        lambda net: net.layers[0].bias_grad,
    ],
)
def test_views_keep_the_networks_memory(view):
    """A view does not keep the Python object: a view stored as its attribute would be a leak."""

    def function(z):
        return z

    # Only the native network refers to it, so it is destroyed with the native network.
    native = weakref.ref(function)
    net = bp.Network([5, 4, 3], bp.activations.Custom(function, np.ones_like))
    del function
    alive = weakref.ref(net)
    array = view(net)
    array[...] = 7
    del net
    gc.collect()
    assert alive() is None
    assert native() is not None
    others = [make(seed) for seed in ("float32", "float64") * 50]  # would reuse freed memory
    assert (array == 7).all()
    del others, array
    gc.collect()
    assert native() is None


def test_layers_keep_the_network_alive():
    layers = make().layers
    layer = layers[0]
    gc.collect()
    assert layer.weight.shape == (7, 5)
    del layers
    assert layer.activation == bp.activations.Tanh()


def test_kept_activations_stay_valid_after_their_network_and_larger_passes():
    net = make()
    net.forward(VALUES)
    net.backward(np.ones((4, 3)))
    kept = [getattr(layer, name) for layer in net.layers for name in ("z", "a", "xi")]
    for array in kept:
        assert array.shape[0] == 4
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    copies = [array.copy() for array in kept]
    net.forward(np.zeros((5000, 5)))  # too many rows for the existing memory
    net.backward(np.ones((5000, 3)))
    assert net.layers[0].z.shape == (5000, 7)
    for array, same in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, same)
    last = net.layers[0].z
    expected = last.copy()
    del net
    gc.collect()
    others = [make() for _ in range(100)]
    np.testing.assert_array_equal(last, expected)
    del others


def test_a_result_is_the_callers_own():
    net = make()
    first = net.forward(VALUES)
    kept = first.copy()
    net.forward(VALUES + 1)
    np.testing.assert_array_equal(first, kept)
    first[...] = 0
    np.testing.assert_array_equal(net.layers[-1].a, net.predict(VALUES + 1))


def test_layers_are_a_sequence():
    net = make(sizes=(2, 3, 4, 5))
    assert len(net.layers) == 3
    assert [layer.outputs for layer in net.layers] == [3, 4, 5]
    assert net.layers[-1].index == 2
    assert [layer.index for layer in net.layers[::-1]] == [2, 1, 0]
    assert [layer.index for layer in reversed(net.layers)] == [2, 1, 0]
    for index in (3, -4, 2**62):
        with pytest.raises(IndexError):
            net.layers[index]
    with pytest.raises(TypeError):
        net.layers["0"]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        net.layers[::0]
    net.layers[1].trainable = False
    net.layers[1].lr_scale = 0.5
    assert (net.layers[1].trainable, net.layers[1].lr_scale) == (False, 0.5)
    with pytest.raises(ValueError, match=r"lr_scale|learning-rate"):
        net.layers[1].lr_scale = -1.0


def test_a_layers_repr_names_what_is_unusual():
    net = make(sizes=(2, 3, 4), bias=[False, True])
    net.layers[0].trainable = False
    assert repr(net.layers[0]) == (
        "Layer(index=0, inputs=2, outputs=3, activation=Tanh(), bias=False, trainable=False)"
    )
    assert repr(net.layers[1]) == "Layer(index=1, inputs=3, outputs=4, activation=Identity())"
