"""What a change does beyond its fields: pods that restart, data that goes, traffic that moves. One line each.

Only what is certain from the two states of an object is said. Notes hold names and numbers, and no other values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.pod_counts import RUNNING_KINDS, pod_count


@dataclass(frozen=True, slots=True)
class Transition:
    """One object before and after; `live` is None for a new one. `changed` are the fields that differ."""

    ref: ObjectRef
    live: Body | None = field(repr=False)
    after: Body = field(repr=False)
    changed: tuple[FieldPath, ...] = ()

    def changes(self, *path: str) -> bool:
        """Return whether the field, something in it or something around it differs; of a new object nothing does."""
        return self.live is not None and any(
            all(a == b for a, b in zip(path, other, strict=False)) for other in self.changed
        )

    def both(self, *path: str) -> tuple[Any, Any]:
        """Return the value before and after, None where there is none."""
        return at(self.live, *path), at(self.after, *path)


def at(body: Any, *path: str) -> Any:
    """Return the value at a path of keys, or None."""
    for key in path:
        body = body.get(key) if isinstance(body, Mapping) else None
    return body


def mappings_at(body: Any, *path: str) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings of the list at a path of keys; a manifest that no server has seen may hold anything there."""
    found = at(body, *path)
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def impact_of_write(transition: Transition) -> tuple[str, ...]:
    """Return what creating or updating an object brings about."""
    rule = _WRITES.get((transition.ref.group, transition.ref.kind))
    return tuple(rule(transition)) if rule else ()


def impact_of_deletion(ref: ObjectRef, live: Body) -> tuple[str, ...]:
    """Return what deleting an object takes along."""
    rule = _DELETIONS.get((ref.group, ref.kind))
    return tuple(rule(live)) if rule else ()


def live_pods(live: Body) -> int:
    """Return the pods that end with a workload, a Job or a bare Pod."""
    match live.get("kind"):
        case "Job":
            return int(at(live, "status", "active") or 0)
        case "Pod":
            return int(at(live, "status", "phase") not in {"Succeeded", "Failed"})
        case _:
            return pod_count(live)


def pods(number: int) -> str:
    """Return `1 pod` or `3 pods`."""
    return "1 pod" if number == 1 else f"{number} pods"


def _workload(change: Transition) -> Iterator[str]:
    if change.live is None:
        return
    running = pod_count(change.live)
    if running and change.changes("spec", "replicas") and at(change.after, "spec", "replicas") == 0:
        yield f"scales to 0: stops all of its pods ({running})" if running > 1 else "scales to 0: stops its only pod"
    elif running and change.changes("spec", "template"):
        yield _restart(change, running)


def _restart(change: Transition, running: int) -> str:
    """Say how a new pod template rolls out (the Deployment, StatefulSet and DaemonSet controllers of Kubernetes)."""
    spec = at(change.after, "spec")
    if at(spec, "paused"):
        return "restarts no pod as long as it is paused"
    if at(spec, "updateStrategy", "type") == "OnDelete":
        return "restarts no pod by itself (updateStrategy OnDelete): each keeps its old template until it is deleted"
    if at(spec, "strategy", "type") == "Recreate":
        return f"restarts {pods(running)}, down meanwhile: strategy Recreate stops the old before it starts the new"
    partition = at(spec, "updateStrategy", "rollingUpdate", "partition")
    if change.ref.kind == "StatefulSet" and isinstance(partition, int) and partition:
        return f"restarts {pods(max(0, running - partition))} of {running} (partition {partition})"
    return f"restarts {pods(running)}"


def _service(change: Transition) -> Iterator[str]:
    if change.live is None:
        return
    old, new = change.both("spec", "type")
    if change.changes("spec", "type") and "LoadBalancer" in (old, new):
        yield "its load balancer and address are given up" if old == "LoadBalancer" else "gets a load balancer"
    if change.changes("spec", "clusterIP") and at(change.live, "spec", "clusterIP") and new == "ExternalName":
        yield "gives up its cluster IP"
    if change.changes("spec", "loadBalancerIP") and old == new == "LoadBalancer":
        address = at(change.after, "spec", "loadBalancerIP")
        yield f"its load balancer moves to {address}" if address else "its load balancer may get another address"
    if change.changes("spec", "selector"):
        yield f"selects pods by other labels: {_labels(change.live)} -> {_labels(change.after)}"


def _labels(body: Body) -> str:
    found = at(body, "spec", "selector")
    selector = found if isinstance(found, Mapping) else {}
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or "none"


def _disruption_budget(change: Transition) -> Iterator[str]:
    if _allows_none(change.after) and not (change.live is not None and _allows_none(change.live)):
        yield "allows no eviction at all: nodes with such a pod cannot be drained"


def _allows_none(body: Body) -> bool:
    return at(body, "spec", "maxUnavailable") in (0, "0%") or at(body, "spec", "minAvailable") == "100%"


def _cron_job(change: Transition) -> Iterator[str]:
    if change.changes("spec", "suspend"):
        yield "starts no more jobs" if at(change.after, "spec", "suspend") else "starts jobs again"


def _ingress(change: Transition) -> Iterator[str]:
    if change.live is None:
        return
    gone = sorted(_hosts(change.live) - _hosts(change.after))
    if gone and change.changes("spec", "rules"):
        yield f"no longer serves {', '.join(gone)}"
    if change.changes("spec", "ingressClassName"):
        old, new = change.both("spec", "ingressClassName")
        yield f"is served by ingress class {new or '(the default)'} instead of {old or '(the default)'}"


def _hosts(body: Body) -> set[str]:
    return {str(rule["host"]) for rule in mappings_at(body, "spec", "rules") if rule.get("host")}


def _definition(change: Transition) -> Iterator[str]:
    if change.live is None:
        return
    gone = sorted(_served(change.live) - _served(change.after))
    if gone:
        yield f"no longer serves {', '.join(gone)}"


def _served(body: Body) -> set[str]:
    return {str(version.get("name")) for version in mappings_at(body, "spec", "versions") if version.get("served")}


def _stops(live: Body) -> Iterator[str]:
    if running := live_pods(live):
        yield f"stops {pods(running)}"
    if at(live, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        yield "deletes the volume claims of its pods (whenDeleted: Delete)"


def _secret_gone(live: Body) -> Iterator[str]:
    if number := len(at(live, "data") or ()):
        yield f"deletes {number} secret {'value' if number == 1 else 'values'}"


def _claim_gone(live: Body) -> Iterator[str]:
    volume = at(live, "spec", "volumeName")
    if volume:
        yield f"deletes volume {volume} and its data, unless its reclaim policy is Retain"


def _volume_gone(live: Body) -> Iterator[str]:
    keeps = at(live, "spec", "persistentVolumeReclaimPolicy") == "Retain"
    yield "its data stays on the storage (reclaim policy Retain)" if keeps else "its data may be deleted with it"


def _namespace_gone(live: Body) -> Iterator[str]:  # noqa: ARG001
    yield "deletes everything in the namespace, also what is not in the config"


def _definition_gone(live: Body) -> Iterator[str]:
    yield f"deletes every {at(live, 'spec', 'names', 'kind')} in the cluster"


def _service_gone(live: Body) -> Iterator[str]:
    if at(live, "spec", "type") == "LoadBalancer":
        yield "its load balancer and address are given up"


def _ingress_gone(live: Body) -> Iterator[str]:
    if hosts := sorted(_hosts(live)):
        yield f"no longer serves {', '.join(hosts)}"


_OnWrite: TypeAlias = Callable[[Transition], Iterator[str]]
_OnDeletion: TypeAlias = Callable[[Body], Iterator[str]]

_WRITES: Final[Mapping[tuple[str, str], _OnWrite]] = {
    **dict.fromkeys(RUNNING_KINDS, _workload),
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("batch", "CronJob"): _cron_job,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
}
_DELETIONS: Final[Mapping[tuple[str, str], _OnDeletion]] = {
    **dict.fromkeys((*RUNNING_KINDS, ("apps", "ReplicaSet"), ("batch", "Job"), ("", "Pod")), _stops),
    ("", "Namespace"): _namespace_gone,
    ("", "PersistentVolume"): _volume_gone,
    ("", "PersistentVolumeClaim"): _claim_gone,
    ("", "Secret"): _secret_gone,
    ("", "Service"): _service_gone,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition_gone,
    ("networking.k8s.io", "Ingress"): _ingress_gone,
}
