#!/usr/bin/env python3
"""The bits of predictions, gradients, training and resumed training, as published hashes.

``python tests/reliability/hashes.py`` compares this machine's kernel sets with
tests/golden/hashes.json, each set in a separate process, with 1, 2, 3 and 8 threads, and prints one
line per set. ``--write`` renews the entries of this machine's sets, for a change that intentionally
changes bits. hashes.cpp computes the same in C++.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import backpass as bp

GOLDEN = Path(__file__).resolve().parent.parent / "golden/hashes.json"
THREADS = (1, 2, 3, 8)
ROWS, INPUTS, OUTPUTS = 300, 33, 5
OUTPUT_OF = {name: bp.losses.get(name).output for name in bp.losses.names()}
TAKES_LABELS = [n for n in bp.losses.names() if bp.losses.get(n).targets == "distribution"]
OPTIMIZERS = [type(bp.optim.get(name)).__name__ for name in bp.optim.names()]
ACTIVATIONS = bp.activations.names()


def fnv1a(*arrays: np.ndarray) -> str:
    """FNV-1a with 64 bits over the arrays' bytes."""
    state = 0xCBF29CE484222325
    for array in arrays:
        for byte in np.ascontiguousarray(array).tobytes():
            state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def words(count: int, first: int = 0) -> np.ndarray:
    """Word k is the upper half of 2654435761 (k + 1) mod 2^32."""
    k = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    return (2654435761 * k % 2**32 >> np.uint64(16)).astype(np.int64)


class Problem:
    """Rows and targets of numbers in [−1, 1) that are the same in every language."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.x = self._numbers(INPUTS, 0)
        self.y = self._numbers(OUTPUTS, 1000000)
        self.positive = (self.y + 1) / 2
        self.labels = words(ROWS, 2000000) % OUTPUTS

    def _numbers(self, columns: int, first: int) -> np.ndarray:
        values = (words(ROWS * columns, first) - 32768) / 32768
        return values.reshape(ROWS, columns).astype(self.dtype)

    def network(self, output: str, dropout: float = 0.0) -> bp.Network:
        sizes = [INPUTS, 128, 65, OUTPUTS]
        return bp.Network(sizes, "tanh", output, dropout=dropout, dtype=self.dtype, seed=11)


def predictions(p: Problem) -> dict[str, str]:
    table = {}
    for name in ACTIVATIONS:
        net = bp.Network([INPUTS, 19, OUTPUTS], name, "identity", dtype=p.dtype, seed=7)
        table[f"predict {name}"] = fnv1a(net.predict(p.x))
    return table


def gradients(p: Problem) -> dict[str, str]:
    table = {}
    for loss, output in OUTPUT_OF.items():
        net = p.network(output)
        y = p.labels if loss in TAKES_LABELS else p.positive
        value, input_gradient = net.loss_and_gradient(p.x, y, loss=loss, input_gradient=True)
        table[f"gradient {loss}"] = fnv1a(np.float64(value), net.gradients, input_gradient)
    return table


def steps(p: Problem) -> dict[str, str]:
    table = {}
    for name in OPTIMIZERS:
        net = p.network("identity")
        optimizer = getattr(bp.optim, name)()
        for rows in (300, 100, 1, 17, 300, 100, 1):
            net.train_step(p.x[:rows], p.y[:rows], loss="huber", optimizer=optimizer)
        table[f"steps {name}"] = fnv1a(net.parameters)
    return table


def fit(p: Problem) -> dict[str, str]:
    """Four epochs. Then two epochs, and from their file two more on another network."""
    settings = {
        "loss": "cross_entropy",
        "batch_size": 64,
        "l2": 2.0**-10,
        "clip_norm": 0.5,
        "seed": 5,
        "progress": False,
    }
    net = p.network("softmax", dropout=0.25)
    history = net.fit(p.x, p.labels, optimizer=bp.optim.Adam(), epochs=4, **settings)

    settings |= {"x": p.x, "y": p.labels, "optimizer": "adam"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        p.network("softmax", dropout=0.25).fit(epochs=2, checkpoint=path, **settings)
        resumed = p.network("softmax", dropout=0.25)
        resumed.fit(epochs=4, resume_from=path, **settings)
    return {
        "fit parameters": fnv1a(net.parameters),
        "fit losses": fnv1a(np.array(history["loss"])),
        "resumed parameters": fnv1a(resumed.parameters),
    }


def hashes(dtype: str) -> dict[str, str]:
    p = Problem(dtype)
    initial = {"initial parameters": fnv1a(p.network("identity").parameters)}
    return initial | predictions(p) | gradients(p) | steps(p) | fit(p)


def this_set() -> str:
    """The name of the current kernel set: the machine's architecture and the set's name."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    return f"{machine} {bp.config()['isa']}"


def compute() -> dict[str, dict[str, str]]:
    """The hashes by dtype; an error if they depend on the number of threads or on the file."""
    tables = {}
    for threads in THREADS:
        bp.set_num_threads(threads)
        for dtype in ("float32", "float64"):
            table = hashes(dtype)
            first = tables.setdefault(dtype, table)
            different = [name for name in first if table[name] != first[name]]
            assert not different, f"{dtype}, {threads} threads: {different}"
            assert table["resumed parameters"] == table["fit parameters"], f"{dtype}: resumed"
    return tables


def compute_in_own_process(isa: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the full name of the set and its hashes."""
    done = subprocess.run(
        [sys.executable, __file__, "--print"],
        env={
            **os.environ,
            "BACKPASS_ISA": isa,
            "BACKPASS_WHOLE_TEAMS": "1",
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    name, tables = json.loads(done.stdout)
    return name, tables


def differences(name: str, tables: dict[str, dict[str, str]]) -> list[str]:
    """Return the differences from the published table."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    assert {d: sorted(t) for d, t in golden.items()} == {d: sorted(t) for d, t in tables.items()}
    return [
        f"{dtype} {quantity}"
        for dtype, table in tables.items()
        for quantity, value in table.items()
        if golden[dtype][quantity] != value
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--print", action="store_true", help="print the set's hashes as JSON")
    options = parser.parse_args()
    if options.print:
        print(json.dumps([this_set(), compute()]))
        return 0
    failed = 0
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    for isa in bp.config()["isas_usable"]:
        name, tables = compute_in_own_process(isa)
        if options.write:
            golden[name] = {dtype: dict(sorted(table.items())) for dtype, table in tables.items()}
            continue
        different = differences(name, tables)
        count = sum(len(table) for table in tables.values())
        print(
            f"hashes (Python), {name}: {count} quantities with 1, 2, 3 and 8 threads: "
            + (f"DIFFERENT: {', '.join(different)}" if different else "equal to the published ones")
        )
        failed += bool(different)
    if options.write:
        GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
