"""KRM functions and local git bases: our output and that of the real kustomize are equal bytes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitops_push.core.build_options import BuildOptions
from gitops_push.core.errors import BuildError
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import build_kustomization
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.controlplane.programs import kustomize
from tests.unit.kustomize.trees import write_tree
from tests.unit.repo.test_local_git import git, repository

OPTIONS = BuildOptions(enable_exec=True, enable_alpha_plugins=True)
CONFIG = (
    "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: demo\n  annotations:\n"
    "    config.kubernetes.io/function: |\n      exec:\n        path: ./fn.sh\n"
)
OBJECTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, annotations: {x: 1.50, d: 2001-01-01}}
data: {k: "1", n: "y", z: "0x10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: m, image: nginx, args: ["1", 1.0, null, "~", yes], envFrom: [{configMapRef: {name: a}}]}
"""
MADE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: made\n"
SCRIPTS = {
    "pass on": "cat",
    "rename": "sed 's/name: p-a-s$/name: zz/'",
    "drop one": "sed '/^- apiVersion: apps/,/^functionConfig/{/^functionConfig/!d}'",
    "drop the history": "sed '/internal.config.kubernetes.io/d'",
    "print something else": f"cat <<'EOF'\n{MADE}EOF",
    "change a value": "sed 's/image: nginx/image: nginx:2/; s/replicas: 1/replicas: 3/'",
    "ask for a hash": f"cat <<'EOF'\n{MADE}  annotations: {{kustomize.config.k8s.io/needs-hash: 'true'}}\nEOF",
    "nothing": "true",
}
FIELDS = {
    "transformer": "namePrefix: p-\nnameSuffix: -s\ntransformers: [fn.yaml]\n",
    "generator": "namePrefix: p-\nnameSuffix: -s\ngenerators: [fn.yaml]\n",
    "validator": "validators: [fn.yaml]\n",
}


def ours(root: Path, path: str) -> str | None:
    with private_folder() as folder:
        programs = LocalPrograms(OPTIONS, root, folder, {"PATH": os.environ["PATH"]})
        try:
            built = build_kustomization(RepoFiles(root), path, OPTIONS, programs)
        except BuildError:
            return None
        return yaml_stream([one.body for one in built.objects])


def theirs(directory: Path) -> str | None:
    command = [str(kustomize()), "build", "--enable-alpha-plugins", "--enable-exec", str(directory)]
    environ = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_function_gives_the_bytes_that_kustomize_gives(script: str, field: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"fn.yaml": CONFIG, "a.yaml": OBJECTS})
    (tmp_path / "kustomization.yaml").write_text(f"resources: [a.yaml]\n{FIELDS[field]}")
    (tmp_path / "fn.sh").write_text(f"#!/bin/sh\n{SCRIPTS[script]}\n")
    (tmp_path / "fn.sh").chmod(0o755)
    assert ours(tmp_path, ".") == theirs(tmp_path)


@pytest.mark.parametrize(
    "entry", ["bases.git", "bases.git//web", "bases.git/web?ref=v1", "bases.git?ref=nowhere", "missing.git", "//x"]
)
def test_a_local_git_base_gives_the_bytes_that_kustomize_gives(entry: str, tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [a.yaml]\nnamePrefix: b-",
        "a.yaml": OBJECTS,
        "web/kustomization.yaml": "resources: [pod.yaml]",
        "web/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}",
    }
    git(repository(tmp_path / "bases.git", files), "tag", "v1")
    write_tree(tmp_path, {"app/kustomization.yaml": f"resources: ['file://{tmp_path}/{entry}']\nnamePrefix: p-"})
    assert ours(tmp_path, "app") == theirs(tmp_path / "app")
