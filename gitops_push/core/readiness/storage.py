"""PersistentVolumeClaims."""

from __future__ import annotations

from typing import Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import section
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready

_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"


def claim(body: Body, *, waits_for_consumer: bool = False) -> Readiness:
    """Return the readiness of a PersistentVolumeClaim.

    `waits_for_consumer` says that its StorageClass binds at the first use (WaitForFirstConsumer): until a pod of it is
    scheduled a pending claim is as ready as it gets, and the workload that uses it is waited for anyway.
    """
    match section(body, "status").get("phase"):
        case "Bound":
            return Ready()
        case "Lost":
            return Failed("its volume is gone (Lost)", code=CauseCode.VOLUME_UNBOUND)
    chosen = _SELECTED_NODE in section(body, "metadata", "annotations")
    if waits_for_consumer and not chosen:
        return Ready("pending until a pod uses it")
    return Progressing("Pending: no volume is bound to it", CauseCode.VOLUME_UNBOUND)
