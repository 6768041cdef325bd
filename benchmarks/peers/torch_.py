"""PyTorch with fused optimizers and inference mode, eager or with torch.compile."""

from __future__ import annotations

from collections.abc import Callable

import torch
from cases import LR, Case


def make_network(case: Case) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for weight in case.weights():
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
        layers += [linear, torch.nn.ReLU() if case.activation == "relu" else torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def prepare(case: Case, compiled: bool = False) -> Callable[[], object]:
    net = make_network(case)
    x, y = map(torch.from_numpy, case.data())
    if case.kind == "predict":
        run = torch.compile(net) if compiled else net

        @torch.inference_mode()
        def predict() -> object:
            return run(x)

        return predict
    cost = torch.nn.CrossEntropyLoss() if case.loss == "ce" else torch.nn.MSELoss()
    parameters = net.parameters()
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam(parameters, lr=LR, fused=True)
        if case.optimizer == "adam"
        else torch.optim.SGD(parameters, lr=LR, momentum=0.9, fused=True)
    )

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = cost(net(x), y)
        return loss

    value = torch.compile(loss_of) if compiled else loss_of

    def step(x: torch.Tensor = x, y: torch.Tensor = y) -> None:
        optimizer.zero_grad()
        value(x, y).backward()
        if case.kind != "gradient":
            optimizer.step()

    def epoch() -> None:
        order = torch.randperm(case.rows)
        for first in range(0, case.rows, case.batch):
            rows = order[first : first + case.batch]
            step(x[rows], y[rows])

    return epoch if case.kind == "epoch" else step
