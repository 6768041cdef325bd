"""The network of a table, or several: with the encoder of the inputs and the meaning of outputs."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.tabular.arrays import ArrayData, ArrayEncoder, read_arrays, stack_numbers
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.facts import blocks_of
from backpass.tabular.networks import Nets, members_of
from backpass.tabular.sources import format_of, open_table
from backpass.tabular.targets import ClassTarget, Label, NumberTarget, Target, target_from_json

if TYPE_CHECKING:
    from backpass.tabular.options import ReadOptions
    from backpass.tabular.sources import Table
    from backpass.tabular.unseen import Unseen

# Keys of the file's metadata. bp.load looks for the first one.
TABLE_KEY = "table"
_TRAINING_KEY = "training"
_OLD_KEY = "preprocessing"  # of version 0.1, instead of "table"
_VERSION = 1
_BLOCK = 1 << 14  # rows for which the outputs of all members are in memory at once

Floats = NDArray[np.float64]


@dataclass
class Prediction:
    """Outputs of the network for the rows of a data set.

    Attributes
    ----------
    outputs : array
        (rows, outputs), in the units of the target for numbers. Of an ensemble, the mean.
    ids : dict of str to list
        The columns that identify rows, if the data have them.
    notes : list of str
        One line per column with values that training did not have.
    """

    outputs: Floats
    ids: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(repr=False)
class TableModel:
    """A network, or an ensemble, with the encoder of its inputs and its target.

    Attributes
    ----------
    net : Network or Ensemble
        The outputs of an ensemble are the mean of the outputs of its members.
    encoder : TableEncoder or ArrayEncoder, optional
        None for a network of another program: its inputs are numbers without encoding.
    target : Target, optional
    ids : tuple of str
        Columns that identify rows. Predictions of the command line repeat them.
    training : dict
        Facts about the training, for display.
    """

    net: Nets
    encoder: TableEncoder | ArrayEncoder | None = None
    target: Target | None = None
    ids: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the target and the network."""
        target = None if self.target is None else self.target.name
        return f"TableModel(target={target!r}, net={self.net!r})"

    @property
    def members(self) -> tuple[bp.Network, ...]:
        """The networks: one, or those of the ensemble."""
        return members_of(self.net)

    def metadata(self) -> dict[str, str]:
        """Return the metadata of the file: everything but the network, as JSON."""
        entries = {_TRAINING_KEY: json.dumps(self.training)}
        if self.encoder is not None and self.target is not None:
            table = {
                "version": _VERSION,
                "inputs": self.encoder.to_json(),
                "target": self.target.to_json(),
                "ids": list(self.ids),
            }
            entries[TABLE_KEY] = json.dumps(table, allow_nan=False)
        return entries

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file. `path` is always the old file or the complete new file."""
        self.net.save(path, metadata=self.metadata())

    def predict(self, data: Any, *, read: ReadOptions | None = None) -> NDArray[Any]:
        """Return the most probable class of each row, or the numbers in the target's units.

        Parameters
        ----------
        data : path, data frame or array
            As for `train`; the target may be missing. Columns are found by their names.
        read : ReadOptions, optional
            For text files.

        Returns
        -------
        array
            (rows,), or (rows, targets) for several targets.

        Warns
        -----
        UserWarning
            For each column with values that training did not have.

        Raises
        ------
        ValueError
            If a column is missing or has another type than in training.
        OSError
            If a file cannot be read.
        """
        outputs = self._warned(data, read)
        if isinstance(self.target, ClassTarget):
            labels = self.labels(self.probabilities(outputs))
            values = np.array(labels)
            # NumPy makes floats of integers that fit in neither int64 nor uint64.
            return np.array(labels, dtype=object) if values.dtype.kind == "f" else values
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, data: Any, *, read: ReadOptions | None = None) -> Floats:
        """Return the probability of every class, (rows, classes); see `predict`.

        Raises
        ------
        TypeError
            If the model predicts numbers.
        """
        if not isinstance(self.target, ClassTarget):
            raise TypeError("the model does not predict classes")
        return self.probabilities(self._warned(data, read))

    def _warned(self, data: Any, read: ReadOptions | None) -> Floats:
        """Return the outputs; warn of values that training did not have."""
        prediction = self.outputs(data, read=read)
        for note in prediction.notes:
            warnings.warn(note, stacklevel=4)  # one frame is that of _signatures
        return prediction.outputs

    def outputs(self, data: Any, *, read: ReadOptions | None = None) -> Prediction:
        """Return the outputs of the network for data; see `predict`."""
        if isinstance(self.encoder, TableEncoder):
            return self._outputs_of_table(open_table(data, read))
        x = self._array_of(data, read)
        if self.encoder is not None:
            x = self.encoder.encode(x, self.members[0].dtype)
        elif x.shape[1] != self.members[0].sizes[0]:
            raise ValueError(
                f"the network has {self.members[0].sizes[0]} inputs, the data have {x.shape[1]}"
            )
        return Prediction(self.outputs_of(x))

    def outputs_of(self, x: NDArray[Any]) -> Floats:
        """Return the outputs for encoded rows (rows, inputs); of an ensemble, the mean."""
        target = self.target
        result = np.zeros((len(x), self.members[0].sizes[-1]))
        for start in range(0, len(x), _BLOCK):
            rows = slice(start, start + _BLOCK)
            found = np.asarray(self.net.predict(x[rows]), dtype=np.float64)
            for values in found.reshape(-1, *result[rows].shape):  # one member after another
                result[rows] += (
                    target.decode(values) if isinstance(target, NumberTarget) else values
                )
        result /= len(self.members)
        return result

    def probabilities(self, outputs: Floats) -> Floats:
        """Return the probability of every class, (rows, classes), from outputs of the network."""
        activation = str(self.members[0].layers[-1].activation)
        if outputs.shape[1] == 1:
            # A single output is the probability, or the logit, of the second of two classes.
            second = outputs[:, 0] if activation == "sigmoid" else _sigmoid(outputs[:, 0])
            return np.stack([1.0 - second, second], axis=1)
        if activation == "softmax":
            return outputs
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def labels(self, probabilities: Floats) -> list[Label]:
        """Return the most probable class of every row."""
        if not isinstance(self.target, ClassTarget):
            raise TypeError("the model does not predict classes")
        return self.target.decode(probabilities.argmax(axis=1))

    def _outputs_of_table(self, table: Table) -> Prediction:
        encoder: Any = self.encoder
        encoder.check(table.columns)
        ids = [name for name in self.ids if name in table.columns]
        net = self.members[0]
        result = Prediction(np.empty((0, net.sizes[-1])), {name: [] for name in ids})
        blocks = [result.outputs]
        counts: dict[str, Unseen] = {}
        for block in blocks_of(table, [*encoder.names, *ids]):
            blocks.append(self.outputs_of(encoder.encode(block, net.dtype, counts)))
            for name in ids:
                result.ids[name] += block[name].to_pylist()
        result.outputs = np.concatenate(blocks)
        result.notes = encoder.describe(counts)
        return result

    def _array_of(self, data: Any, read: ReadOptions | None) -> NDArray[Any]:
        if isinstance(data, np.ndarray):
            return data.reshape(len(data), -1)
        if isinstance(data, ArrayData):
            return data.x
        if format_of(data) in ("digits", "arrays"):
            return read_arrays(data).x
        return stack_numbers(open_table(data, read))


def load(path: str | os.PathLike[str]) -> TableModel:
    """Open a model of `train` or of the command ``backpass train``.

    Parameters
    ----------
    path : path
        A file of another network is a model without an encoder.

    Returns
    -------
    TableModel

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file does not contain a valid network, or its parts do not match.
    """
    try:
        saved = bp.load_checkpoint(path)
    except bp.FormatError as error:
        raise bp.FormatError(f"{error}. This is not a model file, or it is damaged") from error
    if _OLD_KEY in saved.metadata:
        raise ValueError(
            f"{os.fspath(path)}: version 0.1 of backpass train wrote this model; train it again"
        )
    model = TableModel(saved.network, training=_parse_training(saved.metadata))
    if TABLE_KEY in saved.metadata:
        try:
            model.encoder, model.target, model.ids = _parse_table(saved.metadata[TABLE_KEY])
            _check_sizes(model.members[0], model.encoder, model.target)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from error
    return model


def _check_sizes(net: bp.Network, encoder: TableEncoder | ArrayEncoder, target: Target) -> None:
    expected = (encoder.width, _outputs(target, net.sizes[-1]))
    if expected != (net.sizes[0], net.sizes[-1]):
        raise ValueError(
            f"the table is for {expected[0]} inputs and {expected[1]} outputs, but the network "
            f"has {net.sizes[0]} and {net.sizes[-1]}"
        )


def _parse_table(text: str) -> tuple[TableEncoder | ArrayEncoder, Target, tuple[str, ...]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the description of the table is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        version = data.get("version") if isinstance(data, dict) else None
        raise ValueError(
            f"the description of the table has version {version!r}, but this program reads "
            f"version {_VERSION}"
        )
    inputs, ids = data.get("inputs"), data.get("ids")
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise ValueError("the description of the table is damaged: the columns of ids")
    is_array = isinstance(inputs, dict)
    encoder = ArrayEncoder.from_json(inputs) if is_array else TableEncoder.from_json(inputs)
    return encoder, target_from_json(data.get("target")), tuple(ids)


def _parse_training(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the facts about the training. They are optional: empty if unreadable."""
    try:
        training = json.loads(metadata.get(_TRAINING_KEY, "{}"))
    except (ValueError, RecursionError):
        return {}
    return training if isinstance(training, dict) else {}


def _outputs(target: Target, actual: int) -> int:
    """Return the number of outputs for `target`. Two classes may share one output."""
    if isinstance(target, NumberTarget):
        return len(target.names)
    return 1 if len(target.labels) == 2 and actual == 1 else len(target.labels)


def _sigmoid(z: Floats) -> Floats:
    # exp of a non-positive number does not overflow.
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
