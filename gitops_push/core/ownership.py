"""Which field managers are tools of people, and from which objects fields are taken whoever has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from gitops_push.core.objects import ObjectRef
from gitops_push.core.suggestion import did_you_mean

PEOPLES_TOOLS: Final = ("kubectl*", "k9s", "rancher", "before-first-apply")
"""Managers behind which a person stands: what they set by hand gives way to the config repo (cluster.md 1)."""


def is_peoples_tool(manager: str) -> bool:
    """Return whether a person stands behind this field manager."""
    return any(fnmatchcase(manager, pattern) for pattern in PEOPLES_TOOLS)


@dataclass(frozen=True, slots=True)
class ForcedConflicts:
    """From which objects fields are taken whoever has them: all, or those named as `KIND/NAME`."""

    everything: bool = False
    objects: frozenset[str] = frozenset()

    def allow(self, ref: ObjectRef) -> bool:
        """Return whether fields of this object may be taken."""
        return self.everything or f"{ref.kind}/{ref.name}".lower() in {name.lower() for name in self.objects}

    def warnings(self, refs: Iterable[ObjectRef]) -> tuple[str, ...]:
        """Return a line for each name that none of these objects has: it would do nothing."""
        known = {f"{ref.kind}/{ref.name}" for ref in refs}
        spelled = {name.lower() for name in known}
        unknown = sorted(name for name in self.objects if name.lower() not in spelled)
        return tuple(f"--force-conflict {name}: there is no such object{did_you_mean(name, known)}" for name in unknown)


NOTHING_FORCED: Final = ForcedConflicts()
