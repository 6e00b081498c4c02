"""The checked-out config repo as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class Checkout:
    """Git facts of a config repo; a folder outside git has an empty `commit` and is never clean.

    `root` is absolute: nothing above it is ever read. `commit` is the full hash, `branch` is "" when detached,
    `origin_url` is "" without a remote and holds no user or password.
    """

    root: PurePath
    commit: str = ""
    branch: str = ""
    dirty: bool = True
    origin_url: str = ""

    @property
    def name(self) -> str:
        """Return a short name for people: the last part of the origin URL, else of the folder."""
        return self.origin_url.rstrip("/").rpartition("/")[2].removesuffix(".git") or self.root.name
