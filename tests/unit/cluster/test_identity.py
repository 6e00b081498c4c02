from __future__ import annotations

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.identity import cluster_identity
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError
from tests.fakes import FakeApiServer

FORBIDDEN = ApiFailure(403, "Forbidden", "no")


def published(namespace: str, certificate: str) -> dict[str, object]:
    metadata = {"name": "kube-root-ca.crt", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": certificate}}


def test_a_cluster_is_known_by_the_uid_of_kube_system() -> None:
    server = FakeApiServer()
    uid = server.live("Namespace", "", "kube-system")["metadata"]["uid"]
    assert cluster_identity(server, "https://a", "shop") == uid


def test_where_that_is_forbidden_by_its_url_and_the_ca_it_publishes() -> None:
    def identity(url: str, certificate: str, namespace: str = "default") -> str:
        server = FakeApiServer()
        server.put(published(namespace, certificate))
        server.fail("get", "kube-system", FORBIDDEN)
        return cluster_identity(server, url, "shop")

    first = identity("https://a", "CA 1")
    assert first.startswith("sha256:")
    assert first == identity("https://a", "CA 1\n")
    assert first == identity("https://a", "CA 1", "shop")
    assert len({first, identity("https://b", "CA 1"), identity("https://a", "CA 2")}) == 3


def test_a_cluster_that_shows_neither_is_an_error_that_names_the_right() -> None:
    server = FakeApiServer()
    server.fail("get", "", FORBIDDEN, times=9)
    with pytest.raises(ClusterError) as caught:
        cluster_identity(server, "https://a", "shop")
    assert caught.value.problems[0].code is Code.SERVER_FORBIDS
    assert "kube-root-ca.crt" in str(caught.value.problems[0].hint)


def test_another_failure_is_not_taken_for_a_missing_right() -> None:
    server = FakeApiServer()
    server.fail("get", "kube-system", ApiFailure(500, "InternalError", "etcd"))
    with pytest.raises(ApiFailure):
        cluster_identity(server, "https://a", "shop")
