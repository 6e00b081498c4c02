"""Tells whether we run in a CI job, in which, and what its variables say about the run.

Source: the page of predefined variables in each system's documentation. The values come from branch names and people:
they are untrusted text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CiSystem(StrEnum):
    """The systems that we know by name; `OTHER` is one that only sets `CI`."""

    GITHUB = "GitHub Actions"
    GITLAB = "GitLab CI"
    JENKINS = "Jenkins"
    AZURE = "Azure Pipelines"
    OTHER = "CI"


@dataclass(frozen=True, slots=True)
class CiRun:
    """One CI job. Every part but `system` is "" where the variables do not say."""

    system: CiSystem
    run_url: str = ""
    actor: str = ""
    branch: str = ""
    commit: str = ""


def detect_ci(environ: Mapping[str, str]) -> CiRun | None:
    """Return the CI job that these environment variables are of, or None at a terminal or in plain cron."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("TF_BUILD", "").lower() == "true":
        return _azure(environ)
    if environ.get("JENKINS_URL") or environ.get("BUILD_TAG", "").startswith("jenkins-"):
        return _jenkins(environ)
    return CiRun(CiSystem.OTHER) if environ.get("CI", "").lower() not in ("", "false", "0") else None


def _github(environ: Mapping[str, str]) -> CiRun:
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID", "")
    return CiRun(
        CiSystem.GITHUB,
        run_url=f"{server}/{repository}/actions/runs/{run}" if server and repository and run else "",
        actor=environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", ""),
        branch=environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME", ""),
        commit=environ.get("GITHUB_SHA", ""),
    )


def _gitlab(environ: Mapping[str, str]) -> CiRun:
    return CiRun(
        CiSystem.GITLAB,
        run_url=environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", ""),
        actor=environ.get("GITLAB_USER_LOGIN", ""),
        branch=environ.get("CI_COMMIT_REF_NAME", ""),
        commit=environ.get("CI_COMMIT_SHA", ""),
    )


def _azure(environ: Mapping[str, str]) -> CiRun:
    server, project = environ.get("SYSTEM_COLLECTIONURI", "").rstrip("/"), environ.get("SYSTEM_TEAMPROJECT", "")
    run = environ.get("BUILD_BUILDID", "")
    return CiRun(
        CiSystem.AZURE,
        run_url=f"{server}/{project}/_build/results?buildId={run}" if server and project and run else "",
        actor=environ.get("BUILD_REQUESTEDFOR", ""),
        branch=environ.get("BUILD_SOURCEBRANCHNAME", ""),
        commit=environ.get("BUILD_SOURCEVERSION", ""),
    )


def _jenkins(environ: Mapping[str, str]) -> CiRun:
    return CiRun(
        CiSystem.JENKINS,
        run_url=environ.get("BUILD_URL", ""),
        actor=environ.get("BUILD_USER_ID", ""),
        branch=environ.get("CHANGE_BRANCH") or environ.get("BRANCH_NAME") or environ.get("GIT_BRANCH", ""),
        commit=environ.get("GIT_COMMIT", ""),
    )
