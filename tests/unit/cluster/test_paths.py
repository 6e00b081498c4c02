from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.cluster.api import ServedKind
from gitops_push.cluster.paths import collection_path, object_path, query, segment
from gitops_push.core.errors import ClusterError

CONFIG_MAP = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENT = ServedKind("apps", "v1", "Deployment", "deployments", namespaced=True)
ROLE = ServedKind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)

INJECTIONS = [
    "..",
    ".",
    "",
    "../../../namespaces/kube-system/secrets/admin-token",
    "a/../b",
    "a/b",
    "%2e%2e",
    "a%2Fb",
    "a\nb",
    "a\x00",
    "a\x7f",
    "\x85",
    "\ud800",
    "x" * 2000,
]


@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
def test_a_segment_that_could_pick_another_path_is_refused(text: str) -> None:
    with pytest.raises(ClusterError, match="no request was sent"):
        segment(text)


@pytest.mark.parametrize("place", ["namespace", "name", "group", "version", "resource"])
@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
def test_no_part_of_an_object_path_escapes(text: str, place: str) -> None:
    parts = {"namespace": "shop", "name": "web", "group": "apps", "version": "v1", "resource": "deployments"}
    parts[place] = text
    kind = ServedKind(parts["group"], parts["version"], "X", parts["resource"], namespaced=True)
    if place == "group" and not text:
        assert object_path(kind, "shop", "web").startswith("/api/v1/")
        return
    with pytest.raises(ClusterError):
        object_path(kind, parts["namespace"], parts["name"])


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("web-1.example", "web-1.example"),
        ("system:node", "system%3Anode"),
        ("?labelSelector=x", "%3FlabelSelector%3Dx"),
        ("a?dryRun=All", "a%3FdryRun%3DAll"),
        ("default#", "default%23"),
        ("a b", "a%20b"),
        ("a;b&c", "a%3Bb%26c"),
        ("é", "%C3%A9"),
        ("...", "..."),
        (".x", ".x"),
        ("a\\b", "a%5Cb"),
        ("@h", "%40h"),
    ],
)
def test_everything_else_is_quoted(text: str, quoted: str) -> None:
    assert segment(text) == quoted


@given(st.text(max_size=40))
def test_a_segment_is_refused_or_comes_back_as_it_was_and_holds_no_separator(text: str) -> None:
    try:
        quoted = segment(text)
    except ClusterError:
        return
    assert unquote(quoted) == text
    assert quoted.isascii()
    assert not set(quoted) & set("/?#&\\ ;")
    assert quoted not in {"", ".", ".."}


def test_paths_of_both_scopes_and_both_api_roots() -> None:
    assert object_path(CONFIG_MAP, "shop", "env") == "/api/v1/namespaces/shop/configmaps/env"
    assert object_path(DEPLOYMENT, "shop", "web") == "/apis/apps/v1/namespaces/shop/deployments/web"
    assert object_path(ROLE, "ignored", "system:x") == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax"
    assert collection_path(CONFIG_MAP, "") == "/api/v1/configmaps"


def test_a_namespaced_object_without_a_namespace_is_refused() -> None:
    with pytest.raises(ClusterError):
        object_path(CONFIG_MAP, "", "env")


def test_a_query_is_quoted_and_leaves_empty_values_out() -> None:
    assert query((("a", "x&dryRun=1"), ("b", ""), ("c", "#"))) == "?a=x%26dryRun%3D1&c=%23"
    assert query((("b", ""),)) == ""
