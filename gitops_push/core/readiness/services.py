"""Services, HorizontalPodAutoscalers and PodDisruptionBudgets."""

from __future__ import annotations

import json
from typing import Final

from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import conditions, section, unobserved
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready

_METRIC_GRACE_SECONDS: Final = 180.0
"""Metrics of new pods take a while to appear; until then an autoscaler reports failures that pass."""

_NOTED_CONDITIONS: Final = "autoscaling.alpha.kubernetes.io/conditions"

_BROKEN_SCALING: Final = frozenset(
    {
        "FailedGetScale",
        "FailedUpdateScale",
        "FailedGetResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "FailedComputeMetricsReplicas",
        "InvalidSelector",
    }
)


def service(body: Body) -> Readiness:
    """Return the readiness of a Service: one of type LoadBalancer needs its address (the rule of Argo CD)."""
    if section(body, "spec").get("type") != "LoadBalancer":
        return Ready()
    if section(body, "status", "loadBalancer").get("ingress"):
        return Ready()
    return Progressing("its load balancer has no address yet")


def autoscaler(body: Body) -> Readiness:
    """Return the readiness of a HorizontalPodAutoscaler, by its conditions (the rule of Argo CD, with a grace)."""
    waiting = unobserved(body)
    if waiting:
        return waiting
    found = conditions(_with_noted_conditions(body))
    for name in ("AbleToScale", "ScalingActive"):
        condition = found.get(name)
        if condition and condition.is_false and condition.reason in _BROKEN_SCALING:
            return Failed(condition.describe(name), _METRIC_GRACE_SECONDS)
    if any((condition := found.get(name)) and condition.is_true for name in ("AbleToScale", "ScalingLimited")):
        return Ready()
    return Progressing("its controller has not come by yet")


def disruption_budget(body: Body) -> Readiness:
    """Return the readiness of a PodDisruptionBudget: its controller has seen it (kstatus)."""
    return unobserved(body, required=True) or Ready()


def _with_noted_conditions(body: Body) -> Body:
    """Return an autoscaler with the conditions that `autoscaling/v1` has in an annotation, as JSON."""
    noted = section(body, "metadata", "annotations").get(_NOTED_CONDITIONS)
    if not isinstance(noted, str):
        return body
    try:
        return {**body, "status": {**section(body, "status"), "conditions": json.loads(noted)}}
    except (ValueError, RecursionError):
        return body
