"""Small repositories for the tests of the builder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from gitops_push.core.origin import Origin
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import BuildOptions, BuiltObject, BuiltSet, build_kustomization
from gitops_push.system.files import RepoFiles

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: main
        image: nginx:1.0
"""


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, with their common indentation removed."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root


def build(root: Path, files: Mapping[str, str], path: str = ".", options: BuildOptions | None = None) -> BuiltSet:
    """Write the files and build the kustomization in `path`."""
    return build_kustomization(RepoFiles(write_tree(root, files)), path, options or BuildOptions())


def text(built: BuiltSet) -> str:
    """Return the output as kustomize prints it."""
    return yaml_stream([one.body for one in built.objects])


def only(built: BuiltSet, kind: str) -> BuiltObject:
    """Return the one object of a kind."""
    (found,) = (one for one in built.objects if one.body["kind"] == kind)
    return found


def place(origin: Origin | None) -> tuple[str, int, str]:
    """Return file, line and step of an origin."""
    assert origin is not None
    return origin.file, origin.line, origin.step
