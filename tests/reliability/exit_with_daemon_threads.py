"""Interpreters that end while daemon threads are inside native calls exit with their own code.

    python tests/reliability/exit_with_daemon_threads.py [runs per call]

Prints one line per call and exits with 1 if a run went wrong.
"""

from __future__ import annotations

import collections
import subprocess
import sys
import tempfile

EXIT_CODE = 7
SECONDS = 60

PROGRAM = """
import contextlib, ctypes, pickle, random, sys, threading, time
import numpy as np
import backpass as bp

net = bp.Network([64, 256, 256, 8], seed=0)
x, y = np.ones((4000, 64), "f4"), np.ones((4000, 8), "f4")
few_x, few_y = x[:512], y[:512]
double_x, double_y, weights = x.astype("f8"), y.astype("f8"), np.ones(4000)
sgd = bp.optim.SGD(lr=1e-6)
loss = bp.losses.Custom(lambda a, t: (float(((a - t) ** 2).mean()), 2 * (a - t) / a.size))
tanh = bp.activations.Custom(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
custom = bp.Network([64, 64, 8], tanh, seed=0)
callback = bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: time.sleep(0.001))
double_tanh = bp.activations.Custom(lambda z: np.tanh(z, dtype="f8"), lambda z: 1.0)
double_custom = bp.Network([64, 64, 8], double_tanh, seed=0)
parameters = net.parameters.astype("f8")
generator = np.random.default_rng(0)
strings = np.full((2, 64), "a")

def refused(function, *args, **kwargs):
    with contextlib.suppress(TypeError):
        function(*args, **kwargs)

FIT = dict(optimizer="adam", epochs=50, batch_size=64, progress=False)
calls = {
    "predict": lambda: net.predict(x),
    "predict of a Custom activation": lambda: custom.predict(x),
    "forward and backward": lambda: (custom.forward(x), custom.backward(y)),
    "train_step": lambda: net.train_step(x, y, loss="mse", optimizer=sgd),
    "train_step with a Custom loss": lambda: net.train_step(x, y, loss=loss, optimizer=sgd),
    "evaluate": lambda: net.evaluate(x, y, loss="mse"),
    "fit": lambda: bp.Network([64, 64, 8]).fit(few_x, few_y, loss="mse", **FIT),
    "fit, long epochs": lambda: bp.Network([64, 256, 256, 8]).fit(x, y, loss="mse", **FIT),
    "fit with a Custom loss": lambda: bp.Network([64, 64, 8]).fit(few_x, few_y, loss=loss, **FIT),
    "fit with a callback": lambda: bp.Network([64, 64, 8]).fit(
        few_x, few_y, loss="mse", callbacks=callback, **FIT
    ),
    "fit of float64 arrays": lambda: bp.Network([64, 64, 8]).fit(
        double_x, double_y, loss="mse", sample_weight=weights, **FIT
    ),
    "evaluate with float64 targets": lambda: net.evaluate(
        x, double_y, loss="mse", sample_weight=weights
    ),
    "predict of a Custom activation with float64 results": lambda: double_custom.predict(x),
    "float64 parameters": lambda: setattr(net, "parameters", parameters),
    "a seed from a generator": lambda: bp.Network([64, 64, 8], seed=generator),
    "a wrong dtype": lambda: refused(net.predict, strings),
    "a wrong argument": lambda: refused(net.predict, x, outt=y),
    "pickle": lambda: pickle.dumps(bp.losses.Huber()),
    "save": lambda: net.save(sys.argv[2] + "/net.safetensors"),
    "copy": lambda: net.copy(),
    "gradient_check": lambda: bp.gradient_check(custom, x[:4], y[:4], "mse"),
}
if len(sys.argv) == 1:
    print("\\n".join(calls))
    sys.exit()
call = calls[sys.argv[1]]

def run():
    while True:
        call()

for _ in range(3):
    threading.Thread(target=run, daemon=True).start()
# The process outlives the interpreter for a while: calls return in that time.
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.usleep, ctypes.c_void_p(60_000), None)
time.sleep(0.02 + 0.1 * random.random())
sys.exit(EXIT_CODE)
""".replace("EXIT_CODE", str(EXIT_CODE))


def names() -> list[str]:
    """Return the names of the calls."""
    listed = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    return listed.stdout.splitlines()


def failures(name: str, runs: int) -> collections.Counter[str]:
    """Run the call in `runs` interpreters; count all outcomes other than the exit code."""
    wrong: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            try:
                done = subprocess.run(
                    [sys.executable, "-c", PROGRAM, name, folder],
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                )
            except subprocess.TimeoutExpired:
                wrong[f"no end within {SECONDS} s"] += 1
                continue
            if done.returncode != EXIT_CODE or done.stderr:
                wrong[f"exit code {done.returncode}: {done.stderr[-200:]!r}"] += 1
    return wrong


def main() -> int:
    """Run all calls."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    total = 0
    for name in names():
        wrong = failures(name, runs)
        total += sum(wrong.values())
        print(f"{name}: {sum(wrong.values())} of {runs} wrong {dict(wrong) or ''}".rstrip())
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
