"""Declared applications are refused with the command that deploys what they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError
from gitops_push.repo.discovery import path_environment
from gitops_push.system.files import RepoFiles

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  source: {repoURL: "https://git.example/config", path: apps/web}
  destination: {namespace: shop}
"""
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec: {path: ./apps/web, targetNamespace: "my shop"}
"""
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def refusal(root: Path, path: str, **files: str) -> tuple[str, str]:
    """Return message and hint for a path of a repo with these files ("__" in a name is a slash)."""
    for name, text in files.items():
        file = root / (name.replace("__", "/") + ".yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        path_environment(RepoFiles(root), path, "", "project")
    (problem,) = caught.value.problems
    assert problem.code is Code.CONFIG_NOT_SUPPORTED_YET
    return problem.message, problem.hint or ""


@pytest.mark.parametrize(
    ("declared", "command"),
    [(APPLICATION, "gitops-push diff ./apps/web -n shop"), (FLUX, "gitops-push diff ./apps/web -n 'my shop'")],
    ids=["argo", "flux"],
)
def test_the_command_for_the_declared_path_is_named(declared: str, command: str, tmp_path: Path) -> None:
    message, hint = refusal(tmp_path, "app.yaml", app=declared, apps__web__a=OBJECT)
    assert "app.yaml declares an application" in message
    assert hint.splitlines()[0] == f"deploy the path that it names: {command}"


@pytest.mark.parametrize("spelled", ["argoproj\\x2eio", "argoproj.\\\n  io"], ids=["an escape", "a folded line"])
@pytest.mark.parametrize("path", ["app.yaml", "."], ids=["file", "folder"])
def test_a_declaration_is_recognised_however_its_group_is_spelled(spelled: str, path: str, tmp_path: Path) -> None:
    declared = APPLICATION.replace("argoproj.io/v1alpha1", f'"{spelled}/v1alpha1"')
    assert "declares an application" in refusal(tmp_path, path, app=declared)[0]


def test_a_path_of_another_repository_is_said_to_be_not_here(tmp_path: Path) -> None:
    _, hint = refusal(tmp_path, "app.yaml", app=APPLICATION)
    assert "apps/web, is not here; run in a checkout of its repository: gitops-push diff ./apps/web -n shop" in hint


@pytest.mark.parametrize("spec", ["", "spec: []", "spec: {source: {path: [x]}}", "spec: {sources: [{chart: x}]}"])
def test_a_declaration_without_a_path_is_refused_all_the_same(spec: str, tmp_path: Path) -> None:
    _, hint = refusal(
        tmp_path,
        "app.yaml",
        app=f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\n{spec}\n",
    )
    assert hint.startswith("give the path of the manifests")


def test_a_path_that_leads_out_of_the_repo_is_not_looked_at(tmp_path: Path) -> None:
    _, hint = refusal(tmp_path, "app.yaml", app=APPLICATION.replace("apps/web", "../../etc"))
    assert "is not here" in hint


def test_a_folder_of_nothing_but_declarations_is_refused_like_the_file(tmp_path: Path) -> None:
    message, _ = refusal(tmp_path, "argocd", argocd__app=APPLICATION, apps__web__a=OBJECT)
    assert message.startswith("argocd/app.yaml declares an application")


def test_a_folder_that_holds_more_than_declarations_is_deployed_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(APPLICATION)
    (tmp_path / "map.yaml").write_text(OBJECT)
    assert path_environment(RepoFiles(tmp_path), ".", "", "project").sources
