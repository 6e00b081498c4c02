"""Why pods are not created: what admission answers to the controller that asks for them."""

from __future__ import annotations

from gitops_push.core.causes import CauseCode


def creation_code(message: str) -> CauseCode:
    """Return the code of a FailedCreate event, or of the ReplicaFailure condition that repeats it."""
    return CauseCode.QUOTA_EXCEEDED if "exceeded quota" in message else CauseCode.ADMISSION_DENIED
