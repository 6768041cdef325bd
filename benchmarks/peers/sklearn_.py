"""scikit-learn's MLP.

The time of a step is measured with partial_fit of 16 batches. With one batch, the overhead of the
call would dominate.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from cases import LR, Case
from sklearn.neural_network import MLPClassifier, MLPRegressor

STEPS = 16


def prepare(case: Case) -> Callable[[], object] | None:
    if case.kind == "gradient":
        return None
    warnings.filterwarnings("ignore")
    kind = MLPClassifier if case.loss == "ce" else MLPRegressor
    model = kind(
        hidden_layer_sizes=case.sizes[1:-1],
        activation=case.activation,
        solver=case.optimizer,
        batch_size=case.batch,
        learning_rate_init=LR,
        alpha=0,
        tol=0,
        max_iter=1,
        random_state=0,
    )
    x, y = case.data()
    if case.kind == "epoch":
        return lambda: model.fit(x, y)
    if case.kind == "predict":
        model.partial_fit(np.repeat(x, 2, axis=0), np.repeat(y, 2, axis=0))
        return lambda: model.predict(x)
    many_x, many_y = np.concatenate([x] * STEPS), np.concatenate([y] * STEPS)
    classes = {"classes": np.arange(case.sizes[-1])} if case.loss == "ce" else {}
    model.partial_fit(many_x, many_y, **classes)
    run = lambda: model.partial_fit(many_x, many_y)  # noqa: E731
    run.calls = STEPS  # type: ignore[attr-defined]
    return run
