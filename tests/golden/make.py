#!/usr/bin/env python3
"""Save this version's golden files, which every later version must load.

Run once per release, with the released version installed: ``python tests/golden/make.py``. It
writes ``<version>-<dtype>.safetensors`` and ``<version>-<dtype>.json``, the expected contents.
Existing files are never overwritten: a change that makes old files unreadable needs a new format
version, and the library must still read the old one.

Numbers that must be loaded bit for bit are exact, as hexadecimal text. Numbers computed from them
(outputs, a training step) may differ in the last digits between instruction sets.
"""

import json
from pathlib import Path

import numpy as np

import backpass as bp

HERE = Path(__file__).parent


def make_network(dtype: str) -> bp.Network:
    """Return a network that uses every feature of a layer."""
    net = bp.Network(
        [3, 5, 4, 2],
        [bp.activations.LeakyReLU(0.1), bp.activations.ELU(0.7), "softmax"],
        bias=[True, False, True],
        dropout=[0.2, 0.0],
        init=["he_normal", bp.initializers.Uniform(0.3), "auto"],
        dtype=dtype,
        seed=2024,
    )
    net.layers[1].trainable = False
    net.layers[2].lr_scale = 0.5
    return net


def make_optimizer(dtype: str) -> bp.optim.Optimizer:
    if dtype == "float32":
        return bp.optim.Adam(lr=0.01, amsgrad=True)
    return bp.optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)


def exact(values: np.ndarray) -> list[str]:
    return [float(value).hex() for value in values.ravel()]


def describe(net: bp.Network) -> list[dict[str, object]]:
    return [
        {
            "activation": repr(layer.activation),
            "bias": layer.bias is not None,
            "dropout": layer.dropout,
            "trainable": layer.trainable,
            "lr_scale": layer.lr_scale,
        }
        for layer in net.layers
    ]


def make(dtype: str) -> None:
    stem = f"{bp.__version__}-{dtype}"
    path = HERE / f"{stem}.safetensors"
    if path.exists():
        raise SystemExit(f"{path} exists; golden files must not change")
    rng = np.random.default_rng(7)
    x = rng.normal(size=(6, 3))
    labels = rng.integers(2, size=6)
    net = make_network(dtype)
    optimizer = make_optimizer(dtype)
    schedule = bp.schedules.LinearWarmup(
        steps=7, start_factor=0.25, then=bp.schedules.ReduceOnPlateau(factor=0.3, patience=4)
    )
    for _ in range(3):
        net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer)
    metadata = {"note": "π ≈ 3.14159", "network": "no collision"}
    net.save(path, optimizer=optimizer, schedule=schedule, epochs=3, steps=3, metadata=metadata)

    expected = {
        "dtype": dtype,
        "sizes": list(net.sizes),
        "layers": describe(net),
        "parameters": exact(net.parameters),
        "epochs": 3,
        "steps": 3,
        "metadata": metadata,
        "optimizer": repr(optimizer),
        "schedule": repr(schedule),
        "x": x.tolist(),
        "labels": labels.tolist(),
        "outputs": net.predict(x).tolist(),
    }
    # One more step shows that dropout and the optimizer's state were restored.
    loss = net.train_step(x, labels, loss="cross_entropy", optimizer=optimizer)
    expected["next_step"] = {"loss": loss, "parameters": net.parameters.tolist()}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (HERE / f"{stem}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in ("float32", "float64"):
        make(name)
