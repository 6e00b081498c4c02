from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import ObjectRef
from gitops_push.core.readiness import Failed, Progressing, Readiness, Ready, readiness
from tests.unit.core.readiness.bodies import body, conditions

NEW = ("True", "NewReplicaSetAvailable")


def of(kind: str, found: dict[str, Any]) -> Readiness:
    return readiness(ObjectRef("apps", kind, "shop", "web"), found)


def deployment(found: dict[str, Any], **spec: Any) -> dict[str, Any]:
    full = {"replicas": 2, "progressDeadlineSeconds": 600, **spec}
    return body("Deployment", {"observedGeneration": 2, **found}, **full)


def replicas(total: int, updated: int, available: int, ready: int | None = None) -> dict[str, Any]:
    return {
        "replicas": total,
        "updatedReplicas": updated,
        "availableReplicas": available,
        "readyReplicas": available if ready is None else ready,
    }


DONE = conditions(Available="True", Progressing=NEW)
STUCK = conditions(Progressing=("False", "ProgressDeadlineExceeded", "no progress in 600 s"), Available="False")
NO_QUOTA = conditions(ReplicaFailure=("True", "FailedCreate", "exceeded quota"), Progressing="True")

DEPLOYMENTS = {
    "all replicas available": (deployment(replicas(2, 2, 2) | DONE), Ready()),
    "one replica by default": (body("Deployment", {"observedGeneration": 2, **replicas(1, 1, 1), **DONE}), Ready()),
    "scaled to nothing": (deployment(DONE, replicas=0), Ready()),
    "paused": (deployment(replicas(2, 0, 2), paused=True), Ready("paused")),
    "not observed yet": (
        deployment({**replicas(2, 2, 2), **DONE, "observedGeneration": 1}),
        Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED),
    ),
    "never observed": (
        body("Deployment"),
        Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED),
    ),
    "some updated": (deployment(replicas(2, 1, 2) | DONE), Progressing("1 of 2 pods updated")),
    "old pods left": (deployment(replicas(3, 2, 2) | DONE), Progressing("1 old pods still running")),
    "some available": (deployment(replicas(2, 2, 1) | DONE), Progressing("1 of 2 pods available")),
    "available but not ready": (deployment(replicas(2, 2, 2, 1) | DONE), Progressing("1 of 2 pods ready")),
    "rollout not finished": (
        deployment(replicas(2, 2, 2) | conditions(Available="True", Progressing=("True", "ReplicaSetUpdated"))),
        Progressing("its rollout is not finished"),
    ),
    "no deadline, so no condition": (
        deployment(replicas(2, 2, 2) | conditions(Available="True"), progressDeadlineSeconds=2147483647),
        Ready(),
    ),
    "not available": (
        deployment(replicas(2, 2, 2) | conditions(Available=("False", "Min", "too few"), Progressing=NEW)),
        Progressing("too few"),
    ),
    "its deadline is over": (
        deployment(replicas(2, 1, 0) | STUCK),
        Failed("no progress in 600 s", code=CauseCode.DEADLINE_EXCEEDED),
    ),
    "the quota is used up": (
        deployment(replicas(0, 0, 0) | NO_QUOTA),
        Failed("exceeded quota", 20, CauseCode.QUOTA_EXCEEDED),
    ),
}


@pytest.mark.parametrize(("found", "expected"), DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys())
def test_deployments(found: dict[str, Any], expected: Readiness) -> None:
    assert of("Deployment", found) == expected


def stateful(found: dict[str, Any], strategy: dict[str, Any] | None = None) -> dict[str, Any]:
    update = strategy or {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    return body("StatefulSet", {"observedGeneration": 2, **found}, replicas=3, updateStrategy=update)


def revisions(current: str, update: str) -> dict[str, str]:
    return {"currentRevision": current, "updateRevision": update}


PARTITION = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
ON_DELETE = {"type": "OnDelete"}

STATEFUL_SETS = {
    "all of one revision": (stateful(replicas(3, 3, 3) | revisions("b", "b")), Ready()),
    "not observed yet": (
        stateful({**replicas(3, 3, 3), "observedGeneration": 1}),
        Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED),
    ),
    "being made": (stateful(replicas(2, 2, 2) | revisions("b", "b")), Progressing("2 of 3 pods created")),
    "not ready": (stateful(replicas(3, 3, 1) | revisions("b", "b")), Progressing("1 of 3 pods ready")),
    "too many": (stateful(replicas(4, 3, 4) | revisions("b", "b")), Progressing("1 pods too many")),
    "being updated": (stateful(replicas(3, 1, 3) | revisions("a", "b")), Progressing("1 of 3 pods updated")),
    "counts fit, revisions do not": (
        stateful(replicas(3, 3, 3) | revisions("a", "b")),
        Progressing("its rollout is not finished"),
    ),
    "its partition is updated": (stateful(replicas(3, 1, 3) | revisions("a", "b"), PARTITION), Ready()),
    "its partition is not": (
        stateful(replicas(3, 0, 3) | revisions("a", "b"), PARTITION),
        Progressing("0 of 1 pods updated"),
    ),
    "on delete, all ready": (stateful(replicas(3, 3, 3) | revisions("a", "b"), ON_DELETE), Ready()),
    "on delete, some old": (
        stateful(replicas(3, 1, 3) | revisions("a", "b"), ON_DELETE),
        Ready("2 pods keep the old revision until they are deleted"),
    ),
    "on delete, not ready (kstatus says it is)": (
        stateful(replicas(3, 1, 2), ON_DELETE),
        Progressing("2 of 3 pods ready"),
    ),
}


@pytest.mark.parametrize(("found", "expected"), STATEFUL_SETS.values(), ids=STATEFUL_SETS.keys())
def test_stateful_sets(found: dict[str, Any], expected: Readiness) -> None:
    assert of("StatefulSet", found) == expected


def daemons(desired: int, current: int, updated: int, ready: int) -> dict[str, int]:
    return {
        "observedGeneration": 2,
        "desiredNumberScheduled": desired,
        "currentNumberScheduled": current,
        "updatedNumberScheduled": updated,
        "numberAvailable": ready,
        "numberReady": ready,
    }


DAEMON_SETS = {
    "on every node": (body("DaemonSet", daemons(2, 2, 2, 2)), Ready()),
    "no node fits": (body("DaemonSet", daemons(0, 0, 0, 0)), Ready()),
    "never observed": (
        body("DaemonSet"),
        Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED),
    ),
    "not counted yet": (body("DaemonSet", {"observedGeneration": 2}), Progressing("its pods are not counted yet")),
    "some scheduled": (body("DaemonSet", daemons(2, 1, 1, 1)), Progressing("1 of 2 pods scheduled")),
    "some updated": (body("DaemonSet", daemons(2, 2, 1, 2)), Progressing("1 of 2 pods updated")),
    "some ready": (body("DaemonSet", daemons(2, 2, 2, 1)), Progressing("1 of 2 pods available")),
    "on delete, updates do not count": (
        body("DaemonSet", daemons(2, 2, 0, 2), updateStrategy={"type": "OnDelete"}),
        Ready(),
    ),
}


@pytest.mark.parametrize(("found", "expected"), DAEMON_SETS.values(), ids=DAEMON_SETS.keys())
def test_daemon_sets(found: dict[str, Any], expected: Readiness) -> None:
    assert of("DaemonSet", found) == expected


def replica_set(found: dict[str, Any], count: int = 2) -> dict[str, Any]:
    return body("ReplicaSet", {"observedGeneration": 2, **found}, replicas=count)


ALL = {"replicas": 2, "fullyLabeledReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}

REPLICA_SETS = {
    "all available": (replica_set(ALL), Ready()),
    "some available": (replica_set({**ALL, "availableReplicas": 1}), Progressing("1 of 2 pods available")),
    "too many": (replica_set({**ALL, "replicas": 3}), Progressing("1 pods too many")),
    "pods cannot be made (kstatus says in progress)": (
        replica_set(conditions(ReplicaFailure=("True", "FailedCreate", "exceeded quota"))),
        Failed("exceeded quota", 20, CauseCode.QUOTA_EXCEEDED),
    ),
}


@pytest.mark.parametrize(("found", "expected"), REPLICA_SETS.values(), ids=REPLICA_SETS.keys())
def test_replica_sets(found: dict[str, Any], expected: Readiness) -> None:
    assert of("ReplicaSet", found) == expected
