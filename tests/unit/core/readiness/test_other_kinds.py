from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import ObjectRef
from gitops_push.core.readiness import (
    Failed,
    Progressing,
    Readiness,
    Ready,
    Unknown,
    is_waited_for,
    readiness,
)
from tests.unit.core.readiness.bodies import body, conditions

CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")
HPA = ("autoscaling", "HorizontalPodAutoscaler")
PDB = ("policy", "PodDisruptionBudget")
API_SERVICE = ("apiregistration.k8s.io", "APIService")
CLAIM = ("", "PersistentVolumeClaim")
SERVICE = ("", "Service")
NAMESPACE = ("", "Namespace")
WIDGET = ("example.com", "Widget")
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}
NO_METRICS = ("False", "FailedGetResourceMetric", "no metrics")
SEEN = {"observedGeneration": 2}

TABLE = {
    "a bound claim": (CLAIM, body("", {"phase": "Bound"}), Ready()),
    "a pending claim": (
        CLAIM,
        body("", {"phase": "Pending"}),
        Progressing("Pending: no volume is bound to it", CauseCode.VOLUME_UNBOUND),
    ),
    "a lost claim": (
        CLAIM,
        body("", {"phase": "Lost"}),
        Failed("its volume is gone (Lost)", code=CauseCode.VOLUME_UNBOUND),
    ),
    "a service": (SERVICE, body("", type="ClusterIP"), Ready()),
    "a load balancer with an address": (SERVICE, body("", ADDRESS, type="LoadBalancer"), Ready()),
    "a load balancer without": (
        SERVICE,
        body("", type="LoadBalancer"),
        Progressing("its load balancer has no address yet"),
    ),
    "an active namespace": (NAMESPACE, body("", {"phase": "Active"}), Ready()),
    "a terminating namespace": (NAMESPACE, body("", {"phase": "Terminating"}), Progressing("phase Terminating")),
    "an established definition": (CRD, body("", conditions(NamesAccepted="True", Established="True")), Ready()),
    "a new definition": (CRD, body(""), Progressing("not Established yet")),
    "a definition being installed": (
        CRD,
        body("", conditions(NamesAccepted="True", Established=("False", "Installing"))),
        Progressing("not Established yet"),
    ),
    "a definition whose names are taken": (
        CRD,
        body("", conditions(NamesAccepted=("False", "ListKindConflict", "taken"), Established="False")),
        Failed("taken"),
    ),
    "a definition that cannot be established": (
        CRD,
        body("", conditions(NamesAccepted="True", Established=("False", "Broken", "no way"))),
        Failed("no way"),
    ),
    "a scaling autoscaler": (HPA, body("", conditions(AbleToScale="True", ScalingActive="True")), Ready()),
    "a new autoscaler": (HPA, body(""), Progressing("its controller has not come by yet")),
    "an autoscaler without metrics": (
        HPA,
        body("", conditions(AbleToScale="True", ScalingActive=NO_METRICS)),
        Failed("no metrics", 180),
    ),
    "an autoscaler of nothing": (
        HPA,
        body("", conditions(AbleToScale="True", ScalingActive=("False", "ScalingDisabled"))),
        Ready(),
    ),
    "a budget that was seen": (PDB, body("", SEEN), Ready()),
    "a new budget": (PDB, body(""), Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED)),
    "an available API": (API_SERVICE, body("", conditions(Available="True")), Ready()),
    "an API that does not answer": (
        API_SERVICE,
        body("", conditions(Available=("False", "MissingEndpoints", "no endpoints"))),
        Progressing("no endpoints"),
    ),
    "a ConfigMap": (("", "ConfigMap"), {"metadata": {}}, Ready()),
    "a Role": (("rbac.authorization.k8s.io", "Role"), {"metadata": {}}, Ready()),
    "a custom resource that says nothing": (
        WIDGET,
        {"metadata": {}, "spec": {}},
        Unknown("has no condition that says whether it is ready"),
    ),
    "a ready one": (WIDGET, body("", conditions(Ready="True")), Ready()),
    "one that is not": (WIDGET, body("", conditions(Ready=("False", "Broken", "no disk"))), Progressing("no disk")),
    "one that does not know": (WIDGET, body("", conditions(Ready="Unknown")), Progressing("not Ready")),
    "a stalled one": (
        WIDGET,
        body("", conditions(Stalled=("True", "Stuck"), Ready="True")),
        Failed("Stuck", 10, CauseCode.SAYS_FAILED),
    ),
    "one being reconciled": (
        WIDGET,
        body("", conditions(Reconciling=("True", "Working", "at it"), Ready="True")),
        Progressing("at it"),
    ),
    "a ready one of an old generation": (
        WIDGET,
        body("", {"observedGeneration": 1, **conditions(Ready="True")}),
        Progressing("its controller has not seen the change yet", CauseCode.NOT_OBSERVED),
    ),
    "an observed generation that is text (Argo Rollouts)": (
        WIDGET,
        body("", {"observedGeneration": "2", **conditions(Ready="True")}),
        Ready(),
    ),
    "an available one": (WIDGET, body("", conditions(Available="True")), Ready()),
}


@pytest.mark.parametrize(("group_kind", "found", "expected"), TABLE.values(), ids=TABLE.keys())
def test_kinds(group_kind: tuple[str, str], found: dict[str, Any], expected: Readiness) -> None:
    assert readiness(ObjectRef(group_kind[0], group_kind[1], "shop", "web"), found) == expected


def test_a_claim_that_binds_at_the_first_use_is_ready_until_a_pod_uses_it() -> None:
    ref = ObjectRef("", "PersistentVolumeClaim", "shop", "data")
    pending = body("", {"phase": "Pending"})
    assert readiness(ref, pending, waits_for_consumer=True) == Ready("pending until a pod uses it")
    pending["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "node-1"}
    assert isinstance(readiness(ref, pending, waits_for_consumer=True), Progressing)


def test_whatever_is_being_deleted_is_not_ready_and_names_its_finalizers() -> None:
    ref = ObjectRef("", "ConfigMap", "shop", "web")
    leaving = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/a", "b"]}}
    text = "is being deleted, waits for the finalizers example.com/a, b"
    assert readiness(ref, leaving) == Progressing(text, CauseCode.BEING_DELETED)


def test_what_is_waited_for_are_workloads_and_what_others_stand_on() -> None:
    waited = {"Deployment": "apps", "Job": "batch", "Pod": "", "Namespace": "", "CustomResourceDefinition": CRD[0]}
    assert all(is_waited_for(ObjectRef(group, kind, "", "x")) for kind, group in waited.items())
    assert not any(is_waited_for(ObjectRef("", kind, "", "x")) for kind in ("ConfigMap", "Service", "Secret"))


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(
    ["conditions", "phase", "replicas", "observedGeneration", "containerStatuses", "loadBalancer", "updateStrategy"]
)
KINDS = st.sampled_from(sorted({place[0] for place in TABLE.values()} | {("apps", "Deployment"), ("", "Pod")}
                               | {("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")}))  # fmt: skip


@given(KINDS, st.dictionaries(PARTS, ANYTHING), st.dictionaries(PARTS, ANYTHING))
def test_no_status_whatever_breaks_a_rule(
    group_kind: tuple[str, str], status: dict[str, Any], spec: dict[str, Any]
) -> None:
    found = {"metadata": {"generation": 2}, "status": status, "spec": spec}
    answer = readiness(ObjectRef(group_kind[0], group_kind[1], "shop", "web"), found)
    assert isinstance(answer, (Ready, Progressing, Failed, Unknown))
