"""What the tests of interruption share: a call, a signal during it, and the time until it ends."""

import signal
import time
from collections.abc import Callable


class AlarmError(Exception):
    """What the signal's handler raises."""


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes where no signal comes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start


def seconds_until_interrupted(call: Callable[[], object], delay: float) -> float | None:
    """Return how long after the signal a call ended; None where it ended before the signal."""

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
