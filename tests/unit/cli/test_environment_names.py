"""Completion of environment names: from the config only, silent about everything else."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from gitops_push.cli.diff import diff_command
from gitops_push.cli.environment_names import complete_environment

CONFIG = """\
version: 1
clusters: {eu: {credentials: {env: KUBECONFIG_EU}}}
environments:
  prod: {cluster: eu, namespace: shop, sources: [{kustomize: not/there}]}
  preview: {cluster: eu, namespace: shop, sources: [{kustomize: not/there}]}
  dev: {cluster: eu, namespace: shop, sources: [{kustomize: not/there}]}
"""


def completed(directory: Path, incomplete: str, *before: str) -> list[tuple[str, str]]:
    """Return (text, type) of what a shell would offer for `gitops-push diff -C DIRECTORY BEFORE... INCOMPLETE`."""
    context = click.Context(diff_command, resilient_parsing=True)
    diff_command.parse_args(context, ["-C", str(directory), *before])
    found = complete_environment(context, diff_command.params[0], incomplete)
    return [(item.value, item.type) for item in found]


def test_the_environments_that_begin_so_are_offered(tmp_path: Path) -> None:
    (tmp_path / "gitops-push.yaml").write_text(CONFIG)
    assert completed(tmp_path, "pr") == [("preview", "plain"), ("prod", "plain")]


def test_an_environment_that_is_on_the_line_is_not_offered_again(tmp_path: Path) -> None:
    (tmp_path / "gitops-push.yaml").write_text(CONFIG)
    assert completed(tmp_path, "", "prod") == [("dev", "plain"), ("preview", "plain")]


@pytest.mark.parametrize("config", ["", "environments: [", "version: 1\nenviroments: {}\n", "\0", None])
def test_without_a_config_that_can_be_read_paths_are_left_to_the_shell(
    config: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if config is not None:
        (tmp_path / "gitops-push.yaml").write_text(config)
    assert completed(tmp_path, "apps/w") == [("apps/w", "file")]
    assert capsys.readouterr() == ("", "")


def test_a_directory_that_does_not_exist_offers_paths(tmp_path: Path) -> None:
    assert completed(tmp_path / "absent", "x") == [("x", "file")]
