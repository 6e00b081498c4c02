"""The time after everything was ready, in which it must stay so: which container has been restarted since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import items, number, section
from gitops_push.core.readiness.troubles import Trouble


@dataclass(slots=True)
class Soak:
    """Began at `began_at`. Counts restarts of containers from when a pod was first seen in it."""

    began_at: float
    _counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def restarted(self, pods: Iterable[Body]) -> tuple[Body, Trouble] | None:
        """Return the pod and the container of these that was restarted most, or None if none was."""
        more = [(count, pod, container) for pod in pods for count, container in self._restarts(pod)]
        if not more:
            return None
        count, pod, container = max(more, key=lambda found: found[0])
        return (pod, _trouble(count, container)) if count > 0 else None

    def _restarts(self, pod: Body) -> Iterator[tuple[int, Mapping[str, Any]]]:
        status = section(pod, "status")
        states = (*items(status, "initContainerStatuses"), *items(status, "containerStatuses"))
        counts = {str(state.get("name", "")): number(state, "restartCount") for state in states}
        before = self._counts.setdefault(str(section(pod, "metadata").get("uid", "")), counts)
        for state in states:
            name = str(state.get("name", ""))
            yield counts[name] - before.get(name, 0), state


def _trouble(count: int, container: Mapping[str, Any]) -> Trouble:
    ended = section(container, "lastState", "terminated")
    code = ended.get("exitCode")
    how = f", last ended with exit code {code} ({ended.get('reason', 'Error')})" if ended else ""
    name, times = str(container.get("name", "")), "once" if count == 1 else f"{count} times"
    text = f"container {name}: restarted {times} after it was ready{how}"
    exit_code = code if isinstance(code, int) else None
    return Trouble(CauseCode.RESTARTED, text, grace_seconds=0.0, container=name, exit_code=exit_code, restarts=count)
