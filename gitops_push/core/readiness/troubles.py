"""What keeps a pod from being ready: one finding a container or pod, the worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.readiness.values import Failed, Progressing

_TELLING: Final = (
    CauseCode.OOM_KILLED,
    CauseCode.IMAGE_NOT_FOUND,
    CauseCode.CONTAINER_CONFIG,
    CauseCode.START_FAILED,
    CauseCode.CRASH_LOOP,
    CauseCode.CONTAINER_FAILED,
    CauseCode.IMAGE_PULL_FAILED,
    CauseCode.MOUNT_FAILED,
    CauseCode.UNSCHEDULABLE,
    CauseCode.NODE_PRESSURE,
    CauseCode.EVICTED,
    CauseCode.PROBE_FAILING,
)
"""Codes from those that tell most to those that are often only a consequence of another."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a container (or with container "" the whole pod) is not ready.

    `text` is in our words, `said` in those of the kubelet or scheduler. `grace_seconds` as in `Failed`; None where
    waiting may help until the timeout. `probe` is "readiness", "liveness" or "startup"; `subject` is the image or the
    missing object that it is about.
    """

    code: CauseCode
    text: str
    said: str = ""
    grace_seconds: float | None = None
    container: str = ""
    exit_code: int | None = None
    restarts: int = 0
    probe: str = ""
    subject: str = ""

    @property
    def verdict(self) -> Failed | Progressing:
        """Return what it means for the readiness of the pod."""
        reason = f"{self.text}: {self.said}" if self.said else self.text
        if self.grace_seconds is None:
            return Progressing(reason, self.code)
        return Failed(reason, self.grace_seconds, self.code)


def worst(troubles: Iterable[Trouble]) -> Trouble | None:
    """Return the one to tell: what has failed for good before what may pass, then what tells most."""
    return min(troubles, key=_order, default=None)


def _order(trouble: Trouble) -> tuple[bool, float, int]:
    tells = _TELLING.index(trouble.code) if trouble.code in _TELLING else len(_TELLING)
    return (trouble.grace_seconds is None, trouble.grace_seconds or 0.0, tells)
