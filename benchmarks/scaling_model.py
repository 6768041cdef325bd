"""A model of the seconds per step of several processes, see docs/scaling.md.

A machine is (rate, alpha, beta): floating-point operations per second of a process, seconds per
message, and seconds per byte.
"""

from __future__ import annotations

import math
from itertools import pairwise


def parameters_of(sizes: list[int]) -> int:
    return sum((a + 1) * b for a, b in pairwise(sizes))


def update_seconds(parameters: int) -> float:
    """Return the seconds of Adam's update: 28 bytes per parameter at 10 GB/s."""
    return parameters * 28 / 10e9


def rate_of(parameters: int, rows: int, batch: int, seconds: float) -> float:
    """Return the rate of one process from its seconds per epoch, which include the updates."""
    updates = math.ceil(rows / batch) * update_seconds(parameters)
    return 6 * parameters * rows / (seconds - updates)


def step_seconds(
    parameters: int, batch: float, ranks: int, rate: float, alpha: float, beta: float
) -> float:
    """Return the seconds per step of `ranks` processes.

    6 P B floating-point operations are shared; each process applies the whole update. Per step
    there are 3 log2 R messages and 2 (1 - 1/R) 4 P bytes.
    """
    work = 6 * parameters * batch / ranks / rate
    words = 2 * (1 - 1 / ranks) * 4 * parameters
    exchange = 3 * math.log2(ranks) * alpha + words * beta
    return work + update_seconds(parameters) + exchange


def efficiency(parameters: int, batch: float, ranks: int, *machine: float) -> float:
    one = step_seconds(parameters, batch, 1, *machine)
    return one / (ranks * step_seconds(parameters, batch, ranks, *machine))


def least_rows(parameters: int, ranks: int, *machine: float) -> int:
    """Return the smallest number of rows per process with an efficiency of at least 0.8.

    With w seconds of work per row, and with u and v seconds per step without rows of one process
    and of R, the efficiency of b rows is (R b w + u) / (R (b w + v)). It is 0.8 at
    b = (4 v - 5 u / R) / w.
    """
    u, v = (step_seconds(parameters, 0, r, *machine) for r in (1, ranks))
    w = step_seconds(parameters, 1, 1, *machine) - u
    return math.ceil((4 * v - 5 * u / ranks) / w)
