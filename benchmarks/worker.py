"""Measures one library in a process of its own: ``worker.py PEER``.

Requests come on stdin, answers go to stdout, a JSON line each: {"case": {...}} prepares and warms
up, {"seconds": s} measures for about that long. Thread counts come from the environment.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable

from cases import Case

# Seconds of calls that are timed together, so that reading the clock is nothing beside them.
RUN = 0.001


def runs_for(call: Callable[[], object], seconds: float) -> tuple[int, int]:
    """Return how many runs of how many calls take about that long."""
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-7)
    calls = max(1, int(RUN / once))
    return max(1, int(seconds / (calls * once))), calls


def measure(call: Callable[[], object], runs: int, calls: int) -> float:
    """Return seconds a call, the median over runs: other programs' bursts are left out."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / calls


def main() -> None:
    # Libraries may print; the answers must not be mixed up with that.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = importlib.import_module(f"peers.{sys.argv[1]}_")
    call: Callable[[], object] | None = None
    length: tuple[int, int] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, float | bool] = {}
        if "case" in request:
            spec = request["case"]
            call = peer.prepare(Case(**{**spec, "sizes": tuple(spec["sizes"])}))
            answer["supported"] = call is not None
            length = None
            if call is not None:
                call()
                call()
        elif call is not None:
            length = length or runs_for(call, request["seconds"])
            answer["seconds"] = measure(call, *length) / getattr(call, "calls", 1)
            answer["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
