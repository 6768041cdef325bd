"""The network written out in NumPy; buffers are reused where NumPy allows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cases import LR, Array, Case

BETA1, BETA2, EPS, MOMENTUM = (np.float32(v) for v in (0.9, 0.999, 1e-8, 0.9))


class Network:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.weights = case.weights()
        self.biases = [np.zeros(w.shape[1], np.float32) for w in self.weights]
        self.parameters = self.weights + self.biases
        self.m = [np.zeros_like(p) for p in self.parameters]
        self.v = [np.zeros_like(p) for p in self.parameters]
        self.steps = 0

    def activate(self, z: Array) -> None:
        if self.case.activation == "relu":
            np.maximum(z, 0, out=z)
        else:
            np.tanh(z, out=z)

    def forward(self, x: Array) -> list[Array]:
        a = [x]
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = a[-1] @ w
            z += b
            if i + 1 < len(self.weights):
                self.activate(z)
            a.append(z)
        return a

    def gradients(self, x: Array, y: np.ndarray) -> list[Array]:
        a = self.forward(x)
        if self.case.loss == "ce":
            xi = a[-1] - a[-1].max(axis=1, keepdims=True)
            np.exp(xi, out=xi)
            xi /= xi.sum(axis=1, keepdims=True)
            xi[np.arange(len(x)), y] -= 1
            xi /= np.float32(len(x))
        else:
            xi = (a[-1] - y) * np.float32(2 / a[-1].size)
        weights, biases = [], []
        for i in reversed(range(len(self.weights))):
            weights.append(a[i].T @ xi)
            biases.append(xi.sum(axis=0))
            if i:
                xi = xi @ self.weights[i].T
                xi *= a[i] > 0 if self.case.activation == "relu" else 1 - a[i] * a[i]
        return weights[::-1] + biases[::-1]

    def step(self, gradients: list[Array]) -> None:
        self.steps += 1
        if self.case.optimizer == "sgd":
            for p, g, m in zip(self.parameters, gradients, self.m, strict=True):
                m *= MOMENTUM
                m += g
                p -= np.float32(LR) * m
            return
        rate = np.float32(LR * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps))
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            g *= g
            g *= 1 - BETA2
            v += g
            p -= rate * m / (np.sqrt(v) + EPS)


def prepare(case: Case) -> Callable[[], object] | None:
    net = Network(case)
    x, y = case.data()
    if case.kind == "predict":
        return lambda: net.forward(x)
    if case.kind == "gradient":
        return lambda: net.gradients(x, y)
    if case.kind == "epoch":
        return None
    return lambda: net.step(net.gradients(x, y))
