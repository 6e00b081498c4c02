"""RFC 6902 patches, with the deviations of the library that kustomize uses."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items
from gitops_push.documents.reader import Dialect, read_one
from gitops_push.kustomize.patches.json6902 import apply_operations, read_operations


def apply(body: Any, *operations: dict[str, Any]) -> Any:
    tree = read_one(json.dumps(body).encode(), "body", Dialect.KUBECTL).value
    patch = read_one(json.dumps(list(operations)).encode(), "patch", Dialect.KUBECTL).value
    assert isinstance(tree, Fields)
    assert isinstance(patch, Items)
    apply_operations(tree, read_operations(patch, Origin("patch")))
    return tree


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "replace", "path": "/new", "value": 1}, {"a": [1, 2], "new": 1}),
        ({"op": "add", "path": "/new"}, {"a": [1, 2], "new": None}),
        ({"op": "test", "path": "/new", "value": None}, {"a": [1, 2]}),
        ({"op": "add", "path": "/a/-1", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "remove", "path": "/a/-1"}, {"a": [1]}),
        ({"op": "add", "path": "/a/2", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "copy", "from": "/a/0", "path": "/a/-"}, {"a": [1, 2, 1]}),
        ({"op": "move", "from": "/a", "path": "/b~1c"}, {"b/c": [1, 2]}),
    ],
)
def test_an_operation_does_what_it_does_in_kustomize(operation: dict[str, Any], expected: object) -> None:
    assert apply({"a": [1, 2]}, operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/b"},
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/a/3", "value": 1},
        {"op": "replace", "path": "/a/2", "value": 1},
        {"op": "test", "path": "/a", "value": 1},
        {"op": "move", "from": "/b", "path": "/c"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "shift", "path": "/a"},
        {"op": "add"},
    ],
)
def test_an_operation_that_does_not_apply_is_refused_at_its_line(operation: dict[str, Any]) -> None:
    with pytest.raises(BuildError) as caught:
        apply({"a": [1, 2]}, operation)
    origin = caught.value.problems[0].origin
    assert origin is not None
    assert (origin.file, origin.line) == ("patch", 1)


def test_integers_beyond_two_to_the_53_lose_digits_in_the_whole_object() -> None:
    assert apply({"n": 12345678901234567}, {"op": "add", "path": "/a", "value": 1})["n"] == 12345678901234568


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text("ab~/", min_size=1, max_size=2), values, max_size=4)


@given(before=objects, after=objects)
def test_what_the_jsonpatch_package_says_is_the_difference_makes_one_of_the_other(before: Any, after: Any) -> None:
    assert apply(before, *jsonpatch.make_patch(before, after)) == after
