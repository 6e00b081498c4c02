"""Deployments, StatefulSets, DaemonSets, ReplicaSets: kstatus, with its known gaps closed.

Source: sigs.k8s.io/cli-utils `pkg/kstatus/status/core.go`, and the rollout pages of the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import Condition, conditions, number, section, unobserved
from gitops_push.core.readiness.creation import creation_code
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready

_NO_DEADLINE: Final = 2**31 - 1
"""The value of progressDeadlineSeconds that means none: then there is no Progressing condition."""

_CREATION_GRACE_SECONDS: Final = 20.0
"""A quota may be full only until the old pods are gone."""


def deployment(body: Body) -> Readiness:
    """Return the readiness of a Deployment; a paused one is ready, because nothing will happen to it."""
    waiting = unobserved(body, required=True)
    if waiting:
        return waiting
    spec, status = section(body, "spec"), section(body, "status")
    if spec.get("paused") is True:
        return Ready("paused")
    found = conditions(body)
    progressing = found.get("Progressing")
    if progressing and progressing.reason == "ProgressDeadlineExceeded":
        return Failed(progressing.describe("no progress within its deadline"), code=CauseCode.DEADLINE_EXCEEDED)
    if (failure := found.get("ReplicaFailure")) and failure.is_true:
        return _not_created(failure)
    lag = _deployment_lag(number(spec, "replicas", 1), status)
    if lag:
        return Progressing(lag)
    has_deadline = number(spec, "progressDeadlineSeconds", _NO_DEADLINE) != _NO_DEADLINE
    if has_deadline and not (progressing and progressing.reason == "NewReplicaSetAvailable"):
        return Progressing("its rollout is not finished")
    available = found.get("Available")
    if not (available and available.is_true):
        return Progressing(available.describe("not available") if available else "not available yet")
    return Ready()


def stateful_set(body: Body) -> Readiness:
    """Return the readiness of a StatefulSet; with OnDelete, old pods are named but do not hold it up."""
    waiting = unobserved(body, required=True)
    if waiting:
        return waiting
    spec, status = section(body, "spec"), section(body, "status")
    wanted = number(spec, "replicas", 1)
    # Without minReadySeconds a pod is available when it is ready.
    counts = ("replicas", "readyReplicas", *(("availableReplicas",) if number(spec, "minReadySeconds") else ()))
    lag = _lag(wanted, status, *counts)
    if lag:
        return Progressing(lag)
    if number(status, "replicas") > wanted:
        return Progressing(f"{number(status, 'replicas') - wanted} pods too many")
    if section(spec, "updateStrategy").get("type") == "OnDelete":
        return _on_delete(status, wanted)
    partition = number(section(spec, "updateStrategy", "rollingUpdate"), "partition")
    if number(status, "updatedReplicas") < wanted - partition:
        return Progressing(f"{number(status, 'updatedReplicas')} of {wanted - partition} pods updated")
    # While pods are replaced one by one the counts may all fit for a moment; the revisions agree only at the end.
    if partition == 0 and status.get("currentRevision") != status.get("updateRevision"):
        return Progressing("its rollout is not finished")
    return Ready()


def daemon_set(body: Body) -> Readiness:
    """Return the readiness of a DaemonSet; with OnDelete, how many pods are updated does not count."""
    waiting = unobserved(body, required=True)
    if waiting:
        return waiting
    status = section(body, "status")
    if "desiredNumberScheduled" not in status:
        return Progressing("its pods are not counted yet")
    on_delete = section(body, "spec", "updateStrategy").get("type") == "OnDelete"
    counts = ["currentNumberScheduled", "numberAvailable", "numberReady"]
    if not on_delete:
        counts.insert(1, "updatedNumberScheduled")
    lag = _lag(number(status, "desiredNumberScheduled"), status, *counts)
    return Progressing(lag) if lag else Ready()


def replica_set(body: Body) -> Readiness:
    """Return the readiness of a ReplicaSet (also of a ReplicationController, which has the same fields)."""
    waiting = unobserved(body, required=True)
    if waiting:
        return waiting
    failure = conditions(body).get("ReplicaFailure")
    if failure and failure.is_true:
        return _not_created(failure)
    status, wanted = section(body, "status"), number(section(body, "spec"), "replicas", 1)
    lag = _lag(wanted, status, "fullyLabeledReplicas", "availableReplicas", "readyReplicas")
    if lag:
        return Progressing(lag)
    surplus = number(status, "replicas") - wanted
    return Progressing(f"{surplus} pods too many") if surplus > 0 else Ready()


def _not_created(failure: Condition) -> Failed:
    return Failed(failure.describe("pods cannot be created"), _CREATION_GRACE_SECONDS, creation_code(failure.message))


_WORDS: Final = {
    "replicas": "created",
    "updatedReplicas": "updated",
    "readyReplicas": "ready",
    "availableReplicas": "available",
    "fullyLabeledReplicas": "labelled",
    "currentNumberScheduled": "scheduled",
    "updatedNumberScheduled": "updated",
    "numberAvailable": "available",
    "numberReady": "ready",
}


def _lag(wanted: int, status: Mapping[str, Any], *counts: str) -> str:
    """Return the first count that is behind, as "1 of 3 pods ready", or ""."""
    for count in counts:
        if number(status, count) < wanted:
            return f"{number(status, count)} of {wanted} pods {_WORDS[count]}"
    return ""


def _deployment_lag(wanted: int, status: Mapping[str, Any]) -> str:
    lag = _lag(wanted, status, "updatedReplicas")
    if lag:
        return lag
    old = number(status, "replicas") - number(status, "updatedReplicas")
    if old > 0:
        return f"{old} old pods still running"
    return _lag(wanted, status, "availableReplicas", "readyReplicas")


def _on_delete(status: Mapping[str, Any], wanted: int) -> Ready:
    old = wanted - number(status, "updatedReplicas")
    return Ready(f"{old} pods keep the old revision until they are deleted" if old > 0 else "")
