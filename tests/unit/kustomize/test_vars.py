"""What `vars` put in the place of `$(NAME)`, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import origin_at
from gitops_push.documents.budgets import Usage
from gitops_push.kustomize.variable_expansion import expanded
from tests.unit.kustomize.trees import build, only, place

VALUES: dict[str, str | int | float | bool] = {
    "A": "a",
    "B": "b",
    "REF": "$(A)",
    "EMPTY": "",
    "N": 5,
    "F": 1.5,
    "T": True,
}
UNITS = Path(__file__).parents[4] / "shared" / "kustomize-conformance" / "units" / "api_filters_refvar.json"
UPSTREAM_VALUES = {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}

OBJECTS = """\
apiVersion: v1
kind: Service
metadata: {name: svc}
spec:
  ports:
  - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {note: $(NAME)}}
spec:
  template:
    spec:
      containers:
      - name: main
        image: $(NAME)
        args: [--to=$(NAME), $(PORT), $$(NAME), $(OTHER)]
"""
VARS = """\
vars:
- name: NAME
  objref: {kind: Service, name: svc, apiVersion: v1}
- name: PORT
  objref: {kind: Service, name: svc, apiVersion: v1}
  fieldref: {fieldPath: 'spec.ports[0].port'}
"""


def container(root: Path, kustomization: str, objects: str = OBJECTS) -> Any:
    result = build(root, {"kustomization.yaml": f"resources: [all.yaml]\n{kustomization}", "all.yaml": objects})
    return only(result, "Deployment").body["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "a"),
        ("$(N)", 5),
        ("$(T)", True),
        ("x$(N)$(F)$(T)", "x51.5true"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$a"),
        ("$(REF)", "$(A)"),
        ("$(NONE)-$(A", "$(NONE)-$(A"),
        ("a$(EMPTY)b$", "ab$"),
    ],
)
def test_a_reference_becomes_the_value_and_a_text_that_is_only_one_keeps_its_type(text: str, result: object) -> None:
    assert expanded(text, VALUES, Usage(), Origin("f"))[0] == result


@pytest.mark.skipif(not UNITS.is_file(), reason=f"no test data in {UNITS}")
def test_texts_are_expanded_as_in_kustomizes_own_table() -> None:
    tables = [table for table in json.loads(UNITS.read_text()) if table["test"] == "TestMapping"]
    cases = [case for table in tables for case in table["cases"] if isinstance(case.get("input"), str)]
    assert len(cases) > 20
    for case in cases:
        assert expanded(case["input"], UPSTREAM_VALUES, Usage(), Origin("f"))[0] == case["expected"], case["name"]


def test_only_the_fields_that_may_refer_are_expanded(tmp_path: Path) -> None:
    found = container(tmp_path, f"namePrefix: p-\n{VARS}")
    assert found["args"] == ["--to=p-svc", 80, "$(NAME)", "$(OTHER)"]
    assert found["image"] == "$(NAME)"


def test_the_vars_of_a_base_see_the_last_names(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [base]\nnameSuffix: -s\n",
        "base/kustomization.yaml": f"resources: [all.yaml]\nnamePrefix: p-\n{VARS}",
        "base/all.yaml": OBJECTS,
    }
    assert only(build(tmp_path, files), "Deployment").body["metadata"]["annotations"]["note"] == "p-svc-s"


def test_a_var_of_a_generated_object_has_its_hash(tmp_path: Path) -> None:
    generator = "configMapGenerator: [{name: made}]\n"
    name = "vars: [{name: NAME, objref: {kind: ConfigMap, name: made, apiVersion: v1}}]\n"
    assert container(tmp_path, generator + name)["args"][0].startswith("--to=made-")


def test_an_expanded_value_can_be_traced_to_the_var_and_to_its_source(tmp_path: Path) -> None:
    result = build(tmp_path, {"kustomization.yaml": f"resources: [all.yaml]\n{VARS}", "all.yaml": OBJECTS})
    path = ("spec", "template", "spec", "containers", 0, "args", 1)
    origin = origin_at(only(result, "Deployment").body, path)
    assert place(origin) == ("kustomization.yaml", 5, "vars")
    assert origin is not None
    assert [one.line for one in origin.trail] == [17, 6]


def test_a_text_with_several_vars_is_traced_to_all_of_them(tmp_path: Path) -> None:
    kustomization = """\
        resources: [cm.yaml]
        vars:
        - name: A
          objref: {kind: ConfigMap, name: web, apiVersion: v1}
        - name: B
          objref: {kind: ConfigMap, name: web, apiVersion: v1}
          fieldref: {fieldPath: data.k}
        commonAnnotations: {x: $(A).$(B)}
        """
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  k: v\n"
    result = build(tmp_path, {"kustomization.yaml": kustomization, "cm.yaml": config_map})
    body = only(result, "ConfigMap").body
    origin = origin_at(body, ("metadata", "annotations", "x"))
    assert origin is not None
    assert body["metadata"]["annotations"]["x"] == "web.v"
    assert [(one.file, one.line, one.step) for one in (*origin.trail, origin)] == [
        ("kustomization.yaml", 8, "commonAnnotations"),
        ("cm.yaml", 4, ""),
        ("kustomization.yaml", 3, "vars"),
        ("cm.yaml", 6, ""),
        ("kustomization.yaml", 5, "vars"),
    ]


def test_vars_that_nothing_refers_to_are_warned_of(tmp_path: Path) -> None:
    objects = OBJECTS.replace("$(PORT)", "x")
    result = build(tmp_path, {"kustomization.yaml": f"resources: [all.yaml]\n{VARS}", "all.yaml": objects})
    assert "well-defined vars that were never replaced: PORT" in result.warnings


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ("[{name: A, objref: {kind: Service, name: none, apiVersion: v1}}]", "cannot be mapped to a field"),
        ("[{name: A, objref: {kind: Service, name: svc}}]", "cannot be mapped to a field"),
        (
            "[{name: A, objref: {kind: Service, name: svc, apiVersion: v1}, fieldref: {fieldPath: spec.x}}]",
            "not found in corresponding resource",
        ),
        (
            "[{name: A, objref: {kind: Service, name: svc, apiVersion: v1}}, {name: A, objref: {kind: X, name: x}}]",
            "var 'A' already encountered",
        ),
    ],
)
def test_a_var_without_a_field_and_a_name_that_is_taken_are_errors(tmp_path: Path, entries: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        container(tmp_path, f"vars: {entries}\n")


def test_a_var_that_two_objects_fit_needs_a_namespace(tmp_path: Path) -> None:
    objects = f"{OBJECTS}---\napiVersion: v1\nkind: Service\nmetadata: {{name: svc, namespace: other}}\n"
    with pytest.raises(BuildError, match=r"found 2 resId matches for var .*unable to disambiguate"):
        container(tmp_path, VARS, objects)
    entry = "vars: [{name: NAME, objref: {kind: Service, name: svc, namespace: other, apiVersion: v1}}]\n"
    assert container(tmp_path, entry, objects)["args"][0] == "--to=svc"


def test_a_field_that_must_be_text_and_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="invalid value type expect a string"):
        container(tmp_path, VARS, OBJECTS.replace("$(OTHER)", "5"))


def test_a_text_that_would_grow_beyond_the_budget_is_an_error() -> None:
    with pytest.raises(BuildError) as caught:
        expanded("$(LONG)" * 1_000, {"LONG": "x" * 100_000}, Usage(), Origin("f"))
    assert caught.value.problems[0].code is Code.BUDGET_EXCEEDED
