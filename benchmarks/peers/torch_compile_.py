"""PyTorch with torch.compile."""

from __future__ import annotations

from collections.abc import Callable

from cases import Case

from peers import torch_


def prepare(case: Case) -> Callable[[], object] | None:
    if case.kind == "epoch":  # the last, partial batch would be compiled again
        return None
    return torch_.prepare(case, compiled=True)
