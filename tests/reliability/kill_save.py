#!/usr/bin/env python3
"""Kill processes during a save, and check the remaining files.

Several processes save networks to one path, one network after the other. Each process is killed at
a random moment. Then the file must be one complete saved network, and the next save must remove the
temporary files of all killed processes.

usage: kill_save.py [KILLS] [--savers N] [--folder FOLDER]

Prints one line of figures; exits with 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import backpass as bp

SIZES = [300, 300, 10]  # 400 kB: writing takes longer than starting the save


def save_forever(path: Path, first: int) -> None:
    """Save networks of one repeated value; the value identifies the save."""
    net = bp.Network(SIZES, seed=0)
    value = first
    while True:
        net.parameters[:] = value
        net.save(path, epochs=value, metadata={"value": str(value)})
        value += 1


def complaint(path: Path) -> str:
    """Return what is wrong with the file, or "" if it is a complete network."""
    try:
        saved = bp.load_checkpoint(path)
    except (OSError, ValueError) as error:
        return str(error)
    value = saved.epochs
    if saved.metadata != {"value": str(value)} or not np.all(saved.network.parameters == value):
        return f"the file mixes saves: {saved.metadata}, {saved.network.parameters}"
    return ""


def main() -> int:
    """Make the kills that the command line requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=1000)
    parser.add_argument("--savers", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "model.safetensors"
        net = bp.Network(SIZES, seed=0)
        net.parameters[:] = 1
        net.save(path, epochs=1, metadata={"value": "1"})
        killed = left_behind = most_left = 0
        while killed < options.kills:
            children = []
            for _ in range(options.savers):
                child = os.fork()
                if child == 0:
                    try:
                        save_forever(path, 1000 * killed + len(children) + 2)
                    finally:
                        os._exit(1)
                children.append(child)
            for child in children:
                time.sleep(rng.uniform(0, 0.03))
                os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
                if not os.WIFSIGNALED(status):
                    print("a save failed")
                    return 1
                killed += 1
            left = len(list(Path(folder).iterdir())) - 1
            left_behind += left > 0
            most_left = max(most_left, left)
            if wrong := complaint(path):
                print(f"after {killed} kills: {wrong}")
                return 1
        net.save(path, epochs=1, metadata={"value": "1"})
        names = [entry.name for entry in Path(folder).iterdir()]
        if names != [path.name]:
            print(f"left after the last save: {names}")
            return 1
    print(
        f"{killed} kills of {options.savers} concurrent savers: the file was complete every time; "
        f"temporary files were left {left_behind} times, at most {most_left}; "
        "the next save left none"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
