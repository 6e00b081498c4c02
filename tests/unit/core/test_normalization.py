from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.normalization import body_to_send, comparable, content_of
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import ref_of

Body = dict[str, Any]


def sent(body: Body) -> Body:
    return body_to_send(Manifest(ref_of(body), body["apiVersion"], body, Origin("x.yaml")), "set-1")


def thing(kind: str = "ConfigMap", api_version: str = "v1", **fields: Any) -> Body:
    metadata = {"name": "x", "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def pod_spec() -> Body:
    return {
        "containers": [{"name": "a", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 1}}}],
        "initContainers": [{"name": "i", "ports": [{"containerPort": 81, "protocol": "UDP"}]}],
        "ephemeralContainers": [{"name": "e", "ports": [{"containerPort": 82}]}],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}],
    }


WORKLOADS: dict[str, tuple[str, Callable[[Body], Body]]] = {
    "Pod": ("v1", lambda spec: {"spec": spec}),
    "PodTemplate": ("v1", lambda spec: {"template": {"spec": spec}}),
    "ReplicationController": ("v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "Deployment": ("apps/v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "ReplicaSet": ("apps/v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "StatefulSet": ("apps/v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "DaemonSet": ("apps/v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "Job": ("batch/v1", lambda spec: {"spec": {"template": {"spec": spec}}}),
    "CronJob": ("batch/v1", lambda spec: {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
    "Rollout": ("argoproj.io/v1alpha1", lambda spec: {"spec": {"template": {"spec": spec}}}),
}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_pod_specs_of_every_workload_get_protocols_and_the_servers_quantities(kind: str) -> None:
    api_version, place = WORKLOADS[kind]
    expected = pod_spec()
    expected["containers"][0]["ports"][0]["protocol"] = "TCP"
    expected["containers"][0]["resources"]["limits"]["cpu"] = "1"
    expected["ephemeralContainers"][0]["ports"][0]["protocol"] = "TCP"
    expected["volumes"][0]["emptyDir"]["sizeLimit"] = "1Gi"
    body = sent(thing(kind, api_version, **place(pod_spec())))
    assert {key: body[key] for key in place(expected)} == place(expected)


def test_service_ports_get_a_protocol() -> None:
    body = sent(thing("Service", spec={"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}))
    assert body["spec"]["ports"] == [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]


@pytest.mark.parametrize(
    ("kind", "api_version", "given", "expected"),
    [
        ("PersistentVolumeClaim", "v1", {"resources": {"requests": {"storage": "1024Mi"}}}, "1Gi"),
        ("ResourceQuota", "v1", {"hard": {"cpu": "2000m"}}, "2"),
        ("LimitRange", "v1", {"limits": [{"default": {"cpu": "0.1"}}]}, "100m"),
        (
            "HorizontalPodAutoscaler",
            "autoscaling/v2",
            {"metrics": [{"type": "Pods", "pods": {"target": {"averageValue": "1000m"}}}]},
            "1",
        ),
        (
            "StatefulSet",
            "apps/v1",
            {"volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "0.5Gi"}}}}]},
            "512Mi",
        ),
    ],
)
def test_quantities_elsewhere_are_spelled_too(kind: str, api_version: str, given: Body, expected: str) -> None:
    assert f"'{expected}'" in str(sent(thing(kind, api_version, spec=given))["spec"])


def test_string_data_becomes_data_and_wins() -> None:
    body = sent(thing("Secret", data={"a": "eA==", "wrapped": "YWJj\nZGVm\n"}, stringData={"a": "new", "b": "ü"}))
    assert "stringData" not in body
    assert body["data"] == {
        "a": base64.b64encode(b"new").decode(),
        "b": base64.b64encode("ü".encode()).decode(),
        "wrapped": "YWJjZGVm",
    }


def test_what_the_server_must_refuse_is_not_mended() -> None:
    body = sent(thing("Secret", stringData={"port": 80, "a": "x"}))
    assert body["stringData"] == {"port": 80}
    assert sent(thing("Secret", data=["no", "map"]))["data"] == ["no", "map"]


def test_nulls_status_and_what_the_server_sets_are_left_out() -> None:
    metadata: Body = {
        "uid": "1",
        "resourceVersion": "2",
        "creationTimestamp": None,
        "generation": 3,
        "managedFields": [],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "keep": "me"},
        "labels": None,
    }
    body = sent(thing(metadata=metadata, data={"a": "1", "b": None}, status={"x": 1}))
    assert body == thing(metadata={"annotations": {"keep": "me"}, "labels": {PART_OF_LABEL: "set-1"}}, data={"a": "1"})


def test_an_aggregated_role_leaves_its_rules_to_the_controller() -> None:
    group = "rbac.authorization.k8s.io/v1"
    rule = [{"verbs": ["get"]}]
    assert "rules" not in sent(thing("ClusterRole", group, aggregationRule={"x": []}, rules=[]))
    assert sent(thing("ClusterRole", group, rules=rule))["rules"] == rule


def test_the_label_of_the_set_is_on_the_object_only() -> None:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {}}
    body = sent(thing("Deployment", "apps/v1", metadata={"labels": {"a": "b"}}, spec={"template": template}))
    assert body["metadata"]["labels"] == {"a": "b", PART_OF_LABEL: "set-1"}
    assert body["spec"]["template"]["metadata"]["labels"] == {"app": "x"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.sampled_from([("v1", "Secret"), ("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Service")]),
    st.dictionaries(st.sampled_from(["spec", "data", "stringData", "status", "x"]), json_values),
)
def test_any_manifest_is_normalised_once_and_for_all_and_left_as_it_was(
    kind: tuple[str, str], fields: dict[str, Any]
) -> None:
    body = thing(kind[1], kind[0], **fields)
    before = copy.deepcopy(body)
    once = sent(body)
    assert body == before
    assert sent(once) == once


def test_what_is_compared_leaves_out_what_moves_by_itself() -> None:
    metadata: Body = {
        "uid": "1",
        "resourceVersion": "2",
        "generation": 4,
        "managedFields": [],
        "labels": {},
        "annotations": {"deployment.kubernetes.io/revision": "3"},
    }
    assert comparable(thing(metadata=metadata, status={"a": 1})) == thing()
    assert content_of(thing(metadata=metadata, data={"a": "1"})) == {"data": {"a": "1"}}
