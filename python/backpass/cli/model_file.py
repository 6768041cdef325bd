"""A trained network with what it takes to use it on data: one file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backpass as bp
from backpass.preprocessing import (
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
    """A network, how its inputs and its target are encoded, and how it was trained.

    Attributes
    ----------
    net : Network
    encoder, target : optional
        None for a network that another program saved: it takes numbers as they are.
    training : dict
        Facts about the training run, for people.
    """

    net: bp.Network
    encoder: InputEncoder | None = None
    target: Target | None = None
    training: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model's file; `path` is the old file or the whole new one at any time."""
        metadata = {_TRAINING: json.dumps(self.training)}
        if self.encoder is not None and self.target is not None:
            metadata[_PREPROCESSING] = preprocessing_to_json(self.encoder, self.target)
        self.net.save(path, metadata=metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model's file.

        Raises
        ------
        OSError
            When it cannot be read.
        ValueError
            When it is no sound network, or its parts do not fit together.
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
            made = (model.encoder.width, _outputs(model.target, model.net.sizes[-1]))
            if made != (model.net.sizes[0], model.net.sizes[-1]):
                raise ValueError(
                    f"{name}: the preprocessing is made for {made[0]} inputs and {made[1]} "
                    f"outputs, the network has {model.net.sizes[0]} and {model.net.sizes[-1]}"
                )
        return model

    def probabilities(self, x: NDArray[Any]) -> Floats:
        """Return the probability of every class, (rows, classes)."""
        output = np.asarray(self.net.predict(x), dtype=np.float64)
        activation = str(self.net.layers[-1].activation)
        if output.shape[1] == 1:
            # One output is the probability, or its logit, of the second of two classes.
            second = output[:, 0] if activation == "sigmoid" else _sigmoid(output[:, 0])
            return np.stack([1.0 - second, second], axis=1)
        if activation == "softmax":
            return output
        exponentials = np.exp(output - output.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def quantities(self, x: NDArray[Any]) -> Floats:
        """Return predicted numbers in the target's own units, (rows, outputs)."""
        output = np.asarray(self.net.predict(x), dtype=np.float64)
        if isinstance(self.target, NumericTarget):
            return self.target.column.decode(output)
        return output

    def labels(self, probabilities: Floats) -> list[Label]:
        """Return each row's most probable class."""
        if not isinstance(self.target, ClassTarget):
            raise TypeError("the model does not predict classes")
        return self.target.decode(probabilities.argmax(axis=1))


def _outputs(target: Target, actual: int) -> int:
    """Return the number of outputs that `target` needs; two classes may share one."""
    if isinstance(target, NumericTarget):
        return target.column.width
    return 1 if len(target.labels) == 2 and actual == 1 else len(target.labels)


def _sigmoid(z: Floats) -> Floats:
    # exp of a non-positive number alone: never overflows.
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def _parse_training(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the facts about the training, or none if unreadable: nothing depends on them."""
    try:
        training = json.loads(metadata.get(_TRAINING, "{}"))
    except (ValueError, RecursionError):
        return {}
    return training if isinstance(training, dict) else {}
