"""`build --compare-with` and `builder:`: other programs build the same kustomization."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from gitops_push.cli.main import run
from tests.unit.kustomize.trees import write_tree

APP = {
    "app/kustomization.yaml": "resources: [a.yaml, s.yaml]\nnamePrefix: p-",
    "app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n",
    "app/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hunter2-hunter2}\n",
    "gitops-push.yaml": "version: 1\nenvironments: {prod: {namespace: shop, "
    "sources: [{kustomize: {path: app, builder: kustomize, loadRestrictor: none, reorder: none}}]}}",
}
BUILT = """\
apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  name: p-a
---
apiVersion: v1
kind: Secret
metadata:
  name: p-s
stringData:
  k: hunter2-hunter2
"""


def program(folder: Path, text: str, code: int = 0, name: str = "kustomize") -> Path:
    """Write a program that records its arguments and variables, and prints a text."""
    path = write_tree(folder, {f"bin/{name}": ""}) / "bin" / name
    record = shlex.quote(str(folder / "record"))
    path.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{record}\nenv >>{record}\nprintf %s {shlex.quote(text)}\n"
        f"echo 'what went wrong' >&2\nexit {code}\n"
    )
    path.chmod(0o755)
    return path


def build(folder: Path, *arguments: str) -> int:
    environ = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "KUBECONFIG": "/secret", "TOKEN": "secret"}
    return run(["build", "-C", str(folder), *arguments], environ)


def test_the_same_text_is_said_to_be_the_same_and_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, APP)
    program(tmp_path, BUILT)
    assert build(tmp_path, "app", "--compare-with", "kustomize") == 0
    shown = capfd.readouterr()
    assert shown.out == BUILT
    assert "kustomize builds the same (1 kustomization)" in shown.err


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (BUILT.replace("k: v", "k: w"), "line 3, ConfigMap p-a (app/a.yaml:1:1): ours '  k: v', theirs '  k: w'"),
        (BUILT.partition("---")[0], "line 7, ConfigMap p-a (app/a.yaml:1:1): ours '---', theirs ''"),
        (BUILT + "extra: 1\n", "theirs (not shown"),
    ],
    ids=["a value", "less", "more"],
)
def test_the_first_difference_is_an_error_with_both_lines(
    theirs: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, APP)
    path = program(tmp_path, theirs, name="mine")
    assert build(tmp_path, "app", "--compare-with", str(path)) == 12
    shown = capfd.readouterr()
    assert "error[GP0213]" in shown.err
    assert words in shown.err
    assert not shown.out


def test_a_difference_in_a_secret_is_found_and_not_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, APP)
    program(tmp_path, BUILT.replace("hunter2-hunter2", "correct-horse"))
    assert build(tmp_path, "app", "--compare-with", "kustomize") == 12
    err = capfd.readouterr().err
    assert "line 13, Secret p-s" in err
    assert "hunter2" not in err
    assert "correct" not in err


def test_a_program_that_is_not_there_or_fails_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, APP)
    assert build(tmp_path, "app", "--compare-with", "kustomize-that-is-not-there") == 12
    assert "there is no kustomize-that-is-not-there on the PATH" in capfd.readouterr().err
    path = program(tmp_path, "", code=3)
    assert build(tmp_path, "app", "--compare-with", str(path)) == 12
    assert "cannot build app: what went wrong" in capfd.readouterr().err


def test_without_a_kustomization_there_is_nothing_to_compare(tmp_path: Path) -> None:
    write_tree(tmp_path, {"plain/a.yaml": APP["app/a.yaml"]})
    assert build(tmp_path, "plain", "--compare-with", "kustomize") == 2


def test_a_source_may_be_built_by_a_program_and_its_objects_stand_at_the_kustomization(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, APP)
    program(tmp_path, BUILT)
    assert build(tmp_path, "prod", "--origins") == 0
    shown = capfd.readouterr()
    assert "# from app/kustomization.yaml" in shown.out
    assert "namespace: shop" in shown.out
    record = (tmp_path / "record").read_text().splitlines()
    root = str(tmp_path / "app")
    assert record[:4] == ["build", "--load-restrictor=LoadRestrictionsNone", "--reorder=none", root]
    assert "KUBECONFIG=/dev/null" in record
    assert not any("secret" in line for line in record[4:])
    home = next(line for line in record if line.startswith("HOME="))
    assert not Path(home.removeprefix("HOME=")).exists()


def test_kubectl_is_called_by_its_own_command(tmp_path: Path) -> None:
    write_tree(tmp_path, APP)
    program(tmp_path, BUILT, name="kubectl")
    assert build(tmp_path, "app", "--compare-with", "kubectl", "--enable-exec") == 0
    record = (tmp_path / "record").read_text().splitlines()
    assert record[:3] == ["kustomize", "--load-restrictor=LoadRestrictionsRootOnly", str(tmp_path / "app")]


def test_what_a_program_prints_is_checked_like_any_manifest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, APP)
    program(tmp_path, "kind: ConfigMap\nkind: ConfigMap\n")
    assert build(tmp_path, "prod") == 12
    assert "gitops-push.yaml:2:62" in capfd.readouterr().err
