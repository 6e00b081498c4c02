from __future__ import annotations

import pytest

from gitops_push.ci.detection import CiRun, CiSystem, detect_ci


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "shop/config",
                "GITHUB_RUN_ID": "42",
                "GITHUB_ACTOR": "author",
                "GITHUB_TRIGGERING_ACTOR": "rerunner",
                "GITHUB_REF_NAME": "12/merge",
                "GITHUB_HEAD_REF": "feature",
                "GITHUB_SHA": "abc",
            },
            CiRun(CiSystem.GITHUB, "https://github.com/shop/config/actions/runs/42", "rerunner", "feature", "abc"),
            id="GitHub",
        ),
        pytest.param(
            {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main"},
            CiRun(CiSystem.GITHUB, branch="main"),
            id="GitHub without the rest",
        ),
        pytest.param(
            {
                "CI": "true",
                "GITLAB_CI": "true",
                "CI_JOB_URL": "https://gitlab.com/j/1",
                "GITLAB_USER_LOGIN": "me",
                "CI_COMMIT_REF_NAME": "main",
                "CI_COMMIT_SHA": "abc",
            },
            CiRun(CiSystem.GITLAB, "https://gitlab.com/j/1", "me", "main", "abc"),
            id="GitLab",
        ),
        pytest.param(
            {
                "TF_BUILD": "True",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/shop/",
                "SYSTEM_TEAMPROJECT": "config",
                "BUILD_BUILDID": "7",
                "BUILD_REQUESTEDFOR": "Me",
                "BUILD_SOURCEBRANCHNAME": "main",
                "BUILD_SOURCEVERSION": "abc",
            },
            CiRun(CiSystem.AZURE, "https://dev.azure.com/shop/config/_build/results?buildId=7", "Me", "main", "abc"),
            id="Azure",
        ),
        pytest.param(
            {
                "JENKINS_URL": "https://jenkins/",
                "BUILD_URL": "https://jenkins/job/1/",
                "BRANCH_NAME": "PR-1",
                "CHANGE_BRANCH": "feature",
                "GIT_COMMIT": "abc",
            },
            CiRun(CiSystem.JENKINS, "https://jenkins/job/1/", "", "feature", "abc"),
            id="Jenkins",
        ),
        pytest.param(
            {"BUILD_TAG": "jenkins-config-7", "GIT_BRANCH": "origin/main"},
            CiRun(CiSystem.JENKINS, branch="origin/main"),
            id="Jenkins without its URL configured",
        ),
        pytest.param({"CI": "true"}, CiRun(CiSystem.OTHER), id="any other"),
        pytest.param({"CI": "1"}, CiRun(CiSystem.OTHER), id="any other, with a number"),
    ],
)
def test_a_ci_job_is_known_by_its_variables(environ: dict[str, str], expected: CiRun) -> None:
    assert detect_ci(environ) == expected


@pytest.mark.parametrize(
    "environ", [{}, {"CI": ""}, {"CI": "false"}, {"CI": "0"}, {"GITHUB_ACTIONS": "false"}, {"BUILD_TAG": "v1"}]
)
def test_a_terminal_is_no_ci_job(environ: dict[str, str]) -> None:
    assert detect_ci(environ) is None
