"""A thread that reads ahead."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

__all__ = ["Reader"]

_SECONDS_TO_END = 0.05


class Reader(Generic[T]):
    """Advances generators in a thread, one item ahead.

    The thread ends with the process, so a source that never answers does not keep the process.
    If the system gives no thread, each item is computed when it is taken.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Generator[T, None, None] | None] = queue.SimpleQueue()
        self._items: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
        self._items_to_come = 0
        self._generator: Generator[T, None, None] | None = None
        self._thread: threading.Thread | None = None

    def start(self, generator: Generator[T, None, None]) -> None:
        """Read from this generator from now on. The thread has then left the previous one."""
        while self._items_to_come:
            self._take()
        if self._generator is None:
            self._thread = _started(self._run)
        self._generator = generator
        self.read_ahead()

    def read_ahead(self) -> None:
        """Let the thread compute one more item."""
        if self._thread is not None:
            self._orders.put(self._generator)
            self._items_to_come += 1

    def take(self) -> T:
        """Return the next item, or raise the exception of the generator."""
        item, error = self._take()
        if error is not None:
            raise error
        assert item is not None  # noqa: S101
        return item

    def close(self) -> None:
        """End the thread. A generator that is in a long read is left after 50 ms."""
        if self._generator is None:
            return
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(_SECONDS_TO_END)
        if self._thread is None or not self._thread.is_alive():
            self._generator.close()

    def _take(self) -> tuple[T | None, BaseException | None]:
        if self._thread is None:
            assert self._generator is not None  # noqa: S101
            return _next(self._generator)
        while True:
            try:  # with a timeout: a signal right before the thread sleeps would not wake it
                result = self._items.get(timeout=_SECONDS_TO_END)
            except queue.Empty:
                continue
            self._items_to_come -= 1
            return result

    def _run(self) -> None:
        while (generator := self._orders.get()) is not None:
            self._items.put(_next(generator))


def _started(run: Callable[[], None]) -> threading.Thread | None:
    thread = threading.Thread(target=run, name="backpass-data", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no thread
        return None
    return thread


def _next(generator: Generator[T, None, None]) -> tuple[T | None, BaseException | None]:
    try:
        return next(generator), None
    except BaseException as error:  # noqa: BLE001
        return None, error
