from __future__ import annotations

from gitops_push.ci.identity import run_identity
from gitops_push.core.run_identity import RunIdentity


def test_in_ci_the_variables_of_the_system_say_who_runs() -> None:
    environ = {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.com/j/1", "GITLAB_USER_LOGIN": "me", "USER": "root"}
    expected = RunIdentity("https://gitlab.com/j/1", "me", system="GitLab CI", host="runner")
    assert run_identity(environ, "runner") == expected


def test_at_a_terminal_it_is_the_user_at_the_machine() -> None:
    assert str(run_identity({"LOGNAME": "alice"}, "laptop")) == "alice@laptop"
