"""Which pods belong to which workload, and which of them are of its newest revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.objects import Body, ObjectRef

POD: Final = ServedKind("", "v1", "Pod", "pods", namespaced=True)
REPLICA_SET: Final = ServedKind("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)
_REVISION: Final = "deployment.kubernetes.io/revision"
_TEMPLATE_HASH: Final = "pod-template-hash"
_CONTROLLER_HASH: Final = "controller-revision-hash"
_DAEMON_GENERATION: Final = "deprecated.daemonset.template.generation"
_POD_GENERATION: Final = "pod-template-generation"

_GROUPS: Final = {
    "Deployment": "apps",
    "ReplicaSet": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "Job": "batch",
    "ReplicationController": "",
}


def has_pods(ref: ObjectRef) -> bool:
    """Return whether objects of this kind make pods that tell why they are not ready."""
    return _GROUPS.get(ref.kind) == ref.group


def is_pod(kind: ServedKind) -> bool:
    """Return whether a kind is that of pods, at whatever verbs it is served."""
    return (kind.group, kind.kind) == (POD.group, POD.kind)


def owners_of(pod: Body) -> Iterator[ObjectRef]:
    """Yield the workloads that a pod belongs to: its controller, and the Deployment behind a ReplicaSet.

    The name of a Deployment's ReplicaSet is its own name and the hash of the pod template, which is a label of the pod.
    """
    metadata = pod.get("metadata") or {}
    namespace = str(metadata.get("namespace", ""))
    for owner in metadata.get("ownerReferences") or ():
        kind, name = str(owner.get("kind", "")), str(owner.get("name", ""))
        if not owner.get("controller") or kind not in _GROUPS:
            continue
        yield ObjectRef(_GROUPS[kind], kind, namespace, name)
        template_hash = (metadata.get("labels") or {}).get(_TEMPLATE_HASH)
        if kind == "ReplicaSet" and template_hash and name.endswith(f"-{template_hash}"):
            yield ObjectRef("apps", "Deployment", namespace, name.removesuffix(f"-{template_hash}"))


class PodIndex:
    """The pods seen so far, by workload."""

    def __init__(self) -> None:
        self._pods: dict[tuple[str, str], Body] = {}
        self._by_owner: dict[ObjectRef, set[tuple[str, str]]] = {}

    def replace_all(self, namespace: str, bodies: Mapping[str, Body | None]) -> set[ObjectRef]:
        """Take in a whole list; returns the workloads whose pods changed."""
        gone = {name for place, name in self._pods if place == namespace} - bodies.keys()
        return self.update(namespace, {**bodies, **dict.fromkeys(gone)})

    def update(self, namespace: str, bodies: Mapping[str, Body | None]) -> set[ObjectRef]:
        """Take in pods by name, None for those that are gone; returns the workloads whose pods changed."""
        changed: set[ObjectRef] = set()
        for name, body in bodies.items():
            key = (namespace, name)
            old = self._pods.pop(key, None)
            for owner in owners_of(old) if old else ():
                self._by_owner[owner].discard(key)
                changed.add(owner)
            if body is not None:
                self._pods[key] = body
                for owner in owners_of(body):
                    self._by_owner.setdefault(owner, set()).add(key)
                    changed.add(owner)
        return changed

    def of(self, workload: ObjectRef) -> tuple[Body, ...]:
        """Return the pods of a workload by name, those that are being deleted left out."""
        pods = (self._pods[key] for key in sorted(self._by_owner.get(workload, ())))
        return tuple(pod for pod in pods if not pod["metadata"].get("deletionTimestamp"))


class NewestPods:
    """Tells the pods of a workload's newest revision: pods of an old one are on their way out, whatever their state.

    Reads the ReplicaSets of a Deployment, each once a generation.
    """

    def __init__(self, reader: ApiReader) -> None:
        self._reader = reader
        self._revisions: dict[tuple[ObjectRef, int, str], str] = {}

    def of(self, workload: ObjectRef, live: Body, pods: Iterable[Body]) -> tuple[Body, ...]:
        """Return those of `pods` that are of the newest revision.

        None while the controller has not seen the newest template yet: then every pod is of an old one. Where the
        revision cannot be told (the ReplicaSet may not be read), all are returned.
        """
        if not _is_observed(live):
            return ()
        return tuple(pod for pod in pods if self._is_newest(workload, live, pod))

    def _is_newest(self, workload: ObjectRef, live: Body, pod: Body) -> bool:
        match workload.kind:
            case "DaemonSet":
                newest, found = _annotation(live, _DAEMON_GENERATION), _label(pod, _POD_GENERATION)
            case "StatefulSet":
                newest, found = _update_revision(live), _label(pod, _CONTROLLER_HASH)
                return not newest or found == newest
            case "Deployment":
                newest, found = _annotation(live, _REVISION), self._revision(workload, live, pod)
            case _:
                return True
        return not newest or found in {"", newest}

    def _revision(self, workload: ObjectRef, live: Body, pod: Body) -> str:
        template_hash = _label(pod, _TEMPLATE_HASH)
        key = (workload, int(live["metadata"].get("generation", 0)), template_hash)
        if key not in self._revisions:
            self._revisions[key] = self._read_revision(workload, template_hash)
        return self._revisions[key]

    def _read_revision(self, workload: ObjectRef, template_hash: str) -> str:
        try:
            found = self._reader.get(REPLICA_SET, workload.namespace, f"{workload.name}-{template_hash}")
        except (ApiFailure, GitopsPushError):
            return ""
        return _annotation(found, _REVISION) if found else ""


def _update_revision(live: Body) -> str:
    return str((live.get("status") or {}).get("updateRevision") or "")


def _is_observed(live: Body) -> bool:
    """Controllers set the revision of a template before they say that they have seen its generation."""
    observed = (live.get("status") or {}).get("observedGeneration")
    return not isinstance(observed, int) or observed >= int(live["metadata"].get("generation", 0))


def _label(body: Body, name: str) -> str:
    return str(_metadata(body, "labels").get(name, ""))


def _annotation(body: Body, name: str) -> str:
    return str(_metadata(body, "annotations").get(name, ""))


def _metadata(body: Body, name: str) -> Mapping[str, Any]:
    return (body.get("metadata") or {}).get(name) or {}
