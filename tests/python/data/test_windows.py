"""Training with a source of rows, against training with the same rows in memory."""

import subprocess
import sys
import threading
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT
from network_pair import bits

ROWS = 103


def problem(targets="values", weighted=False):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, 4))
    if targets == "labels":
        y = rng.integers(0, 3, size=ROWS)
    elif targets == "rows of one value":
        y = rng.normal(size=ROWS)
    else:
        y = rng.normal(size=(ROWS, 2))
    return x, y, rng.uniform(0.5, 2.0, size=ROWS) if weighted else None


def make(y, dtype="float64"):
    if y.dtype.kind == "i":
        return bp.Network([4, 8, 3], output="softmax", dtype=dtype, seed=0), "cross_entropy"
    return bp.Network([4, 8, y.shape[1] if y.ndim == 2 else 1], dtype=dtype, seed=0), "mse"


def blocks_of(x, y, w, size):
    """Return blocks of sizes that do not fit batches or windows, some of them empty."""
    data = [x, y] if w is None else [x, y, w]
    ends = [*range(0, len(x), size), len(x), len(x)]
    return [tuple(array[a:b] for array in data) for a, b in pairwise(ends)]


def fit(net, *data, loss, **options):
    options = {"epochs": 3, "batch_size": 8, "seed": 7, "optimizer": "adam", **SILENT, **options}
    return net.fit(*data, loss=loss, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", ["values", "rows of one value", "labels"])
@pytest.mark.parametrize("size", [1, 8, 13, ROWS])
def test_all_rows_in_one_window_give_the_bits_of_arrays(targets, weighted, size, dtype):
    x, y, w = problem(targets, weighted)
    expected, loss = make(y, dtype)
    net = expected.copy()
    history = fit(expected, x, y, loss=loss, sample_weight=w)
    other = fit(net, bp.data.Blocks(blocks_of(x, y, w, size)), loss=loss)
    assert bits(net.parameters) == bits(expected.parameters)
    np.testing.assert_allclose(other["loss"], history["loss"], rtol=1e-6)


@pytest.mark.parametrize("buffer_rows", [1, 8, 9, 50, 102])
@pytest.mark.parametrize("weighted", [False, True])
def test_windows_in_order_give_the_bits_of_arrays(buffer_rows, weighted):
    x, y, w = problem("labels", weighted)
    expected, loss = make(y)
    net = expected.copy()
    fit(expected, x, y, loss=loss, sample_weight=w, shuffle=False)
    source = bp.data.Blocks(blocks_of(x, y, w, 11), buffer_rows=buffer_rows)
    fit(net, source, loss=loss, shuffle=False)
    assert bits(net.parameters) == bits(expected.parameters)


class Recorder(bp.data.BlockSource):
    """Rows whose only input is their number; notes the order of the blocks."""

    def __init__(self, num_blocks=10, rows=7, **options):
        super().__init__(**options)
        self._num_blocks, self._block_rows = num_blocks, rows
        self.orders, self.threads = [[]], set()

    @property
    def rows(self):
        return self._num_blocks * self._block_rows

    @property
    def num_blocks(self):
        return self._num_blocks

    def read(self, block):
        if len(self.orders[-1]) == self._num_blocks:
            self.orders.append([])
        self.orders[-1].append(block)
        self.threads.add(threading.get_ident())
        numbers = np.arange(block * self._block_rows, (block + 1) * self._block_rows)
        yield bp.data.Block(numbers[:, None], numbers)


class Seen:
    """A loss that notes the targets of each step."""

    def __init__(self):
        self.rows = []

    def __call__(self, output, y):
        self.rows += y.ravel().tolist()
        return 0.0, np.zeros_like(output)


@pytest.mark.parametrize("buffer_rows", [7, 20, 33])
def test_every_epoch_has_every_row_once_in_a_new_order(buffer_rows):
    seen, source = Seen(), Recorder(buffer_rows=buffer_rows)
    loss = bp.losses.Custom(seen)
    fit(bp.Network([1, 1]), source, loss=loss, epochs=3, batch_size=4)
    epochs = [seen.rows[70 * e : 70 * (e + 1)] for e in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(70))
    assert epochs[0] != epochs[1] != epochs[2]
    assert source.orders[0] != source.orders[1] != source.orders[2]
    assert threading.get_ident() not in source.threads
    # The same seed gives the same order, another seed another one.
    for seed, equal in ((7, True), (8, False)):
        again = Seen()
        options = {"epochs": 3, "batch_size": 4, "seed": seed}
        loss = bp.losses.Custom(again)
        fit(bp.Network([1, 1]), Recorder(buffer_rows=buffer_rows), loss=loss, **options)
        assert (again.rows == seen.rows) is equal


def test_blocks_keep_their_order_without_shuffle_and_with_one_window():
    for options in ({"shuffle": False}, {}):
        source = Recorder(buffer_rows=20 if options else 70)
        fit(bp.Network([1, 1], init="zeros"), source, loss="huber", **options)
        assert source.orders == [list(range(10))] * 3


@pytest.mark.parametrize("buffer_rows", [16, 40])
def test_training_resumes_from_a_file(tmp_path, buffer_rows):
    x, y, _ = problem()
    expected, loss = make(y)
    first, second = expected.copy(), expected.copy()

    def source():
        return bp.data.Arrays(x, y, block_rows=10, buffer_rows=buffer_rows)

    fit(expected, source(), loss=loss, epochs=4)
    fit(first, source(), loss=loss, epochs=2, checkpoint=tmp_path / "state")
    fit(second, source(), loss=loss, epochs=4, resume_from=tmp_path / "state", seed=None)
    assert bits(second.parameters) == bits(expected.parameters)


def test_schedules_early_stopping_and_callbacks_work_as_with_arrays():
    x, y, _ = problem()
    expected, loss = make(y)
    net = expected.copy()
    reports = []
    callback = bp.callbacks.LambdaCallback(
        on_epoch_end=lambda net, epoch, logs: reports.append(logs)
    )
    options = {
        "loss": loss,
        "epochs": 20,
        "shuffle": False,
        "validation_data": (x[:30], -y[:30]),
        "metrics": ["r2", "rmse"],
        "early_stopping": 2,
        "clip_norm": 0.5,
    }
    history = fit(expected, x, y, schedule=bp.schedules.Cosine(), **options)
    source = bp.data.Arrays(x, y, block_rows=10, buffer_rows=16)
    other = fit(net, source, schedule=bp.schedules.Cosine(), callbacks=callback, **options)
    assert bits(net.parameters) == bits(expected.parameters)
    assert other.best_epoch == history.best_epoch
    for name in ("val_loss", "val_r2", "val_rmse", "lr"):
        assert other[name] == history[name]
    assert set(history) - set(other) == {"r2", "rmse"}
    assert len(reports) == other.epochs


@pytest.mark.parametrize(
    ("blocks", "error", "text"),
    [
        (
            [(np.zeros((4, 3)), np.zeros((4, 2)))],
            ValueError,
            r"block 0: .*\(rows, 4\), got \(4, 3\)",
        ),
        (
            [(np.zeros((4, 4)), np.zeros((3, 2)))],
            ValueError,
            "block 0: .*different numbers of rows",
        ),
        ([(np.zeros((4, 4)), np.zeros((4, 3)))], ValueError, r"\(4, 2\)"),
        (
            [(np.full((4, 4), "a"), np.zeros((4, 2)))],
            TypeError,
            "block 0: x must have a real dtype",
        ),
        ([(np.zeros((4, 4)), np.zeros((4, 2))), 3], TypeError, "block 1 must be"),
        ([(np.zeros((4, 4)),)], TypeError, "block 0 must be .*got a tuple of 1"),
        (
            [
                (np.zeros((4, 4)), np.zeros((4, 2))),
                (np.zeros((4, 4)), np.zeros((4, 2)), np.ones(4)),
            ],
            ValueError,
            "block 1: .*differ from those of other blocks",
        ),
        ([], ValueError, "no rows"),
        (
            [(np.zeros((4, 4)), np.zeros((4, 2)), -np.ones(4))],
            ValueError,
            r"block 0: sample_weight\[0\] is -1\.0: weights must be",
        ),
        ([(np.zeros((4, 4)), np.zeros((4, 2)), np.zeros(4))], ValueError, "all weights are zero"),
    ],
)
def test_wrong_blocks_name_the_block(blocks, error, text):
    net, loss = make(problem()[1])
    before = bits(net.parameters)
    with pytest.raises(error, match=text):
        fit(net, bp.data.Blocks(blocks), loss=loss)
    assert bits(net.parameters) == before


def test_wrong_labels_say_where_they_are():
    x, y, _ = problem("labels")
    net, loss = make(y)
    y[60] = 3
    source = bp.data.Blocks(blocks_of(x, y, None, 10), buffer_rows=32)
    with pytest.raises(ValueError, match=r"block 6: label y\[0\] is 3: labels must be from 0 to 2"):
        fit(net, source, loss=loss, shuffle=False)


@pytest.mark.parametrize(("change", "text"), [(-4, "only 99"), (4, "more than 103")])
def test_a_source_whose_number_of_rows_changes(change, text):
    x, y, _ = problem()
    blocks = blocks_of(x, y, None, 10)
    if change > 0:
        blocks.append((x[:change], y[:change]))
    else:
        blocks[-2] = (x[-3:], y[-3:])
        blocks[-3] = (x[90:96], y[90:96])
    net, loss = make(y)
    with pytest.raises(ValueError, match=f"has 103 rows, but gave {text} in an epoch"):
        fit(net, bp.data.Blocks(blocks, rows=ROWS, buffer_rows=32), loss=loss)


def test_arguments_that_need_all_rows_are_refused():
    x, y, w = problem(weighted=True)
    net, loss = make(y)
    source = bp.data.Arrays(x, y)
    with pytest.raises(ValueError, match="validation_split"):
        fit(net, source, loss=loss, validation_split=0.2)
    with pytest.raises(ValueError, match="metrics of a source"):
        fit(net, source, loss=loss, metrics="r2")
    with pytest.raises(TypeError, match="has its own y and sample_weight"):
        fit(net, source, y, loss=loss)
    with pytest.raises(TypeError, match="own sample_weight"):
        fit(net, [(x, y)], loss=loss, sample_weight=w)
    with pytest.raises(TypeError, match="y is missing"):
        fit(net, x, loss=loss)


def test_a_plain_iterable_is_a_source():
    x, y, _ = problem()
    expected, loss = make(y)
    for blocks in ([(x, y)], ((x, y),), lambda: iter([(x, y)])):
        net, other = expected.copy(), expected.copy()
        fit(net, blocks, loss=loss)
        fit(other, x, y, loss=loss)
        assert bits(net.parameters) == bits(other.parameters)
    with pytest.raises(TypeError, match="generator can be read only once"):
        fit(expected, ((x, y) for _ in range(1)), loss=loss)


def test_an_error_of_the_source_ends_the_training_and_the_thread():
    x, y, _ = problem()

    def blocks():
        yield from blocks_of(x[:60], y[:60], None, 10)
        raise OSError("the disk is gone")

    net, loss = make(y)
    with pytest.raises(OSError, match="the disk is gone"):
        fit(net, bp.data.Blocks(blocks, rows=ROWS, buffer_rows=16), loss=loss)
    assert not [t for t in threading.enumerate() if t.name.startswith("backpass-data")]


def test_a_wrong_block_is_named_in_any_order():
    x, y, _ = problem("labels")
    y[60] = -1
    net, loss = make(y)
    source = bp.data.Arrays(x, y, block_rows=10, buffer_rows=16)
    with pytest.raises(ValueError, match=r"block 6: label y\[0\] is -1"):
        fit(net, source, loss=loss)


@pytest.mark.parametrize("seed", [2**63 + 5, 2**64 - 1])
def test_large_seeds_differ(seed):
    orders = []
    for one in (seed, seed - 1):
        source = Recorder(buffer_rows=20)
        fit(bp.Network([1, 1], init="zeros"), source, loss="huber", seed=one, epochs=1)
        orders.append(source.orders)
    assert orders[0] != orders[1]


def test_blocks_take_what_arrays_take():
    pd = pytest.importorskip("pandas")
    x, y, _ = problem("labels")
    expected, loss = make(y)
    values = make(problem()[1])[0]
    one_output = bp.Network([4, 1], dtype="float64", seed=0)
    cases = [
        (expected, loss, pd.DataFrame(x).astype("Float64"), pd.Series(y).astype("Int64")),
        (expected, loss, np.asfortranarray(x), y > 0),
        (expected, loss, x[:, ::-1], y.astype("uint8")),
        (values, "mse", x, np.full((ROWS, 2), 2**63 + 2**40, "uint64")),
        (one_output, "mse", x, np.full(ROWS, 2**63 + 2**40, "uint64")),
        (one_output, "mse", x.astype("int32"), y),
    ]
    for net, loss_of, inputs, targets in cases:
        one, other = net.copy(), net.copy()
        fit(one, [(inputs, targets)], loss=loss_of)
        fit(other, inputs, targets, loss=loss_of)
        assert bits(one.parameters) == bits(other.parameters)
    with pytest.raises(TypeError, match="block 0: x is a masked array"):
        fit(expected, [(np.ma.masked_array(x, x > 0), y)], loss=loss)
    with pytest.raises(TypeError, match="float64"):
        fit(expected, [(x, y.astype("float64"))], loss=loss)
    # Numbers as targets may change their dtype between blocks.
    fit(bp.Network([4, 1]), [(x, y), (x, y.astype("float64"))], loss="mse")


def test_a_source_of_ones_own_may_give_tuples():
    x, y, _ = problem()

    class Own(bp.data.Source):
        def __init__(self):
            pass

        rows = ROWS

        def __iter__(self):
            yield x, y

    net, loss = make(y)
    other = net.copy()
    fit(net, Own(), loss=loss)
    fit(other, x, y, loss=loss)
    assert bits(net.parameters) == bits(other.parameters)
    Own.rows = 10.5
    with pytest.raises(TypeError, match="rows of the source"):
        fit(net, Own(), loss=loss)


def test_nothing_is_read_before_the_arguments_are_checked():
    calls = []

    def blocks():
        calls.append(1)
        yield problem()[:2]

    net, loss = make(problem()[1])
    for wrong in ({"validation_split": 0.2}, {"metrics": "r2"}):
        with pytest.raises(ValueError, match="source of rows"):
            fit(net, blocks, loss=loss, **wrong)
    assert not calls


def test_without_a_thread_the_rows_are_read_between_the_steps(monkeypatch):
    """The system may give no thread: the same bits, and no thread is left."""
    x, y, _ = problem()
    nets = [make(y)[0] for _ in range(2)]
    source = bp.data.Arrays(x, y, block_rows=10, buffer_rows=16)
    fit(nets[0], source, loss=make(y)[1])

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    fit(nets[1], source, loss=make(y)[1])
    assert bits(nets[0].parameters) == bits(nets[1].parameters)
    test_an_error_of_the_source_ends_the_training_and_the_thread()


INTERRUPTED = """
import os, signal, time
import numpy as np
import backpass as bp
def blocks():
    yield np.zeros((8, 2)), np.zeros(8)
    started.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(100)
started = []
source = bp.data.Blocks(blocks, rows=16, buffer_rows=8)
try:
    bp.Network([2, 1]).fit(source, loss="mse", optimizer="sgd", epochs=2, progress=False)
except KeyboardInterrupt:
    print(time.monotonic() - started[0] < 0.5)
"""


def test_an_interrupt_does_not_wait_for_the_source():
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


PROGRAM = """
import sys, threading, time
import numpy as np
import backpass as bp
def blocks():
    yield np.zeros((8, 2)), np.zeros(8)
    if sys.argv[1] == "blocked":
        time.sleep(1000)
    time.sleep(0.5)
    yield np.zeros((8, 2)), np.zeros(8)
source = bp.data.Blocks(blocks, rows=16, buffer_rows=8)
def train():
    net = bp.Network([2, 1])
    net.fit(source, loss="mse", optimizer="sgd", epochs=2, batch_size=8, progress=False)
    print("trained", flush=True)
thread = threading.Thread(target=train, daemon=sys.argv[1] == "blocked")
thread.start()
time.sleep(0.2)
"""


@pytest.mark.parametrize(("kind", "output"), [("blocked", ""), ("slow", "trained\n")])
def test_the_main_thread_may_end_first(kind, output):
    command = [sys.executable, "-c", PROGRAM, kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")


def test_only_two_windows_are_in_memory():
    rows, cols = 200_000, 32  # 51 MB

    def blocks():
        for block in range(100):
            yield np.full((rows // 100, cols), block, "float64"), np.zeros(rows // 100)

    net = bp.Network([cols, 1])
    source = bp.data.Blocks(blocks, rows=rows, buffer_rows=8000)
    tracemalloc.start()
    try:
        fit(net, source, loss="mse", epochs=1, batch_size=1000, optimizer=bp.optim.SGD(lr=0.0))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    windows = 2 * 8000 * (cols + 1) * 4
    assert windows < peak < windows + 4 * (rows // 100) * cols * 8
