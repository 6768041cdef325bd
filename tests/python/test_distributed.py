"""Training by several processes of MPI: the bits of one process, and one error for all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

import backpass as bp
from backpass import distributed

pytest.importorskip("mpi4py")
MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec")
PROGRAM = Path(__file__).with_name("mpi_program.py")
SETTINGS = "ValueError: rank 1 has other settings than rank 0: batch_size 49, not batch_size 50"
STATE = "ValueError: rank 1 has another network or optimizer than rank 0: parameters and optimizer"
COLUMNS = "x has shape (202, 4); expected (B, 5) or, for one sample, (5,)"


def mpiexec(ranks: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MPIEXEC), "-n", str(ranks), sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run(ranks: int, mode: str, folder: Path, threads: int = 1) -> list[dict[str, Any]]:
    """Return the results of the ranks."""
    done = mpiexec(ranks, str(PROGRAM), mode, str(threads), str(folder))
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text("utf-8")) for rank in range(ranks)]


@cache
def one_process() -> str:
    with TemporaryDirectory() as folder:
        [result] = run(1, "plain", Path(folder))
    return str(result["hash"])


@pytest.mark.parametrize(
    ("ranks", "threads", "mode"),
    [(1, 2, "plain"), (2, 1, "uneven"), (2, 2, "plain"), (4, 1, "plain"), (4, 2, "plain")],
)
def test_ranks_and_threads_do_not_change_the_bits(
    ranks: int, threads: int, mode: str, tmp_path: Path
) -> None:
    results = run(ranks, mode, tmp_path, threads)
    assert [result["hash"] for result in results] == [one_process()] * ranks
    assert results[0]["called"] == list(range(results[0]["epochs"]))
    assert all(result["called"] == [] for result in results[1:])


def test_a_training_continues_on_another_number_of_ranks(tmp_path: Path) -> None:
    run(4, "resuming", tmp_path)
    results = run(2, "resuming", tmp_path)
    assert [result["hash"] for result in results] == [one_process()] * 2


@pytest.mark.parametrize(
    ("mode", "first", "others"),
    [
        (
            "failing",
            "RuntimeError: the disk is full",
            "RuntimeError: rank 0: RuntimeError: the disk is full",
        ),
        ("different", SETTINGS, SETTINGS),
        ("changing", STATE, STATE),
        (
            "columns",
            f"RuntimeError: rank 1: {COLUMNS}",
            f"ValueError: {COLUMNS}",
        ),
        ("interrupt", "RuntimeError: rank 1: KeyboardInterrupt", "KeyboardInterrupt: "),
    ],
)
def test_every_rank_gets_the_error(mode: str, first: str, others: str, tmp_path: Path) -> None:
    results = run(2, mode, tmp_path)
    assert results[0]["error"].startswith(first)
    assert results[1]["error"].startswith(others)
    assert "\n" not in results[0]["error"] + results[1]["error"]  # no traceback of another rank


BEFORE_FIT = """
import backpass as bp
from mpi4py import MPI

if MPI.COMM_WORLD.rank == 1:
    raise ValueError("rank 1 has no data")
settings = {"loss": "mse", "optimizer": "adam", "epochs": 1, "communicator": MPI.COMM_WORLD}
bp.Network([1, 1]).fit([[1.0]], [[1.0]], **settings)
"""


def test_an_error_before_fit_ends_all_ranks_of_mpi4py() -> None:
    done = mpiexec(2, "-m", "mpi4py", "-c", BEFORE_FIT)
    assert done.returncode != 0
    assert "ValueError: rank 1 has no data" in done.stderr


def test_the_command_line_trains_with_several_processes(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    frame["y"] = np.where(frame["a"] > frame["b"], "yes", "no")
    frame.to_csv(tmp_path / "table.csv", index=False)
    results, parameters = [], []
    arguments = ["train", str(tmp_path / "table.csv"), "--target", "y", "--epochs", "5"]
    for ranks, shards in ((1, ["--shards", "8"]), (2, []), (4, ["--shards", "8"])):
        model = tmp_path / f"{ranks}.safetensors"
        options = [*arguments, *shards, "--no-plot", "-o", str(model), "--json"]
        done = mpiexec(ranks, "-m", "backpass", *options)
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout)["test"])
        parameters.append(bp.tabular.load(model).members[0].parameters.tobytes())
    assert results[0] == results[1] == results[2]
    assert parameters[0] == parameters[1] == parameters[2]
    for wrong, message in (
        (
            ["--preset", "tabular"],
            "several processes train one network: use 1 member, or one process",
        ),
        (["--target", "z"], "z"),
        (["--shards", "3"], "shards"),
    ):
        done = mpiexec(2, "-m", "backpass", *arguments, *wrong, "--no-plot")
        assert done.returncode != 0
        assert message in done.stderr
    done = mpiexec(2, "-m", "backpass", "train", "-", "--target", "y")
    assert "several processes cannot read standard input" in done.stderr


def test_what_is_no_communicator_is_refused() -> None:
    net = bp.Network([1, 1])
    with pytest.raises(TypeError, match=r"must be a communicator of mpi4py.*got 3"):
        net.fit([[1.0]], [[1.0]], loss="mse", optimizer="adam", epochs=1, communicator=3)


def test_one_process_without_mpiexec_has_no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS"):
        monkeypatch.delenv(name, raising=False)
    assert distributed.world() is None
    assert distributed.share(None, [1, 2]) == ([1, 2],)


def test_the_bits_of_shards_are_published_by_a_step() -> None:
    """A step of all rows in shards is a step of fit with these shards."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    one, other = (bp.Network([3, 8, 2], seed=1) for _ in range(2))
    one.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(0.1), shards=4)
    other.fit(
        x,
        y,
        loss="mse",
        optimizer=bp.optim.SGD(0.1),
        epochs=1,
        batch_size=40,
        shuffle=False,
        shards=4,
    )
    assert one.parameters.tobytes() == other.parameters.tobytes()
    plain = bp.Network([3, 8, 2], seed=1)
    value = plain.loss_and_gradient(x, y, loss="mse")
    assert plain.loss_and_gradient(x, y, loss="mse", shards=8) == pytest.approx(value, rel=1e-12)
    with pytest.raises(
        ValueError, match="shards = 3, but it must be a power of two from 1 to 1024"
    ):
        plain.loss_and_gradient(x, y, loss="mse", shards=3)
