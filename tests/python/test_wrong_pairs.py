"""Errors: a loss that does not fit the output activation, targets that do not fit the loss."""

import numpy as np
import pytest

import backpass as bp
from reference import activations, losses

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))


def network(output, outputs=3):
    return bp.Network([4, 5, outputs], output=output, seed=0)


def calls(net, y, loss):
    """Every call with a loss, by name."""
    sgd = bp.optim.SGD(lr=1e-3)
    fit = {"loss": loss, "optimizer": sgd, "epochs": 1, "progress": False}
    return {
        "train_step": lambda: net.train_step(X, y, loss=loss, optimizer=sgd),
        "loss_and_gradient": lambda: net.loss_and_gradient(X, y, loss=loss),
        "evaluate": lambda: net.evaluate(X, y, loss=loss),
        "fit": lambda: net.fit(X, y, **fit),
        "validation": lambda: net.fit(X[:9], y[:9], validation_data=(X, y), **fit),
        "gradient_check": lambda: bp.gradient_check(net.copy(), X, y, loss),
    }


@pytest.mark.parametrize("output", activations.ACTIVATIONS)
@pytest.mark.parametrize("name", bp.losses.names())
def test_every_pair_is_fine_or_refused(name, output):
    net = network(output)
    y = losses.targets_for(name, len(X), 3, RNG)
    before = net.parameters.copy()
    if losses.fits(name, output):
        for call in ("train_step", "evaluate", "fit"):
            calls(net, y, name)[call]()
        return
    for call in calls(net, y, name).values():
        with pytest.raises(
            ValueError, match=f"{name} expects .* output activation is {output}; use"
        ):
            call()
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize(
    ("name", "output", "message"),
    [
        (
            "cross_entropy",
            "identity",
            (
                "cross_entropy expects probabilities, but the output activation is identity; use "
                "output='softmax', or loss='softmax_cross_entropy' for logits"
            ),
        ),
        (
            "softmax_cross_entropy",
            "softmax",
            (
                "softmax_cross_entropy expects logits and applies softmax itself, but the output "
                "activation is softmax; use output='identity', or loss='cross_entropy' for "
                "probabilities"
            ),
        ),
        (
            "poisson",
            "identity",
            (
                "poisson expects a rate, which is never negative, but the output activation is "
                "identity; use output='exp' or output='softplus'"
            ),
        ),
    ],
)
def test_the_message_states_the_pair_and_what_to_use(name, output, message):
    y = losses.targets_for(name, len(X), 3, RNG)
    with pytest.raises(ValueError, match="expects") as error:
        network(output).evaluate(X, y, loss=name)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("softmax", "cross_entropy"),
        ("softmax", "mse"),
        ("log_softmax", "mae"),
        ("identity", "softmax_cross_entropy"),
    ],
)
def test_one_output_of_a_softmax_is_refused(output, loss):
    for call in calls(network(output, 1), np.zeros(len(X), int), loss).values():
        with pytest.raises(ValueError, match=r"of one output is constant; use .*sigmoid"):
            call()


def test_functions_of_the_user_fit_every_output():
    custom = bp.activations.Custom(lambda z: np.abs(z) + 0.1, np.sign)
    y = np.full((len(X), 3), 1 / 3)
    network(custom).evaluate(X, y, loss="cross_entropy")
    network("identity").evaluate(X, y, loss=bp.losses.Custom(lambda a, y: (0.0, 0 * a)))


OUTPUT = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exp"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("binary_cross_entropy", -1, r"in \[0, 1\], but y\[7, 2\] = -1; .* use \(y \+ 1\) / 2"),
        ("binary_cross_entropy", 2, r"in \[0, 1\], but y\[7, 2\] = 2; .* use y - 1"),
        ("binary_cross_entropy", 1.25, r"in \[0, 1\], but y\[7, 2\] = 1\.25$"),
        ("sigmoid_cross_entropy", -0.5, r"in \[0, 1\], but y\[7, 2\] = -0\.5$"),
        ("cross_entropy", -0.5, r"labels or distributions, but y\[7, 2\] = -0\.5$"),
        (
            "cross_entropy",
            0.75,
            r"labels or distributions, but the sum of row 7 of y is 1\.5, not 1",
        ),
        ("softmax_cross_entropy", np.inf, "the sum of row 7 of y is inf, not 1"),
        ("poisson", -3, r"that are not negative, but y\[7, 2\] = -3"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_outside_the_domain_of_the_loss(name, value, message, dtype):
    y = np.zeros((len(X), 3))
    if "cross_entropy" in name and not name.startswith(("binary", "sigmoid")):
        y[:] = [0.75, 0.25, 0]
    y[7, 2] = value
    if value == 0.75:
        y[7] = [0.5, 0.25, 0.75]
    net = bp.Network([4, 5, 3], output=OUTPUT.get(name, "identity"), dtype=dtype, seed=0)
    before = net.parameters.copy()
    for call in calls(net, y, name).values():
        with pytest.raises(ValueError, match=rf"{name} expects targets .*{message}"):
            call()
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "poisson"])
def test_targets_at_the_ends_of_the_domain_are_taken(name):
    y = np.zeros((len(X), 3))
    y[:, 0] = 1
    if name == "cross_entropy":
        y[3] = [0.3334, 0.3333, 0.3334]  # rounded to four digits
    network(OUTPUT[name]).train_step(X, y, loss=name, optimizer=bp.optim.SGD())


def test_labels_that_start_at_one():
    labels = 1 + np.arange(len(X)) % 3
    for call in calls(network("softmax"), labels, "cross_entropy").values():
        with pytest.raises(
            ValueError, match=r"labels start at 0, and these look like 1 to 3: use y - 1"
        ):
            call()
    labels[5] = 0
    with pytest.raises(
        ValueError, match=r"label y\[2\] = 3 is out of range for 3 outputs \(0 to 2\)$"
    ):
        network("softmax").evaluate(X, labels, loss="cross_entropy")


class TestDivergence:
    def fit(self, x, y, lr=1e-3):
        net = bp.Network([4, 5, 3], seed=0)
        net.fit(x, y, loss="mse", optimizer=bp.optim.SGD(lr=lr), epochs=3, progress=False, seed=0)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_names_the_value_in_x(self, value):
        x = X.copy()
        x[31, 2] = value
        text = str(value) + (" as a float32" if np.isinf(value) else "")
        with pytest.raises(bp.DivergenceError, match=rf"x\[31, 2\] is {text}: remove such rows"):
            self.fit(x, np.zeros((len(X), 3)))

    def test_names_the_value_in_y(self):
        y = np.zeros((len(X), 3))
        y[4, 1] = np.nan
        with pytest.raises(bp.DivergenceError, match=r"y\[4, 1\] is nan: remove such rows"):
            self.fit(X, y)

    def test_otherwise_names_the_learning_rate(self):
        with pytest.raises(bp.DivergenceError, match=r"lr 1e\+30\).*Try a smaller lr"):
            self.fit(X, np.ones((len(X), 3)), lr=1e30)
