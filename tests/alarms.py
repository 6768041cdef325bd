"""Shared by tests of interruption: a call, a signal during the call, and the time to its end."""

import math
import signal
import time
from collections.abc import Callable

# The promised time from a signal to the end of a call, in seconds.
LIMIT = 0.1


class AlarmError(Exception):
    """Raised by the signal's handler."""


def seconds_of(call: Callable[[], object]) -> float:
    """Return the time that a call takes without a signal."""
    start = time.monotonic()
    call()
    return time.monotonic() - start


def seconds_until_interrupted(call: Callable[[], object], delay: float) -> float | None:
    """Return the time from the signal to the end of the call; None if the call ended first."""

    def ring(number: int, frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    due = time.monotonic() + delay
    try:
        signal.setitimer(signal.ITIMER_REAL, delay)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except AlarmError:
        return time.monotonic() - due
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None


def assert_ends_soon(
    call: Callable[[], object], delay: float, check: Callable[[], object] = lambda: None
) -> None:
    """Assert that a signal after `delay` seconds ends the call within LIMIT.

    The best of three attempts counts, because other processes may delay an attempt. `check` runs
    after each attempt.
    """
    best = math.inf
    for _ in range(3):
        passed = seconds_until_interrupted(call, delay)
        check()
        best = min(best, math.inf if passed is None else passed)
        if best < LIMIT:
            break
    print(f"ends {best * 1e3:.0f} ms after the signal")
    assert best < LIMIT


def handlers_during(call: Callable[[], object]) -> tuple[int, float]:
    """Return how often the handler of a signal ran during a call, and the time of the call.

    A call that does not run handlers itself gives 1: Python runs the handler after the call.
    """
    runs = 0

    def count(number: int, frame: object) -> None:
        nonlocal runs
        runs += 1

    before = signal.signal(signal.SIGALRM, count)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        return runs, time.monotonic() - start
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
