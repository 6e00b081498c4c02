from __future__ import annotations

from gitops_push.core.codes import Code
from gitops_push.core.definition_check import check_set
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.documents.reader import Dialect, read_one
from tests.unit.cluster.plans import manifest

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              x-kubernetes-validations: [{rule: "true"}]
              properties:
                size: {type: integer, minimum: 1}
                parts:
                  type: array
                  items:
                    type: object
                    properties: {name: {type: string}, mode: {type: string, enum: [fast, slow]}}
    - {name: v2, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
"""
WIDGET = """\
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: shop}
spec:
  size: 0
  parts:
    - name: a
      mode: fast
    - name: b
      mode: quick
  colour: red
"""


def manifests(*texts: str) -> list[Manifest]:
    bodies = [read_one(text.encode(), f"{n}.yaml", Dialect.KUBECTL).value for n, text in enumerate(texts)]
    return [manifest(body, Origin("set.yaml", 1, 1)) for body in bodies]


def test_each_fault_is_told_at_its_line_by_the_names_of_items() -> None:
    problems, unchecked = check_set(manifests(CRD, WIDGET))
    assert [(str(problem.origin), problem.message) for problem in problems] == [
        ("1.yaml:11:11", "example.com/Widget shop/w: spec.colour is not known"),
        ("1.yaml:5:9", "example.com/Widget shop/w: spec.size must be at least 1, this is 0"),
        (
            "1.yaml:10:13",
            "example.com/Widget shop/w: spec.parts[name=b].mode must be one of fast, slow, this is 'quick'",
        ),
    ]
    assert {problem.code for problem in problems} == {Code.SCHEMA_INVALID}
    assert unchecked == ("CustomResourceDefinition widgets.example.com: 1 CEL rule not checked",)


def test_a_field_that_is_missing_is_told_at_what_lacks_it() -> None:
    (problem,), _ = check_set(
        manifests(CRD, WIDGET.replace("  size: 0\n", "").partition("  parts")[0] + "  parts: []\n")
    )
    assert (str(problem.origin), problem.message) == ("1.yaml:5:3", "example.com/Widget shop/w: spec.size is required")


def test_a_version_that_the_definition_does_not_serve_is_a_fault() -> None:
    (problem,), _ = check_set(manifests(CRD, WIDGET.replace("example.com/v1", "example.com/v2")))
    assert "apiVersion is not served by CustomResourceDefinition widgets.example.com of the set" in problem.message
    assert str(problem.origin) == "1.yaml:1:13"


def test_what_has_no_definition_in_the_set_is_not_judged() -> None:
    assert check_set(manifests(WIDGET)) == ((), ())
    assert check_set(manifests(CRD.replace("kind: Widget}", "kind: Gadget}"), WIDGET)) == ((), ())


def test_a_definition_in_pieces_is_no_traceback() -> None:
    for spec in ("{}", "{group: example.com}", "{group: example.com, names: {kind: Widget}, versions: 3}"):
        text = f"{CRD.partition('spec:')[0]}spec: {spec}\n"
        problems, _ = check_set(manifests(text, WIDGET))
        assert len(problems) <= 1


def test_a_conversion_that_a_webhook_makes_is_said_to_be_unchecked() -> None:
    versions = "    - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}\n"
    converting = CRD.partition("    - {name: v2")[0] + versions + "  conversion: {strategy: Webhook}\n"
    bare = "apiVersion: example.com/v2\nkind: Widget\nmetadata: {name: w, namespace: shop}\n"
    line = "CustomResourceDefinition widgets.example.com: conversion by a webhook not checked"
    assert check_set(manifests(converting, bare)) == ((), (line,))
    assert check_set(manifests(converting.replace("Webhook", "None"), bare)) == ((), ())


def test_replicas_of_a_scale_subresource_are_a_number_of_pods() -> None:
    scale = "      subresources: {scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}\n"
    scaling = CRD.replace("      schema:\n", scale + "      schema:\n").replace(", minimum: 1", "")
    spec = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\nspec: {size: SIZE}\n"
    (problem,), _ = check_set(manifests(scaling, spec.replace("SIZE", "-1")))
    assert "spec.size must be a whole number from 0 on" in problem.message
    assert check_set(manifests(scaling, spec.replace("SIZE", "1")))[0] == ()
    assert check_set(manifests(scaling, spec.partition("spec:")[0]))[0] == ()
