"""backpass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cases import LR, Case

import backpass as bp

LOSSES = {"mse": bp.losses.MeanSquaredError(), "ce": bp.losses.SoftmaxCrossEntropy()}


def prepare(case: Case) -> Callable[[], object]:
    net = bp.Network(case.sizes, activation=case.activation, dtype=case.dtype, seed=0)
    x, y = case.data()
    loss = LOSSES[case.loss]
    optimizer = (
        bp.optim.Adam(lr=LR) if case.optimizer == "adam" else bp.optim.SGD(lr=LR, momentum=0.9)
    )
    if case.kind == "predict":
        out = np.empty((case.batch, case.sizes[-1]), case.dtype)
        return lambda: net.predict(x, out=out)
    if case.kind == "gradient":
        return lambda: net.loss_and_gradient(x, y, loss=loss)
    if case.kind == "epoch":
        return lambda: net.fit(
            x, y, loss=loss, optimizer=optimizer, epochs=1, batch_size=case.batch, progress=False
        )
    return lambda: net.train_step(x, y, loss=loss, optimizer=optimizer)
