"""A model file: a trained network and the preprocessing of its data."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.cli.tables.preprocessing import (
    ClassTarget,
    InputEncoder,
    Label,
    NumericTarget,
    Target,
    preprocessing_from_json,
    preprocessing_to_json,
)

# Keys of the file's metadata.
_PREPROCESSING = "preprocessing"
_TRAINING = "training"

Floats = NDArray[np.float64]


@dataclass
class Model:
    """A network, the encoding of its inputs and target, and a description of its training.

    Attributes
    ----------
    net : Network
    encoder, target : optional
        None for a network that another program saved: its inputs are not encoded.
    training : dict
        Facts about the training run, for display.
    """

    net: bp.Network
    encoder: InputEncoder | None = None
    target: Target | None = None
    training: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file. `path` is always the old file or the complete new file."""
        metadata = {_TRAINING: json.dumps(self.training)}
        if self.encoder is not None and self.target is not None:
            metadata[_PREPROCESSING] = preprocessing_to_json(self.encoder, self.target)
        self.net.save(path, metadata=metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Load a model file.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If the file does not contain a valid network, or its parts do not match.
        """
        checkpoint = bp.load_checkpoint(path)
        model = cls(checkpoint.network, training=_parse_training(checkpoint.metadata))
        if _PREPROCESSING in checkpoint.metadata:
            name = os.fspath(path)
            try:
                model.encoder, model.target = preprocessing_from_json(
                    checkpoint.metadata[_PREPROCESSING]
                )
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            expected = (model.encoder.width, _outputs(model.target, model.net.sizes[-1]))
            if expected != (model.net.sizes[0], model.net.sizes[-1]):
                raise ValueError(
                    f"{name}: the preprocessing is for {expected[0]} inputs and {expected[1]} "
                    f"outputs, but the network has {model.net.sizes[0]} and {model.net.sizes[-1]}"
                )
        return model

    def probabilities(self, x: NDArray[Any]) -> Floats:
        """Return the probability of every class, (rows, classes)."""
        output = np.asarray(self.net.predict(x), dtype=np.float64)
        activation = str(self.net.layers[-1].activation)
        if output.shape[1] == 1:
            # A single output is the probability, or the logit, of the second of two classes.
            second = output[:, 0] if activation == "sigmoid" else _sigmoid(output[:, 0])
            return np.stack([1.0 - second, second], axis=1)
        if activation == "softmax":
            return output
        exponentials = np.exp(output - output.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def quantities(self, x: NDArray[Any]) -> Floats:
        """Return the predicted numbers in the units of the target, (rows, outputs)."""
        output = np.asarray(self.net.predict(x), dtype=np.float64)
        if isinstance(self.target, NumericTarget):
            return self.target.column.decode(output)
        return output

    def labels(self, probabilities: Floats) -> list[Label]:
        """Return the most probable class of every row."""
        if not isinstance(self.target, ClassTarget):
            raise TypeError("the model does not predict classes")
        return self.target.decode(probabilities.argmax(axis=1))


def _outputs(target: Target, actual: int) -> int:
    """Return the number of outputs for `target`. Two classes may share one output."""
    if isinstance(target, NumericTarget):
        return target.column.width
    return 1 if len(target.labels) == 2 and actual == 1 else len(target.labels)


def _sigmoid(z: Floats) -> Floats:
    # exp of a non-positive number does not overflow.
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def _parse_training(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the facts about the training. They are optional: empty if unreadable."""
    try:
        training = json.loads(metadata.get(_TRAINING, "{}"))
    except (ValueError, RecursionError):
        return {}
    return training if isinstance(training, dict) else {}
