"""What a recreation brings about, told before it is done."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.impact import _WRITES, Transition, impact_of_write
from gitops_push.core.objects import ObjectRef
from gitops_push.core.recreation_impact import _RECREATIONS, impact_of_recreation

GROUPS = {
    "DaemonSet": "apps",
    "Deployment": "apps",
    "IngressClass": "networking.k8s.io",
    "Job": "batch",
    "RoleBinding": "rbac.authorization.k8s.io",
    "StatefulSet": "apps",
    "Widget": "example.com",
}


def body(kind: str, status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x"}, "spec": spec, "status": status or {}}


def impact(live: dict[str, Any], after: dict[str, Any] | None = None) -> tuple[str, ...]:
    ref = ObjectRef(GROUPS.get(live["kind"], ""), live["kind"], "shop", "x")
    return impact_of_recreation(Transition(ref, live, after or live))


def stateful_set(size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}
    return body("StatefulSet", volumeClaimTemplates=[template], **spec)


def service(kind: str = "ClusterIP", address: str = "10.0.0.7", node_port: int | None = None) -> dict[str, Any]:
    port = {"port": 80, **({"nodePort": node_port} if node_port else {})}
    return body("Service", type=kind, clusterIP=address, ports=[port])


RETENTION: dict[str, Any] = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
STAY = "the volume claims of its pods stay, and their data: data"
CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[str, ...]]] = {
    "a Deployment": (body("Deployment", replicas=3), None, ("stops 3 pods before it starts new ones",)),
    "a Deployment without pods": (body("Deployment", replicas=0), None, ()),
    "a DaemonSet": (body("DaemonSet", {"desiredNumberScheduled": 1}), None, ("stops 1 pod before it starts new ones",)),
    "a StatefulSet": (stateful_set(replicas=2), None, ("stops 2 pods before it starts new ones", STAY)),
    "a StatefulSet without claims": (body("StatefulSet", replicas=0), None, ()),
    "claims that go": (
        stateful_set(replicas=0, **RETENTION),
        stateful_set("2Gi"),
        ("deletes the volume claims of its pods, and their data (whenDeleted: Delete)",),
    ),
    "claims of another size": (
        stateful_set(replicas=0),
        stateful_set("2Gi"),
        (STAY, "existing volume claims data keep their size of 1Gi: 2Gi holds for new ones only"),
    ),
    "a Job that runs": (body("Job", {"active": 2}), None, ("stops 2 pods, and runs again from the start",)),
    "a Job that ran": (body("Job", {"succeeded": 1}), None, ("runs again; the pods and logs of its last run go",)),
    "a Pod that runs": (body("Pod", {"phase": "Running"}), None, ("stops the pod and starts a new one",)),
    "a Pod that ran": (body("Pod", {"phase": "Succeeded"}), None, ("runs again; its old log goes",)),
    "a Service": (service(), service(address=""), ("its cluster IP 10.0.0.7 is given up",)),
    "a Service that keeps its address": (service(), service(), ()),
    "a headless Service": (service(address="None"), service(address=""), ()),
    "a Service with a load balancer": (
        service("LoadBalancer", node_port=30001),
        service("LoadBalancer"),
        ("its load balancer and address are given up", "gives up the node ports 30001"),
    ),
    "a Secret": (body("Secret"), None, ("is gone for a moment: a pod that starts meanwhile waits for it",)),
    "a binding": (body("RoleBinding"), None, ("what it grants is denied for a moment",)),
    "a class": (body("IngressClass"), None, ("is gone for a moment",)),
    "a custom resource": (
        body("Widget"),
        None,
        ("is gone for a moment, and what its controller made for it may go with it",),
    ),
}


@pytest.mark.parametrize(("live", "after", "notes"), CASES.values(), ids=CASES.keys())
def test_what_goes_and_what_stays_is_said(
    live: dict[str, Any], after: dict[str, Any] | None, notes: tuple[str, ...]
) -> None:
    assert impact(live, after) == notes


@pytest.mark.parametrize(
    "odd",
    [
        body("StatefulSet", volumeClaimTemplates={"a": 1}),
        body("StatefulSet", volumeClaimTemplates=[None, "x", {"metadata": "x"}]),
        body("Service", ports="x"),
        body("Service", ports=[None, {"nodePort": "x"}]),
        {"kind": "Job", "metadata": {}, "spec": None, "status": None},
    ],
    ids=range(5),
)
def test_a_manifest_of_an_odd_shape_breaks_nothing(odd: dict[str, Any]) -> None:
    live = {**odd, "spec": {}} if odd["kind"] != "Job" else odd
    assert isinstance(impact(live, odd), tuple)


KINDS = sorted({*_WRITES, *_RECREATIONS, ("example.com", "Widget")})
KEYS = (
    *("clusterIP", "ingressClassName", "loadBalancerIP", "maxUnavailable", "minAvailable", "paused", "ports"),
    *("replicas", "rules", "selector", "strategy", "suspend", "template", "type", "updateStrategy", "versions"),
    "volumeClaimTemplates",
)
ODD: tuple[Any, ...] = (None, True, 3, 1.5, "x", "", [], {}, [None], ["x"], [[]], [{}], {"a": []})
NESTED: tuple[Any, ...] = (
    *({"type": odd} for odd in ODD),
    *({"rollingUpdate": odd} for odd in ODD),
    *({"type": "RollingUpdate", "rollingUpdate": {"partition": odd}} for odd in ODD),
    *([{"host": odd, "nodePort": odd, "served": True, "name": odd, "metadata": odd, "spec": odd}] for odd in ODD),
    *([{"metadata": {"name": odd}, "spec": {"resources": {"requests": odd}}}] for odd in ODD),
)


@pytest.mark.parametrize("kind", KINDS, ids=[kind for _, kind in KINDS])
def test_no_manifest_whatever_breaks_a_note(kind: tuple[str, str]) -> None:
    ref = ObjectRef(*kind, "shop", "x")
    live = body(kind[1], {"desiredNumberScheduled": 2}, replicas=2, type="LoadBalancer", clusterIP="10.0.0.7")
    specs = [{key: odd} for key in KEYS for odd in (*ODD, *NESTED)] + list(ODD)
    for spec in specs:
        after = {**live, "spec": spec}
        impact_of_write(Transition(ref, live, after, (("spec",),)))
        impact_of_write(Transition(ref, None, after))
        impact_of_recreation(Transition(ref, live, after))
