"""Pods: what is worst about one, and whether waiting may still help.

A bare pod has failed when any of its containers is doomed; what that means for a workload is decided where its other
pods are known (`cluster.health`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import conditions, items, section
from gitops_push.core.readiness.containers import container_troubles
from gitops_push.core.readiness.troubles import Trouble, worst
from gitops_push.core.readiness.values import Progressing, Readiness, Ready

_PRESSURE: Final = re.compile(r"node\.kubernetes\.io/(memory|disk|pid)-pressure")


def pod(body: Body) -> Readiness:
    """Return the readiness of a pod. An unschedulable one is progressing: an autoscaler may be adding a node."""
    status = section(body, "status")
    if status.get("phase") == "Succeeded":
        return Ready("completed")
    if trouble := pod_trouble(body):
        return trouble.verdict
    ready = conditions(body).get("Ready")
    if status.get("phase") != "Running" or ready is None:
        return Progressing(_not_ready_text(status))
    return Ready() if ready.is_true else Progressing(ready.describe("not ready"))


def pod_trouble(body: Body) -> Trouble | None:
    """Return the worst that is known about a pod that is not ready, or None: it may just be starting."""
    found = worst(container_troubles(body))
    if has_failed(body):
        return _failed(section(body, "status"), found)
    return found or _unscheduled(body)


def has_failed(body: Body) -> bool:
    """Return whether a pod is over, and not well: its workload makes another one."""
    return section(body, "status").get("phase") == "Failed"


def _failed(status: Mapping[str, Any], found: Trouble | None) -> Trouble:
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    if reason:
        code = CauseCode.DEADLINE_EXCEEDED if reason == "DeadlineExceeded" else CauseCode.EVICTED
        return Trouble(code, reason, message, 0.0)
    if found:
        return replace(found, grace_seconds=0.0)
    return Trouble(CauseCode.CONTAINER_FAILED, "the pod failed", message, 0.0)


def _unscheduled(body: Body) -> Trouble | None:
    scheduled = conditions(body).get("PodScheduled")
    if not scheduled or not scheduled.is_false:
        return None
    code = CauseCode.NODE_PRESSURE if _PRESSURE.search(scheduled.message) else CauseCode.UNSCHEDULABLE
    text = "no node takes the pod" if scheduled.reason == "Unschedulable" else scheduled.reason or "not scheduled"
    return Trouble(code, text, scheduled.message, subject=scheduled.message)


def _not_ready_text(status: Mapping[str, Any]) -> str:
    for container in (*items(status, "initContainerStatuses"), *items(status, "containerStatuses")):
        reason = section(container, "state", "waiting").get("reason")
        if reason:
            return f"container {container.get('name')}: {reason}"
    return f"phase {status.get('phase') or 'not set'}"
