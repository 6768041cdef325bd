"""A training by the processes of mpiexec, for test_distributed.py.

``python mpi_program.py MODE THREADS FOLDER``: each process writes its result to FOLDER/RANK.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from mpi4py import MPI

import backpass as bp

WORLD = MPI.COMM_WORLD
ROWS = 403


def data() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 5)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(int), rng.integers(0, 3, ROWS).astype(float)


def train(mode: str, threads: int, folder: Path) -> dict[str, Any]:
    bp.set_num_threads(threads)
    x, y, weights = data()
    mine = slice(ROWS * WORLD.rank // WORLD.size, ROWS * (WORLD.rank + 1) // WORLD.size)
    if mode == "uneven":  # rank 0 has all rows
        mine = slice(0, ROWS if WORLD.rank == 0 else 0)
    net = bp.Network([5, 300, 40, 2], dropout=0.2, seed=WORLD.rank)
    called: list[int] = []

    def on_epoch_end(net: Any, epoch: int, logs: Any) -> None:
        called.append(epoch)
        if mode == "failing":
            raise RuntimeError("the disk is full")
        if mode == "changing":
            net.parameters[0] += 1

    settings: dict[str, Any] = {
        "loss": "softmax_cross_entropy",
        "optimizer": bp.optim.AdamW(0.01),
        "epochs": 4,
        "batch_size": 50,
        "sample_weight": weights[mine],
        "validation_split": 0.25,
        "early_stopping": 3,
        "metrics": ["accuracy", "f1"],
        "clip_norm": 0.5,
        "seed": 7 + WORLD.rank,
        "callbacks": bp.callbacks.LambdaCallback(on_epoch_end=on_epoch_end),
        "communicator": WORLD,
    }
    if mode == "resuming":
        path = folder / "training.safetensors"
        if not path.exists():
            settings |= {"epochs": 2}
        else:
            settings |= {"resume_from": path, "seed": None}
        WORLD.Barrier()  # every rank has looked
        settings |= {"checkpoint": path}
    if mode == "columns" and WORLD.rank == 1:
        x = x[:, :4]
    if mode == "interrupt":
        settings |= {"epochs": 1_000_000, "early_stopping": None}
        if WORLD.rank == 1:
            Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    if mode == "different" and WORLD.rank == WORLD.size - 1:
        settings["batch_size"] = 49
    history = net.fit(x[mine], y[mine], **settings)
    numbers = {name: series for name, series in sorted(history.items()) if name != "seconds"}
    digest = hashlib.sha256(net.parameters.tobytes() + json.dumps(numbers).encode())
    return {"hash": digest.hexdigest(), "called": called, "epochs": history.epochs}


def main() -> None:
    mode, threads, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    try:
        result = train(mode, threads, folder)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the test reads it
        result = {"error": f"{type(error).__name__}: {error}"}
    (folder / f"{WORLD.rank}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
