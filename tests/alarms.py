"""Shared by tests of interruption: a call, a signal during the call, and the time to its end."""

import signal
import time
from collections.abc import Callable


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
    except AlarmError:
        return time.monotonic() - due
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None
