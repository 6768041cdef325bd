"""Python's garbage collector frees networks that refer to themselves."""

import copy
import gc
import weakref

import numpy as np
import pytest

import backpass as bp


class Network(bp.Network):
    """A subclass: its objects may have any attributes."""


def tanh_like(*kept):
    """Return a Custom activation whose functions keep objects alive."""

    def function(z):
        return (kept, np.tanh(z))[1]

    def derivative(z):
        return (kept, 1 - np.tanh(z) ** 2)[1]

    return bp.activations.Custom(function, derivative)


def plain():
    return Network([8, 50, 3])


def itself():
    net = plain()
    net.me = net
    return net


def callback():
    net = plain()
    net.callback = bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: net)
    return net


def activation():
    box = []
    net = Network([8, 10, 3], tanh_like(box))
    net.predict(np.ones((2, 8)))
    box.append(net)
    return net


def kept_activation():
    """The cycle also goes through the activation object."""
    box = []
    custom = tanh_like(box)
    net = Network([8, 10, 3], custom)
    net.custom = custom
    box += [net, net.layers[0].activation]
    return net


def bound_method():
    """Only the network in the cycle can be cleared."""

    class Mine(bp.Network):
        def __new__(cls, *arguments):
            return super().__new__(cls)

        def __init__(self):
            super().__init__([8, 10, 3], bp.activations.Custom(self.phi, self.phi))

        def phi(self, z):
            return z

    return Mine()


def copied():
    box = []
    net = Network([8, 10, 3], tanh_like(box))
    box += [net, net.copy(), copy.deepcopy(net)]
    return net


def loss():
    net = plain()
    net.loss = bp.losses.Custom(lambda a, y: (net, 0.0, a)[1:])
    return net


def subclass_of_loss():
    net = plain()

    class Mine(bp.losses.Custom):
        def __init__(self):
            super().__init__(self.call)

        def call(self, a, y):
            return 0.0, net

    net.loss = Mine()
    return net


def layer():
    net = plain()
    net.first = net.layers[0]
    return net


def layers():
    net = plain()
    net.all = net.layers
    net.iterator = iter(net.layers)
    return net


def view():
    net = plain()
    net.w = net.parameters
    return net


def layer_views():
    net = plain()
    net.forward(np.ones((2, 8)))
    net.backward(np.ones((2, 3)))
    net.views = [getattr(net.layers[0], name) for name in ("weight", "bias_grad", "z", "a", "xi")]
    return net


CASES = (
    plain,
    itself,
    callback,
    activation,
    kept_activation,
    bound_method,
    copied,
    loss,
    subclass_of_loss,
    layer,
    layers,
    view,
    layer_views,
)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_network_is_freed(make):
    references = [weakref.ref(make()) for _ in range(5)]
    gc.collect()
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


def test_what_is_in_use_is_kept():
    """The collector counts references: one visit too many would free objects in use."""
    net = Network([8, 10, 3], tanh_like([]))
    x = np.ones((2, 8), dtype="float32")
    expected = net.predict(x)
    twin, custom = net.copy(), net.layers[0].activation
    loss = bp.losses.Custom(lambda a, y: (float(a.sum()), np.ones_like(a)))
    for _ in range(3):
        gc.collect()
    np.testing.assert_array_equal(net.predict(x), expected)
    del net
    gc.collect()
    np.testing.assert_array_equal(twin.predict(x), expected)
    del twin
    gc.collect()
    np.testing.assert_array_equal(custom(np.zeros(3)), np.zeros(3))
    assert loss(np.ones((2, 3)), np.ones((2, 3)))[0] == 6.0


def test_views_outlive_the_network_object():
    net = Network([8, 10, 3], seed=0)
    kept = net.parameters.copy()
    flat, weight = net.parameters, net.layers[0].weight
    reference = weakref.ref(net)
    del net
    gc.collect()
    assert reference() is None
    np.testing.assert_array_equal(flat, kept)
    weight[:] = 7.0
    assert (flat[: weight.size] == 7.0).all()


def test_an_object_without_a_value_can_be_collected():
    """__init__ has not run, so there is nothing to visit."""
    objects = [cls.__new__(cls) for cls in (Network, bp.activations.Custom, bp.losses.Custom)]
    objects[0].me = objects
    del objects
    gc.collect()


def test_an_object_without_a_value_can_be_cleared():
    """Each object is its own cycle, so the collector must clear it."""
    kinds = (Network, bp.activations.Custom, bp.losses.Custom)
    references = []
    for kind in kinds:
        derived = type("Derived", (kind,), {})
        half = derived.__new__(derived)
        half.me = half
        references.append(weakref.ref(half))
    del half
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_the_collector_finds_the_objects_that_refer_to_a_function():
    def first(z):
        return z

    def second(z):
        return np.ones_like(z)

    custom = bp.activations.Custom(first, second)
    net = Network([2, 3, 4], custom, output=custom)
    loss = bp.losses.Custom(lambda a, y: (0.0, a))
    for function in (first, second):
        holders = [id(holder) for holder in gc.get_referrers(function)]
        assert id(net) in holders
        assert id(custom) in holders
    assert id(loss) in [id(holder) for holder in gc.get_referrers(loss.function)]


class Both(bp.Network, bp.losses.Custom):
    """One object with the values of two bound classes."""

    def __init__(self):
        bp.Network.__init__(self, [8, 10, 3], seed=0)
        bp.losses.Custom.__init__(self, lambda a, y: (float(a.sum()), np.ones_like(a)))


def test_an_object_of_two_classes_works():
    both = Both()
    x = np.ones((2, 8), dtype="float32")
    np.testing.assert_array_equal(both.predict(x), both.copy().predict(x))
    for _ in range(2):
        gc.collect()
    assert both.evaluate(x, np.ones((2, 3)), loss=both) == pytest.approx(both.predict(x).sum())
