"""The presets: the settings of a training that the user does not give, with the source of each.

"plain" is one network on standardised inputs. Its numbers were chosen on public data sets
(docs/tables.md).

"tabular" is the simplified recipe of RealMLP (RealMLP-TD-S of Holzmüller et al. 2024, arXiv
2407.04491), with a piecewise-linear encoding of numbers (Gorishniy et al. 2022, arXiv 2203.05556)
and several networks whose predictions are averaged (as TabM, Gorishniy et al. 2024, arXiv
2410.24210, with independent networks). Its parts:

- Inputs: `RobustScale`, and bins.
- Initial weights: normal with the variance 1 / fan_in, and zero in the last layer.
- Learning rates: a weight has lr / √fan_in, and a bias has lr. This is Adam on the neural tangent
  parametrisation z = W a / √fan_in + b.
- Adam with β2 = 0.95, and the schedule `CosLog(4)`.
- Label smoothing for classes.
- The last of the epochs with the best validation score is kept: the accuracy, or for numbers the
  loss.
- Predicted numbers stay in the range of the rows for training.
"""

from __future__ import annotations

from typing import Any

# RealMLP-TD-S. It also has a trainable scale of the inputs, and a tenth of the rate for biases.
# Neither paid on the development sets.
BETA2 = 0.95
CYCLES = 4
LEARNING_RATES = {"classification": 0.04, "regression": 0.07}
LABEL_SMOOTHING = 0.1

# The patience of an early stopping that does every epoch and keeps the best one.
ALL_EPOCHS = "all epochs"

# The settings that depend on the preset; those of `options.Settings`.
PRESETS: dict[str, dict[str, Any]] = {
    "plain": {
        "hidden": (64, 64),
        "activation": "relu",
        "members": 1,
        "bins": 0,
        "epochs": 200,
        "batch_size": 32,
        "dropout": 0.2,
        "early_stopping": 20,
    },
    "tabular": {
        "hidden": (128, 128),  # RealMLP-TD-S: 3 layers of 256, for several times the time
        "activation": "mish",  # RealMLP-TD-S, for numbers
        "members": 4,
        "bins": 16,
        "epochs": 128,  # RealMLP-TD-S: 256
        "batch_size": 64,  # RealMLP-TD-S: 256, which needs more epochs
        "dropout": 0.0,  # RealMLP-TD-S
        "early_stopping": ALL_EPOCHS,  # RealMLP-TD-S
    },
}
