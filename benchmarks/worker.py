"""Measures one library in its own process: ``worker.py PEER``.

Requests come on stdin and answers go to stdout, one line of JSON each. {"case": {...}} prepares and
warms up, {"seconds": s} measures for about s seconds. Thread counts come from the environment.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable

from cases import Case
from timing import median_seconds

RUN = 0.001  # seconds that are timed together


def main() -> None:
    # Libraries may print, so answers get their own descriptor.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = importlib.import_module(f"peers.{sys.argv[1]}_")
    call: Callable[[], object] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, float | bool] = {}
        if "case" in request:
            spec = request["case"]
            call = peer.prepare(Case(**{**spec, "sizes": tuple(spec["sizes"])}))
            answer["supported"] = call is not None
            if call is not None:
                call()
                call()
        elif call is not None:
            seconds = median_seconds(call, RUN, request["seconds"])
            answer["seconds"] = seconds / getattr(call, "calls", 1)
            answer["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
