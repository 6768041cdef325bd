"""Networks from files; `Network.save` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from backpass import _core
from backpass.network import Network

if TYPE_CHECKING:
    import os

    from backpass._core import Optimizer, Schedule, TrainingMemory

__all__ = ["Checkpoint", "load", "load_checkpoint"]


class _Saved(NamedTuple):
    network: Network
    optimizer: Optimizer | None
    schedule: Schedule | None
    epochs: int
    steps: int
    metadata: dict[str, str]


class Checkpoint(_Saved):
    """What `load_checkpoint` returns: a named tuple of all attributes but `memory`.

    Attributes
    ----------
    network : Network
    optimizer : Optimizer or None
        With its state, when one was saved.
    schedule : Schedule or None
    epochs, steps : int
        Trained so far.
    metadata : dict of str to str
        The caller's own.
    memory : TrainingMemory
        What early stopping remembers; `Network.fit` goes on with it when it is given the checkpoint
        as ``resume_from``.
    """

    memory: TrainingMemory


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from a file that Python or C++ saved, bit for bit.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Network

    Raises
    ------
    OSError
        When the file cannot be read.
    backpass.FormatError
        When its bytes are no sound network. Nothing in a file is believed unchecked.
    ValueError
        For a path that no file can have, one with a null character.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> net.save("model.safetensors")
    >>> np.array_equal(bp.load("model.safetensors").parameters, net.parameters)
    True
    """
    network: Network = _core._load(Network, path)  # noqa: SLF001
    return network


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a network and all that was saved to train it further.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Checkpoint
        A named tuple: network, optimizer, schedule, epochs, steps, metadata; and the attribute
        memory beside it. The optimizer belongs to the network.

    Raises
    ------
    OSError, ValueError, backpass.FormatError
        As `load`.

    Examples
    --------
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> net.save("model.safetensors", optimizer=bp.optim.Adam(), epochs=3, metadata={"by": "me"})
    >>> saved = bp.load_checkpoint("model.safetensors")
    >>> saved.epochs, saved.metadata, type(saved.optimizer).__name__
    (3, {'by': 'me'}, 'Adam')
    """
    *fields, memory = _core._load_checkpoint(Network, path)  # noqa: SLF001
    saved = Checkpoint(*fields)
    saved.memory = memory
    return saved
