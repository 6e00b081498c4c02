"""The health of one live object with what belongs to it: its pods, the class of its storage."""

from __future__ import annotations

from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.pods import PodIndex, has_pods, of_newest_revision
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, readiness
from gitops_push.core.readiness.pods import pod, pod_trouble

_STORAGE_CLASS: Final = ServedKind("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)


class HealthCheck:
    """Judges live objects; remembers the storage classes it looked up."""

    def __init__(self, reader: ApiReader, pods: PodIndex) -> None:
        self._reader = reader
        self._pods = pods
        self._binds_late: dict[str, bool] = {}

    def of(self, ref: ObjectRef, live: Body) -> Readiness:
        """Return the readiness of an object; a workload that waits for a pod that will never run has failed."""
        found = readiness(ref, live, waits_for_consumer=self._waits_for_consumer(ref, live))
        if isinstance(found, Progressing) and has_pods(ref):
            return self._by_pods(ref, live, found)
        return found

    def _by_pods(self, ref: ObjectRef, live: Body, found: Progressing) -> Readiness:
        troubled = [body for body in self._pods.of(ref) if _trouble(ref, body)]
        if not troubled:
            return found
        # Only pods in trouble are sorted by revision: that may cost a request.
        for body in of_newest_revision(self._reader, ref, live, troubled):
            trouble = _trouble(ref, body)
            if trouble:
                text = f"{found.reason}; pod {body['metadata']['name']}: {trouble.reason}"
                return Failed(text, trouble.grace_seconds)
        return found

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


def pod_state(body: Body) -> str:
    """Return in a few words why a pod is not ready, or ""."""
    found = pod(body)
    return found.reason if isinstance(found, (Failed, Progressing)) else ""


def _trouble(ref: ObjectRef, body: Body) -> Failed | None:
    """A Job counts the crashes of its pods itself, and gives up by its own backoffLimit."""
    trouble = pod_trouble(body)
    return None if trouble and ref.kind == "Job" and "CrashLoopBackOff" in trouble.reason else trouble
