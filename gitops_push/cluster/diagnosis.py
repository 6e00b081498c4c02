"""Why a workload is not ready, in one or two lines: its worst pod, and the last thing that its controllers said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.health import pod_state
from gitops_push.cluster.pods import PodIndex
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.objects import Body, ObjectRef

_EVENT: Final = ServedKind("", "v1", "Event", "events", namespaced=True)


class Diagnosis:
    """Collects the evidence; reads the events of each namespace once."""

    def __init__(self, reader: ApiReader, pods: PodIndex) -> None:
        self._reader = reader
        self._pods = pods
        self._events: dict[str, tuple[Body, ...]] = {}

    def of(self, ref: ObjectRef, reason: str) -> str:
        """Return `reason`, the state of the worst pod unless it is in there, and the last warning about it."""
        pods = self._pods.of(ref)
        lines = [reason]
        worst = _worst(pods)
        if worst and worst not in reason:
            lines[0] = f"{reason}; {worst}"
        warning = self._last_warning(ref, pods)
        if warning and warning not in lines[0]:
            lines.append(f"last event: {warning}")
        return "\n".join(lines)

    def _last_warning(self, ref: ObjectRef, pods: Iterable[Body]) -> str:
        names = {(ref.kind, ref.name), *(("Pod", str(pod["metadata"]["name"])) for pod in pods)}
        about = [event for event in self._warnings(ref.namespace) if _is_about(event, ref, names)]
        if not about:
            return ""
        last = max(about, key=_time)
        return f"{last.get('reason')}: {last.get('message')}"

    def _warnings(self, namespace: str) -> tuple[Body, ...]:
        """Events help, but they are not needed: where they may not be read there are none."""
        if not namespace:
            return ()
        if namespace not in self._events:
            try:
                listed = self._reader.list(_EVENT, namespace).items
            except (ApiFailure, GitopsPushError):
                listed = ()
            self._events[namespace] = tuple(event for event in listed if event.get("type") == "Warning")
        return self._events[namespace]


def _worst(pods: Iterable[Body]) -> str:
    states = [(str(pod["metadata"]["name"]), state) for pod in pods if (state := pod_state(pod))]
    # A pod that says more than that it is not ready yet is worth more than the first one by name.
    told = sorted(states, key=lambda found: found[1].startswith("phase ") or found[1].endswith("not ready"))
    return f"pod {told[0][0]}: {told[0][1]}" if told else ""


def _is_about(event: Body, ref: ObjectRef, names: set[tuple[str, str]]) -> bool:
    about = event.get("involvedObject") or {}
    kind, name = str(about.get("kind", "")), str(about.get("name", ""))
    of_replica_set = ref.kind == "Deployment" and kind == "ReplicaSet" and name.rpartition("-")[0] == ref.name
    return (kind, name) in names or of_replica_set


def _time(event: Body) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(found) for found in times if found), "")
