from __future__ import annotations

import json
from typing import Any

import pytest

from gitops_push.ci.trust import foreign_code

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "shop/config",
    "GITHUB_SHA": "base",
    "GITHUB_EVENT_PATH": "/event.json",
}
GITLAB = {"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_PROJECT_ID": "1"}


def pull_request(name: str | None) -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": {"full_name": name} if name else None}}}


@pytest.mark.parametrize(
    ("event", "payload", "commit", "foreign"),
    [
        ("pull_request_target", pull_request("mallory/config"), "head", True),
        ("pull_request_target", pull_request("shop/config"), "head", False),
        ("pull_request_target", pull_request("mallory/config"), "base", False),
        ("pull_request_target", pull_request("mallory/config"), "", True),
        ("pull_request_target", pull_request(None), "head", True),
        ("pull_request_target", [], "head", True),
        ("workflow_run", {"workflow_run": {"head_repository": {"full_name": "mallory/config"}}}, "head", True),
        ("workflow_run", {"workflow_run": {"head_repository": {"full_name": "shop/config"}}}, "head", False),
        ("workflow_run", {"workflow_run": None}, "head", True),
        ("issue_comment", {"issue": {"pull_request": {"url": "x"}}}, "head", True),
        ("issue_comment", {"issue": {"pull_request": {"url": "x"}}}, "base", False),
        ("issue_comment", {"issue": {}}, "other", False),
        ("pull_request", pull_request("mallory/config"), "head", False),
        ("push", {}, "head", False),
        ("schedule", {}, "", False),
    ],
)
def test_code_of_others_is_told_by_the_event_and_the_checkout(
    event: str, payload: object, commit: str, foreign: bool
) -> None:
    found = foreign_code({**GITHUB, "GITHUB_EVENT_NAME": event}, commit, lambda _: json.dumps(payload).encode())
    assert bool(found) is foreign
    assert not foreign or event in found


def unreadable(_: str) -> bytes:
    raise OSError("no such file")


@pytest.mark.parametrize("read", [unreadable, lambda _: b"{", lambda _: b"[" * 100_000])
def test_an_event_that_cannot_be_read_is_not_trusted(read: Any) -> None:
    assert foreign_code({**GITHUB, "GITHUB_EVENT_NAME": "pull_request_target"}, "head", read)
    assert not foreign_code({**GITHUB, "GITHUB_EVENT_NAME": "push"}, "head", read)


@pytest.mark.parametrize(("source", "foreign"), [("1", False), ("2", True), ("", False)])
def test_a_merge_request_of_a_fork_is_not_trusted_with_the_secrets_of_the_project(source: str, foreign: bool) -> None:
    environ = {**GITLAB, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source, "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "m/c"}
    assert bool(foreign_code(environ, "head", unreadable)) is foreign
    assert not foreign_code({**environ, "CI_PIPELINE_SOURCE": "push"}, "head", unreadable)


def test_elsewhere_nothing_is_known_against_a_checkout() -> None:
    assert not foreign_code({"GITHUB_EVENT_NAME": "pull_request_target"}, "head", unreadable)
