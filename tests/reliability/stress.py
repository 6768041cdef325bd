#!/usr/bin/env python3
"""Many Python threads at once, also for the thread sanitizer.

The threads predict, evaluate, copy, save and load one network, train others, and change settings.
With --writers they also train a network that others read.

``python tests/reliability/stress.py --count 2000 --threads 8`` makes 2000 calls and prints one
line. Calls that many threads may make at once must give the bits of one thread. Calls that only one
thread may make at a time must give those bits too, or a clear error (RuntimeError).
"""

import argparse
import pickle
import random
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import numpy as np

import backpass as bp

ROWS = 512


class Stress:
    """Networks that all threads share, the results of one thread, and the counts."""

    def __init__(self, folder: Path, count: int, writers: bool) -> None:
        rng = np.random.default_rng(0)
        self.folder = folder
        self.x = rng.normal(size=(ROWS, 33)).astype(np.float32)
        self.y = rng.normal(size=(ROWS, 3)).astype(np.float32)
        self.net = bp.Network([33, 128, 65, 3], "gelu", seed=1)
        self.out = self.net.predict(self.x)
        self.loss = self.net.evaluate(self.x, self.y, loss="mse")
        self.trained = self.train(bp.Network([33, 128, 3], "tanh", seed=2))
        self.contended = bp.Network([33, 512, 512, 3], "tanh", seed=3)
        self.left = count
        self.done: dict[str, int] = {}
        self.refused = 0
        self.wrong: list[str] = []
        self.lock = threading.Lock()
        self.actions = [
            *(self.predict, self.predict_into, self.predict_rows, self.evaluate, self.copy),
            *(self.pickle, self.save_and_load, self.train_own, self.own_moves, self.settings),
        ]
        if writers:
            self.actions += 4 * [self.train_shared, self.read_trained]

    def train(self, net: bp.Network) -> bytes:
        settings = {"loss": "mse", "epochs": 1, "batch_size": 128, "seed": 0, "progress": False}
        net.fit(self.x, self.y, optimizer=bp.optim.SGD(lr=0.01), **settings)
        return net.parameters.tobytes()

    def expect(self, what: str, good: bool) -> None:
        if not good:
            with self.lock:
                self.wrong.append(what)

    # ---- allowed calls; their results must equal those of one thread

    def predict(self) -> None:
        self.expect("predict", np.array_equal(self.net.predict(self.x), self.out))

    def predict_into(self) -> None:
        out = np.empty_like(self.out)
        self.net.predict(self.x, out=out, num_threads=2)
        self.expect("predict(out=)", np.array_equal(out, self.out))

    def predict_rows(self) -> None:
        first = random.randrange(ROWS - 9)
        rows = self.net(self.x[first : first + 9])
        self.expect("predict of rows", np.array_equal(rows, self.out[first : first + 9]))

    def evaluate(self) -> None:
        self.expect("evaluate", self.net.evaluate(self.x, self.y, loss="mse") == self.loss)

    def copy(self) -> None:
        same = np.array_equal(self.net.copy().predict(self.x[:9]), self.out[:9])
        self.expect("copy", same)

    def pickle(self) -> None:
        other = pickle.loads(pickle.dumps(self.net))
        self.expect("pickle", np.array_equal(other.parameters, self.net.parameters))

    def save_and_load(self) -> None:
        path = self.folder / f"{threading.get_ident()}.safetensors"
        self.net.save(path)
        same = np.array_equal(bp.load(path).parameters, self.net.parameters)
        self.expect("save and load", same)

    def train_own(self) -> None:
        net = bp.Network([33, 128, 3], "tanh", seed=2)
        self.expect("fit", self.train(net) == self.trained)

    def own_moves(self) -> None:
        net = bp.Network([33, 40, 3], "tanh", seed=4)
        optimizer = bp.optim.Adam()
        for _ in range(3):
            a = net.forward(self.x)
            net.backward((a - self.y) / ROWS)
            net.step(optimizer)
        self.expect("moves", bool(np.isfinite(net.parameters).all()))

    def settings(self) -> None:
        bp.set_num_threads(random.randrange(1, 5))
        bp.config()

    # ---- one network that is trained and read at once: whole steps or an error

    def train_shared(self) -> None:
        self.contended.train_step(self.x, self.y, loss="mse", optimizer=bp.optim.SGD(lr=1e-3))

    def read_trained(self) -> None:
        # Equal rows have equal predictions, unless the parameters changed between two rows.
        x = np.repeat(self.x[:1], ROWS, axis=0)
        out = self.contended.predict(x)
        self.expect("predict during training", bool((out == out[0]).all()))

    # ---- the threads

    def work(self, seed: int) -> None:
        rng = random.Random(seed)
        while True:
            with self.lock:
                if self.left <= 0:
                    return
                self.left -= 1
            action = rng.choice(self.actions)
            try:
                action()
            except RuntimeError as error:
                allowed = action in (self.train_shared, self.read_trained)
                with self.lock:
                    self.refused += 1
                    if not allowed:
                        self.wrong.append(f"{action.__name__}: {error}")
            except Exception:  # noqa: BLE001, every error of a thread is reported
                with self.lock:
                    self.wrong.append(traceback.format_exc())
            with self.lock:
                self.done[action.__name__] = self.done.get(action.__name__, 0) + 1

    def run(self, threads: int) -> None:
        workers = [threading.Thread(target=self.work, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def main(count: int, threads: int, writers: bool) -> int:
    sys.setswitchinterval(1e-5)
    with tempfile.TemporaryDirectory() as folder:
        stress = Stress(Path(folder), count, writers)
        stress.run(threads)
    for text in sorted(set(stress.wrong))[:10]:
        print(text, file=sys.stderr)
    with_writers = f", {stress.refused} of them refused with an error" if writers else ""
    print(
        f"stress: {sum(stress.done.values())} calls of {len(stress.done)} kinds from {threads} "
        f"threads{with_writers}: {len(stress.wrong)} wrong"
    )
    return int(bool(stress.wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="calls (long form: 20000)")
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--writers", action="store_true", help="train a network that others read")
    options = parser.parse_args()
    sys.exit(main(options.count, options.threads, options.writers))
