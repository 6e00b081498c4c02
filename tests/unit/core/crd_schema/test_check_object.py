from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.crd_schema import check_object

TEXT = {"type": "string"}
MAP = {"additionalProperties": TEXT}
A_AND_B = [{"pattern": "a"}, {"pattern": "b"}]


def faults(spec: Any, schema: Any) -> dict[str, str]:
    """Return the messages by the place below `spec`."""
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}
    found = check_object(body, {"type": "object", "properties": {"spec": schema}}).faults
    assert all(fault.path[0] == "spec" for fault in found)
    return {"/".join(map(str, fault.path[1:])): fault.message for fault in found}


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (TEXT, 1, "must be a string, this is 1"),
        ({"type": "integer"}, "1", "must be an integer, this is '1'"),
        ({"type": "integer"}, 1.5, "must be an integer, this is 1.5"),
        ({"type": "integer"}, 2.0, ""),
        ({"type": "integer"}, True, "must be an integer, this is true"),
        ({"type": "integer"}, 2**64, f"must be an integer, this is {2**64}"),
        ({"type": "number"}, 1, ""),
        ({"type": "boolean"}, "true", "must be a boolean, this is 'true'"),
        ({"type": "array", "items": TEXT}, "a", "must be an array, this is 'a'"),
        ({"x-kubernetes-int-or-string": True}, "50%", ""),
        ({"x-kubernetes-int-or-string": True}, 1.5, "must be an integer or a string, this is 1.5"),
        ({"type": "string", "nullable": True}, None, ""),
        (TEXT, None, "must be a string, this is null"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "must be one of a, b, this is 'c'"),
        ({"type": "string", "pattern": "^a+$"}, "b", "must match '^a+$'"),
        ({"type": "string", "pattern": r"^\p{Greek}$"}, "b", ""),
        ({"type": "string", "minLength": 2}, "ä", "must be at least 2 characters long, and has 1"),
        ({"type": "string", "maxLength": 2}, "abc", "must be no longer than 2 characters, and has 3"),
        ({"type": "string", "format": "date"}, "2023-02-29", "must be a valid date"),
        ({"type": "string", "format": "unheard-of"}, "x", ""),
        ({"type": "integer", "minimum": 2}, 1, "must be at least 2, this is 1"),
        ({"type": "integer", "minimum": 2, "exclusiveMinimum": True}, 2, "must be more than 2, this is 2"),
        ({"type": "integer", "maximum": 2}, 3, "must be at most 2, this is 3"),
        ({"type": "integer", "maximum": 2, "exclusiveMaximum": True}, 2, "must be less than 2, this is 2"),
        ({"type": "integer", "multipleOf": 3}, 4, "must be a multiple of 3, this is 4"),
        ({"type": "number", "multipleOf": 0.5}, 1.25, "must be a multiple of 0.5, this is 1.25"),
        ({"type": "integer", "format": "int32"}, 2**31, f"must fit into int32, this is {2**31}"),
        ({"type": "array", "items": TEXT, "minItems": 1}, [], "must have at least 1 items, and has 0"),
        ({"type": "array", "items": TEXT, "maxItems": 1}, ["a", "b"], "must have at most 1 items, and has 2"),
        ({"type": "object", "maxProperties": 0, **MAP}, {"a": "b"}, "must have at most 0 fields, and has 1"),
        ({"type": "string", "not": {"enum": ["a"]}}, "a", "matches what the schema forbids (not)"),
        ({"type": "string", "oneOf": A_AND_B}, "ab", "matches 2 of its alternatives instead of one (oneOf)"),
        ({"type": "string", "allOf": A_AND_B}, "ab", ""),
        ({"type": "integer", "maximum": "ten"}, 11, ""),
    ],
)
def test_a_value_is_judged_as_the_server_does(schema: dict[str, Any], value: Any, message: str) -> None:
    assert faults({"field": value}, an_object(field=schema)) == ({"field": message} if message else {})


def test_the_alternative_that_comes_nearest_says_what_is_wrong() -> None:
    schema = {**an_object(a=TEXT, b=TEXT), "anyOf": [{"required": ["a", "b"]}, {"required": ["b"]}]}
    assert faults({}, schema) == {"": "matches none of its 2 alternatives (anyOf)", "b": "is required"}


@pytest.mark.parametrize(
    ("lenient", "value"), [({"pattern": r"^\p{Greek}$"}, "a"), ({"multipleOf": 0.5}, 3), ({"format": "uri"}, "/a")]
)
def test_nothing_is_refused_because_of_what_was_judged_leniently(lenient: dict[str, Any], value: Any) -> None:
    kind = "string" if isinstance(value, str) else "number"
    assert faults({"field": value}, an_object(field={"type": kind, "not": lenient})) == {}
    assert faults({"field": value}, an_object(field={"type": kind, "oneOf": [lenient, {"enum": [value]}]})) == {}


def test_unknown_fields_are_faults_with_a_suggestion_unless_they_are_kept() -> None:
    schema = an_object(
        replicas=TEXT, free={**an_object(known=an_object()), "x-kubernetes-preserve-unknown-fields": True}
    )
    spec = {"replcas": "1", "free": {"any": {"thing": [1]}, "known": {"not": 1}}}
    assert faults(spec, schema) == {
        "replcas": "is not known (did you mean 'replicas'?)",
        "free/known/not": "is not known",
    }


def test_a_misspelt_spec_and_metadata_are_faults() -> None:
    body = {"apiVersion": "e/v1", "kind": "W", "metadata": {"name": "w", "anotations": {}}, "spce": 1}
    found = check_object(body, an_object(spec=an_object()))
    assert {fault.path: fault.message for fault in found.faults} == {
        ("spce",): "is not known (did you mean 'spec'?)",
        ("metadata", "anotations"): "is not known (did you mean 'annotations'?)",
    }


def test_defaults_are_there_before_anything_is_required() -> None:
    item = {**an_object(name=TEXT, port={"type": "integer", "default": 80}), "required": ["name", "port"]}
    schema = an_object(a={"type": "string", "default": "x"}, items={"type": "array", "items": item})
    assert faults({"items": [{"name": "n"}, {}]}, {**schema, "required": ["a"]}) == {"items/1/name": "is required"}


def test_nothing_is_twice_in_a_set_or_under_the_same_keys_in_a_map() -> None:
    entry = an_object(name=TEXT, port={"type": "integer", "default": 80})
    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"]}
    schema = an_object(
        tags={"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
        ports={"type": "array", "items": entry, **keys},
    )
    spec = {"tags": ["a", "b", "a"], "ports": [{"name": "n"}, {"name": "n", "port": 81}, {"name": "n", "port": 80}]}
    assert faults(spec, schema) == {
        "tags/2": "is the same as item 0, and the list is a set",
        "ports/2": "has the same name, port as item 0",
    }


def test_an_embedded_object_has_a_kind_and_proper_metadata() -> None:
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    spec = {"template": {"apiVersion": "v1", "metadata": {"labels": {"a": 1}}, "any": 1}}
    assert faults(spec, an_object(template=embedded)) == {
        "template/kind": "is required: this is an object of Kubernetes",
        "template/metadata/labels": "has the wrong type",
    }


def test_rules_in_cel_and_unknown_patterns_are_counted_where_there_is_a_value() -> None:
    rules = {"x-kubernetes-validations": [{"rule": "true"}, {"rule": "true"}]}
    schema = an_object(a={**TEXT, **rules}, b={**TEXT, **rules}, c={**TEXT, "pattern": r"^\p{Greek}$"})
    body = {"apiVersion": "e/v1", "kind": "W", "metadata": {"name": "w"}, "spec": {"a": "x", "c": "y"}}
    found = check_object(body, an_object(spec=schema))
    assert found.faults == ()
    assert found.unchecked == ("2 CEL rules not checked", r"pattern '^\\p{Greek}$' not checked")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYWORDS = st.sampled_from(
    (
        *("type", "format", "enum", "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxItems", "nullable"),
        *("items", "properties", "required", "additionalProperties", "anyOf", "not", "default"),
        *("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations"),
        *("x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"),
    )
)
NONSENSE = st.recursive(
    JSON, lambda inner: st.dictionaries(KEYWORDS, inner | st.lists(inner, max_size=2), max_size=4), max_leaves=12
)


@given(st.dictionaries(KEYWORDS, NONSENSE, max_size=5), st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_no_schema_whatever_ends_in_a_traceback(schema: dict[str, Any], spec: dict[str, Any]) -> None:
    check_object({"apiVersion": "e/v1", "kind": "W", "metadata": {"name": "w"}, "spec": spec}, an_object(spec=schema))
