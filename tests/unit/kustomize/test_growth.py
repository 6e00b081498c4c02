"""The work of a build grows with the number of objects, not with its square: counted in calls, not in seconds."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from gitops_push.kustomize.build import build_kustomization
from gitops_push.system.files import RepoFiles
from tests.bench.generate_overlay import generate_overlay


def calls_of_build(root: Path, path: str) -> int:
    """Return how many Python functions a build of the directory calls."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    files = RepoFiles(root)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        build_kustomization(files, path)
    finally:
        sys.setprofile(before)
    return calls


def test_the_number_of_calls_grows_linearly(tmp_path: Path) -> None:
    small, large = (calls_of_build(tmp_path / str(n), generate_overlay(tmp_path / str(n), n)) for n in (60, 240))
    exponent = math.log(large / small) / math.log(240 / 60)
    assert exponent <= 1.05


def many_patches(folder: Path, count: int) -> str:
    """Patches with plain targets, as many as objects."""
    names = [f"app-{number}" for number in range(count)]
    entries = "".join(
        f"- target: {{kind: ConfigMap, name: {name}}}\n  patch: '[{{op: add, path: /data/b, value: x}}]'\n"
        for name in names
    )
    return _root(folder, [_config_map(name) for name in names], f"patches:\n{entries}")


def many_references(folder: Path, count: int) -> str:
    """One object a name, all renamed, and a Deployment that refers to every one."""
    names = [f"app-{number}" for number in range(count)]
    sources = "".join(f"        - configMapRef: {{name: {name}}}\n" for name in names)
    deployment = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
      - name: main
        envFrom:
{sources}"""
    return _root(folder, [*map(_config_map, names), deployment], "namePrefix: prod-\n")


def many_overlays(folder: Path, count: int) -> str:
    """One base, used by that many overlays with prefixes of their own."""
    _root(folder / "base", [_config_map(f"app-{number}") for number in range(10)], "")
    for number in range(count):
        overlay = folder / f"overlay{number}"
        overlay.mkdir()
        (overlay / "kustomization.yaml").write_text(f"resources: [../base]\nnamePrefix: p{number}-\n")
    entries = "".join(f"- overlay{number}\n" for number in range(count))
    (folder / "kustomization.yaml").write_text(f"resources:\n{entries}")
    return "."


def many_components(folder: Path, count: int) -> str:
    """A tree of components, each with an object and a label of its own, over few objects."""
    entries = ""
    for number in range(count):
        component = folder / f"component{number}"
        component.mkdir(parents=True)
        (component / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [objects.yaml]\n"
        )
        (component / "objects.yaml").write_text(_config_map(f"part-{number}"))
        entries += f"- component{number}\n"
    return _root(folder, [_config_map("app")], f"components:\n{entries}")


def many_list_entries(folder: Path, count: int) -> str:
    """One patch that merges a long list of containers by name."""
    containers = "".join(f"      - {{name: c{number}, image: app}}\n" for number in range(count))
    workload = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
{containers}"""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "patch.yaml").write_text(workload.replace("image: app", "imagePullPolicy: Always"))
    return _root(folder, [workload], "patches:\n- path: patch.yaml\n")


def _config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: x}}\n"


def _root(folder: Path, objects: list[str], rest: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "objects.yaml").write_text("---\n".join(objects))
    (folder / "kustomization.yaml").write_text(f"resources: [objects.yaml]\n{rest}")
    return "."


@pytest.mark.parametrize("generate", [many_patches, many_references, many_overlays, many_components, many_list_entries])
def test_no_shape_of_tree_makes_the_work_grow_faster(tmp_path: Path, generate: Callable[[Path, int], str]) -> None:
    sizes = (40, 160)
    small, large = (calls_of_build(tmp_path / str(n), generate(tmp_path / str(n), n)) for n in sizes)
    exponent = math.log(large / small) / math.log(sizes[1] / sizes[0])
    assert exponent <= 1.05
