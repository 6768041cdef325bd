"""Measures one library in a process of its own: ``worker.py PEER``.

Requests come on stdin, answers go to stdout, a JSON line each: {"case": {...}} prepares and warms
up, {"seconds": s} measures for about that long. Thread counts come from the environment.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable

from cases import Case


def calls_for(run: Callable[[], object], seconds: float) -> int:
    start = time.perf_counter()
    run()
    once = max(time.perf_counter() - start, 1e-7)
    return max(1, min(100_000, int(seconds / once)))


def measure(run: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def main() -> None:
    # Libraries may print; the answers must not be mixed up with that.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = importlib.import_module(f"peers.{sys.argv[1]}_")
    run: Callable[[], object] | None = None
    calls = 0
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, float | bool] = {}
        if "case" in request:
            spec = request["case"]
            run = peer.prepare(Case(**{**spec, "sizes": tuple(spec["sizes"])}))
            answer["supported"] = run is not None
            calls = 0
            if run is not None:
                run()
                run()
        elif run is not None:
            calls = calls or calls_for(run, request["seconds"])
            answer["seconds"] = measure(run, calls) / getattr(run, "calls", 1)
            answer["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
