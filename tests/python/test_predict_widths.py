"""predict's buffers are large enough for every layer, for any widths of other layers.

If the width of a layer is a multiple of 1 KiB, its rows have a larger stride than the rows of a
layer that is a few neurons wider.
"""

import numpy as np
import pytest

import backpass as bp


@pytest.mark.parametrize("rows", [1, 100, 300])
@pytest.mark.parametrize(
    "sizes", [[10, 256, 257, 3], [10, 128, 129, 3], [10, 512, 520, 512, 3], [256, 260, 256, 2]]
)
def test_predictions_are_those_of_the_formula(sizes: list[int], rows: int, dtype: str) -> None:
    net = bp.Network(sizes, "tanh", dtype=dtype, seed=0)
    x = np.random.default_rng(0).normal(size=(rows, sizes[0])).astype(dtype)
    a = x.astype("float64")
    for i, layer in enumerate(net.layers):
        z = a @ np.asarray(layer.weight, "float64").T + np.asarray(layer.bias, "float64")
        a = np.tanh(z) if i + 1 < len(net.layers) else z
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    for threads in (1, 2):
        np.testing.assert_allclose(net.predict(x, num_threads=threads), a, atol=tolerance)
        # Converted input has a separate buffer.
        np.testing.assert_allclose(
            net.predict(np.asfortranarray(x), num_threads=threads), a, atol=tolerance
        )
