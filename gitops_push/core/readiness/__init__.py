"""When an object is ready: one pure rule a kind, kstatus at its base with its known gaps closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import definitions, jobs, pods, services, storage, workloads
from gitops_push.core.readiness.conditions import deletion, generic
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready, Unknown

__all__ = ["Failed", "Progressing", "Readiness", "Ready", "Unknown", "is_waited_for", "readiness"]

_RULES: Final[dict[tuple[str, str], Callable[[Body], Readiness]]] = {
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("", "ReplicationController"): workloads.replica_set,
    ("batch", "Job"): jobs.job,
    ("batch", "CronJob"): jobs.cron_job,
    ("", "Pod"): pods.pod,
    ("", "PersistentVolumeClaim"): storage.claim,
    ("", "Service"): services.service,
    ("", "Namespace"): definitions.namespace,
    ("autoscaling", "HorizontalPodAutoscaler"): services.autoscaler,
    ("policy", "PodDisruptionBudget"): services.disruption_budget,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definitions.definition,
    ("apiregistration.k8s.io", "APIService"): definitions.api_service,
}

_WAITED_FOR: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("apps", "ReplicaSet"),
        ("", "ReplicationController"),
        ("batch", "Job"),
        ("", "Pod"),
        ("", "PersistentVolumeClaim"),
        ("", "Namespace"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)

_WITHOUT_STATUS: Final = frozenset(
    {
        "",
        "apps",
        "admissionregistration.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""Kubernetes' own groups: a kind of them without a rule has done its part when it is stored."""


def readiness(ref: ObjectRef, body: Body, *, waits_for_consumer: bool = False) -> Readiness:
    """Return whether a live object is ready.

    `waits_for_consumer` matters to a PersistentVolumeClaim only: its StorageClass binds at the first use.
    """
    leaving = deletion(body)
    if leaving:
        return leaving
    if (ref.group, ref.kind) == ("", "PersistentVolumeClaim"):
        return storage.claim(body, waits_for_consumer=waits_for_consumer)
    rule = _RULES.get((ref.group, ref.kind))
    if rule:
        return rule(body)
    return Ready() if ref.group in _WITHOUT_STATUS else generic(body)


def is_waited_for(ref: ObjectRef) -> bool:
    """Return whether a deployment waits for objects of this kind: what a rollout is about, and what others stand on."""
    return (ref.group, ref.kind) in _WAITED_FOR
