"""Collects why a workload is not ready: its worst pod, what was said about it, and the end of that pod's log.

Events are read once a namespace, logs of a few workloads only, and neither must be readable: what may not be read is
said in half a line. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.pods import NewestPods, PodIndex
from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause, LogTail, conclude
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.events import Event, distinct, event_of, is_since
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Failed, Progressing
from gitops_push.core.readiness.pods import pod_trouble
from gitops_push.core.readiness.troubles import Trouble, worst

LOG_LINES: Final = 20
_MOST_LOGS: Final = 3
_MOST_EVENTS: Final = 4
_BEFORE: Final = timedelta(seconds=5)
_EVENT: Final = ServedKind("", "v1", "Event", "events", namespaced=True)
_WITHOUT_LOG: Final = frozenset(
    {
        CauseCode.IMAGE_NOT_FOUND,
        CauseCode.IMAGE_PULL_FAILED,
        CauseCode.CONTAINER_CONFIG,
        CauseCode.UNSCHEDULABLE,
        CauseCode.NODE_PRESSURE,
        CauseCode.EVICTED,
        CauseCode.MOUNT_FAILED,
    }
)


class Diagnosis:
    """Makes causes; to be asked about what matters most first, since logs are read of few."""

    def __init__(self, reader: ApiReader, pods: PodIndex, otherwise: CauseCode = CauseCode.IN_PROGRESS) -> None:
        self._reader = reader
        self._pods = pods
        self._newest = NewestPods(reader)
        self._otherwise = otherwise
        self._warnings: dict[str, tuple[Event, ...]] = {}
        self._unreadable: dict[str, str] = {}
        self._logs_left = _MOST_LOGS

    def of(self, ref: ObjectRef, live: Body | None, verdict: Failed | Progressing) -> Cause:
        """Return why an object is not ready; `live` is None where it was not seen."""
        otherwise = CauseCode.SAYS_FAILED if isinstance(verdict, Failed) else self._otherwise
        if live is None:
            return Cause(verdict.code or otherwise, verdict.reason)
        pods = self._newest_pods(ref, live)
        found = [(pod, trouble) for pod in pods if (trouble := pod_trouble(pod))]
        trouble = worst(trouble for _, trouble in found)
        alike = [pod for pod, other in found if trouble and _is_alike(other, trouble)]
        events = self._events(ref, live, pods, alike)
        cause = conclude(verdict.code, verdict.reason, trouble, events, otherwise)
        notes = (self._unreadable[ref.namespace],) if ref.namespace in self._unreadable else ()
        cause = replace(cause, events=cause.events[-_MOST_EVENTS:], pods=len(pods), failing=len(alike), notes=notes)
        if not alike:
            return cause
        name = str(alike[0]["metadata"]["name"])
        return replace(cause, pod=name, log=self._log(ref.namespace, name, cause))

    def of_pod(self, ref: ObjectRef, live: Body, pod: Body, trouble: Trouble) -> Cause:
        """Return as a cause what is known already: that something befell this pod of a workload that was ready."""
        name = str(pod["metadata"]["name"])
        events = self._events(ref, live, (pod,), [pod])
        cause = conclude(trouble.code, trouble.text, trouble, events, self._otherwise)
        cause = replace(cause, events=cause.events[-_MOST_EVENTS:], pods=1, failing=1)
        return replace(cause, pod=name, log=self._log(ref.namespace, name, cause))

    def _newest_pods(self, ref: ObjectRef, live: Body) -> tuple[Body, ...]:
        if (ref.group, ref.kind) == ("", "Pod"):
            return (live,)
        pods = self._pods.of(ref)
        return self._newest.of(ref, live, pods) if pods else ()

    def _events(self, ref: ObjectRef, live: Body, pods: Iterable[Body], alike: list[Body]) -> tuple[Event, ...]:
        """Return the warnings about the workload, its ReplicaSet and one pod since its config was last changed."""
        entry = our_entry(live)
        since = entry.owner.at - _BEFORE if entry and entry.owner.at else None
        told = (alike or list(pods))[:1]
        about = {(ref.kind, ref.name), *(("Pod", str(pod["metadata"]["name"])) for pod in told)}
        sets = {str(owner.get("name")) for pod in told for owner in pod["metadata"].get("ownerReferences") or ()}
        return distinct(
            event
            for event in self._warnings_of(ref.namespace)
            if ((event.kind, event.name) in about or _is_of_set(event, ref, sets)) and is_since(event, since)
        )

    def _warnings_of(self, namespace: str) -> tuple[Event, ...]:
        if namespace and namespace not in self._warnings:
            try:
                listed = self._reader.list(_EVENT, namespace).items
            except (ApiFailure, GitopsPushError) as error:
                listed = ()
                self._unreadable[namespace] = f"events cannot be read: {_why(error)}"
            self._warnings[namespace] = tuple(event_of(body) for body in listed if body.get("type") == "Warning")
        return self._warnings.get(namespace, ())

    def _log(self, namespace: str, pod: str, cause: Cause) -> LogTail | None:
        """Return the end of the log of the run that failed; of the present one where that is gone."""
        if not cause.container or cause.code in _WITHOUT_LOG or self._logs_left == 0:
            return None
        self._logs_left -= 1
        if cause.restarts:
            previous = self._read_log(namespace, pod, cause.container, previous=True)
            if not previous.note:
                return previous
        return self._read_log(namespace, pod, cause.container, previous=False)

    def _read_log(self, namespace: str, pod: str, container: str, *, previous: bool) -> LogTail:
        try:
            text = self._reader.pod_log(namespace, pod, container, previous=previous, lines=LOG_LINES)
        except (ApiFailure, GitopsPushError) as error:
            return LogTail(container, previous, note=f"its log cannot be read: {_why(error)}")
        lines = tuple(text.splitlines()[-LOG_LINES:])
        return LogTail(container, previous, lines, "" if lines else "its log is empty")


def _is_alike(other: Trouble, trouble: Trouble) -> bool:
    return (other.code, other.container) == (trouble.code, trouble.container)


def _is_of_set(event: Event, ref: ObjectRef, sets: set[str]) -> bool:
    """Return whether an event is about the newest ReplicaSet of a Deployment; about any of it where it has no pods."""
    if ref.kind != "Deployment" or event.kind != "ReplicaSet":
        return False
    return event.name in sets if sets else event.name.rpartition("-")[0] == ref.name


def _why(error: ApiFailure | GitopsPushError) -> str:
    if isinstance(error, ApiFailure):
        return "not allowed" if error.status == 403 else error.message
    return str(error)
