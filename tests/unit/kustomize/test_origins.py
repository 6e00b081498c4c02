"""Every value of the output says which file and line put it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.tree import origin_at
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


CHAIN_TREE = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "overlay/app.env": "MODE=fast\n",
    "base/web.yaml": """\
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          annotations: {a: &x text, b: *x}
          name: web
        spec:
          template: {spec: {containers: [
            {name: main,
              args: [old],
              image: "nginx:1",
              envFrom: [{configMapRef: {name: env}}],
              resources: {limits: &r {cpu: 1}, requests: {<<: *r}}}]}}
        """,
    "overlay/kustomization.yaml": """\
        resources: [../base]
        namePrefix: p-
        generatorOptions: {}
        configMapGenerator:
        - name: env
          envs: [app.env]
        patches:
        - patch: |-
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
            spec:
              template:
                spec:
                  containers:
                  - {name: main, args: [new]}
        - target: {kind: Deployment}
          patch: |-
            - op: copy
              from: /spec/template/spec/containers/0/name
              path: /metadata/annotations/c
        """,
}

CHAINS = {
    "namePrefix and reference": (
        "Deployment",
        ("spec", "template", "spec", "containers", 0, "envFrom", 0, "configMapRef", "name"),
        [
            ("base/web.yaml", 11, ""),
            ("overlay/kustomization.yaml", 5, "configMapGenerator"),
            ("overlay/kustomization.yaml", 2, "namePrefix"),
            ("overlay/kustomization.yaml", 5, "name hash"),
            ("overlay/kustomization.yaml", 5, "name reference"),
        ],
    ),
    "a new list of a patch": (
        "Deployment",
        ("spec", "template", "spec", "containers", 0, "args", 0),
        [("base/web.yaml", 9, ""), ("overlay/kustomization.yaml", 17, "patch")],
    ),
    "copied by an operation": (
        "Deployment",
        ("metadata", "annotations", "c"),
        [
            ("base/web.yaml", 8, ""),
            ("overlay/kustomization.yaml", 17, "patch"),
            ("overlay/kustomization.yaml", 21, "patch"),
        ],
    ),
    "env file": (
        "ConfigMap",
        ("data", "MODE"),
        [
            ("overlay/kustomization.yaml", 6, "configMapGenerator"),
            ("overlay/app.env", 1, "configMapGenerator"),
        ],
    ),
    "an alias": ("Deployment", ("metadata", "annotations", "b"), [("base/web.yaml", 4, "")]),
    "a merge key": (
        "Deployment",
        ("spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"),
        [("base/web.yaml", 12, "")],
    ),
}


@pytest.mark.parametrize(("kind", "path", "chain"), CHAINS.values(), ids=list(CHAINS))
def test_a_chain_names_the_entry_of_every_step_oldest_first(
    kind: str, path: tuple[str | int, ...], chain: list[tuple[str, int, str]], tmp_path: Path
) -> None:
    built = build(tmp_path, CHAIN_TREE, "overlay")
    origin = origin_at(only(built, kind).body, path)
    assert origin is not None
    assert [place(one) for one in (*origin.trail, origin)] == chain
