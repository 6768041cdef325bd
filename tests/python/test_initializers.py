"""Initial weights: the papers' variances, the generator's exact numbers, the choice of "auto"."""

import numpy as np
import pytest

import backpass as bp
from network_pair import bits
from reference import activations, initializers


def weights(
    init, fan_in: int, fan_out: int, seed: int = 0, activation: str = "identity", dtype="float64"
):
    net = bp.Network([fan_in, fan_out], output=activation, init=init, seed=seed, dtype=dtype)
    return np.array(net.layers[0].weight)


@pytest.mark.parametrize("shape", [(300, 200), (64, 257), (129, 17)], ids=str)
@pytest.mark.parametrize("name", initializers.SCALED)
def test_variance_mean_and_range(name, shape):
    """Sample mean and variance of n numbers are within five standard errors."""
    w = weights(name, *shape)
    n, variance = w.size, initializers.variance(name, *shape)
    uniform = name.endswith("uniform")
    kurtosis = 1.8 if uniform else 3.0
    assert abs(w.mean()) < 5 * np.sqrt(variance / n)
    assert abs(w.var() / variance - 1) < 5 * np.sqrt((kurtosis - 1) / n)
    limit = initializers.half_width(name, *shape)
    if uniform:
        assert 0.99 * limit < np.abs(w).max() < limit
    else:
        assert np.abs(w).max() > limit
        beyond = (np.abs(w) > 2 * np.sqrt(variance)).mean()
        assert abs(beyond - 0.0455) < 5 * np.sqrt(0.0455 / n)


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 12345])
@pytest.mark.parametrize("name", initializers.SCALED)
def test_the_numbers_are_the_generators(name, seed):
    """Philox, with the standard library's inverse normal distribution; one stream per layer."""
    net = bp.Network([5, 7, 3], init=name, seed=seed, dtype="float64")
    for i, (fan_in, fan_out) in enumerate([(5, 7), (7, 3)]):
        expected = initializers.weights(name, fan_in, fan_out, seed, i)
        np.testing.assert_allclose(net.layers[i].weight, expected, rtol=1e-14, atol=1e-15)
        assert not net.layers[i].bias.any()


@pytest.mark.parametrize("name", initializers.SCALED)
def test_float32_is_float64_rounded_once(name):
    wide = weights(name, 30, 20, dtype="float64")
    np.testing.assert_array_equal(weights(name, 30, 20, dtype="float32"), wide.astype(np.float32))


@pytest.mark.parametrize("num_layers", [1, 2, 10, 11, 17])
@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_auto_follows_the_activation_and_the_depth(name, num_layers, dtype):
    """Every layer, also the output layer, by its own activation; also in a list, after others."""
    sizes = [20, *[12] * (num_layers - 1), 30]
    names = [name] * num_layers
    net = bp.Network(sizes, names, dtype=dtype, seed=4)
    inits = ["zeros", *["auto"] * (num_layers - 1)]
    listed = bp.Network(sizes, names, init=inits, dtype=dtype, seed=4)
    meaning = initializers.auto(name, num_layers)
    for i, layer in enumerate(net.layers):
        expected = initializers.weights(meaning, sizes[i], sizes[i + 1], 4, i)
        tolerance = {"rtol": 1e-6 if dtype == "float32" else 1e-14, "atol": 1e-15}
        np.testing.assert_allclose(layer.weight, expected, **tolerance)
        np.testing.assert_array_equal(
            listed.layers[i].weight, layer.weight if i else np.zeros_like(layer.weight)
        )


@pytest.mark.parametrize("num_layers", [10, 11])
def test_a_loaded_network_draws_by_its_own_depth(num_layers, tmp_path):
    """A file stores the name "auto". Its meaning is that of the version that draws new weights."""
    net = bp.Network([5] * (num_layers + 1), "relu", seed=1)
    net.save(tmp_path / "net.safetensors")
    loaded = bp.load(tmp_path / "net.safetensors")
    loaded.initialize(8)
    np.testing.assert_array_equal(
        loaded.parameters, bp.Network([5] * (num_layers + 1), "relu", seed=8).parameters
    )
    expected = initializers.weights(initializers.auto("relu", num_layers), 5, 5, 8, 0)
    np.testing.assert_allclose(loaded.layers[0].weight, expected, rtol=1e-6)


def test_zeros_constant_normal_uniform():
    assert not weights("zeros", 8, 9).any()
    assert (weights(bp.initializers.Constant(0.25), 8, 9) == 0.25).all()
    w = weights(bp.initializers.Normal(0.3), 200, 300)
    assert w.std() == pytest.approx(0.3, rel=0.02)
    w = weights(bp.initializers.Uniform(0.4), 200, 300)
    assert 0.399 < np.abs(w).max() < 0.4
    assert w.std() == pytest.approx(0.4 / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize("shape", [(40, 40), (60, 25), (25, 60), (1, 9), (9, 1)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_orthogonal(shape, gain):
    w = weights(bp.initializers.Orthogonal(gain), *shape)  # (fan_out, fan_in)
    rows, columns = w.shape
    product = w @ w.T if rows <= columns else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(w.shape)), atol=1e-13)
    assert (w != np.eye(rows, columns)).any()


def test_a_list_has_one_entry_a_layer():
    net = bp.Network(
        [4, 5, 6, 2], init=["zeros", "he_uniform", bp.initializers.Constant(2.0)], seed=1
    )
    first, second, third = (layer.weight for layer in net.layers)
    assert not first.any()
    assert np.unique(second).size > 10
    assert (third == 2).all()
    with pytest.raises(ValueError, match=r"init.*3.*2"):
        bp.Network([4, 5, 6, 2], init=["zeros", "zeros"])


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"xavier.*glorot_normal.*orthogonal"):
        bp.Network([2, 1], init="xavier")


def test_a_seed_is_a_network_and_no_seed_is_another_each_time():
    def parameters(seed):
        return bits(bp.Network([10, 20, 5], seed=seed).parameters)

    assert parameters(7) == parameters(7)
    assert parameters(7) != parameters(8)
    assert parameters(None) != parameters(None)


# The same constants as in tests/cpp/model/test_fresh_parameters.cpp: float32, float64.
FRESH = {
    "auto": (0xC36CEE70D222791F, 0x5E467BADAFCED989),  # that of glorot_uniform
    "he_normal": (0x996383BB364A4F8B, 0x4D7487AEFFABF07D),
    "he_uniform": (0xEBA85B9E86124DAA, 0x0062E163C15DC687),
    "glorot_normal": (0x78D93A64C652D09D, 0xC1DAF71CAD192D32),
    "glorot_uniform": (0xC36CEE70D222791F, 0x5E467BADAFCED989),
    "lecun_normal": (0xD7173FEE2B161990, 0xFEAEB43B8F493072),
    "lecun_uniform": (0xF09501E6F1611092, 0x46C353B1D1AD741E),
    "normal": (0x8BCFEE69D1B4460C, 0xD0F3A21FFA2E0265),
    "uniform": (0xFB64084FBA185C39, 0xB2B6BD8EDC65833E),
    "orthogonal": (0xDB0668E14D2CB39A, 0x9A86465830DC2D3B),
}


def fnv1a(data: bytes) -> int:
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


@pytest.mark.parametrize("init", FRESH)
def test_a_seed_is_the_same_network_as_in_cpp(init, dtype):
    net = bp.Network([11, 40, 13, 3], "relu", init=init, dtype=dtype, seed=99)
    assert fnv1a(net.parameters.tobytes()) == FRESH[init][dtype == "float64"]
