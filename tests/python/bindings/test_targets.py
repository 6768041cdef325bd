"""Targets, labels and sample weights of every kind."""

import numpy as np
import pytest

import backpass as bp
from small_network import VALUES, make

LABELS = np.array([0, 2, 1, 2])


@pytest.mark.parametrize(
    "given",
    [
        LABELS.tolist(),
        *(
            LABELS.astype(t)
            for t in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
        ),
        LABELS.astype(">i4"),
        LABELS.astype(">i8"),
        np.repeat(LABELS, 2)[::2],
        np.repeat(LABELS.astype("int32"), 2)[::2],
        LABELS[::-1].copy()[::-1],
        np.frombuffer(b"x" + LABELS.tobytes(), dtype=LABELS.dtype, offset=1),
    ],
    ids=lambda given: (
        f"{type(given).__name__}-{getattr(given, 'dtype', '')}-{getattr(given, 'strides', '')}"
    ),
)
@pytest.mark.parametrize(
    "loss", ["softmax_cross_entropy", bp.losses.SoftmaxCrossEntropy()], ids=str
)
def test_labels_of_every_integer_type(given, loss):
    net = make()
    expected = net.evaluate(VALUES, np.eye(3)[LABELS], loss=loss)
    assert net.evaluate(VALUES, given, loss=loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (LABELS.astype(float), TypeError, r"float64 and shape \(4,\).*\(4,\) labels of an integer"),
        (LABELS[:3], ValueError, r"y has shape \(3,\); expected \(4,\) integer labels"),
        (LABELS[:, None], ValueError, r"y has shape \(4, 1\); expected \(4,\) integer labels"),
        (np.zeros((4, 2)), ValueError, r"y has shape \(4, 2\).*\(4, 3\)"),
        (np.array([0, 1, 3, 0]), ValueError, "3"),
        (np.array([0, -1, 2, 0]), ValueError, "-1"),
        (np.array([0, 2**63, 2, 0], dtype="uint64"), ValueError, "label"),
    ],
)
def test_targets_that_are_not_classes(y, error, words):
    net = make()
    before = net.parameters.copy()
    with pytest.raises(error, match=words):
        net.train_step(VALUES, y, loss="softmax_cross_entropy", optimizer=bp.optim.SGD())
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (VALUES, 1),
        (VALUES, np.zeros((4, 3, 1))),
        (VALUES, np.zeros((3, 3))),
        (VALUES[0], [0, 0, 1, 0]),
        (VALUES[0], np.zeros((2, 3))),
    ],
)
def test_labels_and_distributions_have_a_row_per_sample(x, y):
    with pytest.raises(ValueError, match=r"y has shape .* integer labels, or distributions"):
        make().evaluate(x, y, loss="softmax_cross_entropy")


def test_booleans_are_labels():
    net = make(sizes=(5, 7, 2))
    labels = LABELS > 0
    expected = net.evaluate(VALUES, labels.astype(int), loss="softmax_cross_entropy")
    assert net.evaluate(VALUES, labels, loss="softmax_cross_entropy") == expected


def test_no_labels_for_no_rows():
    with pytest.raises(ValueError, match="no rows"):
        make().evaluate(np.zeros((0, 5)), [], loss="softmax_cross_entropy")


def test_a_custom_loss_takes_labels_of_integers_only():
    seen = []

    def loss(a, y):
        seen.append(y.tolist())
        return 0.0, np.zeros_like(a)

    make().evaluate(VALUES, LABELS, loss=bp.losses.Custom(loss))
    assert seen == [LABELS.tolist()]
    with pytest.raises(ValueError, match=r"y has shape \(4,\); expected \(4, 3\)"):
        make().evaluate(VALUES, LABELS.astype(float), loss=bp.losses.Custom(loss))


def test_one_output_takes_flat_targets(dtype):
    net = make(dtype, sizes=(5, 7, 1))
    y = np.array([1, 0, 1, 1])
    for flat in (
        y,
        y.astype(bool),
        y.astype("float32"),
        np.repeat(y.astype(dtype), 2)[::2],
        y.tolist(),
    ):
        for loss in ("mse", "sigmoid_cross_entropy"):
            expected = net.evaluate(VALUES, y[:, None].astype(dtype), loss=loss)
            assert net.evaluate(VALUES, flat, loss=loss) == expected
    net.forward(VALUES)
    net.backward(y.astype(float))
    flat_gradients = net.gradients.copy()
    net.backward(y[:, None])
    np.testing.assert_array_equal(net.gradients, flat_gradients)


def test_one_sample_takes_a_scalar():
    net = make(sizes=(5, 7, 1))
    assert net.evaluate(VALUES[0], 0.5, loss="mse") == net.evaluate(VALUES[:1], [[0.5]], loss="mse")
    classes = make()
    expected = classes.evaluate(VALUES[:1], [2], loss="softmax_cross_entropy")
    assert classes.evaluate(VALUES[0], 2, loss="softmax_cross_entropy") == expected
    assert classes.evaluate(VALUES[0], [0, 0, 1], loss="softmax_cross_entropy") == expected


@pytest.mark.parametrize(
    ("sizes", "y", "words"),
    [
        ((5, 7, 3), [1.0, 2.0], r"y has shape \(2,\); expected \(3,\)$"),
        ((5, 7, 3), 1.0, r"y has shape \(\); expected \(3,\)$"),
        ((5, 7, 1), [1.0, 2.0], r"y has shape \(2,\); expected \(1,\)$"),
    ],
)
def test_targets_of_one_sample_state_both_shapes(sizes, y, words):
    with pytest.raises(ValueError, match=words):
        make(sizes=sizes).evaluate(VALUES[0], y, loss="mse")


def test_targets_of_one_output_state_all_shapes():
    with pytest.raises(ValueError, match=r"\(3,\); expected \(4, 1\) or \(4,\)$"):
        make(sizes=(5, 7, 1)).evaluate(VALUES, np.zeros(3), loss="mse")


def test_flat_targets_of_every_layout(dtype):
    net = make(dtype, sizes=(5, 7, 1))
    y = np.array([0.5, -1.0, 2.0, 0.25], dtype=dtype)
    expected = net.evaluate(VALUES, y, loss="mse")
    for flat in (y[::-1].copy()[::-1], y.astype(">f4"), y.astype("f2"), y.astype(np.longdouble)):
        assert net.evaluate(VALUES, flat, loss="mse") == expected
    one = net.evaluate(VALUES[:1], y[:1], loss="mse")
    assert net.evaluate(VALUES[:1], y[:1].astype(">f4"), loss="mse") == one


def test_one_sample_takes_a_scalar_weight():
    net = make()
    y = np.array([0.5, -1.0, 2.0])
    expected = net.evaluate(VALUES[:1], y[None], loss="mse", sample_weight=[2.0])
    assert net.evaluate(VALUES[0], y, loss="mse", sample_weight=2.0) == expected
    assert net.evaluate(VALUES[0], y, loss="mse", sample_weight=[2.0]) == expected


@pytest.mark.parametrize("y", [np.zeros((4, 2)), np.zeros(4), np.zeros(3), np.zeros((3, 3)), 1.0])
def test_targets_of_a_wrong_shape_state_both(y):
    with pytest.raises(ValueError, match=r"y has shape .*expected .*4, 3"):
        make().evaluate(VALUES, y, loss="mse")


@pytest.mark.parametrize("weights", [[1.0, 2.0], np.ones((4, 1)), 1.0])
def test_weights_of_a_wrong_shape_state_both(weights):
    with pytest.raises(ValueError, match=r"sample_weight has shape .*\(4,\)"):
        make().evaluate(VALUES, np.zeros((4, 3)), loss="mse", sample_weight=weights)
