"""x of any real dtype and layout: the bits of NumPy's conversion, and bounded memory."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backpass as bp
from network_pair import bits, run_python

DTYPES = [
    "?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g",
    ">i2", ">u2", ">i4", ">u4", ">i8", ">u8", ">f2", ">f4", ">f8",
]  # fmt: skip


def to_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return numbers over the range of the dtype, including its special values."""
    if dtype.kind == "b":
        return values > 0
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        wide = values * (float(info.max) / 4)
        result = np.clip(wide, info.min, 0.99 * info.max).astype(dtype)
        result.flat[:3] = [info.min, info.max, 1]
        return result
    result = values.astype(dtype)
    with np.errstate(over="ignore"):
        special = np.array([np.inf, -0.0, 1e-7, 65504.0, 1e300, 1e-42, 2e-308]).astype(dtype)
    result.flat[: special.size] = special[: result.size]
    return result


def layouts(x: np.ndarray, name: str) -> np.ndarray:
    """Return the same numbers with another memory layout."""
    rows, cols = x.shape
    if name == "fortran":
        return np.asfortranarray(x)
    if name == "reversed":
        return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    if name == "strided":
        wide = np.zeros((3 * rows, 2 * cols), x.dtype)
        wide[::3, ::2] = x
        return wide[::3, ::2]
    if name == "unaligned":
        raw = np.zeros(x.nbytes + 1, "u1")[1:].view(x.dtype).reshape(x.shape)
        raw[...] = x
        return raw
    if name == "read-only":
        x = x.copy()
        x.setflags(write=False)
    return x


@settings(max_examples=150, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(["plain", "fortran", "reversed", "strided", "unaligned", "read-only"]),
    rows=st.sampled_from([1, 2, 7, 255, 300, 1100]),
    cols=st.sampled_from([1, 3, 16, 40]),
    of=st.sampled_from(["float32", "float64"]),
    threads=st.sampled_from([1, 2]),
    seed=st.integers(0, 9),
)
def test_bits_are_those_of_the_converted_batch(
    dtype: str, layout: str, rows: int, cols: int, of: str, threads: int, seed: int
) -> None:
    bp.set_num_threads(threads)
    rng = np.random.default_rng(seed)
    x = layouts(to_dtype(rng.normal(size=(rows, cols)), np.dtype(dtype)), layout)
    y = rng.normal(size=(rows, 2)).astype(of)
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(x.astype(of))
    net = bp.Network([cols, 5, 2], "tanh", dtype=of, seed=1)
    rule = [bp.optim.SGD(lr=1e-3) for _ in range(2)]
    nets = [net, net.copy()]

    def everything(net: bp.Network, x: np.ndarray, rule: bp.optim.SGD) -> list[object]:
        value, gradient = net.loss_and_gradient(x, y, loss="mse", input_gradient=True)
        results: list[object] = [net.predict(x), value, gradient, net.gradients.copy()]
        results += [net.evaluate(x, y, loss="mse"), net.forward(x)]
        results += [net.train_step(x, y, loss="mse", optimizer=rule), net.parameters.copy()]
        return [np.asarray(result) for result in results]

    ours = everything(nets[0], x, rule[0])
    expected = everything(nets[1], converted, rule[1])
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(a, b)  # treats NaN as equal to NaN, for any payload
        finite = np.isfinite(a)
        assert bits(np.where(finite, a, 0)) == bits(np.where(finite, b, 0))


def test_every_half_is_converted_exactly() -> None:
    halves = np.arange(2**16, dtype="u2").view("f2")[:, None]
    net = bp.Network([1, 1], dtype="float64", bias=False, seed=0)
    net.parameters = [1.0]
    for x in (halves, halves.astype(">f2")):
        np.testing.assert_array_equal(net.predict(x), halves.astype("float64"))


def test_large_integers_round_to_nearest() -> None:
    net = bp.Network([1, 1], dtype="float32", bias=False, seed=0)
    net.parameters = [1.0]
    near = [2**24 + 1, 2**24 + 3, 2**53 + 1, 2**63 - 1, 2**62 + 2**38, 2**62 + 2**38 + 1]
    for dtype in ("i8", "u8", ">i8", ">u8"):
        x = np.array([[n] for n in near], dtype)
        np.testing.assert_array_equal(net.predict(x), x.astype("float32"))
    x = np.array([[2**64 - 1], [2**63 + 2**39], [2**63 + 2**39 + 1]], "u8")
    np.testing.assert_array_equal(net.predict(x), x.astype("float32"))


def test_broadcast_and_dlpack() -> None:
    net = bp.Network([4, 3], seed=0)
    row = np.arange(4.0)
    x = np.broadcast_to(row, (500, 4))
    np.testing.assert_array_equal(net.predict(x), net.predict(np.ascontiguousarray(x, "float32")))

    class OnlyDlpack:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **options: object) -> object:
            return self.array.__dlpack__()

        def __dlpack_device__(self) -> object:
            return self.array.__dlpack_device__()

    wide = np.random.default_rng(0).normal(size=(300, 8))
    for array in (wide[:, ::2], wide[::-1, :4][::-1]):
        np.testing.assert_array_equal(
            net.predict(OnlyDlpack(array)), net.predict(array.astype("float32"))
        )


def test_the_output_may_lie_in_converted_input() -> None:
    """As in NumPy, the result equals that of a separate `out`."""
    net = bp.Network([4, 4], dtype="float32", seed=0)
    memory = np.random.default_rng(0).normal(size=(600, 8)).astype("float32")
    x = memory[::-1, 6::-2]
    expected = net.predict(x.copy())
    net.predict(x, out=memory[:, :4])
    np.testing.assert_array_equal(memory[:, :4], expected)


# Prints the increase of the peak memory during a call, in bytes.
_PROBE = """
import sys
import numpy as np
import backpass as bp

def status(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) * 1024

def peak_of(call):
    call(1000)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    call(None)
    return status("VmHWM") - before

layout, name = sys.argv[1:]
rows = 400_000
x = np.ones((rows, 32), {"float64": "f8", "bytes": "u1", "big-endian": ">f4"}.get(layout, "f4"))
if layout == "fortran":
    x = np.asfortranarray(x)
elif layout == "strided":
    x = np.ones((rows, 64), "f4")[:, ::2]
y = np.ones((rows, 1), "f4")
out = np.ones((rows, 1), "f4")
net = bp.Network([32, 20, 1], seed=0)
rule = bp.optim.SGD(lr=0.0)
print(peak_of({
    "predict": lambda n: net.predict(x[:n], out=out[:n]),
    "evaluate": lambda n: net.evaluate(x[:n], y[:n], loss="mse"),
    "train_step": lambda n: net.train_step(x[:n], y[:n], loss="mse", optimizer=rule),
    "loss_and_gradient": lambda n: net.loss_and_gradient(x[:n], y[:n], loss="mse"),
}[name]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("layout", ["float64", "bytes", "big-endian", "fortran", "strided"])
@pytest.mark.parametrize("call", ["predict", "evaluate", "train_step", "loss_and_gradient"])
def test_memory_does_not_grow_with_the_rows(call: str, layout: str) -> None:
    """A converted batch would be 51 MB."""
    rise = int(run_python(_PROBE, layout, call))
    print(f"{call} of {layout}: {rise / 2**20:.1f} MiB")
    assert rise < 8 << 20
