"""
Fashion-MNIST: 60,000 images of clothes in ten classes
======================================================

Reads the IDX files of Debian's package dataset-fashion-mnist. The full run takes about a minute and
reaches a test accuracy of at least 0.88. The gallery shows the program without its output, because
the run is long. Usage::

    python fashion_mnist.py [--data FOLDER] [--epochs 10] [--limit ROWS]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.tabular.arrays import read_idx

EPOCHS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description="Classify Fashion-MNIST.")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--limit", type=int, help="train on the first ROWS rows only")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data} is missing: apt-get install dataset-fashion-mnist")

    def images(name: str) -> NDArray[np.float32]:
        raw = read_idx(options.data / name).reshape(-1, 28 * 28)
        pixels: NDArray[np.float32] = raw.astype(np.float32)
        pixels /= 255
        return pixels

    x_train = images("train-images-idx3-ubyte.gz")[: options.limit]
    y_train = read_idx(options.data / "train-labels-idx1-ubyte.gz")[: options.limit]
    x_test = images("t10k-images-idx3-ubyte.gz")
    y_test = read_idx(options.data / "t10k-labels-idx1-ubyte.gz")

    net = bp.Network([784, 256, 128, 10], output="softmax", dropout=0.2, seed=0)
    print(net.summary())
    net.fit(
        x_train,
        y_train,
        loss="cross_entropy",
        optimizer=bp.optim.Adam(lr=1e-3),
        schedule=bp.schedules.Cosine(),
        epochs=options.epochs,
        batch_size=128,
        validation_split=0.05,
        metrics=["accuracy"],
        seed=0,
    )
    accuracy = float((net.predict(x_test).argmax(axis=1) == y_test).mean())
    print(f"test accuracy {accuracy:.4f}")
    # A shortened run must only be far better than guessing.
    full = options.limit is None and options.epochs >= EPOCHS
    least = 0.88 if full else 0.5
    assert accuracy >= least, f"{accuracy} < {least}"


if __name__ == "__main__":
    main()
