"""Pods and their containers: what is worst about a pod, and whether waiting may still help.

Which states are final follows krane (`kubernetes_resource/pod.rb`), with time limits instead of at-once verdicts where
other controllers or people often mend the cause a moment later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import conditions, items, number, section
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready

_NEVER: Final = frozenset({"ErrImageNeverPull", "InvalidImageName"})
_PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})
_SETUP: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_NOT_FOUND_WORDS: Final = ("not found", "manifest unknown", "does not exist")
_IMAGE_GRACE_SECONDS: Final = 10.0
_SETUP_GRACE_SECONDS: Final = 30.0
_CRASH_GRACE_SECONDS: Final = 60.0
_CRASHES_FOR_GOOD: Final = 3


def pod(body: Body) -> Readiness:
    """Return the readiness of a pod. An unschedulable one is progressing: an autoscaler may be adding a node."""
    status = section(body, "status")
    match status.get("phase"):
        case "Succeeded":
            return Ready("completed")
        case "Failed":
            return Failed(_failed_text(status))
    if doomed := pod_trouble(body):
        return doomed
    found = conditions(body)
    scheduled, ready = found.get("PodScheduled"), found.get("Ready")
    if scheduled and scheduled.is_false:
        return Progressing(f"{scheduled.reason or 'not scheduled'}: {scheduled.message}")
    if status.get("phase") == "Running" and ready and ready.is_true:
        return Ready()
    return Progressing(_not_ready_text(status))


def pod_trouble(body: Body) -> Failed | None:
    """Return what keeps a container of the pod from ever running, or None. The worst comes first: the least grace."""
    troubles = [found for container in containers(body) if (found := _container_trouble(container))]
    return min(troubles, key=lambda found: found.grace_seconds, default=None)


def containers(body: Body) -> Iterator[Mapping[str, Any]]:
    """Yield the container statuses of a pod, init containers first."""
    status = section(body, "status")
    for key in ("initContainerStatuses", "containerStatuses"):
        yield from items(status, key)


def _container_trouble(container: Mapping[str, Any]) -> Failed | None:
    waiting = section(container, "state", "waiting")
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    text = f"container {container.get('name')}: {reason}{f': {message}' if message else ''}"
    if reason in _NEVER:
        return Failed(text)
    if reason in _PULLING and any(words in message.lower() for words in _NOT_FOUND_WORDS):
        return Failed(text, _IMAGE_GRACE_SECONDS)
    if reason in _SETUP and "cache" not in message:
        return Failed(text, _SETUP_GRACE_SECONDS)
    if reason == "CrashLoopBackOff":
        for_good = number(container, "restartCount") >= _CRASHES_FOR_GOOD
        return Failed(_crash_text(container), 0.0 if for_good else _CRASH_GRACE_SECONDS)
    return None


def _crash_text(container: Mapping[str, Any]) -> str:
    last = section(container, "lastState", "terminated")
    ended = f", last ended with exit code {last.get('exitCode')} ({last.get('reason', 'Error')})" if last else ""
    return f"container {container.get('name')}: CrashLoopBackOff, {container.get('restartCount', 0)} restarts{ended}"


def _failed_text(status: Mapping[str, Any]) -> str:
    for container in (*items(status, "initContainerStatuses"), *items(status, "containerStatuses")):
        ended = section(container, "state", "terminated")
        if ended.get("exitCode"):
            name, why = container.get("name"), ended.get("reason", "Error")
            return f"container {name}: ended with exit code {ended['exitCode']} ({why})"
    words = (str(status.get(key)) for key in ("reason", "message") if status.get(key))
    return ": ".join(words) or "the pod failed"


def _not_ready_text(status: Mapping[str, Any]) -> str:
    for container in (*items(status, "initContainerStatuses"), *items(status, "containerStatuses")):
        waiting = section(container, "state", "waiting")
        if waiting.get("reason"):
            message = f": {waiting['message']}" if waiting.get("message") else ""
            return f"container {container.get('name')}: {waiting['reason']}{message}"
        if section(container, "state").get("running") is not None and not container.get("ready", False):
            return f"container {container.get('name')}: running, but not ready"
    return f"phase {status.get('phase') or 'not set'}"
