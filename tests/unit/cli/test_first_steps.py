"""What people see who do not know the program yet: no arguments, a slip of the pen, an empty repository."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from gitops_push.cli.main import COMMANDS, cli, run


def test_without_arguments_the_help_is_shown_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([], {}) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Usage: gitops-push")
    assert "error" not in shown.partition("Exit codes:")[0]
    assert "nothing was written" not in shown


def test_an_unknown_command_names_the_one_that_may_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dif", "prod"], {}) == 2
    assert "there is no command 'dif' (did you mean 'diff'?)" in capsys.readouterr().err


def test_a_missing_environment_says_where_the_names_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply"], {}) == 2
    assert "`gitops-push environments` lists them" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["validate", "diff", "drift", "status"])
def test_all_of_no_environments_is_an_error_and_not_a_green_job(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--all", "-C", str(tmp_path)], {}) == 10
    assert "there are no environments" in capsys.readouterr().err


def test_a_list_of_no_environments_says_how_to_get_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["environments", "-C", str(tmp_path)], {}) == 0
    assert "`gitops-push init`" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"completion", "version"}])
def test_the_help_of_a_command_says_how_it_ends(name: str) -> None:
    context = click.Context(cli, info_name="gitops-push")
    command = cli.get_command(context, name)
    assert command is not None
    assert "Exit codes: 0 done" in command.get_help(click.Context(command, info_name=name, parent=context))
