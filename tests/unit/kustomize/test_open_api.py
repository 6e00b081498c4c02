"""`openapi`: another schema says which lists a strategic merge patch merges."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from tests.unit.kustomize.trees import DEPLOYMENT, build, only

SCHEMA = """\
definitions:
  Widget:
    properties:
      spec:
        properties:
          parts:
            items: {$ref: '#/definitions/Part'}
            x-kubernetes-patch-merge-key: id
            x-kubernetes-patch-strategy: merge
          ports:
            items: {type: object}
            x-kubernetes-list-map-keys: [port, protocol]
            x-kubernetes-patch-strategy: merge
          tags:
            items: {type: string}
            x-kubernetes-patch-strategy: merge
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Widget}]
  Part:
    properties:
      sizes: {items: {type: string}}
"""
WIDGET = """\
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec:
  parts: [{id: a, sizes: [s], color: red}]
  ports: [{port: 1, protocol: TCP}, {port: 1, protocol: UDP}]
  tags: [x]
"""
PATCH = """\
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec:
  parts: [{id: a, sizes: [l]}, {id: b}]
  ports: [{port: 1, protocol: UDP, name: dns}]
  tags: [y]
"""
MERGED = {
    "parts": [{"id": "a", "sizes": ["l"], "color": "red"}, {"id": "b"}],
    "ports": [{"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP", "name": "dns"}],
    "tags": ["y", "x"],
}
FILES = {"w.yaml": WIDGET, "p.yaml": PATCH, "s.yaml": SCHEMA}


def test_lists_of_a_custom_kind_are_merged_as_its_schema_says(tmp_path: Path) -> None:
    root = "resources: [w.yaml]\npatches: [{path: p.yaml}]\nopenapi: {path: s.yaml}\n"
    assert only(build(tmp_path, {**FILES, "kustomization.yaml": root}), "Widget").body["spec"] == MERGED


def test_without_the_schema_they_are_replaced(tmp_path: Path) -> None:
    root = "resources: [w.yaml]\npatches: [{path: p.yaml}]\n"
    spec = only(build(tmp_path, {**FILES, "kustomization.yaml": root}), "Widget").body["spec"]
    assert spec["parts"] == [{"id": "a", "sizes": ["l"]}, {"id": "b"}]


def test_the_schema_of_a_base_holds_in_its_overlay(tmp_path: Path) -> None:
    files = {f"b/{name}": content for name, content in FILES.items()}
    files |= {
        "b/kustomization.yaml": "resources: [w.yaml]\nopenapi: {path: s.yaml}\n",
        "o/kustomization.yaml": "resources: [../b]\npatches: [{path: p.yaml}]\n",
        "o/p.yaml": PATCH,
    }
    assert only(build(tmp_path, files, "o"), "Widget").body["spec"] == MERGED


@pytest.mark.parametrize(("before", "names"), [(False, ["side"]), (True, ["side", "main"])])
def test_a_schema_of_the_root_replaces_the_built_in_one_that_a_base_has_used_already(
    before: bool, names: list[str], tmp_path: Path
) -> None:
    """With an unknown kind read before it is chosen kustomize keeps both schemas."""
    container = "spec: {template: {spec: {containers: [{name: side}]}}}"
    patch = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n{container}\n"
    first = "w.yaml, " if before else ""
    files = {
        **FILES,
        "kustomization.yaml": f"resources: [{first}d.yaml, b]\npatches: [{{path: side.yaml}}]\n",
        "d.yaml": DEPLOYMENT,
        "side.yaml": patch,
        "b/kustomization.yaml": "namePrefix: x-\nopenapi: {path: s.yaml}\n",
        "b/s.yaml": SCHEMA,
    }
    found = only(build(tmp_path, files), "Deployment").body["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in found] == names


@pytest.mark.parametrize(
    ("openapi", "message"),
    [
        ("{version: v1.30.0}", "the specified OpenAPI version is not built in"),
        ("{version: v1.21.2, path: s.yaml}", "cannot use both"),
        ("{path: none.yaml}", "no such file"),
        ("{path: list.yaml}", "invalid schema file"),
    ],
)
def test_a_wrong_schema_is_an_error(openapi: str, message: str, tmp_path: Path) -> None:
    files = {**FILES, "kustomization.yaml": f"resources: [w.yaml]\nopenapi: {openapi}\n", "list.yaml": "[]\n"}
    with pytest.raises(BuildError, match=message):
        build(tmp_path, files)


def test_a_schema_that_refers_to_itself_ends(tmp_path: Path) -> None:
    endless = SCHEMA.replace("{$ref: '#/definitions/Part'}", "{$ref: '#/definitions/Loop'}")
    endless += "  Loop: {$ref: '#/definitions/Loop'}\n"
    root = "resources: [w.yaml]\npatches: [{path: p.yaml}]\nopenapi: {path: s.yaml}\n"
    built = build(tmp_path, {**FILES, "kustomization.yaml": root, "s.yaml": endless})
    assert [one["id"] for one in only(built, "Widget").body["spec"]["parts"]] == ["a", "b"]
