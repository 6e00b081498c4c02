"""The transport against a real TLS server on loopback: what it sends, and what it makes of good answers."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from gitops_push.cluster.api import AccessQuestion, ApiFailure, Precondition
from gitops_push.cluster.client import ConnectionOptions
from gitops_push.core.codes import Code
from gitops_push.core.errors import CredentialError
from gitops_push.core.secret_text import SecretText
from tests.unit.cluster.opening import BODY, CONFIG_MAP, FAST, GUARD, api, code_of, connect, get
from tests.unit.cluster.scripted_server import (
    Received,
    Script,
    message,
    reply,
    reply_json,
    serving,
    status_object,
)


def test_an_object_is_read_with_the_token_the_user_agent_and_an_uncompressed_reply() -> None:
    with serving(reply_json(BODY)) as server:
        assert get(api(server)) == BODY
    request = server.received[0]
    assert (request.method, request.target) == ("GET", "/api/v1/namespaces/shop/configmaps/a")
    assert request.values("authorization") == ["Bearer the-token"]
    assert request.values("accept-encoding") == ["identity"]
    assert request.values("user-agent")[0].startswith("gitops-push/")


def test_a_dry_run_is_a_forced_strict_apply_patch_with_dry_run_all() -> None:
    with serving(reply_json(BODY)) as server:
        api(server, read_only=True).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    request = server.received[0]
    path, _, query = request.target.partition("?")
    assert (request.method, path) == ("PATCH", "/api/v1/namespaces/shop/configmaps/a")
    expected = {"fieldManager=gitops-push", "fieldValidation=Strict", "force=true", "dryRun=All"}
    assert set(query.split("&")) == expected
    assert request.values("content-type") == ["application/apply-patch+yaml"]
    assert json.loads(request.body) == BODY


def test_an_apply_carries_its_precondition_in_the_body_and_no_dry_run() -> None:
    with serving(reply_json(BODY)) as server:
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, GUARD)
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, Precondition(absent=True))
    update, create = (json.loads(request.body)["metadata"] for request in server.received)
    assert (update["uid"], update["resourceVersion"]) == ("u-1", "7")
    assert create["resourceVersion"] == "1"
    assert "dryRun" not in server.received[0].target
    assert "uid" not in BODY["metadata"]


@pytest.mark.parametrize(
    "precondition",
    [
        Precondition(uid="u", resource_version="0"),
        Precondition(resource_version="7"),
        Precondition(uid="u", absent=True),
    ],
)
def test_a_precondition_that_the_server_would_not_check_is_refused(precondition: Precondition) -> None:
    with serving(reply_json(BODY)) as server, pytest.raises(ValueError, match="resourceVersion"):
        api(server).apply(CONFIG_MAP, "shop", "a", BODY, precondition)
    assert server.received == []


def test_a_replacement_without_a_resource_version_is_refused() -> None:
    with serving(reply_json(BODY)) as server, pytest.raises(ValueError, match="resourceVersion"):
        api(server).replace(CONFIG_MAP, "shop", "a", BODY)
    assert server.received == []


def test_a_prefix_in_the_server_url_comes_before_every_path() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(server=f"{server.url}/k8s/clusters/c-1")
        connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    assert server.received[0].target == "/k8s/clusters/c-1/api/v1/namespaces/shop/configmaps/a"


def test_impersonation_is_sent_with_every_group_in_a_header_of_its_own() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(impersonate_user="jörg", impersonate_groups=("dev", "ops"))
        connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    request = server.received[0]
    assert request.values("impersonate-group") == ["dev", "ops"]
    assert request.values("impersonate-user")[0].encode("latin-1").decode() == "jörg"


def test_a_token_with_a_line_break_is_refused_before_anything_is_sent() -> None:
    with serving(reply_json(BODY)) as server:
        credential = server.credential(token=lambda refresh: SecretText("abc\r\nX-Evil: 1"))
        with pytest.raises(CredentialError) as caught:
            connect(credential, ConnectionOptions()).get(CONFIG_MAP, "shop", "a")
    assert code_of(caught.value) is Code.CREDENTIAL_INVALID
    assert "abc" not in str(caught.value)
    assert server.received == []


@pytest.mark.parametrize("server", ["http://127.0.0.1", "https://", "https://u:p@h", "https://h:99999", "ftp://h", ""])
def test_a_server_that_is_not_a_plain_https_url_is_refused(server: str) -> None:
    with serving(reply_json(BODY)) as scripted, pytest.raises(CredentialError):
        connect(scripted.credential(server=server), ConnectionOptions())


def test_a_rejected_token_is_refreshed_once_for_all_threads_and_the_request_sent_again() -> None:
    tokens = ["old", "new"]
    refreshed = []

    def token(refresh: bool) -> SecretText:
        if refresh:
            refreshed.append(1)
            tokens.pop(0)
        return SecretText(tokens[0])

    def script(request: Received) -> list[bytes]:
        good = request.values("authorization") == ["Bearer new"]
        return [message(200, json.dumps(BODY).encode()) if good else message(401, b"{}")]

    with serving(script) as server:
        connection = connect(server.credential(token=token), ConnectionOptions(retries=FAST))
        threads = [threading.Thread(target=get, args=(connection,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert get(connection) == BODY
    assert refreshed == [1]


@pytest.mark.parametrize("token", [None, "the-token"])
def test_a_401_that_stays_is_a_rejected_credential(token: str | None) -> None:
    provided = None if token is None else lambda refresh: SecretText("the-token")
    with serving(status_object(401, "Unauthorized")) as server, pytest.raises(CredentialError) as caught:
        get(connect(server.credential(token=provided), ConnectionOptions()))
    assert code_of(caught.value) is Code.CREDENTIAL_REJECTED
    assert "the-token" not in str(caught.value)
    assert server.url in str(caught.value)
    assert len(server.received) == 1


def test_a_new_token_that_is_rejected_too_is_not_refreshed_again() -> None:
    numbers = iter(range(100))
    held = ["t"]

    def token(refresh: bool) -> SecretText:
        if refresh:
            held[0] = f"t{next(numbers)}"
        return SecretText(held[0])

    with serving(status_object(401, "Unauthorized")) as server, pytest.raises(CredentialError):
        get(connect(server.credential(token=token), ConnectionOptions()))
    assert len(server.received) == 2


def test_a_missing_object_is_none_but_an_unknown_kind_is_a_failure() -> None:
    missing = status_object(404, "NotFound", "not found", name="a", kind="configmaps")
    unknown = reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
    nameless = status_object(404, "NotFound", "the server could not find the requested resource")
    with serving(missing, unknown, nameless) as server:
        connection = api(server)
        assert get(connection) is None
        for _ in range(2):
            with pytest.raises(ApiFailure) as caught:
                get(connection)
            assert caught.value.status == 404


def test_deleting_what_is_gone_is_no_failure_but_a_wrong_uid_is() -> None:
    gone = status_object(404, "NotFound", name="a")
    with serving(gone, status_object(409, "Conflict")) as server:
        connection = api(server)
        connection.delete(CONFIG_MAP, "shop", "a", GUARD)
        with pytest.raises(ApiFailure) as caught:
            connection.delete(CONFIG_MAP, "shop", "a", GUARD)
    assert caught.value.status == 409
    options = json.loads(server.received[0].body)
    assert options["preconditions"] == {"uid": "u-1", "resourceVersion": "7"}
    assert options["propagationPolicy"] == "Background"


def test_warnings_of_the_server_come_with_the_answer() -> None:
    warning = '299 - "policy/v1beta1 is \\"old\\"", 299 - "second"'
    with serving(reply_json(BODY, Warning=warning)) as server:
        answer = api(server).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert answer.warnings == ('policy/v1beta1 is "old"', "second")


def test_access_is_only_allowed_by_a_clear_yes() -> None:
    replies: list[dict[str, Any]] = [{"status": {"allowed": True}}, {"status": {"allowed": "true"}}, {"status": {}}, {}]
    scripts = [reply_json({"kind": "SelfSubjectAccessReview", "apiVersion": "v1", **extra}) for extra in replies]
    with serving(*scripts) as server:
        connection = api(server, read_only=True)
        answers = [connection.may_i(AccessQuestion("get", "", "secrets", "shop")) for _ in replies]
    assert answers == [True, False, False, False]


def test_a_log_is_cut_and_its_broken_text_replaced() -> None:
    with serving(reply(200, b"\xff" + b"x" * 70_000, "text/plain")) as server:
        text = api(server, read_only=True).pod_log("shop", "web-1", "web", previous=True, lines=20)
    assert text.startswith("\ufffdx")
    assert len(text) == 65_536
    assert set(server.received[0].target.partition("?")[2].split("&")) == {
        "container=web",
        "previous=true",
        "tailLines=20",
        "limitBytes=65536",
    }


def test_a_list_follows_its_pages_and_fills_in_kind_and_version() -> None:
    pages = [
        {
            "kind": "L",
            "apiVersion": "v1",
            "metadata": {"continue": "abc=&", "resourceVersion": "5"},
            "items": [{"n": 1}],
        },
        {"kind": "L", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}, "items": [{"n": 2}]},
    ]
    with serving(*map(reply_json, pages)) as server:
        listed = api(server).list(CONFIG_MAP, "", "app=x,tier")
    assert [item["n"] for item in listed.items] == [1, 2]
    assert {(item["apiVersion"], item["kind"]) for item in listed.items} == {("v1", "ConfigMap")}
    assert server.received[0].target.startswith("/api/v1/configmaps?labelSelector=app%3Dx%2Ctier&limit=")
    assert "continue=abc%3D%26" in server.received[1].target


@pytest.mark.parametrize(("forgotten", "requests"), [(1, 4), (2, 6)])
def test_a_list_that_the_server_forgets_half_way_is_begun_anew_and_never_mixed(forgotten: int, requests: int) -> None:
    def page(name: str, following: str = "") -> Script:
        item = {"metadata": {"name": name}}
        metadata = {"resourceVersion": name, "continue": following}
        return reply_json({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": metadata, "items": [item]})

    old = [page("old", "more"), status_object(410, "Expired")] * forgotten
    with serving(*old, page("new-1", "more"), page("new-2")) as server:
        listed = api(server).list(CONFIG_MAP, "shop")
    assert [body["metadata"]["name"] for body in listed.items] == ["new-1", "new-2"]
    assert len(server.received) == requests


def test_a_list_that_the_server_always_forgets_is_a_failure() -> None:
    with serving(status_object(410, "Expired", "too old")) as server, pytest.raises(ApiFailure, match="too old"):
        api(server).list(CONFIG_MAP, "shop")
    assert len(server.received) == 3
