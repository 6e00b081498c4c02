"""Every value of the output says which file and line put it there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.tree import origin_at
from gitops_push.kustomize.build import BuiltSet, build_kustomization
from gitops_push.system.files import RepoFiles
from tests.conformance.random_overlays import Overlays
from tests.unit.kustomize.trees import DEPLOYMENT, build, only, place

IMAGE = ("spec", "template", "spec", "containers", 0, "image")

TREE = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": DEPLOYMENT,
    "overlay/kustomization.yaml": """\
        resources:
        - ../base
        namespace: shop
        namePrefix: prod-
        labels:
        - pairs:
            stage: prod
        images:
        - name: nginx
          newTag: "2.0"
        patches:
        - path: patch.yaml
        - target: {kind: Deployment}
          patch: |-
            - op: add
              path: /spec/paused
              value: true
        configMapGenerator:
        - name: settings
          literals:
          - LEVEL=info
          files:
          - page.html
          envs:
          - app.env
        """,
    "overlay/patch.yaml": """\
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          replicas: 3
        """,
    "overlay/page.html": "<p>\n",
    "overlay/app.env": "# first\nMODE=fast\n",
}


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        pytest.param("Deployment", IMAGE, ("overlay/kustomization.yaml", 10, "images"), id="image tag"),
        pytest.param("Deployment", ("spec", "replicas"), ("overlay/patch.yaml", 6, "patch"), id="patched replicas"),
        pytest.param(
            "Deployment", ("spec", "paused"), ("overlay/kustomization.yaml", 17, "patch"), id="inline JSON patch"
        ),
        pytest.param(
            "Deployment", ("metadata", "namespace"), ("overlay/kustomization.yaml", 3, "namespace"), id="namespace"
        ),
        pytest.param("Deployment", ("metadata", "name"), ("overlay/kustomization.yaml", 4, "namePrefix"), id="prefix"),
        pytest.param(
            "Deployment", ("metadata", "labels", "stage"), ("overlay/kustomization.yaml", 7, "labels"), id="label"
        ),
        pytest.param(
            "ConfigMap", ("data", "LEVEL"), ("overlay/kustomization.yaml", 21, "configMapGenerator"), id="literal"
        ),
        pytest.param("ConfigMap", ("data", "page.html"), ("overlay/page.html", 1, "configMapGenerator"), id="file"),
        pytest.param("ConfigMap", ("data", "MODE"), ("overlay/app.env", 2, "configMapGenerator"), id="env file"),
    ],
)
def test_a_value_is_traced_to_the_line_that_set_it(
    kind: str, path: tuple[str | int, ...], expected: tuple[str, int, str], tmp_path: Path
) -> None:
    built = build(tmp_path, TREE, "overlay")
    assert place(origin_at(only(built, kind).body, path)) == expected


def test_the_trail_names_the_places_that_held_earlier_values(tmp_path: Path) -> None:
    built = build(tmp_path, TREE, "overlay")
    origin = origin_at(only(built, "Deployment").body, ("spec", "replicas"))
    assert origin is not None
    assert [(one.file, one.line) for one in origin.trail] == [("base/web.yaml", 6)]


def test_an_object_of_a_list_begins_where_its_item_does(tmp_path: Path) -> None:
    listed = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"
    built = build(tmp_path, {"kustomization.yaml": "resources: [l.yaml]\n", "l.yaml": listed})
    assert (built.objects[0].origin.file, built.objects[0].origin.line) == ("l.yaml", 4)


def scalars(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from scalars(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from scalars(value, (*path, index))
    else:
        yield path


@given(seed=st.integers(0, 1_000_000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_scalar_has_an_origin_in_a_file_that_has_that_line(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tree")
    path = Overlays(seed).write(root)
    problems: tuple[Problem, ...] = ()
    try:
        built = build_kustomization(RepoFiles(root), path)
    except BuildError as error:
        built, problems = BuiltSet(()), error.problems
    assert all(problem.origin and (root / problem.origin.file).exists() for problem in problems)
    for one in built.objects:
        for pointer in scalars(one.body):
            origin = origin_at(one.body, pointer)
            assert origin is not None
            lines = (root / origin.file).read_text().count("\n") + 1
            assert 1 <= origin.line <= lines, (pointer, origin)
