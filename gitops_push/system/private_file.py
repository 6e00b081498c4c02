"""Writes a file that only its owner may read, whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Write a text to a file of mode 0600; a file that is there already is replaced at once, or stays as it is.

    Raises OSError, also where there is something else than a regular file.
    """
    _check_is_file(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def read_small_file(path: Path, largest_bytes: int) -> str | None:
    """Return the text of a regular file, None where it is larger. Raises OSError, and ValueError for other than UTF-8.

    What is no regular file is refused before it is read: a pipe would block.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "is not a regular file")
        content = file.read(largest_bytes + 1)
    return content.decode("utf-8") if len(content) <= largest_bytes else None


def _check_is_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise OSError(0, "is not a regular file")
