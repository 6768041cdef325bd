"""Thread counts, and simultaneous calls from several Python threads."""

import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import backpass as bp
from network_pair import run_python

LINUX = Path("/proc/self/task").is_dir()


def test_set_and_get():
    for n in (1, 3, 64):
        bp.set_num_threads(n)
        assert bp.get_num_threads() == n
        assert bp.config()["num_threads"] == n


@pytest.mark.parametrize("n", [0, -4])
def test_counts_below_one_are_refused(n):
    before = bp.get_num_threads()
    with pytest.raises(ValueError, match=str(n)):
        bp.set_num_threads(n)
    assert bp.get_num_threads() == before


_MANY = """
import resource, sys
import numpy as np
import backpass as bp
net = bp.Network([100, 200, 10], seed=0)
x, y = np.ones((50_000, 100), np.float32), np.ones((50_000, 10), np.float32)
expected = net.predict(x, num_threads=1)
if sys.platform == "linux":
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
for n in (10**6, 2**40):
    assert np.array_equal(net.predict(x, num_threads=n), expected)
    bp.set_num_threads(n)
    assert np.array_equal(net.predict(x), expected)
    net.forward(x)
    net.loss_and_gradient(x, y, loss="mse")
print(bp.get_num_threads())
"""


def test_no_number_of_threads_is_too_many_for_the_system():
    """The work is enough for 1100 threads, whose stacks would exceed the allowed memory."""
    assert 64 <= int(run_python(_MANY)) <= max(64, 4 * os.cpu_count())


_COUNT = "import backpass as bp; print(bp.get_num_threads())"


def test_the_default_is_bounded_by_the_machine():
    assert (
        1 <= int(run_python(_COUNT, OMP_NUM_THREADS="", BACKPASS_NUM_THREADS="")) <= os.cpu_count()
    )


def test_environment():
    assert run_python(_COUNT, OMP_NUM_THREADS="1", BACKPASS_NUM_THREADS="").strip() == "1"
    assert run_python(_COUNT, OMP_NUM_THREADS="4", BACKPASS_NUM_THREADS="1").strip() == "1"


@pytest.mark.parametrize("value", ["0", "abc", "-1", "1.5", "2 3", " 2", "+2", "0x2"])
def test_a_number_of_threads_that_is_none_is_an_error(value):
    code = (
        "import backpass as bp\n"
        "for f in (bp.get_num_threads, bp.config, lambda: bp.Network([2, 1], seed=0)):\n"
        "    try:\n        f()\n"
        "    except RuntimeError as error:\n        print(error)"
    )
    message = f"BACKPASS_NUM_THREADS={value} is not a positive integer"
    assert run_python(code, BACKPASS_NUM_THREADS=value).splitlines() == [message] * 3


def test_more_threads_than_an_integer_holds_are_reduced_to_the_limit():
    default = run_python(_COUNT, OMP_NUM_THREADS="", BACKPASS_NUM_THREADS="")
    assert run_python(_COUNT, BACKPASS_NUM_THREADS="9" * 30) == default


def test_values_that_openmp_accepts_are_accepted():
    assert int(run_python(_COUNT, OMP_NUM_THREADS="1,2", BACKPASS_NUM_THREADS="")) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_bounds_the_default():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});" + _COUNT
    assert run_python(code, OMP_NUM_THREADS="", BACKPASS_NUM_THREADS="").strip() == "1"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
@pytest.mark.parametrize(
    "variable",
    ["OMP_PROC_BIND=true", "OMP_PROC_BIND=spread", "OMP_PLACES=threads", "GOMP_CPU_AFFINITY={all}"],
)
def test_the_default_does_not_fall_where_openmp_binds_threads(variable):
    """GCC's runtime binds the first thread to one CPU before Python code can ask."""
    unset = {"OMP_NUM_THREADS": "", "BACKPASS_NUM_THREADS": ""}
    cpus = sorted(os.sched_getaffinity(0))
    name, value = variable.format(all=" ".join(map(str, cpus))).split("=")
    assert run_python(_COUNT, **unset, **{name: value}) == run_python(_COUNT, **unset)
    os.sched_setaffinity(0, cpus[:1])  # the new program inherits this limit
    try:
        assert name == "GOMP_CPU_AFFINITY" or run_python(_COUNT, **unset, **{name: value}) == "1\n"
    finally:
        os.sched_setaffinity(0, cpus)


_THREADS_STARTED = """
import os, sys
import numpy as np
import backpass as bp
if not bp.config()["openmp"]:
    raise SystemExit
bp.set_num_threads(4)
shape, rows = eval(sys.argv[1])
net = bp.Network(shape, seed=0)
x, y = np.ones((rows, shape[0])), np.ones((rows, shape[-1]))
before = len(os.listdir("/proc/self/task"))
net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=0.01))
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not LINUX, reason="counts threads in /proc")
@pytest.mark.parametrize(
    ("shape", "rows", "starts"),
    [([784, 128, 10], 256, True), ([8, 16, 3], 5000, True), ([4, 8, 2], 16, False)],
    ids=["wide", "tiny_many_rows", "tiny"],
)
def test_threads_start_when_there_is_work_for_them(shape, rows, starts):
    """This shows that the tests of equal bits really compare different numbers of threads."""
    if not bp.config()["openmp"]:
        pytest.skip("built without OpenMP")
    started = int(run_python(_THREADS_STARTED, repr((shape, rows))))
    assert (started > 0) == starts


_TRAINED = """
import hashlib, sys, time
import numpy as np
import backpass as bp
bp.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)
net = bp.Network([20, 64, 64, 3], "tanh", seed=0)
adam = bp.optim.Adam()
for step in range(200):
    x, y = rng.normal(size=(100, 20)), rng.normal(size=(100, 3))
    net.train_step(x, y, loss="mse", optimizer=adam)
    if step % 50 == 0:
        time.sleep(0.002)
print(hashlib.sha256(net.parameters.tobytes()).hexdigest())
"""


def test_bits_do_not_depend_on_which_threads_came_in_time():
    hashes = {run_python(_TRAINED, n, BACKPASS_WHOLE_TEAMS="") for n in ("1", "2", "3", "8")}
    hashes.add(run_python(_TRAINED, "4", BACKPASS_WHOLE_TEAMS="1"))
    assert len(hashes) == 1


def test_one_network_predicts_in_many_threads_at_once(dtype):
    bp.set_num_threads(2)
    net = bp.Network([50, 200, 200, 10], "gelu", "softmax", dtype=dtype, seed=0)
    x = np.random.default_rng(0).normal(size=(16, 100, 50)).astype(dtype)
    expected = [net.predict(block) for block in x]
    start = threading.Barrier(8)

    def work(worker: int) -> bool:
        start.wait()
        return all(
            np.array_equal(net.predict(x[i % 16][: 1 + i]), expected[i % 16][: 1 + i])
            for i in range(worker, worker + 60)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_networks_train_in_many_threads_at_once():
    bp.set_num_threads(2)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 30)), rng.normal(size=(400, 4))

    def train(seed: int) -> bytes:
        net = bp.Network([30, 100, 4], seed=seed)
        net.fit(x, y, loss="mse", optimizer=bp.optim.Adam(), epochs=3, seed=0, progress=False)
        return net.parameters.tobytes()

    expected = [train(seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(train, range(6))) == expected


def test_the_gil_is_released_while_training():
    """Another thread runs during a native call."""
    bp.set_num_threads(1)
    net = bp.Network([300, 300, 300, 10], seed=0)
    x, y = np.ones((20_000, 300), np.float32), np.ones((20_000, 10), np.float32)
    ticks, running = 0, threading.Event()

    def call() -> None:
        running.set()
        net.loss_and_gradient(x, y, loss="mse")
        running.clear()

    thread = threading.Thread(target=call)
    thread.start()
    while not running.is_set() and thread.is_alive():
        pass
    while running.is_set():
        ticks += 1
    thread.join()
    assert ticks > 1000


def test_a_network_in_use_is_not_changed_from_another_thread():
    """Simultaneous trainings of one network: calls wait or are refused, and nothing is mixed."""
    net = bp.Network([50, 100, 4], dtype="float64", seed=0)
    x, y = np.ones((300, 50)), np.ones((300, 4))
    errors = []

    def train() -> None:
        try:
            for _ in range(30):
                net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=1e-3))
        except RuntimeError as error:
            errors.append(error)

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.isfinite(net.parameters).all()
    assert net.evaluate(x, y, loss="mse") < 10


def test_an_exception_inside_a_parallel_call_reaches_the_caller():
    bp.set_num_threads(4)
    net = bp.Network([100, 200, 10], output="softmax", seed=0)
    labels = np.zeros(2000, dtype=int)
    labels[1500] = 10
    with pytest.raises(ValueError, match="10"):
        net.train_step(np.ones((2000, 100)), labels, loss="cross_entropy", optimizer=bp.optim.SGD())
    labels[1500] = 9
    net.train_step(np.ones((2000, 100)), labels, loss="cross_entropy", optimizer=bp.optim.SGD())


def test_threadpoolctl_finds_the_number_in_the_extension():
    number = ctypes.CDLL(bp._core.__file__).backpass_get_num_threads
    assert number() == bp.get_num_threads()
    code = "import ctypes, backpass as bp\n"
    code += "print(ctypes.CDLL(bp._core.__file__).backpass_get_num_threads())"
    assert run_python(code, BACKPASS_NUM_THREADS="1").strip() == "1"
    assert run_python(code, BACKPASS_NUM_THREADS="many").strip() == "0"
