"""Whether the checkout may hold code of people who must not get at the job's secrets.

Some events run with secrets though somebody from outside started them. They are meant for the code of the default
branch; a job that checks out the pull request's code instead hands it the credential.
GitHub: docs.github.com, "Events that trigger workflows" and "Preventing pwn requests".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

_GITHUB_EVENTS: Final = frozenset({"pull_request_target", "workflow_run", "issue_comment"})


def foreign_code(environ: Mapping[str, str], commit: str, read: Callable[[str], bytes]) -> str:
    """Return why the checked-out code is not trusted, or "" if nothing speaks against it.

    `commit` is that of the checkout, "" where it is not known; `read` gives the content of a file, and raises OSError.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _on_github(environ, commit, read)
    if environ.get("GITLAB_CI") == "true":
        return _on_gitlab(environ)
    return ""


def _on_github(environ: Mapping[str, str], commit: str, read: Callable[[str], bytes]) -> str:
    event = environ.get("GITHUB_EVENT_NAME", "")
    if event not in _GITHUB_EVENTS or (commit and commit == environ.get("GITHUB_SHA")):
        return ""
    payload = _payload(environ.get("GITHUB_EVENT_PATH", ""), read)
    if event == "issue_comment" and payload is not None and not _at(payload, "issue", "pull_request"):
        return ""
    head = _head_repository(event, payload) if payload is not None else ""
    if head and head == environ.get("GITHUB_REPOSITORY"):
        return ""
    whose = f"of {head}" if head else "of a repository that the event does not name"
    return f"the event {event} runs with secrets, and what is checked out is not the default branch but code {whose}"


def _head_repository(event: str, payload: Mapping[str, Any]) -> str:
    if event == "pull_request_target":
        return str(_at(payload, "pull_request", "head", "repo", "full_name") or "")
    if event == "workflow_run":
        return str(_at(payload, "workflow_run", "head_repository", "full_name") or "")
    return ""


def _on_gitlab(environ: Mapping[str, str]) -> str:
    source, target = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), environ.get("CI_MERGE_REQUEST_PROJECT_ID")
    if environ.get("CI_PIPELINE_SOURCE") != "merge_request_event" or not source or source == target:
        return ""
    path = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "another project")
    return f"the pipeline is of a merge request from the fork {path}, and runs with the secrets of this project"


def _payload(path: str, read: Callable[[str], bytes]) -> Mapping[str, Any] | None:
    try:
        found = json.loads(read(path))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
