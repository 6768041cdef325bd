"""The summary table."""

import backpass as bp


def cells(text: str) -> list[list[str]]:
    """Return the cells of the table, which are separated by at least two blanks; skip rules."""
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in text.splitlines()
        if set(line) != {"-"}
    ]


def test_lists_layers_and_totals() -> None:
    net = bp.Network([784, 128, 10], activation="relu", output="softmax", seed=0)
    assert cells(net.summary()) == [
        ["layer", "shape", "activation", "parameters", "bytes"],
        ["1", "784 -> 128", "relu", "100,480", "401,920"],
        ["2", "128 -> 10", "softmax", "1,290", "5,160"],
        ["total", "float32", "101,770", "407,080"],
    ]
    assert net.parameters.nbytes == 407_080


def test_counts_without_bias_and_in_double_precision() -> None:
    net = bp.Network([5, 7, 3], bias=False, dtype="float64", seed=0)
    table = cells(net.summary())
    assert table[1][-2:] == ["35", "280"]
    assert table[-1] == ["total", "float64", "56", "448"]


def test_says_what_is_frozen() -> None:
    net = bp.Network([2, 3, 1], activation="tanh", seed=0)
    net.layers[0].trainable = False
    table = cells(net.summary())
    assert table[1][2] == "tanh, frozen"
    assert table[2][2] == "identity"


def test_columns_are_aligned() -> None:
    lines = bp.Network([10, 1000, 1], seed=0).summary().splitlines()
    assert len({len(line) for line in lines}) == 1


def test_names_parameters_of_activations() -> None:
    activations = ["leaky_relu", bp.activations.ELU(2), bp.activations.CELU(-0.125), "relu"]
    net = bp.Network([2, 3, 3, 3, 1], activation=activations, seed=0)
    assert [row[2] for row in cells(net.summary())[1:-1]] == [
        str(layer.activation) for layer in net.layers
    ]
    assert "leaky_relu(0.01)" in net.summary()
