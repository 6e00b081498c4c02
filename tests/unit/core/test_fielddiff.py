from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.fielddiff import ABSENT, MergeKeys, diff_fields, restricted, same
from gitops_push.core.fieldpath import format_field_path, value_at

names = st.sampled_from(["a", "b", "name", "data", "ports", "containers", "finalizers", "labels", "x.y/z"])
scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]) | st.sampled_from([0.0, 1.5])
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
objects = st.dictionaries(names, trees, max_size=5)


@given(objects, objects)
def test_two_states_have_differences_exactly_if_they_are_not_the_same(before: Any, after: Any) -> None:
    assert (diff_fields(before, after) == ()) is same(before, after)


@given(objects)
def test_an_object_does_not_differ_from_its_copy(body: Any) -> None:
    assert diff_fields(body, copy.deepcopy(body)) == ()


@given(objects, objects)
def test_every_difference_holds_what_is_at_its_path_on_both_sides(before: Any, after: Any) -> None:
    for difference in diff_fields(before, after):
        for side, body in ((difference.before, before), (difference.after, after)):
            found = value_at(difference.path, body, ABSENT)
            is_order = isinstance(side, list) and isinstance(found, list) and len(side) <= len(found)
            assert same(found, side) or is_order


@given(objects, objects)
def test_the_differences_of_the_other_direction_are_the_same_paths(before: Any, after: Any) -> None:
    there = {difference.path for difference in diff_fields(before, after)}
    assert there == {difference.path for difference in diff_fields(after, before)}


@given(objects, objects)
def test_what_is_restricted_to_a_wish_has_nothing_that_the_wish_does_not_speak_of(live: Any, wanted: Any) -> None:
    assert set(restricted(live, wanted)) <= set(wanted)


@given(objects)
def test_an_object_that_has_all_that_is_wanted_does_not_differ_from_it(wanted: Any) -> None:
    live = {**wanted, "more": 1}
    assert diff_fields(restricted(live, wanted), wanted) == ()


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


def paths(before: Any, after: Any, keys: MergeKeys | None = None) -> dict[str, tuple[Any, Any]]:
    found = diff_fields(before, after, keys) if keys else diff_fields(before, after)
    return {format_field_path(difference.path): (difference.before, difference.after) for difference in found}


def test_items_are_paired_by_name_whatever_their_place() -> None:
    before = pod({"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"})
    after = pod({"name": "new", "image": "n:1"}, {"name": "a", "image": "a:1"}, {"name": "b", "image": "b:2"})
    assert paths(before, after) == {
        "spec.containers[name=new]": (ABSENT, {"name": "new", "image": "n:1"}),
        "spec.containers[name=b].image": ("b:1", "b:2"),
    }


def test_a_new_order_is_one_difference_of_the_names() -> None:
    before, after = pod({"name": "a"}, {"name": "b"}), pod({"name": "b"}, {"name": "a"})
    assert paths(before, after) == {"spec.containers": (["a", "b"], ["b", "a"])}


def test_ports_are_paired_by_number_and_protocol_with_tcp_as_default() -> None:
    before = {"ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}]}
    after = {"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 80, "protocol": "UDP"}]}
    assert paths(before, after) == {
        "ports[containerPort=80,protocol=TCP].name": (ABSENT, "http"),
        "ports[containerPort=80,protocol=TCP].protocol": ("TCP", ABSENT),
    }


def test_sets_are_compared_member_by_member() -> None:
    before, after = {"finalizers": ["a", "b"]}, {"finalizers": ["b", "c/d"]}
    assert paths(before, after) == {'finalizers[="a"]': ("a", ABSENT), 'finalizers[="c/d"]': (ABSENT, "c/d")}


def test_a_list_of_values_is_compared_as_a_whole() -> None:
    assert paths({"args": ["a", "b"]}, {"args": ["a", "c"]}) == {"args": (["a", "b"], ["a", "c"])}


def test_a_list_without_keys_that_keeps_its_length_is_compared_by_index() -> None:
    before = {"rules": [{"host": "a", "path": "/"}, {"host": "b"}]}
    after = {"rules": [{"host": "a", "path": "/x"}, {"host": "b"}]}
    assert paths(before, after) == {"rules[0].path": ("/", "/x")}
    assert paths(before, {"rules": before["rules"][:1]}) == {"rules": (before["rules"], before["rules"][:1])}


def test_what_the_server_says_of_a_list_counts_more_than_its_name() -> None:
    before, after = {"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}]}
    atomic = MergeKeys({}, frozenset({("containers",)}))
    assert paths(before, after, atomic) == {"containers[0].name": ("a", "b")}
    keyed = MergeKeys({("parts",): ("id",)})
    assert paths({"parts": [{"id": 1}]}, {"parts": [{"id": 1, "x": 2}]}, keyed) == {"parts[id=1].x": (ABSENT, 2)}
    of_set = MergeKeys({("tags",): ()})
    assert paths({"tags": ["a"]}, {"tags": ["a", "b"]}, of_set) == {'tags[="b"]': (ABSENT, "b")}


def test_double_keys_fall_back_to_the_whole_list() -> None:
    before, after = pod({"name": "a"}, {"name": "a"}), pod({"name": "a"})
    assert list(paths(before, after)) == ["spec.containers"]


@pytest.mark.parametrize("field", ["labels", "annotations", "data", "limits", "nodeSelector"])
def test_a_new_map_of_strings_is_told_key_by_key(field: str) -> None:
    assert paths({}, {field: {"a": "1", "b": "2"}}) == {f"{field}.a": (ABSENT, "1"), f"{field}.b": (ABSENT, "2")}
    assert paths({}, {field: {}}) == {field: (ABSENT, {})}


def test_absent_null_and_empty_are_three_things() -> None:
    assert paths({}, {"a": None}) == {"a": (ABSENT, None)}
    assert paths({"a": None}, {"a": {}}) == {"a": (None, {})}
    assert paths({"a": {}}, {}) == {"a": ({}, ABSENT)}


def test_numbers_are_compared_by_value_and_apart_from_booleans_and_texts() -> None:
    assert paths({"a": 1}, {"a": 1.0}) == {}
    assert paths({"a": 1}, {"a": True}) == {"a": (1, True)}
    assert paths({"a": 1}, {"a": "1"}) == {"a": (1, "1")}


def test_values_are_kept_out_of_the_repr() -> None:
    (difference,) = diff_fields({"data": {"p": "hunter2"}}, {"data": {"p": "hunter3"}})
    assert "hunter" not in repr(difference)


def test_only_what_is_wanted_of_a_keyed_list_is_looked_at() -> None:
    live = pod({"name": "side"}, {"name": "web", "image": "w:1", "terminationMessagePath": "/dev/log"})
    wanted = pod({"name": "web", "image": "w:1"})
    assert restricted(live, wanted) == wanted
    assert restricted({"x": 1}, {"volumes": [], "emptyDir": {}}) == {"volumes": [], "emptyDir": {}}


@pytest.mark.parametrize("odd", [None, 1, "web", [], [{}]])
def test_an_item_that_is_no_mapping_in_a_list_with_known_keys_breaks_nothing(odd: Any) -> None:
    known = MergeKeys({("spec", "containers"): ("name",)})
    live, wanted = pod({"name": "web"}), pod(odd)
    assert diff_fields(live, wanted, known)
    assert restricted(live, wanted, known)


def test_four_changed_lines_of_a_definition_of_five_thousand_are_four_fields() -> None:
    def definition(changed: frozenset[int]) -> dict[str, Any]:
        fields = {
            f"field{n}": {
                "type": "string",
                "format": "x",
                "description": f"{'New' if n in changed else 'Old'} text {n}",
            }
            for n in range(1250)
        }
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        return {"kind": "CustomResourceDefinition", "spec": {"versions": [version]}}

    changed = (3, 400, 401, 1249)
    found = diff_fields(definition(frozenset()), definition(frozenset(changed)))
    where = "spec.versions[name=v1].schema.openAPIV3Schema.properties.spec.properties"
    assert sorted(format_field_path(difference.path) for difference in found) == sorted(
        f"{where}.field{n}.description" for n in changed
    )
