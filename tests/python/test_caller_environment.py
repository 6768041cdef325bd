"""The caller's environment is unchanged after calls, after errors, and inside callbacks.

Checked are the floating-point mode, signals, locale, umask, working folder, environment variables
and open files.
"""

import contextlib
import ctypes
import ctypes.util
import json
import locale
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from network_pair import run_python

_LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
_LINUX = sys.platform == "linux"
_FE_TOWARDZERO = {"x86_64": 0xC00, "aarch64": 0xC00000, "arm64": 0xC00000}[platform.machine()]
_FE_TONEAREST = 0


def float_mode() -> int:
    """Return MXCSR or FPCR (rounding, flushing of denormals, traps) without the exception flags."""
    environment = (ctypes.c_uint32 * 16)()
    assert _LIBM.fegetenv(environment) == 0
    if platform.machine() == "x86_64":
        return environment[7] & ~0x3F  # follows the 28 bytes of the x87 unit
    return environment[0] if _LINUX else environment[2]


def flushes() -> bool:
    """Whether this thread's arithmetic flushes denormal numbers to zero."""
    return float(np.float64(2.0**-1022) * np.float64(0.5)) == 0.0


@contextlib.contextmanager
def rounding_towards_zero() -> Iterator[None]:
    assert _LIBM.fesetround(_FE_TOWARDZERO) == 0
    try:
        yield
    finally:
        _LIBM.fesetround(_FE_TONEAREST)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 33))
Y = RNG.normal(size=(600, 3))


def make(activation="tanh", dtype: str = "float64") -> bp.Network:
    return bp.Network([33, 128, 3], activation, dtype=dtype, seed=1)


def calls(folder: Path) -> dict[str, Callable[[], object]]:
    """Every computing call, each also with an error."""
    net, adam = make(), bp.optim.Adam()
    path = folder / "model.safetensors"
    net.save(path)
    net.forward(X)
    net.gradients[...] = 1e-3
    fit = {"loss": "mse", "optimizer": bp.optim.SGD(lr=1e-4), "epochs": 1, "progress": False}
    dividing = {**fit, "callbacks": [bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: 1 // 0)]}

    def failing(call: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            with pytest.raises(Exception, match=r".") as error:
                call()
            assert isinstance(error.value, (ValueError, TypeError, OSError, ArithmeticError))

        return run

    good = {
        "predict": lambda: net.predict(X),
        "forward": lambda: net.forward(X),
        "backward": lambda: net.backward(Y),
        "step": lambda: net.step(adam),
        "train_step": lambda: net.train_step(X, Y, loss="mse", optimizer=adam),
        "evaluate": lambda: net.evaluate(X, Y, loss="mse"),
        "loss_and_gradient": lambda: net.loss_and_gradient(X, Y, loss="mse"),
        "fit": lambda: net.fit(X, Y, **fit),
        "save": lambda: net.save(path),
        "load": lambda: bp.load(path),
        "copy": net.copy,
        "pickle": lambda: pickle.loads(pickle.dumps(net)),
        "constructor": make,
        "gradient_check": lambda: bp.gradient_check(
            bp.Network([2, 3, 1], seed=0), X[:4, :2], Y[:4, :1], "mse"
        ),
    }
    bad = {
        "predict": lambda: net.predict(X[:, :5]),
        "forward": lambda: net.forward(X[:, :5]),
        "backward": lambda: net.backward(Y[:, :1]),
        "step": lambda: net.step(bp.optim.Adam(lr=-1.0)),
        "train_step": lambda: net.train_step(X, Y[:7], loss="mse", optimizer=adam),
        "evaluate": lambda: net.evaluate(X, Y, loss="cross_entropie"),
        "loss_and_gradient": lambda: net.loss_and_gradient(X, ["a"] * 600, loss="mse"),
        "fit": lambda: make().fit(X, Y, **{**dividing, "optimizer": bp.optim.SGD(lr=1e-4)}),
        "save": lambda: net.save(folder / "none/model.safetensors"),
        "load": lambda: bp.load(folder / "none"),
        "constructor": lambda: bp.Network([3]),
    }
    return good | {f"{name}, failing": failing(call) for name, call in bad.items()}


with tempfile.TemporaryDirectory() as _folder:
    NAMES = list(calls(Path(_folder)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_floating_point_mode_is_the_callers_after_every_call(name, threads, tmp_path):
    bp.set_num_threads(threads)
    call = calls(tmp_path)[name]
    before = float_mode()
    call()
    assert float_mode() == before
    with rounding_towards_zero():
        inside = float_mode()
        call()
        assert float_mode() == inside
    assert inside != before
    assert float_mode() == before


# ---- inside callbacks


def seen_in(run: Callable[[Callable[[], None]], object]) -> tuple[set[int], set[bool]]:
    """Return the floating-point modes that a callback sees."""
    modes: set[int] = set()
    flushing: set[bool] = set()

    def look() -> None:
        modes.add(float_mode())
        flushing.add(flushes())

    run(look)
    return modes, flushing


def custom_loss(look: Callable[[], None]) -> bp.losses.Loss:
    def function(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        look()
        return float(np.mean((a - y) ** 2)), 2 * (a - y) / a.size

    return bp.losses.Custom(function)


def custom_activation(look: Callable[[], None]):
    def value(z: np.ndarray) -> np.ndarray:
        look()
        return np.tanh(z)

    def derivative(z: np.ndarray) -> np.ndarray:
        look()
        return 1 - np.tanh(z) ** 2

    return bp.activations.Custom(value, derivative)


CALLBACKS = {
    "fit's callback": lambda look: make().fit(
        X,
        Y,
        loss="mse",
        optimizer="sgd",
        epochs=2,
        progress=False,
        callbacks=[bp.callbacks.LambdaCallback(on_epoch_end=lambda *_: look() or False)],
    ),
    "a loss in train_step": lambda look: make().train_step(
        X, Y, loss=custom_loss(look), optimizer=bp.optim.SGD(lr=1e-4)
    ),
    "a loss in evaluate": lambda look: make().evaluate(X, Y, loss=custom_loss(look)),
    "a loss in loss_and_gradient": lambda look: make().loss_and_gradient(
        X, Y, loss=custom_loss(look)
    ),
    "a loss in fit": lambda look: make().fit(
        X, Y, loss=custom_loss(look), optimizer="sgd", epochs=1, progress=False
    ),
    "an activation in predict": lambda look: make(custom_activation(look)).predict(X),
    "an activation in forward": lambda look: make(custom_activation(look)).forward(X),
    "an activation in train_step": lambda look: make(custom_activation(look)).train_step(
        X, Y, loss="mse", optimizer=bp.optim.SGD(lr=1e-4)
    ),
    "an activation in evaluate": lambda look: make(custom_activation(look)).evaluate(
        X, Y, loss="mse"
    ),
    "an activation in fit": lambda look: make(custom_activation(look)).fit(
        X, Y, loss="mse", optimizer="sgd", epochs=1, progress=False
    ),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_the_floating_point_mode_inside_callbacks_is_the_callers(name):
    modes, flushing = seen_in(CALLBACKS[name])
    assert modes == {float_mode()}
    assert flushing == {False}


# ---- the process


_PROBE = """
import ctypes, json, os, re, sys
from pathlib import Path

def environment():
    names = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found, i = [], 0
    while names[i] is not None:
        found.append(names[i].decode())
        i += 1
    return sorted(found)

def process_state():
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    mask = os.umask(0)
    os.umask(mask)
    return {
        "signals": [line for line in lines if re.match("Sig(Pnd|Blk|Ign|Cgt)|ShdPnd", line)],
        "mask": [int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "umask": mask,
        "folder": os.getcwd(),
        "environment": environment(),
        "locale": [locale.setlocale(c) for c in (locale.LC_ALL, locale.LC_NUMERIC)],
        "files": sorted(os.listdir("/proc/self/fd")) if lines else [],
    }

import locale, signal, tempfile
import numpy as np, tqdm, pickle
import threading, concurrent.futures, functools, dataclasses, inspect, warnings, typing
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.umask(0o027)
before = process_state()
import backpass as bp
imported = process_state()
x = np.random.default_rng(0).normal(size=(600, 33))
net = bp.Network([33, 128, 3], seed=0)
bp.set_num_threads(3)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.safetensors")
    net.fit(x, x[:, :3], loss="mse", optimizer="adam", epochs=2, progress=False)
    net.save(path)
    mode = os.stat(path).st_mode & 0o777
    bp.load(path).predict(x)
    for call in (lambda: bp.load(folder), lambda: net.predict(x[:, :2]), lambda: net.save(folder)):
        try:
            call()
        except (OSError, ValueError):
            pass
print(json.dumps([before, imported, process_state(), mode]))
"""


def test_signals_umask_folder_environment_locale_and_files_stay(tmp_path):
    before, imported, after, mode = json.loads(run_python(_PROBE))
    assert imported == before
    assert after == before
    assert before["umask"] == 0o027
    assert int(signal.SIGUSR2) in before["mask"]
    assert mode == 0o666 & ~0o027


# ---- a locale that writes numbers with a comma


def comma_locale(folder: Path) -> tuple[str, dict[str, str]]:
    """Return a locale of the system whose decimal point is a comma, or make one."""
    saved = locale.setlocale(locale.LC_NUMERIC)
    try:
        for name in ("de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_NUMERIC, name)
                if locale.localeconv()["decimal_point"] == ",":
                    return name, {}
    finally:
        locale.setlocale(locale.LC_NUMERIC, saved)
    if _LINUX and platform.libc_ver()[0] != "glibc":
        pytest.skip("the C library has no locales")
    (folder / "source").write_text(
        "comment_char %\nescape_char /\nLC_NUMERIC\n"
        'decimal_point "<U002C>"\nthousands_sep "<U002E>"\ngrouping 3;3\nEND LC_NUMERIC\n',
        encoding="ascii",
    )
    characters = [f"<U{c:04X}> /x{c:02x} c{c}" for c in range(128)]
    head = ["<code_set_name> ANSI_X3.4-1968", "<comment_char> %", "<escape_char> /", "CHARMAP"]
    text = "\n".join([*head, *characters, "END CHARMAP", ""])
    (folder / "characters").write_text(text, encoding="ascii")
    command = [shutil.which("localedef") or "/usr/bin/localedef", "-c", "-i", "source"]
    # localedef warns about the missing categories and then exits with 1.
    subprocess.run(
        [*command, "-f", "characters", "./comma"], cwd=folder, capture_output=True, check=False
    )
    return "comma", {"LOCPATH": str(folder)}


_NUMBERS = """
import ctypes, hashlib, json, locale, sys
import numpy as np
import backpass as bp
from pathlib import Path

name, folder = sys.argv[1], Path(sys.argv[2])
if name:
    locale.setlocale(locale.LC_ALL if name != "comma" else locale.LC_NUMERIC, name)
    text = ctypes.create_string_buffer(20)
    ctypes.CDLL(None).snprintf(text, 20, b"%.2f", ctypes.c_double(1.5))
    assert text.value == b"1,50", text.value
x = np.random.default_rng(0).normal(size=(200, 3))
net = bp.Network([3, 1234, 2], [bp.activations.LeakyReLU(0.125), "tanh"], dropout=0.25, seed=0)
optimizer, path = bp.optim.Adam(lr=0.0625, eps=1.5e-7), folder / "model.safetensors"
schedule = bp.schedules.LinearWarmup(steps=7, start_factor=0.25)
history = net.fit(x, x[:, :2], loss="huber", optimizer=optimizer, epochs=2, seed=0, progress=False,
                  schedule=schedule)
net.save(path, optimizer=optimizer, schedule=schedule, metadata={"half": "0.5"})
saved = bp.load_checkpoint(path)
messages = [net.summary(), repr(net), repr(saved.optimizer), repr(saved.schedule),
            repr(net.layers[0].activation)]
for call in (
    lambda: bp.optim.Adam(lr=-1.5).lr and net.step(bp.optim.Adam(lr=-1.5)),
    lambda: bp.Network([2, 2], dropout=1.5),
    lambda: net.predict(x[:, :1]),
    lambda: bp.losses.Huber(-2.5)(x, x),
):
    try:
        call()
    except (ValueError, RuntimeError) as error:
        messages.append(str(error))
print(json.dumps([hashlib.sha256(path.read_bytes()).hexdigest(), messages, history["loss"],
                  saved.network.parameters.tolist() == net.parameters.tolist()]))
"""


def test_files_and_messages_do_not_depend_on_the_locale(tmp_path):
    name, environment = comma_locale(tmp_path)
    plain = json.loads(run_python(_NUMBERS, "", str(tmp_path)))
    with_comma = json.loads(run_python(_NUMBERS, name, str(tmp_path), **environment))
    assert with_comma == plain
    assert plain[3]
    assert "0.0625" in plain[1][2]
    assert len(plain[1]) >= 8


def test_what_a_locale_with_a_comma_wrote_is_read_without_it(tmp_path):
    name, environment = comma_locale(tmp_path)
    run_python(_NUMBERS, name, str(tmp_path), **environment)
    saved = bp.load_checkpoint(tmp_path / "model.safetensors")
    assert saved.optimizer.lr == 0.0625
    assert saved.optimizer.eps == 1.5e-7
    assert saved.network.layers[0].activation.negative_slope == 0.125


def test_the_probe_of_the_mode_detects_a_changed_mode():
    before = float_mode()
    with rounding_towards_zero():
        assert float_mode() != before
