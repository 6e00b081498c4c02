from __future__ import annotations

import pytest

from gitops_push.core.kinds import BUILT_IN, scopes_of
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import ref_of, settle_scope
from gitops_push.documents.reader import Dialect, read_one

PLACE = Origin("gitops-push.yaml", 9, 16)


def manifest(api_version: str, kind: str, namespace: str = "") -> Manifest:
    line = f", namespace: {namespace}" if namespace else ""
    text = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web{line}}}\n"
    body = read_one(text.encode(), "web.yaml", Dialect.KUBECTL).value
    return Manifest(ref_of(body), api_version, body, Origin("web.yaml", 1, 1))


def known(group: str, kind: str) -> bool | None:
    return BUILT_IN.get((group, kind))


@pytest.mark.parametrize(
    ("api_version", "kind", "before", "after"),
    [
        pytest.param("v1", "ConfigMap", "", "shop", id="namespaced without: the environment's"),
        pytest.param("v1", "ConfigMap", "other", "other", id="namespaced with: stays"),
        pytest.param("v1", "Namespace", "", "", id="cluster-scoped without: stays"),
        pytest.param("rbac.authorization.k8s.io/v1", "ClusterRole", "other", "", id="cluster-scoped with: left out"),
        pytest.param("example.com/v1", "Widget", "", "", id="unknown without: left to the planner"),
        pytest.param("example.com/v1", "Widget", "other", "other", id="unknown with: stays"),
    ],
)
def test_the_scope_of_the_kind_decides_on_the_namespace(api_version: str, kind: str, before: str, after: str) -> None:
    settled = settle_scope(manifest(api_version, kind, before), "shop", PLACE, known)
    assert settled.ref.namespace == after
    assert settled.body["metadata"].get("namespace", "") == after


def test_a_namespace_that_is_filled_in_points_at_the_line_that_says_so() -> None:
    settled = settle_scope(manifest("v1", "ConfigMap"), "shop", PLACE, known)
    assert str(settled.origin_at(("metadata", "namespace"))) == "gitops-push.yaml:9:16"
    assert str(settled.origin_at(("metadata", "name"))) == "web.yaml:3:18"


def test_the_manifest_before_is_not_changed() -> None:
    before = manifest("v1", "ConfigMap")
    settle_scope(before, "shop", PLACE, known)
    assert "namespace" not in before.body["metadata"]


def test_definitions_in_the_set_say_the_scope_of_custom_resources() -> None:
    definition = {"kind": "CustomResourceDefinition", "spec": {"group": "example.com", "names": {"kind": "Widget"}}}
    for scope, namespaced in (("Cluster", False), ("Namespaced", True)):
        scopes = scopes_of([{**definition, "spec": {**definition["spec"], "scope": scope}}])  # type: ignore[dict-item]
        assert scopes["example.com", "Widget"] is namespaced


@pytest.mark.parametrize(
    "spec", [None, [], {}, {"names": []}, {"group": 1, "names": {"kind": "A"}, "scope": "Cluster"}]
)
def test_a_broken_definition_says_nothing(spec: object) -> None:
    assert scopes_of([{"kind": "CustomResourceDefinition", "spec": spec}]) == BUILT_IN
