#!/usr/bin/env python3
"""backpass together with other libraries' OpenMP runtimes and thread pools, in many import orders.

``python tests/reliability/import_orders.py`` starts one process per order and prints one line. Each
process imports the libraries in that order, lets each library use its threads, and trains with
backpass before, between and after. The parameters must have the same bits in every order, and no
process may hang, crash or warn. scikit-learn has its own GNU runtime, PyTorch has another one (or
Intel's), and LLVM's libomp is loaded if it exists. There are 11 orders. If a library is not
installed, it is left out of the orders. Orders that are then equal count once, and backpass alone
is not an order. The line states the missing libraries and the number of the remaining orders.

``--count N`` runs each order N times (long form: 20). ``--with NAME`` runs only the orders with the
library NAME, and fails if it is not installed.
"""

import argparse
import collections
import ctypes.util
import importlib.util
import os
import subprocess
import sys

ORDERS = (
    "backpass numpy scipy sklearn",
    "numpy backpass scipy sklearn",
    "numpy scipy backpass sklearn",
    "sklearn backpass",
    "backpass sklearn",
    "backpass torch",
    "torch backpass",
    "sklearn torch backpass",
    "backpass torch sklearn",
    "libomp backpass sklearn",
    "backpass libomp torch",
)

CHILD = """
import hashlib, sys

def use_numpy(numpy):
    a = numpy.ones((300, 300))
    assert (a @ a)[0, 0] == 300

def use_scipy(scipy):
    import numpy
    from scipy import linalg
    assert abs(linalg.det(numpy.eye(200)) - 1) < 1e-12

def use_sklearn(sklearn):
    import numpy
    from sklearn.cluster import KMeans
    from sklearn.ensemble import HistGradientBoostingRegressor
    x = numpy.random.default_rng(0).normal(size=(3000, 8))
    assert KMeans(4, n_init=1, random_state=0).fit(x).cluster_centers_.shape == (4, 8)
    HistGradientBoostingRegressor(max_iter=3).fit(x, x[:, 0])

def use_torch(torch):
    torch.set_num_threads(2)
    a = torch.ones(700, 700, requires_grad=True)
    (a @ a).sum().backward()
    assert float(a.grad[0, 0]) == 1400

def use_libomp(library):
    # A parallel region of LLVM's runtime, as Clang compiles it.
    body = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.c_int32))
    seen = []
    function = body(lambda *_: seen.append(1))
    library.__kmpc_fork_call(None, 0, function)
    assert seen

def use_backpass(bp):
    import numpy
    bp.set_num_threads(3)
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(512, 64))
    net = bp.Network([64, 128, 3], "tanh", seed=0)
    net.fit(x, x[:, :3], loss="mse", optimizer="adam", epochs=2, seed=0, progress=False)
    return hashlib.sha256(net.parameters.tobytes() + net.predict(x).tobytes()).hexdigest()

modules = {}
hashes = set()
for name in sys.argv[1:]:
    if name == "libomp":
        import ctypes, ctypes.util
        names = map(ctypes.util.find_library, ("omp", "omp5"))
        modules[name] = ctypes.CDLL(next(filter(None, names)))
    else:
        modules[name] = __import__(name)
for round in range(2):
    for name, module in modules.items():
        result = globals()["use_" + name](module)
        if result:
            hashes.add(result)
print(" ".join(sorted(hashes)))
"""


def installed(name: str) -> bool:
    if name == "libomp":
        return any(map(ctypes.util.find_library, ("omp", "omp5")))
    return importlib.util.find_spec(name) is not None


def run(order: list[str], limit: float) -> str:
    """Return the hashes that a process printed, or a description of its failure."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *order],
            env={
                **os.environ,
                "BACKPASS_WHOLE_TEAMS": "1",
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return f"no end in {limit:.0f} s"
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
    return done.stdout.strip()


def orders_without(missing: list[str]) -> list[str]:
    """Return the different orders of two or more libraries that remain without the missing ones."""
    remaining = [[n for n in order.split() if n not in missing] for order in ORDERS]
    return list(dict.fromkeys(" ".join(names) for names in remaining if len(names) > 1))


def main(count: int, needed: str | None) -> int:
    results: dict[str, collections.Counter[str]] = {}
    missing = sorted({m for order in ORDERS for m in order.split() if not installed(m)})
    orders = orders_without(missing)
    if needed is not None:
        orders = [order for order in orders if needed in order.split()]
    if not orders:
        print(f"import orders: none with {needed}; missing: {', '.join(missing)}", file=sys.stderr)
        return 1
    for order in orders:
        found = results.setdefault(order, collections.Counter())
        for _ in range(count):
            found[run(order.split(), 120)] += 1
    outcomes = collections.Counter(outcome for found in results.values() for outcome in found)
    expected = outcomes.most_common(1)[0][0]
    failed = 0
    for order, found in results.items():
        for outcome, times in found.items():
            if outcome != expected or len(outcome) != 64:
                print(f"{order}: {times} times {outcome}", file=sys.stderr)
                failed += times
    without = f"; without {', '.join(missing)}, not installed" if missing else ""
    print(
        f"import orders: {len(orders)} orders, {count} times each: {failed} failed"
        f" or gave other bits{without}"
    )
    return int(failed > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--with", dest="needed", metavar="NAME")
    options = parser.parse_args()
    sys.exit(main(options.count, options.needed))
