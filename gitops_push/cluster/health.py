"""The health of one live object with what belongs to it: its pods, the class of its storage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.pods import NewestPods, PodIndex, has_pods
from gitops_push.core.causes import CauseCode
from gitops_push.core.environment import WaitRule
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.expectation import checks_for
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, readiness
from gitops_push.core.readiness.pods import has_failed, pod_trouble

_COUNTED_BY_JOBS: Final = frozenset({CauseCode.CRASH_LOOP, CauseCode.OOM_KILLED, CauseCode.START_FAILED})
_STORAGE_CLASS: Final = ServedKind("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)


class HealthCheck:
    """Judges live objects, by the config's `rules` first; remembers the storage classes it looked up."""

    def __init__(self, reader: ApiReader, pods: PodIndex, rules: Iterable[WaitRule] = ()) -> None:
        self._reader = reader
        self._pods = pods
        self._newest = NewestPods(reader)
        self._rules = tuple(rules)
        self._binds_late: dict[str, bool] = {}

    def of(self, ref: ObjectRef, live: Body) -> Readiness:
        """Return the readiness of an object; a workload that waits for a pod that will never run has failed."""
        checks = checks_for(ref, self._rules)
        found = readiness(ref, live, checks=checks, waits_for_consumer=self._waits_for_consumer(ref, live))
        if isinstance(found, Progressing) and has_pods(ref):
            return self._by_pods(ref, live, found)
        return found

    def _by_pods(self, ref: ObjectRef, live: Body, found: Progressing) -> Readiness:
        """A pod that runs shows that the others can: only where none of the newest does, waiting is in vain.

        Each pod of a StatefulSet has a place of its own: no other can stand in for it. A pod that is over is replaced.
        """
        present = tuple(body for body in self._pods.of(ref) if not has_failed(body))
        if not any(_doom(ref, body) for body in present):
            return found
        newest = self._newest.of(ref, live, present)
        dooms = [doom for body in newest if (doom := _doom(ref, body))]
        if not dooms or (len(dooms) < len(newest) and ref.kind != "StatefulSet"):
            return found
        last = max(dooms, key=lambda doom: doom.grace_seconds)
        return Failed(found.reason, last.grace_seconds, last.code)

    def _waits_for_consumer(self, ref: ObjectRef, live: Body) -> bool:
        if (ref.group, ref.kind) != ("", "PersistentVolumeClaim"):
            return False
        name = str((live.get("spec") or {}).get("storageClassName") or "")
        if not name:
            return False
        if name not in self._binds_late:
            self._binds_late[name] = self._read_binding_mode(name) == "WaitForFirstConsumer"
        return self._binds_late[name]

    def _read_binding_mode(self, name: str) -> str:
        """Return the class's mode, or "" where it may not be read: then a claim is waited for like any other."""
        try:
            found = self._reader.get(_STORAGE_CLASS, "", name)
        except (ApiFailure, GitopsPushError):
            return ""
        return str(found.get("volumeBindingMode", "")) if found else ""


def _doom(ref: ObjectRef, body: Body) -> Failed | None:
    """A Job counts the crashes of its pods itself, and gives up by its own backoffLimit."""
    trouble = pod_trouble(body)
    verdict = trouble.verdict if trouble else None
    if not isinstance(verdict, Failed) or (ref.kind == "Job" and verdict.code in _COUNTED_BY_JOBS):
        return None
    return verdict
