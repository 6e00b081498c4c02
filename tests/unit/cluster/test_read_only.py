"""The gate: what a run that must not write may send."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.api import Precondition, ServedKind
from gitops_push.cluster.client import ConnectionOptions, connect
from gitops_push.cluster.request import APPLY_PATCH, JSON, Effect, Request, refuse_write, trial_deletion
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError
from tests.unit.cluster.scripted_server import reply_json, serving

OBJECT = "/api/v1/namespaces/shop/configmaps/a"
CONFIG_MAP = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)


def request(method: str, target: str, body: bytes = b"") -> Request:
    return Request(method, target, Effect.READ, body)


ALLOWED = [
    ("GET", OBJECT),
    ("GET", "/api"),
    ("GET", "/apis"),
    ("GET", "/apis/apps/v1"),
    ("GET", f"{OBJECT}?dryRun=None"),
    ("GET", "/apis/apps/v1/deployments?limit=5&continue=x"),
    ("GET", "/api/v1/namespaces/kube-system"),
    ("GET", "/api/v1/namespaces/shop/pods/web/log?container=web"),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale"),
    ("PATCH", f"{OBJECT}?fieldManager=x&force=true&dryRun=All"),
    ("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax?dryRun=All"),
    ("POST", "/api/v1/namespaces/shop/configmaps?dryRun=All"),
    ("PUT", f"{OBJECT}?dryRun=All"),
    ("DELETE", f"{OBJECT}?dryRun=All"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
    ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
]


@pytest.mark.parametrize(("method", "target"), ALLOWED)
def test_reads_dry_runs_and_reviews_of_oneself_pass(method: str, target: str) -> None:
    refuse_write(request(method, target))


TAMPERED = [
    "",
    "?dryRun=",
    "?dryRun",
    "?dryRun=all",
    "?dryrun=All",
    "?DRYRUN=All",
    "?dryRun=None",
    "?dryRun=All&dryRun=",
    "?dryRun=All&dryRun=All",
    "?dryRun=&dryRun=All",
    "?dryRun=All&dryrun=none",
    "?dry%52un=All",
    "?dryRun=All&dry%52un=None",
    "?dryRun=%41ll",
    "?dryRun=All%00",
    "?dryRun=All,None",
    "?dryRun =All",
    "?x=dryRun=All",
    "?fieldManager=dryRun=All",
    "?dryRun=All#",
    "#?dryRun=All",
    "%3FdryRun=All",
    "&dryRun=All",
    ";dryRun=All",
    "?a=1;dryRun=All",
    "??dryRun=All",
]


@pytest.mark.parametrize("method", ["PATCH", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("query", TAMPERED)
def test_a_write_without_exactly_dry_run_all_is_refused(method: str, query: str) -> None:
    with pytest.raises(ClusterError) as caught:
        refuse_write(request(method, OBJECT + query))
    assert caught.value.problems[0].code is Code.READ_ONLY


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "patch", "LINK", ""])
def test_a_method_that_is_not_used_is_refused(method: str) -> None:
    with pytest.raises(ClusterError):
        refuse_write(request(method, f"{OBJECT}?dryRun=All"))


@pytest.mark.parametrize(
    "subresource", ["exec", "attach", "portforward", "proxy", "proxy/x", "eviction", "token", "binding"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_subresource_that_does_something_is_refused_even_as_a_dry_run(method: str, subresource: str) -> None:
    with pytest.raises(ClusterError):
        refuse_write(request(method, f"/api/v1/namespaces/shop/pods/web/{subresource}?dryRun=All"))


@pytest.mark.parametrize(
    "target",
    [
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authorization.k8s.io/v1/namespaces/x/localsubjectaccessreviews",
        "/apis/evil.io/v1/selfsubjectaccessreviews",
        "/x/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    ],
)
def test_only_the_reviews_of_oneself_may_be_posted(target: str) -> None:
    with pytest.raises(ClusterError):
        refuse_write(request("POST", target))


TRIAL = trial_deletion("e8f32276-f268-48bd-badf-c7be17e1d07d")


def deletion(body: bytes, target: str = f"{OBJECT}?dryRun=All", content_type: str = JSON) -> Request:
    return Request("DELETE", target, Effect.DRY_RUN, body, content_type)


def test_a_trial_deletion_passes() -> None:
    refuse_write(deletion(TRIAL))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" ",
        TRIAL.replace(b'["All"]', b"[]"),
        TRIAL.replace(b'["All"]', b'["All","None"]'),
        TRIAL.replace(b'"dryRun":["All"],', b""),
        TRIAL.replace(b"}}", b'},"dryRun":[]}'),
        TRIAL.replace(b"}}", b'},"DryRun":[]}'),
        TRIAL.replace(b"e8f3", b'","x":"'),
        TRIAL.replace(b"e8f3", b"\\u0022"),
        TRIAL + b"\n",
        TRIAL + TRIAL,
        b"\xef\xbb\xbf" + TRIAL,
        trial_deletion(""),
        trial_deletion("a" * 65),
        trial_deletion('x"},"dryRun":[],"y":{"z":"'),
    ],
)
def test_a_delete_with_any_other_body_is_refused_because_the_server_then_ignores_the_query(body: bytes) -> None:
    with pytest.raises(ClusterError):
        refuse_write(deletion(body))


@pytest.mark.parametrize(
    ("target", "content_type"),
    [
        (OBJECT, JSON),
        (f"{OBJECT}?dryRun=", JSON),
        (f"{OBJECT}?dryRun=All", APPLY_PATCH),
        (f"{OBJECT}?dryRun=All", "application/json; charset=utf-16"),
        (f"{OBJECT}?dryRun=All", ""),
        ("/api/v1/namespaces/shop/pods/web/eviction?dryRun=All", JSON),
    ],
)
def test_a_trial_deletion_must_say_so_in_the_query_and_be_json_too(target: str, content_type: str) -> None:
    with pytest.raises(ClusterError):
        refuse_write(deletion(TRIAL, target, content_type))


WRITES: list[Any] = [
    lambda api, body: api.apply(CONFIG_MAP, "shop", "a", body, Precondition(absent=True)),
    lambda api, body: api.create(CONFIG_MAP, "shop", body),
    lambda api, body: api.replace(CONFIG_MAP, "shop", "a", body),
    lambda api, body: api.delete(CONFIG_MAP, "shop", "a", Precondition(uid="u")),
]


@pytest.mark.parametrize("write", WRITES, ids=["apply", "create", "replace", "delete"])
def test_a_read_only_connection_sends_no_write_and_is_the_default(write: Any) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "5"}}
    with serving(reply_json(body)) as server:
        with connect(server.credential(), ConnectionOptions()) as api:
            with pytest.raises(ClusterError) as caught:
                write(api, body)
            api.dry_run_apply(CONFIG_MAP, "shop", "a", body)
        assert caught.value.problems[0].code is Code.READ_ONLY
        assert [each.method for each in server.received] == ["PATCH"]


def test_a_writer_made_of_a_reader_shares_its_counts_and_leaves_it_a_reader() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with serving(reply_json(body)) as server:
        with connect(server.credential(), ConnectionOptions()) as api:
            writer = api.as_writer()
            writer.create(CONFIG_MAP, "shop", body)
            with pytest.raises(ClusterError):
                api.create(CONFIG_MAP, "shop", body)
            assert api.retry_counts == writer.retry_counts
            assert api.retry_counts.requests == 1
        assert [each.method for each in server.received] == ["POST"]
