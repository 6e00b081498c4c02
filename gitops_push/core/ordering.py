"""In which order objects are applied and deleted.

Stages follow Flux (fluxcd/pkg/ssa `ApplyAllStaged`, `sort.go`): definitions and namespaces first, classes, then the
rest, webhook configurations last. The rest is split once more, so that what is sent in parallel never refers to itself:
a RoleBinding needs its Role for the escalation check of RBAC, and a bare Pod its ServiceAccount. Phases and waves,
where there are any, come before the stage in the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import groupby
from typing import Final, TypeAlias

from gitops_push.core.objects import ObjectRef


class Stage(IntEnum):
    """A group of objects that may be sent at the same time; the next stage begins when all of it is done."""

    FOUNDATIONS = 0
    """What other objects cannot exist without: waited for before the next stage (Established, Active)."""
    CLASSES = 1
    CONFIGURATION = 2
    """What others refer to."""
    CONNECTIONS = 3
    """What refers to configuration, and is there before the workloads that need it."""
    WORKLOADS = 4
    """Workloads, custom resources, and every kind that is not known here."""
    WEBHOOKS = 5
    """What makes the API server call a workload: a webhook that nobody answers yet would block the rest."""


_RBAC: Final = "rbac.authorization.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"

_KINDS: Final[dict[Stage, tuple[tuple[str, str], ...]]] = {
    Stage.FOUNDATIONS: (
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("", "Namespace"),
        (_RBAC, "ClusterRole"),
    ),
    Stage.CLASSES: (
        ("cluster.x-k8s.io", "ClusterClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "StorageClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        ("networking.k8s.io", "IngressClass"),
        ("gateway.networking.k8s.io", "GatewayClass"),
    ),
    Stage.CONFIGURATION: (
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("", "ServiceAccount"),
        (_RBAC, "Role"),
        ("", "Secret"),
        ("", "ConfigMap"),
        ("", "PersistentVolume"),
    ),
    Stage.CONNECTIONS: (
        (_RBAC, "ClusterRoleBinding"),
        (_RBAC, "RoleBinding"),
        ("", "PersistentVolumeClaim"),
        ("", "Service"),
    ),
    Stage.WORKLOADS: (
        ("apps", "DaemonSet"),
        ("", "Pod"),
        ("", "ReplicationController"),
        ("apps", "ReplicaSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("batch", "Job"),
        ("batch", "CronJob"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("policy", "PodDisruptionBudget"),
        ("networking.k8s.io", "Ingress"),
    ),
    Stage.WEBHOOKS: (
        ("apiregistration.k8s.io", "APIService"),
        (_ADMISSION, "MutatingWebhookConfiguration"),
        (_ADMISSION, "ValidatingWebhookConfiguration"),
    ),
}

_PLACES: Final = {group_kind: (stage, rank) for stage, kinds in _KINDS.items() for rank, group_kind in enumerate(kinds)}
_UNRANKED: Final = 1_000

ApplyKey: TypeAlias = tuple[int, int, str, str, str, str]


def stage_of(ref: ObjectRef) -> Stage:
    """Return the stage in which an object is applied."""
    known = _PLACES.get((ref.group, ref.kind))
    if known:
        return known[0]
    return Stage.CLASSES if ref.kind.endswith("Class") else Stage.WORKLOADS


def apply_key(ref: ObjectRef) -> ApplyKey:
    """Return the sort key of the order of apply; deletion is the reverse. Total: no two refs have the same key."""
    _, rank = _PLACES.get((ref.group, ref.kind), (Stage.WORKLOADS, _UNRANKED))
    return (stage_of(ref), rank, ref.kind, ref.group, ref.namespace, ref.name)


def by_stage(refs: Iterable[ObjectRef]) -> tuple[tuple[Stage, tuple[ObjectRef, ...]], ...]:
    """Return the stages that have objects, in the order of apply, each with its objects in that order."""
    ordered = sorted(refs, key=apply_key)
    return tuple((stage, tuple(members)) for stage, members in groupby(ordered, stage_of))
