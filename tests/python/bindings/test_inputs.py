"""Arrays of every kind as x and out, and the errors for other objects."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import backpass as bp
from small_network import VALUES, make


class Only:
    """An object that supports only one protocol."""

    def __init__(self, array: np.ndarray, *names: str) -> None:
        for name in names:
            setattr(type(self), name, property(lambda self, name=name: getattr(array, name)))


def only(array: np.ndarray, *names: str) -> object:
    return type("Only", (Only,), {})(array, *names)


INPUTS = {
    "list": lambda v: v.tolist(),
    "tuple of tuples": lambda v: tuple(map(tuple, v.tolist())),
    "C": lambda v: np.ascontiguousarray(v),
    "F": lambda v: np.asfortranarray(v),
    "read-only": lambda v: np.broadcast_to(v, v.shape),
    "rows strided": lambda v: np.repeat(v, 3, axis=0)[::3],
    "rows reversed": lambda v: v[::-1].copy()[::-1],
    "columns strided": lambda v: np.repeat(v, 2, axis=1)[:, ::2],
    "columns reversed": lambda v: v[:, ::-1].copy()[:, ::-1],
    "columns of a wider one": lambda v: np.hstack([v, v])[:, : v.shape[1]],
    "big-endian": lambda v: v.astype(v.dtype.newbyteorder(">")),
    "unaligned": lambda v: np.frombuffer(b"x" + v.tobytes(), dtype=v.dtype, offset=1).reshape(
        v.shape
    ),
    "matrix subclass": lambda v: v.view(type("Sub", (np.ndarray,), {})),
    "buffer": lambda v: memoryview(np.ascontiguousarray(v)),
    "DLPack alone": lambda v: only(np.ascontiguousarray(v), "__dlpack__", "__dlpack_device__"),
    "__array__ alone": lambda v: only(v, "__array__"),
    "__array_interface__ alone": lambda v: only(v, "__array_interface__"),
}
DTYPES = [
    "float32",
    "float64",
    "float16",
    "longdouble",
    "int8",
    "uint16",
    "int32",
    "int64",
    "uint64",
]


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("source", DTYPES)
def test_every_input_gives_the_same_bits(kind, source, dtype):
    if source == "longdouble" and kind in ("DLPack alone", "buffer"):
        pytest.skip("NumPy itself does not accept these")
    net = make(dtype)
    expected = net.predict(VALUES.astype(dtype))
    given = INPUTS[kind](VALUES.astype(source))
    np.testing.assert_array_equal(net.predict(given), expected)
    np.testing.assert_array_equal(net.forward(given), expected)


@pytest.mark.parametrize("other", ["__array__", "__array_interface__"])
def test_dlpack_is_the_last_choice(other):
    """An object may support DLPack only for other devices, so NumPy's own protocols go first."""

    def refuse(*args, **options):
        raise AssertionError("DLPack was asked")

    given = only(VALUES, other)
    type(given).__dlpack__ = type(given).__dlpack_device__ = refuse
    np.testing.assert_array_equal(make().predict(given), make().predict(VALUES))


def test_a_buffer_goes_before_dlpack():
    class Bytes(bytearray):
        def __dlpack__(self, **options):
            raise AssertionError("DLPack was asked")

    one = bp.Network([5, 2], seed=0)
    given = Bytes(range(5))
    np.testing.assert_array_equal(one.predict(given), one.predict(np.arange(5)))


def test_bool_is_numbers():
    net = make()
    x = VALUES > 3
    np.testing.assert_array_equal(net.predict(x), net.predict(x.astype("float32")))


def test_overlapping_rows_are_read_as_they_are():
    """Sliding windows and broadcast rows need no copy, and give the results of their copies."""
    net = make()
    series = np.linspace(0, 1, 30, dtype="float32")
    windows = np.lib.stride_tricks.sliding_window_view(series, 5)
    np.testing.assert_array_equal(net.predict(windows), net.predict(windows.copy()))
    same = np.broadcast_to(series[:5], (8, 5))
    np.testing.assert_array_equal(net.predict(same), net.predict(same.copy()))


@pytest.mark.parametrize(
    "bad",
    [
        VALUES.astype(complex),
        VALUES.astype(object),
        VALUES.astype(str),
        VALUES.astype(bytes),
        VALUES.astype("timedelta64[s]"),
        np.zeros(4, dtype=[("a", "f4"), ("b", "f4")]),
        None,
        "text",
        [["a"] * 5],
        object(),
    ],
    ids=lambda bad: type(bad).__name__ + str(getattr(bad, "dtype", "")),
)
def test_other_types_than_numbers_are_type_errors(bad):
    net = make()
    optimizer = bp.optim.SGD()
    y = np.zeros((4, 3), dtype="float32")
    before = net.parameters.copy()
    for call in (
        lambda: net.predict(bad),
        lambda: net.forward(bad),
        lambda: net.train_step(bad, y, loss="mse", optimizer=optimizer),
        lambda: net.train_step(VALUES, bad, loss="mse", optimizer=optimizer),
    ):
        with pytest.raises(TypeError, match="expected real numbers"):
            call()
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("shape", [(4, 4), (4, 6), (4,), (6,), (0,), (), (1, 4, 5), (5, 4)])
def test_a_wrong_shape_states_both(shape):
    net = make()
    with pytest.raises(ValueError, match="x has shape") as error:
        net.predict(np.zeros(shape))
    assert f"x has shape {shape}" in str(error.value)
    assert "(B, 5)" in str(error.value)
    assert "(5,)" in str(error.value)


def test_one_dimension_is_one_sample(dtype):
    net = make(dtype)
    x = VALUES[1].astype(dtype)
    y = np.array([0.5, -1.0, 2.0])
    assert net.predict(x).shape == net.forward(x).shape == (3,)
    assert net.layers[0].z.shape == (7,)
    grad = net.backward(np.ones(3), input_gradient=True)
    assert grad.shape == (5,)
    assert net.layers[0].xi.shape == (7,)
    value, input_grad = net.loss_and_gradient(x, y, loss="mse", input_gradient=True)
    value_2d, input_grad_2d = net.loss_and_gradient(
        x[None], y[None], loss="mse", input_gradient=True
    )
    assert value == value_2d
    np.testing.assert_array_equal(input_grad, input_grad_2d[0])
    assert net.evaluate(x, y, loss="mse") == net.evaluate(x[None], y[None], loss="mse")
    strided = np.repeat(x, 2)[::2]
    np.testing.assert_array_equal(net.predict(strided), net.predict(x))


def test_zero_rows():
    net = make()
    empty = np.zeros((0, 5))
    assert net.predict(empty).shape == net.forward(empty).shape == (0, 3)
    assert net.backward(np.zeros((0, 3)), input_gradient=True).shape == (0, 5)
    assert not net.gradients.any()
    out = np.empty((0, 3), dtype="float32")
    assert net.predict(empty, out=out) is out


READ_A_LARGE_FILE = """
import sys, threading, numpy as np, backpass as bp

def own_memory():
    line = next(l for l in open("/proc/self/status") if l.startswith("RssAnon"))
    return int(line.split()[1])

rows = 100_000
np.lib.format.open_memmap(sys.argv[1], mode="w+", dtype="float32", shape=(rows, 500)).flush()
x = np.load(sys.argv[1], mmap_mode="r")
net = bp.Network([250, 2], seed=0)
out = np.zeros((rows, 2), "float32")
labels = np.zeros(rows, "int32")
net.predict(x[::50, :250], out=out[::50])
before = own_memory()
peak = before
done = threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, own_memory())

thread = threading.Thread(target=watch)
thread.start()
net.predict(x[:, 250:], out=out)
net.evaluate(x[:, :250], labels, loss="softmax_cross_entropy")
done.set()
thread.join()
print(peak - before)
"""


def test_large_inputs_are_not_copied(tmp_path):
    """While a call reads 200 MB from a mapped file, the process's own memory grows far less."""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    run = subprocess.run(
        [sys.executable, "-c", READ_A_LARGE_FILE, str(tmp_path / "x.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 20_000, f"{run.stdout.strip()} KiB more"


@pytest.mark.parametrize(
    "make_out",
    [
        lambda: np.empty((4, 3), "float32"),
        lambda: np.empty((8, 3), "float32")[::2],
        lambda: np.empty((4, 9), "float32")[:, 3:6],
    ],
)
def test_out_is_filled_and_returned(make_out):
    net = make()
    out = make_out()
    assert net.predict(VALUES, out=out) is out
    np.testing.assert_array_equal(out, net.predict(VALUES))


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        (np.empty((4, 3)), TypeError, "float64"),
        (np.empty((4, 3), ">f4"), TypeError, ">f4"),
        ([[0.0] * 3] * 4, TypeError, "list"),
        (np.empty((3, 3), "float32"), ValueError, r"\(3, 3\); expected \(4, 3\)"),
        (np.empty((4, 3, 1), "float32"), ValueError, r"\(4, 3, 1\)"),
        (np.empty(3, "float32"), ValueError, r"\(3,\)"),
        (np.empty((3, 4), "float32").T, ValueError, "contiguous rows"),
        (np.empty((8, 3), "float32")[::-2], ValueError, "contiguous rows"),
        (as_strided(np.empty(15, "float32"), (4, 3), (8, 4)), ValueError, "do not overlap"),
        (np.broadcast_to(np.empty(3, "float32"), (4, 3)), ValueError, "read-only"),
    ],
)
def test_out_must_match_exactly(out, error, words):
    with pytest.raises(error, match=words):
        make().predict(VALUES, out=out)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.empty(6, "float32")[::2], "must be contiguous"),
        (np.empty(4, "float32"), r"\(4,\); expected \(3,\)"),
        (np.empty((1, 3), "float32"), r"\(1, 3\); expected \(3,\)"),
    ],
)
def test_out_of_one_sample_must_match_exactly(out, words):
    with pytest.raises(ValueError, match=words):
        make().predict(VALUES[0], out=out)
    good = np.empty(3, "float32")
    assert make().predict(VALUES[0], out=good) is good
    np.testing.assert_array_equal(good, make().predict(VALUES[0]))


def test_out_must_have_as_many_columns_as_outputs():
    with pytest.raises(ValueError, match=r"\(4, 2\); expected \(4, 3\)"):
        make().predict(VALUES, out=np.empty((4, 2), "float32"))


def test_out_may_be_the_input():
    """As in NumPy, the result equals that of a separate out."""
    net = bp.Network([6, 6], seed=0)
    memory = np.random.default_rng(0).normal(size=(301, 6)).astype("float32")
    expected = net.predict(memory[:300].copy())
    shifted = memory.copy()
    net.predict(shifted[:300], out=shifted[1:])
    np.testing.assert_array_equal(shifted[1:], expected)
    net.predict(memory[:300], out=memory[:300])
    np.testing.assert_array_equal(memory[:300], expected)


def test_out_may_be_other_columns_of_the_same_array():
    net = bp.Network([3, 3], seed=0)
    memory = np.random.default_rng(0).normal(size=(301, 6)).astype("float32")
    x = memory[:, :3].copy()
    net.predict(memory[:, :3], out=memory[:, 3:])
    np.testing.assert_array_equal(memory[:, :3], x)
    np.testing.assert_array_equal(memory[:, 3:], net.predict(x))


@pytest.mark.parametrize("n", [0, -1])
def test_num_threads_is_at_least_one(n):
    with pytest.raises(ValueError, match="num_threads"):
        make().predict(VALUES, num_threads=n)
