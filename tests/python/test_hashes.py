"""The promise about bits: they do not depend on threads, on other rows of the batch, or on the run.

Training may differ between instruction sets. Each set keeps the promise, and all start with the
same network.
"""

import json

import numpy as np
import pytest

import backpass as bp
from network_pair import OPTIMIZERS, bits, run_python

THREADS = [1, 2, 3, 4, 7, 8]
ISAS = bp.config()["isas_usable"]


def train(optimizer_name: str, shape: str, dtype: str) -> str:
    """Train 20 full-batch steps and 2 epochs of fit; return a hash."""
    sizes, rows, batch = {
        "wide": ([784, 128, 10], 256, 100),
        "deep": ([30, 65, 64, 33, 3], 400, 128),
        "tiny_many_rows": ([8, 16, 3], 5000, 1024),
    }[shape]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, sizes[0])).astype(dtype)
    labels = rng.integers(0, sizes[-1], rows)
    weight = rng.random(rows).astype(dtype)
    net = bp.Network(sizes, "gelu", "softmax", dropout=0.1, dtype=dtype, seed=1)
    optimizer = getattr(bp.optim, optimizer_name)(lr=1e-3)
    losses = [
        net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer, sample_weight=weight)
        for _ in range(20)
    ]
    history = net.fit(
        x,
        labels,
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=2,
        batch_size=batch,
        seed=3,
        validation_split=0.2,
        metrics=["accuracy"],
        clip_norm=1.0,
        l2=1e-4,
        progress=False,
    )
    series = [history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy")]
    return bits(net.parameters, net.gradients, np.array(losses), np.array(series))


@pytest.mark.parametrize("shape", ["wide", "deep", "tiny_many_rows"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_has_the_same_bits_for_any_number_of_threads(optimizer, shape):
    hashes = {}
    for threads in THREADS:
        bp.set_num_threads(threads)
        hashes[threads] = train(optimizer, shape, "float32")
    assert len(set(hashes.values())) == 1, hashes


@pytest.mark.parametrize("shape", ["wide", "deep", "tiny_many_rows"])
def test_in_float64_too(shape):
    hashes = {}
    for threads in THREADS:
        bp.set_num_threads(threads)
        hashes[threads] = train("AdamW", shape, "float64")
    assert len(set(hashes.values())) == 1, hashes


@pytest.mark.parametrize("rows", [1, 100, 256, 700, 3000])
@pytest.mark.parametrize(
    "sizes", [[300, 128, 10], [8, 16, 3], [2, 200, 200, 1]], ids=lambda s: "-".join(map(str, s))
)
def test_gradients_in_both_ways_have_the_same_bits_for_any_number_of_threads(sizes, rows, dtype):
    """Gradients, including ∂E/∂a^0, in one call and with forward and backward."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, sizes[0])).astype(dtype)
    y = rng.normal(size=(rows, sizes[-1])).astype(dtype)
    net = bp.Network(sizes, "tanh", "tanh", dtype=dtype, seed=1)
    hashes = set()
    for threads in THREADS:
        bp.set_num_threads(threads)
        value, input_grad = net.loss_and_gradient(x, y, loss="mse", input_gradient=True)
        together = bits(net.gradients, input_grad, np.array(value))
        value, grad = bp.losses.MeanSquaredError()(net.forward(x), y)
        input_grad = net.backward(grad, input_gradient=True)
        views = [v for layer in net.layers for v in (layer.z, layer.a, layer.xi)]
        hashes.add((together, bits(net.gradients, input_grad), bits(*views)))
    assert len(hashes) == 1


def test_the_hash_changes_with_a_single_bit():
    a = np.zeros(3)
    assert bits(a) != bits(-a)
    assert bits(a) != bits(np.nextafter(a, 1))


# Prints for the current instruction set: its name, hashes of training per thread count, hashes of
# forward, backward and loss_and_gradient over a larger batch, whether rows of predict agree, and
# the hash of new networks.
_PROBE = """
import hashlib, json, sys
import numpy as np
import backpass as bp

def bits(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

rng = np.random.default_rng(0)
result = {"isa": bp.config()["isa"], "training": [], "fresh": [], "rows": []}
for dtype in ("float32", "float64"):
    x = rng.normal(size=(900, 37)).astype(dtype)
    y = rng.normal(size=(900, 5)).astype(dtype)
    hashes = set()
    for threads in (1, 2, 3, 7):
        bp.set_num_threads(threads)
        names = ["gelu", "softmax", "tanh"]
        net = bp.Network([37, 65, 129, 5], names, dropout=0.2, dtype=dtype, seed=5)
        optimizer = bp.optim.NAdam()
        for rows in (900, 100, 1, 17):
            for _ in range(3):
                net.train_step(x[:rows], y[:rows], loss="log_cosh", optimizer=optimizer)
        settings = {"epochs": 2, "batch_size": 64, "seed": 1, "progress": False}
        net.fit(x, y, loss="mse", optimizer=optimizer, **settings)
        net.forward(x)
        input_grad = net.backward(y, input_gradient=True)
        hashes.add(bits(net.parameters, net.gradients, input_grad))
    result["training"].append(len(hashes))
    single = np.stack([net.predict(row) for row in x[:130]])
    for batch in range(1, 131):
        first = batch * 37 % (131 - batch)
        if not np.array_equal(net.predict(x[first:first + batch]), single[first:first + batch]):
            result["rows"].append(batch)
    for init in "auto he_uniform glorot_normal lecun_uniform normal uniform orthogonal".split():
        fresh = bp.Network([11, 40, 130, 3], "relu", init=init, dtype=dtype, seed=99)
        result["fresh"].append(bits(fresh.parameters))
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def probes() -> dict[str, dict]:
    return {isa: json.loads(run_python(_PROBE, BACKPASS_ISA=isa)) for isa in ISAS}


@pytest.mark.parametrize("isa", ISAS)
def test_each_instruction_set_has_the_published_bits(isa, probes):
    assert probes[isa]["isa"] == isa
    assert probes[isa]["training"] == [1, 1], "hashes differ between thread counts"
    assert probes[isa]["rows"] == [], "batch sizes in which a row's bits differ from the row alone"


def test_a_seed_is_the_same_network_on_every_instruction_set(probes):
    assert len({tuple(probe["fresh"]) for probe in probes.values()}) == 1
    assert len(set(probes[ISAS[0]]["fresh"])) > 10


def test_a_run_repeats(probes):
    again = json.loads(run_python(_PROBE, BACKPASS_ISA=ISAS[-1]))
    assert again == probes[ISAS[-1]]


def test_an_instruction_set_that_is_not_there_is_an_error():
    code = (
        "import backpass as bp\n"
        "try:\n    bp.Network([2, 1], seed=0).predict([1.0, 2.0])\n"
        "except RuntimeError as error:\n    print(error)"
    )
    message = run_python(code, BACKPASS_ISA="mmx")
    assert "mmx" in message
    assert "baseline" in message
