"""predict: a row's bits depend only on the row, and `out` must fit exactly."""

import numpy as np
import pytest

import backpass as bp
from network_pair import Spec, bits

SHAPES = [
    ([5, 3], ["identity"]),
    ([64, 64, 10], ["relu", "softmax"]),
    ([17, 65, 129, 3], ["gelu", "tanh", "log_softmax"]),
    ([1, 1, 1], ["silu", "sigmoid"]),
    ([784, 128, 10], ["relu", "softmax"]),
]


@pytest.mark.parametrize(("sizes", "names"), SHAPES, ids=lambda v: "-".join(map(str, v)))
def test_a_row_has_the_same_bits_in_every_batch_of_1_to_130(sizes, names, dtype):
    net = Spec(sizes, names, dtype=dtype, seed=1).make()
    x = np.random.default_rng(0).normal(size=(130, sizes[0])).astype(dtype)
    single = np.stack([net.predict(row) for row in x])
    for batch in range(1, 131):
        first = (batch * 37) % (131 - batch)
        rows = slice(first, first + batch)
        np.testing.assert_array_equal(net.predict(x[rows]), single[rows], err_msg=f"batch {batch}")


@pytest.mark.parametrize(("sizes", "names"), SHAPES, ids=lambda v: "-".join(map(str, v)))
def test_threads_and_large_batches_change_no_bits(sizes, names, dtype):
    net = Spec(sizes, names, dtype=dtype, seed=1).make()
    x = np.random.default_rng(0).normal(size=(3000, sizes[0])).astype(dtype)
    expected = net.predict(x, num_threads=1)
    np.testing.assert_array_equal(expected[1234], net.predict(x[1234]))
    for threads in (2, 3, 4, 7):
        np.testing.assert_array_equal(net.predict(x, num_threads=threads), expected)
    np.testing.assert_array_equal(net.forward(x), expected)
    np.testing.assert_array_equal(net(x), expected)


def test_one_sample_is_one_dimensional(dtype):
    net = Spec([4, 6, 2], ["tanh", "identity"], dtype=dtype).make()
    out = net.predict(np.ones(4))
    assert out.shape == (2,)
    assert out.dtype == dtype
    assert net.predict(np.ones((1, 4))).shape == (1, 2)
    assert net.predict(np.ones((0, 4))).shape == (0, 2)


def test_out_is_filled_and_returned(dtype):
    net = Spec([4, 6, 2], ["tanh", "identity"], dtype=dtype).make()
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(dtype)
    out = np.full((9, 2), np.nan, dtype=dtype)
    assert net.predict(x, out=out) is out
    np.testing.assert_array_equal(out, net.predict(x))
    row = np.empty(2, dtype=dtype)
    assert net.predict(x[3], out=row) is row
    np.testing.assert_array_equal(row, out[3])


@pytest.mark.parametrize(
    "out",
    [
        np.empty((9, 3)),
        np.empty((8, 2)),
        np.empty((9,)),
        np.empty((9, 2), dtype=np.float32),
        np.empty((9, 2), dtype=np.int64),
        np.empty((9, 2), dtype=">f8"),
    ],
    ids=lambda a: f"{a.shape}{a.dtype}",
)
def test_an_out_that_does_not_fit_is_refused(out):
    net = Spec([4, 6, 2], ["tanh", "identity"], dtype="float64").make()
    with pytest.raises((ValueError, TypeError)):
        net.predict(np.ones((9, 4)), out=out)


def test_a_read_only_out_is_refused():
    net = Spec([4, 6, 2], ["tanh", "identity"], dtype="float64").make()
    out = np.zeros((9, 2))
    out.flags.writeable = False
    with pytest.raises(ValueError):  # noqa: PT011
        net.predict(np.ones((9, 4)), out=out)
    assert not out.any()


def test_an_out_that_overlaps_the_input_is_right_or_refused():
    net = Spec([4, 6, 4], ["tanh", "identity"], dtype="float64").make()
    x = np.random.default_rng(0).normal(size=(300, 4))
    expected = net.predict(x)
    memory = x.copy()
    try:
        net.predict(memory, out=memory)
    except ValueError:
        np.testing.assert_array_equal(memory, x)
    else:
        np.testing.assert_array_equal(memory, expected)


def test_predict_changes_nothing(dtype):
    net = Spec([4, 6, 2], ["tanh", "identity"], dropout=0.5, dtype=dtype).make()
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(dtype)
    net.forward(x, training=True)
    net.backward(np.ones((9, 2)))
    before = bits(net.parameters, net.gradients, *(v for i in net.layers for v in (i.z, i.a, i.xi)))
    net.predict(2 * x)
    net.predict(np.ones(4))
    assert (
        bits(net.parameters, net.gradients, *(v for i in net.layers for v in (i.z, i.a, i.xi)))
        == before
    )
    net.backward(np.ones((9, 2)))  # the first forward pass is still valid


def test_wrong_widths_state_both_shapes():
    net = Spec([4, 6, 2], ["tanh", "identity"]).make()
    with pytest.raises(ValueError, match=r"\(3, 5\)") as error:
        net.predict(np.ones((3, 5)))
    assert "4" in str(error.value)
    with pytest.raises(ValueError, match=r"\(5,\)"):
        net.predict(np.ones(5))
    with pytest.raises(ValueError, match=r"\(1, 1, 4\)"):
        net.predict(np.ones((1, 1, 4)))


@pytest.mark.parametrize("threads", [0, -1])
def test_thread_counts_below_one_are_refused(threads):
    net = Spec([4, 2], ["identity"]).make()
    with pytest.raises(ValueError, match="threads"):
        net.predict(np.ones((2, 4)), num_threads=threads)


def test_nan_stays_in_its_row(dtype):
    net = Spec([8, 20, 3], ["relu", "identity"], dtype=dtype).make()
    x = np.random.default_rng(0).normal(size=(40, 8)).astype(dtype)
    expected = net.predict(x)
    x[7, 3] = np.nan
    out = net.predict(x)
    assert np.isnan(out[7]).any()
    np.testing.assert_array_equal(np.delete(out, 7, 0), np.delete(expected, 7, 0))


def test_parameters_changed_through_a_view_are_used(dtype):
    net = bp.Network([3, 2], dtype=dtype, seed=0)
    net.predict(np.ones((4, 3)))
    net.layers[0].weight[...] = [[1, 2, 3], [4, 5, 6]]
    net.layers[0].bias[...] = [10, 20]
    np.testing.assert_array_equal(net.predict(np.ones(3)), [16, 35])
    net.parameters[:] = 0
    np.testing.assert_array_equal(net.predict(np.ones((4, 3))), np.zeros((4, 2)))
