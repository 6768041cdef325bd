"""Files that are either the old ones or the new ones, never a part."""

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
    """Collect a file's content, and write the file when the block ends without error.

    The file is replaced as `Network.save` replaces it: permissions, owner, access control list
    and extended attributes stay, a symbolic link is followed, a device or a pipe is written to.

    Yields
    ------
    binary file
        To write to, in memory.

    Raises
    ------
    OSError
        When the operating system refuses; `path` is then as it was.
    """
    content = io.BytesIO()
    yield content
    _core._replace_file(path, content.getvalue())  # noqa: SLF001
