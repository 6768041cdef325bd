"""Loading of files that `Network.save` and `Ensemble.save` wrote."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from backpass import _core
from backpass.callbacks.history import History
from backpass.ensemble import Ensemble
from backpass.network import Network

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from backpass._core.optim import Optimizer
    from backpass._core.schedules import Schedule

# The key of the metadata in which backpass.tabular describes a table.
_TABLE = "table"

__all__ = ["SavedTraining", "load", "load_checkpoint"]


class SavedTraining(NamedTuple):
    """Result of `load_checkpoint`.

    Attributes
    ----------
    network : Network or Ensemble
    optimizer : Optimizer or None
        The saved optimizer with its state.
    schedule : Schedule or None
    epochs, steps : int
        Numbers of epochs and steps trained so far.
    metadata : dict of str to str
        The strings that were passed to `save`.
    history : History
        The finished epochs of the `Network.fit` that saved the file. Otherwise empty.
    """

    network: Any
    optimizer: Optimizer | None
    schedule: Schedule | None
    epochs: int
    steps: int
    metadata: dict[str, str]
    history: History


def load(path: str | os.PathLike[str], dtype: DTypeLike | None = None) -> Any:
    """Load a network or an ensemble from a file that Python or C++ saved.

    Parameters
    ----------
    path : path-like
    dtype : {"float32", "float64"}, optional
        Convert the networks, as `Network.astype` does. None means the dtype of the file:
        the parameters are then those of the saved networks, bit for bit.

    Returns
    -------
    Network, or Ensemble if `Ensemble.save` wrote the file

    Raises
    ------
    OSError
        If the file cannot be read.
    backpass.FormatError
        If the file does not contain valid networks. Everything in the file is checked.
    ValueError
        If `path` is not a valid file name, for example because it contains a null character.

    Warns
    -----
    UserWarning
        If the file is a model of `backpass.tabular`: its network takes encoded inputs.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> net.save("model.safetensors")
    >>> np.array_equal(bp.load("model.safetensors").parameters, net.parameters)
    True
    """
    saved = load_checkpoint(path)
    if _TABLE in saved.metadata:
        warnings.warn(
            f"{os.fspath(path)} is a model of a table: its network takes encoded inputs. "
            "backpass.tabular.load(path) opens it with the encoder",
            stacklevel=3,  # the caller of the function that `_signatures` wraps
        )
    return saved.network if dtype is None else saved.network.astype(dtype)


def load_checkpoint(path: str | os.PathLike[str]) -> SavedTraining:
    """Load a network, or an ensemble, and everything that was saved with it.

    `Network.fit` continues a training with ``resume_from=path``, without this function.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    SavedTraining
        A named tuple: network, optimizer, schedule, epochs, steps, metadata, history. The optimizer
        belongs to the network. The file of an ensemble has only networks and metadata.

    Raises
    ------
    OSError, ValueError, backpass.FormatError
        See `load`.

    Examples
    --------
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> net.save("model.safetensors", optimizer=bp.optim.Adam(), epochs=3, metadata={"by": "me"})
    >>> saved = bp.load_checkpoint("model.safetensors")
    >>> saved.epochs, saved.metadata, type(saved.optimizer).__name__
    (3, {'by': 'me'}, 'Adam')
    """
    network, *fields, memory = _core._load(Network, path)  # noqa: SLF001
    if isinstance(network, list):
        network = Ensemble.of(network)
    return SavedTraining._make([network, *fields, History(memory.history)])
