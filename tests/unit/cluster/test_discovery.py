from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ServedKinds
from gitops_push.cluster.discovery import discover, served_kinds


def resource(plural: str, kind: str, scope: str = "Namespaced") -> dict[str, Any]:
    return {
        "resource": plural,
        "responseKind": {"group": "", "version": "", "kind": kind},
        "scope": scope,
        "verbs": ["get", "list"],
        "subresources": [{"subresource": "status", "responseKind": {"kind": kind}, "verbs": ["get"]}],
    }


def group(name: str, *versions: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name} if name else {}, "versions": list(versions)}


def aggregated(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": list(groups)}


CORE = aggregated(
    group("", {"version": "v1", "resources": [resource("pods", "Pod"), resource("namespaces", "Namespace", "Cluster")]})
)
GROUPS = aggregated(
    group(
        "autoscaling",
        {"version": "v2", "freshness": "Current", "resources": [resource("hpas", "HorizontalPodAutoscaler")]},
        {"version": "v1", "freshness": "Current", "resources": [resource("hpas", "HorizontalPodAutoscaler")]},
    ),
    group("metrics.k8s.io", {"version": "v1beta1", "freshness": "Stale", "resources": []}),
)


def test_kinds_are_found_by_group_and_kind_at_the_preferred_or_the_wanted_version() -> None:
    kinds = served_kinds([CORE, GROUPS])
    preferred, wanted = (
        kinds.find("autoscaling", "HorizontalPodAutoscaler"),
        kinds.find("autoscaling", "HorizontalPodAutoscaler", "v1"),
    )
    assert preferred
    assert wanted
    assert (preferred.api_version, wanted.api_version) == ("autoscaling/v2", "autoscaling/v1")
    assert kinds.find("autoscaling", "HorizontalPodAutoscaler", "v3") is None


def test_scope_verbs_and_the_core_group_are_read() -> None:
    kinds = served_kinds([CORE, GROUPS])
    pod, namespace = kinds.find("", "Pod"), kinds.find("", "Namespace")
    assert pod
    assert namespace
    assert (pod.namespaced, namespace.namespaced, pod.api_version) == (True, False, "v1")
    assert pod.verbs == {"get", "list"}


def test_a_group_that_is_stale_is_neither_served_nor_absent() -> None:
    kinds = served_kinds([CORE, GROUPS])
    assert kinds.unavailable == {"metrics.k8s.io"}
    assert kinds.find("metrics.k8s.io", "PodMetrics") is None


def test_aggregated_discovery_takes_two_requests() -> None:
    asked: list[str] = []

    def fetch(path: str) -> dict[str, Any]:
        asked.append(path)
        return {"/api": CORE, "/apis": GROUPS}[path]

    discover(fetch)
    assert asked == ["/api", "/apis"]


OLD = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "apps",
                "versions": [{"version": "v1beta1"}, {"version": "v1"}],
                "preferredVersion": {"version": "v1"},
            },
            {"name": "metrics.k8s.io", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}},
        ],
    },
    "/api/v1": {
        "resources": [
            {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
            {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
        ]
    },
    "/apis/apps/v1": {
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get"]}]
    },
    "/apis/apps/v1beta1": {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
}


def old_server(path: str) -> Any:
    if path not in OLD:
        raise ApiFailure(503, "ServiceUnavailable", "down")
    return OLD[path]


def test_an_old_server_is_asked_for_each_group_version() -> None:
    kinds: ServedKinds = discover(old_server)
    deployment = kinds.find("apps", "Deployment")
    assert deployment
    assert deployment.version == "v1"
    assert len(kinds.kinds["apps", "Deployment"]) == 2
    assert len(kinds.kinds["", "Pod"]) == 1
    assert kinds.unavailable == {"metrics.k8s.io"}


def test_a_server_that_refuses_discovery_is_a_failure() -> None:
    def refuse(path: str) -> dict[str, Any]:
        raise ApiFailure(403, "Forbidden", "no")

    with pytest.raises(ApiFailure):
        discover(refuse)
