from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.environment import FieldRule
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.rules import applies, patterns_for, without_fields

WEB = ObjectRef("apps", "Deployment", "shop", "web")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (FieldRule(), True),
        (FieldRule(group="apps", kind="Deployment", namespace="shop", name="web"), True),
        (FieldRule(kind="Deploy*", name="w?b"), True),
        (FieldRule(kind="StatefulSet"), False),
        (FieldRule(namespace="other"), False),
        (FieldRule(kind="deployment"), False),
    ],
)
def test_a_rule_speaks_of_the_objects_that_all_its_parts_match(rule: FieldRule, expected: bool) -> None:
    assert applies(rule, WEB) is expected


def test_a_rule_with_a_manager_names_the_fields_that_it_has() -> None:
    entry = {
        "manager": "image-updater",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsV1": {"f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}, "f:image": {}, "f:args": {}}}}},
    }
    rule = FieldRule(manager="image-*", field="spec.containers[*].image")
    live = {"metadata": {"managedFields": [entry]}}
    assert patterns_for([rule], WEB, live) == (parse_field_path("spec.containers[name=a].image"),)
    assert patterns_for([rule], WEB) == ()


BODY: dict[str, Any] = {
    "spec": {
        "replicas": 2,
        "containers": [
            {"name": "a", "image": "a:1", "ports": [{"port": 80, "name": "x"}]},
            {"name": "b", "image": "b"},
        ],
        "args": ["x", "y"],
    },
    "metadata": {"annotations": {"a/b": "1", "c/d": "2"}},
}


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        ("spec.replicas", lambda body: body["spec"].pop("replicas")),
        ("spec.containers[*].image", lambda body: [item.pop("image") for item in body["spec"]["containers"]]),
        ("spec.containers[name=b]", lambda body: body["spec"]["containers"].pop(1)),
        ('metadata.annotations["a/*"]', lambda body: body["metadata"]["annotations"].pop("a/b")),
        ('spec.args[="x"]', lambda body: body["spec"]["args"].remove("x")),
        ("spec.nothing", lambda body: None),
    ],
)
def test_ignored_fields_are_left_out_and_nothing_else(pattern: str, gone: Any) -> None:
    expected = _copy(BODY)
    gone(expected)
    before = _copy(BODY)
    assert without_fields(BODY, [parse_field_path(pattern)]) == expected
    assert before == BODY


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def test_a_rule_without_a_field_covers_the_whole_object() -> None:
    assert without_fields(BODY, patterns_for([FieldRule()], WEB)) == {}
