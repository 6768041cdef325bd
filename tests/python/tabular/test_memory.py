"""Memory: the encoded table is built once, and the text of the file is never there as a whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

_PROGRAM = """
import sys
from backpass.tabular import Settings, train
from backpass.tabular.training import Extra

def peak():
    # Unlike ru_maxrss, this does not include the parent process.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def run(path):
    settings = Settings(epochs=1, hidden=(4,), batch_size=4096)
    return train(path, "y", settings=settings, extra=Extra(progress=False))

run(sys.argv[1])  # libraries, threads, buffers
before = peak()
outcome = run(sys.argv[2])
after = peak()
print((after - before) * 1024, sum(outcome.rows.values()) * outcome.model.net.sizes[0] * 4)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_categories_need_less_than_two_times_the_encoded_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cells = np.char.add("k", rng.integers(0, 60, (1000, 4)).astype(str))
    block = "".join(f"{','.join(row)},{'ab'[i % 2]}\n" for i, row in enumerate(cells))
    for name, blocks in (("small", 3), ("large", 60)):
        (tmp_path / f"{name}.csv").write_text("w,x,z,v,y\n" + block * blocks)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, tmp_path / "small.csv", tmp_path / "large.csv"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    used, encoded = map(int, done.stdout.split())
    assert encoded > 50e6
    assert 0.8 * encoded < used < 2.0 * encoded, f"{used / encoded:.2f} times"
