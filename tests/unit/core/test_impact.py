"""What a change brings about: said where it is certain, and nothing where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.fielddiff import diff_fields
from gitops_push.core.impact import Transition, impact_of_deletion, impact_of_write
from gitops_push.core.objects import ObjectRef
from gitops_push.core.stale_config import readers_of, stale_notes

GROUPS = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "CronJob": "batch",
    "Ingress": "networking.k8s.io",
    "PodDisruptionBudget": "policy",
    "CustomResourceDefinition": "apiextensions.k8s.io",
}


def body(kind: str, **spec: Any) -> dict[str, Any]:
    group = GROUPS.get(kind, "")
    api_version = f"{group}/v1" if group else "v1"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def ref_of(of: dict[str, Any]) -> ObjectRef:
    return ObjectRef(GROUPS.get(of["kind"], ""), of["kind"], "shop", "web")


def written(live: dict[str, Any] | None, after: dict[str, Any]) -> tuple[str, ...]:
    changed = tuple(d.path for d in diff_fields(live, after)) if live else ()
    return impact_of_write(Transition(ref_of(after), live, after, changed))


OLD: dict[str, Any] = {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}
NEW: dict[str, Any] = {"spec": {"containers": []}}
DAEMONS = {**body("DaemonSet", template=OLD), "status": {"desiredNumberScheduled": 4}}


def workload(kind: str = "Deployment", template: Any = OLD, replicas: int = 3, **spec: Any) -> dict[str, Any]:
    return body(kind, template=template, replicas=replicas, **spec)


def hosts(*names: str, **spec: Any) -> dict[str, Any]:
    return body("Ingress", rules=[{"host": name} for name in names], **spec)


def crd(*versions: str) -> dict[str, Any]:
    return body("CustomResourceDefinition", versions=[{"name": v, "served": True} for v in versions])


PDB = "PodDisruptionBudget"
WRITES: dict[str, tuple[dict[str, Any] | None, dict[str, Any], tuple[str, ...]]] = {
    "new template": (workload(), workload(template=NEW), ("restarts 3 pods",)),
    "one pod": (workload(replicas=1), workload(replicas=1, template=NEW), ("restarts 1 pod",)),
    "live count, not the new one": (workload(), workload(template=NEW, replicas=9), ("restarts 3 pods",)),
    "only replicas": (workload(), workload(replicas=5), ()),
    "only labels of the Deployment": (workload(), {**workload(), "metadata": {"labels": {"a": "b"}}}, ()),
    "template of no pods": (workload(replicas=0), workload(replicas=0, template=NEW), ()),
    "a new workload": (None, workload(), ()),
    "paused": (
        workload(paused=True),
        workload(paused=True, template=NEW),
        ("restarts no pod as long as it is paused",),
    ),
    "scale to 0": (workload(), workload(replicas=0), ("scales to 0: stops all of its pods (3)",)),
    "scale of one to 0": (workload(replicas=1), workload(replicas=0), ("scales to 0: stops its only pod",)),
    "scale to 0 with a new template": (
        workload(),
        workload(replicas=0, template=NEW),
        ("scales to 0: stops all of its pods (3)",),
    ),
    "recreate": (
        workload(strategy={"type": "Recreate"}),
        workload(strategy={"type": "Recreate"}, template=NEW),
        ("restarts 3 pods, down meanwhile: strategy Recreate stops the old before it starts the new",),
    ),
    "recreate without a new template": (workload(), workload(strategy={"type": "Recreate"}), ()),
    "on delete": (
        workload("StatefulSet"),
        workload("StatefulSet", NEW, updateStrategy={"type": "OnDelete"}),
        ("restarts no pod by itself (updateStrategy OnDelete): each keeps its old template until it is deleted",),
    ),
    "partition": (
        workload("StatefulSet"),
        workload("StatefulSet", NEW, updateStrategy={"rollingUpdate": {"partition": 2}}),
        ("restarts 1 pod of 3 (partition 2)",),
    ),
    "daemons": (DAEMONS, {**DAEMONS, "spec": {"template": NEW}}, ("restarts 4 pods",)),
    "load balancer given up": (
        body("Service", type="LoadBalancer"),
        body("Service", type="ClusterIP"),
        ("its load balancer and address are given up",),
    ),
    "load balancer made": (
        body("Service", type="ClusterIP"),
        body("Service", type="LoadBalancer"),
        ("gets a load balancer",),
    ),
    "node port": (body("Service", type="ClusterIP"), body("Service", type="NodePort"), ()),
    "external name": (
        body("Service", type="ClusterIP", clusterIP="10.0.0.1"),
        body("Service", type="ExternalName"),
        ("gives up its cluster IP",),
    ),
    "selector": (
        body("Service", selector={"app": "a"}),
        body("Service", selector={"app": "b", "tier": "c"}),
        ("selects pods by other labels: app=a -> app=b,tier=c",),
    ),
    "a port": (body("Service", ports=[{"port": 80}]), body("Service", ports=[{"port": 81}]), ()),
    "no eviction": (
        body(PDB, maxUnavailable=1),
        body(PDB, maxUnavailable=0),
        ("allows no eviction at all: nodes with such a pod cannot be drained",),
    ),
    "no eviction from the start": (
        None,
        body(PDB, minAvailable="100%"),
        ("allows no eviction at all: nodes with such a pod cannot be drained",),
    ),
    "no eviction as before": (body(PDB, maxUnavailable=0), body(PDB, maxUnavailable="0%"), ()),
    "some evictions": (body(PDB, maxUnavailable=0), body(PDB, maxUnavailable=1), ()),
    "suspended": (body("CronJob", suspend=False), body("CronJob", suspend=True), ("starts no more jobs",)),
    "no longer suspended": (body("CronJob", suspend=True), body("CronJob", suspend=False), ("starts jobs again",)),
    "another schedule": (body("CronJob", schedule="1"), body("CronJob", schedule="2"), ()),
    "a host goes": (hosts("a", "b"), hosts("b", "c"), ("no longer serves a",)),
    "a host comes": (hosts("a"), hosts("a", "b"), ()),
    "ingress class": (
        hosts("a", ingressClassName="x"),
        hosts("a", ingressClassName="y"),
        ("is served by ingress class y instead of x",),
    ),
    "a version goes": (crd("v1", "v1beta1"), crd("v1"), ("no longer serves v1beta1",)),
    "a version comes": (crd("v1"), crd("v1", "v2"), ()),
    "a kind without rules": (body("ConfigMap", a=1), body("ConfigMap", a=2), ()),
}


@pytest.mark.parametrize("case", WRITES)
def test_a_write_says_what_it_brings_about(case: str) -> None:
    live, after, notes = WRITES[case]
    assert written(live, after) == notes


CLAIM = "PersistentVolumeClaim"
DELETIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "workload": (workload(), ("stops 3 pods",)),
    "workload of no pods": (workload(replicas=0), ()),
    "claims that go too": (
        workload("StatefulSet", replicas=0, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"}),
        ("deletes the volume claims of its pods (whenDeleted: Delete)",),
    ),
    "namespace": (body("Namespace"), ("deletes everything in the namespace, also what is not in the config",)),
    "claim": (
        body(CLAIM, volumeName="pv-1"),
        ("deletes volume pv-1 and its data, unless its reclaim policy is Retain",),
    ),
    "claim of nothing": (body(CLAIM), ()),
    "volume": (body("PersistentVolume"), ("its data may be deleted with it",)),
    "retained volume": (
        body("PersistentVolume", persistentVolumeReclaimPolicy="Retain"),
        ("its data stays on the storage (reclaim policy Retain)",),
    ),
    "definition": (
        body("CustomResourceDefinition", names={"kind": "Widget"}),
        ("deletes every Widget in the cluster",),
    ),
    "secret": ({**body("Secret"), "data": {"a": "eA==", "b": "eQ=="}}, ("deletes 2 secret values",)),
    "load balancer": (body("Service", type="LoadBalancer"), ("its load balancer and address are given up",)),
    "service": (body("Service", type="ClusterIP"), ()),
    "ingress": (hosts("a", "b"), ("no longer serves a, b",)),
    "config map": (body("ConfigMap"), ()),
}


@pytest.mark.parametrize("case", DELETIONS)
def test_a_deletion_says_what_goes_with_it(case: str) -> None:
    live, notes = DELETIONS[case]
    assert impact_of_deletion(ref_of(live), live) == notes


def reading(replicas: int = 2, /, **container: Any) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "web", **container}]}}
    return body("Deployment", replicas=replicas, template=template)


ALL: dict[str, Any] = {"envFrom": [{"configMapRef": {"name": "env"}}]}
ONE: dict[str, Any] = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "env", "key": "a"}}}]}
RELOADED = {**reading(**ALL), "metadata": {"name": "web", "annotations": {"reloader.stakater.com/auto": "true"}}}
STALE: dict[str, tuple[dict[str, Any], tuple[str, ...], bool]] = {
    "all keys": (reading(**ALL), ("b",), True),
    "this key": (reading(**ONE), ("a",), True),
    "another key": (reading(**ONE), ("b",), False),
    "another name": (reading(envFrom=[{"configMapRef": {"name": "other"}}]), ("a",), False),
    "a secret of the name": (reading(envFrom=[{"secretRef": {"name": "env"}}]), ("a",), False),
    "a mount": (reading(volumeMounts=[{"name": "env", "mountPath": "/etc"}]), ("a",), False),
    "no pods": (reading(0, **ALL), ("a",), False),
    "a reloader": (RELOADED, ("a",), False),
    "no data": (reading(**ALL), (), False),
}


@pytest.mark.parametrize("case", STALE)
def test_pods_keep_what_they_read_into_variables(case: str) -> None:
    workload_body, keys, stale = STALE[case]
    readers = readers_of([workload_body]).get(ObjectRef("", "ConfigMap", "shop", "env"), ())
    notes = stale_notes([("data", key) for key in keys], readers)
    assert notes == (("running pods of Deployment web keep the old values until they restart",) if stale else ())
