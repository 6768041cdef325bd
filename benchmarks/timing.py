"""Time per call, on a machine that other programs use as well."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def timed(call: Callable[[], object], calls: int) -> float:
    """Return seconds per call, the mean of `calls` calls."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def median_seconds(call: Callable[[], object], run: float, total: float) -> float:
    """Return seconds per call, the median over runs of `run` seconds, `total` seconds in all.

    A run is long compared with reading the clock, and short compared with a disturbance by another
    program. So the median ignores such disturbances.
    """
    once = max(timed(call, 1), 1e-7)
    if once >= total:
        return once
    calls = max(1, int(run / once))
    runs = max(1, round(total / (calls * once)))
    return statistics.median(timed(call, calls) for _ in range(runs))
