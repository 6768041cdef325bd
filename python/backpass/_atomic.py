"""Atomic writing of files: after an error, the file has its old content."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO

from backpass import _core

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Collect the content of a file, and write the file if the block ends without an error.

    The file is replaced in the same way as by `Network.save`. Permissions, owner, access control
    list and extended attributes stay. A symbolic link is followed. A device or a pipe is written
    to, not replaced.

    Yields
    ------
    binary file
        A buffer in memory for the content.

    Raises
    ------
    OSError
        If the operating system reports an error. `path` is then unchanged.
    """
    content = io.BytesIO()
    yield content
    _core._replace_file(path, content.getvalue())  # noqa: SLF001
