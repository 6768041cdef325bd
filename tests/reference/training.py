"""Mini-batch gradient descent with the reference network: penalties, clipping and schedules."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .losses import Loss
from .network import Network

Array = np.ndarray


@dataclass
class Penalties:
    """In this order: l1 Σ|w| + l2/2 Σ w² of the weights, the global 2-norm, each element."""

    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0

    def apply(self, net: Network) -> None:
        for layer in net.layers:
            layer.weight_grad = (
                layer.weight_grad + self.l1 * np.sign(layer.weight) + self.l2 * layer.weight
            )
        gradients = [layer.weight_grad for layer in net.layers]
        gradients += [layer.bias_grad for layer in net.layers if layer.bias_grad is not None]
        if self.clip_norm:
            norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
            for g in gradients:
                # The 1e-6 is PyTorch's.
                g *= min(1.0, self.clip_norm / (norm + 1e-6))
        if self.clip_value:
            for g in gradients:
                np.clip(g, -self.clip_value, self.clip_value, out=g)


def descend(net: Network, lr: float, weight_decay: float = 0.0) -> None:
    """SGD whose weight decay adds weight_decay/2 Σ p² over weights and biases to the cost."""
    for layer in net.layers:
        layer.weight -= lr * (layer.weight_grad + weight_decay * layer.weight)
        if layer.bias is not None and layer.bias_grad is not None:
            layer.bias -= lr * (layer.bias_grad + weight_decay * layer.bias)


def fit(
    net: Network,
    x: Array,
    t: Array,
    loss: Loss,
    *,
    epochs: int,
    batch_size: int,
    lr: Callable[[int, int], float],
    penalties: Penalties | None = None,
    order: Callable[[int], Array] | None = None,
    weight_decay: Callable[[int, int], float] = lambda *_: 0.0,
    prepare: Callable[[int, int, int], None] = lambda *_: None,
) -> list[float]:
    """Return each epoch's mean of the samples' costs, before the update of their batch.

    `lr(epoch, step)` is the rate of a step; both count from zero over the whole run. `order(epoch)`
    is the order of the rows; the default is the given order. `weight_decay(epoch, step)` is that of
    a step. `prepare(epoch, step, rows)` is called before each step; `rows` is its number of rows.
    """
    history, step = [], 0
    for epoch in range(epochs):
        rows = np.arange(len(x)) if order is None else order(epoch)
        total = 0.0
        for first in range(0, len(x), batch_size):
            batch = rows[first : first + batch_size]
            prepare(epoch, step, len(batch))
            a = net.forward(x[batch])
            total += loss.value(a, t[batch]) * len(batch)
            net.backward(loss.gradient(a, t[batch]))
            (penalties or Penalties()).apply(net)
            descend(net, lr(epoch, step), weight_decay(epoch, step))
            step += 1
        history.append(total / len(x))
    return history
