"""The build is cached by its sources, made by one process at a time, and where it comes from is decided in order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.controlplane.build import build_bundle, built_folder, cache_folder, exclusive
from tests.controlplane.compiler import compile_program
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.programs import find_programs, kustomize
from tests.controlplane.sources import (
    GO_SOURCES,
    PROGRAM_NAMES,
    GoProgram,
    control_plane_bundle,
    kubernetes_version,
    kustomize_bundle,
    kustomize_version,
)
from tests.controlplane.toolchain import find_go

ROOT = Path(__file__).parents[2]


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    chosen = cache_folder({"GITOPS_PUSH_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/elsewhere"})
    assert chosen == tmp_path / "controlplane"
    assert cache_folder({"XDG_CACHE_HOME": "/elsewhere"}) == Path("/elsewhere/gitops-push/controlplane")
    assert cache_folder({}) == Path.home() / ".cache" / "gitops-push" / "controlplane"


def test_the_key_is_that_of_the_sources_and_their_version(tmp_path: Path) -> None:
    copy = tmp_path / "go"
    shutil.copytree(GO_SOURCES, copy)
    assert control_plane_bundle(copy) != control_plane_bundle()
    assert control_plane_bundle(copy).key == control_plane_bundle().key
    assert control_plane_bundle().key.startswith(f"{kubernetes_version()}-")


@pytest.mark.parametrize("changed", ["controlplane/main.go", "controlplane/go.sum", "kwok/go.mod"])
def test_the_key_changes_with_a_source(tmp_path: Path, changed: str) -> None:
    copy = tmp_path / "go"
    shutil.copytree(GO_SOURCES, copy)
    with (copy / changed).open("a", encoding="utf-8") as stream:
        stream.write("// changed\n")
    assert control_plane_bundle(copy).key != control_plane_bundle().key
    assert kustomize_bundle(copy).key == kustomize_bundle().key


def test_another_kustomize_does_not_build_kubernetes_again(tmp_path: Path) -> None:
    copy = tmp_path / "go"
    shutil.copytree(GO_SOURCES, copy)
    module = copy / "kustomize" / "go.mod"
    module.write_text(module.read_text().replace(kustomize_version(), "v5.99.0"))
    assert kustomize_bundle(copy).key.startswith("kustomize-v5.99.0-")
    assert control_plane_bundle(copy).key == control_plane_bundle().key


def test_kustomize_is_built_once_and_says_the_version_of_its_module() -> None:
    program = kustomize()
    answer = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == kustomize_version()
    assert kustomize(say=pytest.fail) == program


def test_a_folder_of_assets_is_taken_before_the_cache(tmp_path: Path) -> None:
    for name in PROGRAM_NAMES:
        (tmp_path / name).touch()
    assert find_programs({"KUBEBUILDER_ASSETS": str(tmp_path)}) == tmp_path


def test_assets_without_controllers_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver", "kubectl"):
        (tmp_path / name).touch()
    with pytest.raises(ControlPlaneError, match="has no kube-controller-manager, kube-scheduler, kwok"):
        find_programs({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_a_cached_build_is_taken_as_it_is(tmp_path: Path) -> None:
    cached = tmp_path / "controlplane" / control_plane_bundle().key
    cached.mkdir(parents=True)
    assert built_folder(tmp_path / "controlplane", control_plane_bundle()) == cached
    assert find_programs({"GITOPS_PUSH_CACHE": str(tmp_path)}) == cached


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".build-killed" / "programs").mkdir(parents=True)
    bundle = kustomize_bundle()
    (tmp_path / bundle.key).mkdir()
    build_bundle(tmp_path, bundle)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["lock", bundle.key])


def test_two_builds_take_turns(tmp_path: Path) -> None:
    order: list[str] = []
    lock = tmp_path / "lock"
    waiting = threading.Thread(target=lambda: _enter(lock, order))
    with exclusive(lock, order.append):
        waiting.start()
        waiting.join(0.5)
        order.append("first leaves")
    waiting.join()
    assert order == ["first leaves", "second enters"]


def test_a_failed_build_shows_the_end_of_what_go_said(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module broken\n\ngo 1.26\n", encoding="utf-8")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { nothing() }\n", encoding="utf-8")
    go = find_go(cache_folder(os.environ), lambda line: None)
    program = GoProgram("broken", tmp_path, ".", "-s")
    with pytest.raises(ControlPlaneError, match=r"(?s)could not build broken.*undefined: nothing"):
        compile_program(go, program, tmp_path / "target", lambda line: None)


def test_run_starts_a_control_plane_for_one_command(control_plane: object, tmp_path: Path) -> None:
    """The fixture is only there so that the build is cached before."""
    script = "import os; print(os.environ['KUBECONFIG_DEMO'].splitlines()[0]); raise SystemExit(3)"
    command = [sys.executable, "-m", "tests.controlplane", "run", "--", sys.executable, "-c", script]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (3, "apiVersion: v1\n")


def _enter(lock: Path, order: list[str]) -> None:
    with exclusive(lock, order.append):
        order.append("second enters")
