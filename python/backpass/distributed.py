"""Training by several processes with MPI; see `Network.fit`, ``communicator``.

The processes of an MPI program train one network together::

    from mpi4py import MPI

    world = MPI.COMM_WORLD
    x, y = backpass.distributed.share(world, x, y)  # if every process has all rows
    net.fit(x, y, loss="mse", optimizer="adam", epochs=10, communicator=world)

Run it with ``mpiexec -n 4 python -m mpi4py train.py``. An error of one process outside `fit` then
ends all processes. With plain ``python train.py``, the others wait for ever in `fit`. They also
wait, in both cases, if a process ends before `fit` without an error, as by ``sys.exit(0)``.
``pip install 'backpass[mpi]' mpich`` installs mpi4py and an MPI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from backpass import _core

__all__ = ["Group", "share", "world"]


class Group(Protocol):
    """What `Network.fit` needs of a communicator that does not belong to mpi4py.

    Attributes
    ----------
    rank : int
        The number of this process: 0, …, size - 1.
    size : int
        The number of processes, a power of two.
    """

    rank: int
    size: int

    def exchange(self, partner: int, send: memoryview, receive: memoryview) -> None:
        """Send bytes to another rank and receive bytes from it; each of the two may be empty.

        Parameters
        ----------
        partner : int
            The rank, which makes the matching call at the same time.
        send, receive : memoryview
            They are valid during the call only.

        Raises
        ------
        Exception
            If the connection is broken: the training ends, and the other processes are not told.
        """
        ...


def as_group(communicator: Any) -> Group | None:
    """Return the communicator, or None for None.

    Raises
    ------
    TypeError
        If the object is neither a communicator of mpi4py nor a `Group`.
    """
    if communicator is None:
        return None
    exchanges = hasattr(communicator, "Sendrecv") or hasattr(communicator, "exchange")
    if exchanges and hasattr(communicator, "rank") and hasattr(communicator, "size"):
        group: Group = communicator
        return group
    raise TypeError(
        "communicator must be a communicator of mpi4py such as MPI.COMM_WORLD, "
        f"got {communicator!r}"
    )


@contextmanager
def reporting(group: Group | None) -> Iterator[None]:
    """Report an exception of the block to the other processes, which call `Network.fit`."""
    try:
        yield
    except BaseException as error:
        if group is not None:
            _core._report_failure(group, f"{type(error).__name__}: {error}")  # noqa: SLF001
        raise


def share(communicator: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return this process's rows of arrays that every process has.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
    arrays : array
        With the same number of rows.

    Returns
    -------
    tuple of array
        Rows ⌊n r / R⌋ to ⌊n (r+1) / R⌋ - 1, where r is the rank and R the number of processes.

    Raises
    ------
    ValueError
        If the arrays have different numbers of rows.
    """
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(f"the arrays have {[len(array) for array in arrays]} rows")
    group = as_group(communicator)
    if group is None:
        return arrays
    first, last = (len(arrays[0]) * (group.rank + i) // group.size for i in (0, 1))
    return tuple(array[first:last] for array in arrays)


def world() -> Any:
    """Return MPI.COMM_WORLD if mpiexec has started this process with others, else None.

    Raises
    ------
    ImportError
        If mpiexec has started this process, but mpi4py is not installed.
    RuntimeError
        If mpi4py belongs to another MPI than mpiexec, so that the processes do not see each other.
    """
    started = max(
        (int(size) for size in map(os.environ.get, _SIZES) if size and size.isdigit()), default=1
    )
    if started == 1:
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(
            "mpiexec has started several processes, but mpi4py is not installed: "
            "pip install 'backpass[mpi]'"
        ) from error
    if started != MPI.COMM_WORLD.size:
        raise RuntimeError(
            f"mpiexec has started {started} processes, but mpi4py sees {MPI.COMM_WORLD.size}: "
            "it belongs to another MPI than mpiexec"
        )
    return MPI.COMM_WORLD


# The number of processes, as MPICH and Open MPI give it to a process.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
