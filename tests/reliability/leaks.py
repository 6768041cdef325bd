#!/usr/bin/env python3
"""13 kinds of call, each also with an error, leave no memory and no object behind.

``python tests/reliability/leaks.py --count 10000`` makes 10000 good and 10000 failing calls of each
kind, and prints one line. After a warm-up, it compares

- the bytes in use of the C library's allocator, if available (mallinfo2 of glibc),
- the process's resident memory,
- the number of blocks of the Python interpreter's allocator, and of objects that the garbage
  collector tracks.
"""

import argparse
import ctypes
import gc
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import backpass as bp

ROWS = 40
X = np.random.default_rng(0).normal(size=(ROWS, 5)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(ROWS, 2)).astype(np.float32)

Calls = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def kinds(folder: Path) -> Calls:
    """Each kind of call: a successful one, and a refused one."""
    net = bp.Network([5, 8, 2], "tanh", dropout=0.1, seed=0)
    custom = bp.Network(
        [5, 8, 2], bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2), seed=0
    )
    optimizer = bp.optim.Adam()
    path, damaged = folder / "model.safetensors", folder / "damaged.safetensors"
    net.save(path, optimizer=optimizer)
    # Valid up to its last layer, so that the reader must discard the layers before.
    damaged.write_bytes(path.read_bytes()[:-4])
    pickled = pickle.dumps(net)
    net.forward(X)
    fit = {"loss": "mse", "optimizer": optimizer, "epochs": 1, "progress": False, "seed": 0}
    fit |= {"metrics": ["mae"], "validation_split": 0.25}
    one_by_zero = bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: 1 // 0)

    def failing_loss(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        raise ArithmeticError

    return {
        "predict": (lambda: net.predict(X), lambda: net.predict(X[:, :3])),
        "forward": (lambda: net.forward(X), lambda: net.forward([["a"] * 5])),
        "backward": (
            lambda: net.backward(Y, input_gradient=True),
            lambda: net.backward(Y[:, :1]),
        ),
        "step": (
            lambda: net.step(optimizer),
            lambda: net.step(bp.optim.Adam(lr=-1.0)),
        ),
        "train_step": (
            lambda: net.train_step(X, Y, loss="huber", optimizer=optimizer),
            lambda: net.train_step(X, Y, loss=bp.losses.Custom(failing_loss), optimizer=optimizer),
        ),
        "evaluate": (
            lambda: net.evaluate(X, Y, loss="mse"),
            lambda: net.evaluate(X, Y[:3], loss="mse"),
        ),
        "loss_and_gradient": (
            lambda: net.loss_and_gradient(X, Y, loss="mse", input_gradient=True),
            lambda: net.loss_and_gradient(X, Y, loss="mse", sample_weight=[-1.0] * ROWS),
        ),
        "fit": (
            lambda: net.fit(X, Y, **fit),
            lambda: net.fit(X, Y, **fit, callbacks=[one_by_zero]),
        ),
        "save": (
            lambda: net.save(path, optimizer=optimizer, metadata={"a": "b"}),
            lambda: net.save(folder / "none/model.safetensors"),
        ),
        "load": (lambda: bp.load_checkpoint(path), lambda: bp.load_checkpoint(damaged)),
        "copy": (net.copy, lambda: custom.copy(1)),
        "pickle": (
            lambda: pickle.loads(pickle.dumps(net)),
            lambda: pickle.loads(pickled[:-40] + b"\0" * 40),
        ),
        "constructor": (
            lambda: (
                bp.Network([5, 8, 2], init="orthogonal", seed=0).layers[0].weight,
                custom.copy(),
            ),
            lambda: bp.Network([5, 8, 2], activation=["relu", "no such name"]),
        ),
    }


class _Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]


def heap_bytes() -> int:
    """Return the bytes that malloc has allocated and not freed; 0 if unknown."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return 0
    mallinfo2.restype = _Mallinfo2
    info = mallinfo2()
    return int(info.e + info.h)  # hblkhd, from mmap, and uordblks


def resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure() -> tuple[int, int, int, int]:
    gc.collect()
    objects = len(gc.get_objects())
    return heap_bytes(), resident_bytes(), sys.getallocatedblocks(), objects


def repeat(call: Callable[[], object], count: int) -> None:
    for _ in range(count):
        call()


def refused(call: Callable[[], object]) -> Callable[[], object]:
    """Return a call that must fail, and drop its error."""

    def run() -> None:
        try:
            call()
        except (ValueError, TypeError, OSError, ArithmeticError, RuntimeError, pickle.PickleError):
            return
        raise AssertionError("a call that must fail did not fail")

    return run


def growth(call: Callable[[], object], count: int) -> list[int]:
    """Return the growth of each quantity of `measure` after `count` calls, after a warm-up."""
    repeat(call, max(50, min(count, 500)))
    before = measure()
    repeat(call, count)
    return [b - a for a, b in zip(before, measure(), strict=True)]


def is_leak(grown: list[int], count: int) -> bool:
    """A leak of one object per call gives `count` blocks; of one byte per call, 32 bytes of heap.

    Resident memory grows by whole arenas of the allocators.
    """
    limits = (8 * count + 4096, 1 << 20, max(200, count // 20), max(200, count // 20))
    return any(g > limit for g, limit in zip(grown, limits, strict=True))


def main(count: int, threads: int) -> int:
    bp.set_num_threads(threads)
    leaking = []
    most = [0, 0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        table = kinds(Path(folder))
        for name, (good, bad) in table.items():
            for what, call in ((name, good), (f"{name}, refused", refused(bad))):
                grown = growth(call, count)
                most = [max(a, b) for a, b in zip(most, grown, strict=True)]
                if is_leak(grown, count):
                    leaking.append(f"{what} {grown}")
    print(
        f"leaks: {count} calls of {len(table)} kinds and as many refused ones: at most "
        f"{most[0]} bytes of heap, {most[1] // 1024} KiB of resident memory, {most[2]} blocks and "
        f"{most[3]} objects more per kind: {'; '.join(leaking) if leaking else 'no leak'}"
    )
    return int(bool(leaking))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="calls per kind (long form: 10000)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    sys.exit(main(options.count, options.threads))
