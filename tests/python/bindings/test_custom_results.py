"""Results of Custom activations and losses: what is taken, and what is refused."""

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make

Y = np.zeros((4, 3))


def through(derivative, dtype="float32") -> np.ndarray:
    """Return the input gradient of a + a for a linear layer of ones with this derivative."""
    linear = bp.activations.Custom(lambda z: z, derivative)
    net = bp.Network([2, 3], output=linear, bias=False, dtype=dtype, seed=0)
    net.parameters[...] = 1
    net.forward(np.ones((4, 2)))
    return net.backward(np.ones((4, 3)), input_gradient=True)


@pytest.mark.parametrize("result", [2.0, 2, np.float64(2), np.full(3, 2.0), [2, 2, 2]])
def test_an_activation_may_return_what_numpy_can_broadcast(result, dtype):
    np.testing.assert_array_equal(through(lambda z: result, dtype), np.full((4, 2), 6.0))


@pytest.mark.parametrize("result", [np.ones(4), np.ones((1, 4, 3)), np.ones((3, 4))])
def test_other_shapes_of_an_activation_are_refused(result):
    with pytest.raises(ValueError, match=r"\(4, 3\)|broadcast|dimensions"):
        through(lambda z: result)


@pytest.mark.parametrize("result", [0.5, [0.5, Y], (0.5,), (0.5, Y, Y), None, {}])
def test_a_loss_returns_a_pair(result):
    with pytest.raises(TypeError, match=r"must return a tuple \(value, gradient\)"):
        make().loss_and_gradient(VALUES, Y, loss=bp.losses.Custom(lambda a, y: result))


@pytest.mark.parametrize("value", ["0.5", None, [0.5], 1j])
def test_the_value_of_a_loss_is_a_number(value):
    loss = bp.losses.Custom(lambda a, y: (value, np.zeros_like(a)))
    with pytest.raises(TypeError, match=r"real number|float|size-1"):
        make().loss_and_gradient(VALUES, Y, loss=loss)


@pytest.mark.parametrize("call", ["evaluate", "loss_and_gradient"])
def test_the_gradient_of_a_loss_is_numbers(call):
    loss = bp.losses.Custom(lambda a, y: (0.5, "no gradient"))
    with pytest.raises(TypeError, match="the gradient of a Custom loss has dtype"):
        getattr(make(), call)(VALUES, Y, loss=loss)
