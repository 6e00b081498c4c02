"""When an object is ready: one pure rule a kind, kstatus at its base with its known gaps closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gitops_push.core.field_check import FieldCheck
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import definitions, jobs, pods, services, storage, workloads
from gitops_push.core.readiness.checks import by_checks
from gitops_push.core.readiness.conditions import deletion, section
from gitops_push.core.readiness.custom import custom
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready, Unknown

__all__ = ["Failed", "Progressing", "Readiness", "Ready", "Unknown", "is_custom", "is_waited_for", "readiness"]

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

_READY_WHEN_STORED: Final = frozenset({("batch", "CronJob"), ("", "Service")})
"""Kinds with a rule of which most objects have nothing to wait for; a Service of type LoadBalancer has."""

_OWN_GROUPS: Final = frozenset(
    {
        "",
        "apps",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""Kubernetes' own groups: a kind of them without a rule has done its part when it is stored."""


def readiness(
    ref: ObjectRef, body: Body, *, checks: Iterable[FieldCheck] = (), waits_for_consumer: bool = False
) -> Readiness:
    """Return whether a live object is ready; `checks`, those of the config, go before our own rules.

    `waits_for_consumer` matters to a PersistentVolumeClaim only: its StorageClass binds at the first use.
    """
    leaving = deletion(body)
    if leaving:
        return leaving
    wanted = tuple(checks)
    if wanted:
        return by_checks(body, wanted)
    if (ref.group, ref.kind) == ("", "PersistentVolumeClaim"):
        return storage.claim(body, waits_for_consumer=waits_for_consumer)
    rule = _RULES.get((ref.group, ref.kind))
    if rule:
        return rule(body)
    return custom(ref.group, ref.kind, body) if is_custom(ref) else Ready()


def is_custom(ref: ObjectRef) -> bool:
    """Return whether an object is of none of Kubernetes' own groups, so that nothing is known of it beforehand."""
    return ref.group not in _OWN_GROUPS


def is_waited_for(ref: ObjectRef, body: Body | None = None) -> bool:
    """Return whether a deployment waits for an object: it is of a kind whose health says something.

    `body` is its manifest. Of Kubernetes' own kinds those without a rule have done their part when they are stored.
    """
    if (ref.group, ref.kind) in _READY_WHEN_STORED:
        return body is not None and section(body, "spec").get("type") == "LoadBalancer"
    return (ref.group, ref.kind) in _RULES or is_custom(ref)
