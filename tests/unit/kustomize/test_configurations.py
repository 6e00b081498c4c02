"""`configurations` and `crds`: more fields for the built-in transformers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from tests.unit.kustomize.trees import build, only, place

WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {secret: s, image: nginx, count: 1}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"


def test_a_custom_kind_follows_a_renamed_object_where_a_configuration_says_so(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [w.yaml, s.yaml]\nnamePrefix: x-\nconfigurations: [c.yaml]\n",
        "w.yaml": WIDGET,
        "s.yaml": SECRET,
        "c.yaml": "nameReference:\n- kind: Secret\n  version: v1\n  fieldSpecs: [{path: spec/secret, kind: Widget}]\n",
    }
    assert only(build(tmp_path, files), "Widget").body["spec"]["secret"] == "x-s"


@pytest.mark.parametrize(
    ("configuration", "field", "path", "value"),
    [
        ("images: [{path: spec/image, kind: Widget}]", "images: [{name: nginx, newTag: '2'}]", "image", "nginx:2"),
        ("replicas: [{path: spec/count, kind: Widget}]", "replicas: [{name: w, count: 3}]", "count", 3),
        ("namespace: [{path: spec/ns, kind: Widget, create: true}]", "namespace: shop", "ns", "shop"),
        ("nameSuffix: [{path: spec/secret, kind: Widget}]", "nameSuffix: -x", "secret", "s-x"),
        ("labels: [{path: spec/l, kind: Widget, create: true}]", "labels: [{pairs: {a: b}}]", "l", {"a": "b"}),
        ("commonLabels: [{path: spec/l, kind: Widget, create: true}]", "commonLabels: {a: b}", "l", {"a": "b"}),
        (
            "templateLabels: [{path: spec/l, kind: Widget, create: true}]",
            "labels: [{pairs: {a: b}, includeTemplates: true}]",
            "l",
            {"a": "b"},
        ),
    ],
    ids=lambda value: str(value).partition(":")[0],
)
def test_a_transformer_changes_the_fields_that_a_configuration_adds(
    configuration: str, field: str, path: str, value: object, tmp_path: Path
) -> None:
    files = {
        "kustomization.yaml": f"resources: [w.yaml]\nconfigurations: [c.yaml]\n{field}\n",
        "w.yaml": WIDGET,
        "c.yaml": configuration,
    }
    assert only(build(tmp_path, files), "Widget").body["spec"][path] == value


def test_the_configuration_of_a_base_holds_in_its_overlays(tmp_path: Path) -> None:
    files = {
        "base/kustomization.yaml": "resources: [w.yaml]\nconfigurations: [c.yaml]\n",
        "base/w.yaml": WIDGET,
        "base/c.yaml": "images: [{path: spec/image, kind: Widget}]\n",
        "o/kustomization.yaml": "resources: [../base]\nimages: [{name: nginx, newTag: '2'}]\n",
    }
    built = only(build(tmp_path, files, "o"), "Widget")
    assert built.body["spec"]["image"] == "nginx:2"
    spec = built.body["spec"]
    assert place(spec.marks["image"]) == ("o/kustomization.yaml", 2, "images")


def test_a_prefix_for_some_kinds_takes_the_place_of_the_prefix_for_all(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [w.yaml, s.yaml]\nnamePrefix: x-\nconfigurations: [c.yaml]\n",
        "w.yaml": WIDGET,
        "s.yaml": SECRET,
        "c.yaml": "namePrefix: [{path: metadata/name, kind: Widget}]\n",
    }
    built = build(tmp_path, files)
    assert [only(built, kind).body["metadata"]["name"] for kind in ("Widget", "Secret")] == ["x-w", "s"]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("imagess: []", 'unknown field "imagess" in the configuration'),
        ("images: [{pth: a}]", 'unknown field "pth" in images'),
        ("images: {path: a}", "images must be a list"),
        ("[]", "must be a mapping of transformers to fields"),
        ("commonLabels: [{path: metadata/labels, create: false}]", "conflicting fieldspecs"),
    ],
)
def test_a_wrong_configuration_is_named(configuration: str, message: str, tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [w.yaml]\nconfigurations: [c.yaml]\n",
        "w.yaml": WIDGET,
        "c.yaml": configuration,
    }
    with pytest.raises(BuildError, match=message):
        build(tmp_path, files)


DEFINITIONS = """\
example.com/v1.Widget:
  Schema:
    properties:
      apiVersion: {type: string}
      kind: {type: string}
      metadata: {type: object}
      spec: {$ref: example.com/v1.WidgetSpec}
example.com/v1.WidgetSpec:
  Schema:
    properties:
      notes: {x-kubernetes-annotation: ""}
      selector: {x-kubernetes-label-selector: ""}
      title: {x-kubernetes-identity: ""}
      secretRef:
        x-kubernetes-object-ref-api-version: v1
        x-kubernetes-object-ref-kind: Secret
        x-kubernetes-object-ref-name-key: secretName
"""


def test_definitions_of_crds_say_which_fields_hold_names_labels_and_annotations(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": """\
            resources: [w.yaml, s.yaml]
            crds: [crds.yaml]
            namePrefix: x-
            commonLabels: {a: b}
            commonAnnotations: {c: d}
            """,
        "w.yaml": """\
            apiVersion: example.com/v1
            kind: Widget
            metadata: {name: w}
            spec:
              title: t
              secretRef: {secretName: s}
              selector: {x: y}
              notes: {x: y}
            """,
        "s.yaml": SECRET,
        "crds.yaml": DEFINITIONS,
    }
    assert only(build(tmp_path, files), "Widget").body["spec"] == {
        "title": "x-t",
        "secretRef": {"secretName": "x-s"},
        "selector": {"x": "y", "a": "b"},
        "notes": {"x": "y", "c": "d"},
    }


def test_a_manifest_in_place_of_definitions_says_where_it_belongs(tmp_path: Path) -> None:
    files = {"kustomization.yaml": "crds: [c.yaml]\n", "c.yaml": "- 1\n"}
    with pytest.raises(BuildError) as caught:
        build(tmp_path, files)
    (problem,) = caught.value.problems
    assert (str(problem.origin), problem.hint and "resources" in problem.hint) == ("kustomization.yaml:1:8", True)


def test_definitions_that_hold_themselves_end(tmp_path: Path) -> None:
    endless = DEFINITIONS + "      again: {$ref: example.com/v1.WidgetSpec}\n"
    files = {
        "kustomization.yaml": "resources: [w.yaml]\ncrds: [crds.yaml]\nnamePrefix: x-\n",
        "w.yaml": "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {title: t}\n",
        "crds.yaml": endless,
    }
    assert only(build(tmp_path, files), "Widget").body["spec"]["title"] == "x-t"
