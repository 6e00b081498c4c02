from __future__ import annotations

import base64
from typing import Any

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.sizes import size_problems, whole_size_problem
from gitops_push.core.tree import Fields
from tests.unit.cluster.plans import config_map, manifest

HERE = Origin("set.yaml", 1, 1)
MIB = 1 << 20


def problems(kind: str, **fields: Any) -> list[str]:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, **fields}
    found = list(size_problems(body, ObjectRef("", kind, "shop", "x"), HERE))
    assert {problem.code for problem in found} <= {Code.BUDGET_EXCEEDED}
    return [problem.message for problem in found]


def encoded(size: int) -> str:
    return base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("ConfigMap", {"data": {"a": "x" * (MIB - 1), "b": "y"}}),
        ("ConfigMap", {"binaryData": {"a": encoded(MIB)}}),
        ("Secret", {"data": {"a": encoded(MIB)}}),
        ("Secret", {"stringData": {"a": "x" * MIB}}),
        ("Deployment", {"data": {"a": "x" * 2 * MIB}}),
        ("ConfigMap", {"metadata": {"annotations": {"a": "x" * 262_143}}}),
        ("ConfigMap", {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x" * MIB}}}),
        ("ConfigMap", {"data": None, "metadata": {"annotations": None}}),
        ("ConfigMap", {"data": ["x"], "binaryData": {"a": 1}}),
    ],
)
def test_what_just_fits_is_fine(kind: str, fields: dict[str, Any]) -> None:
    assert problems(kind, **fields) == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("ConfigMap", {"data": {"a": "x" * MIB, "b": "y"}}),
        ("ConfigMap", {"data": {"a": "\u00e4" * (MIB // 2), "b": "y"}}),
        ("ConfigMap", {"data": {"a": "x"}, "binaryData": {"b": encoded(MIB)}}),
        ("Secret", {"data": {"a": encoded(MIB + 1)}}),
        ("Secret", {"data": {"a": encoded(MIB)}, "stringData": {"b": "y"}}),
        ("Deployment", {"metadata": {"annotations": {"a": "x" * 262_144}}}),
    ],
)
def test_one_byte_more_is_too_large(kind: str, fields: dict[str, Any]) -> None:
    (message,) = problems(kind, **fields)
    assert "the server takes at most" in message


def test_the_largest_part_is_named_at_its_line() -> None:
    data = Fields({"small": "x", "large": "x" * MIB}, file="env.yaml", start=2 << 12 | 3)
    data.marks = {"small": 3 << 12 | 10, "large": 4 << 12 | 10}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
    (problem,) = size_problems(Fields(body), ObjectRef("", "ConfigMap", "shop", "x"), HERE)
    assert problem.message == (
        "v1/ConfigMap shop/x: data has 1,048,577 bytes, the server takes at most 1,048,576; large alone has 1,048,576"
    )
    assert str(problem.origin) == "env.yaml:4:10"


def test_a_whole_object_is_measured_as_json() -> None:
    """With room for what the server adds, mostly managedFields."""
    largest = 1_572_864 - 16_384
    assert whole_size_problem(manifest(config_map()), largest) is None
    problem = whole_size_problem(manifest(config_map()), largest + 1)
    assert problem is not None
    assert "has 1,556,481 bytes" in problem.message
