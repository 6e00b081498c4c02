"""Field sets as the server keeps them, and the situations of moving fields between managers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.managed_fields import field_set
from gitops_push.core.managed_fields_upgrade import RawPath, decode, encode, given_up, handed_over, union, upgraded

KEYS = st.sampled_from(["f:a", "f:b", "f:labels", 'k:{"name":"web"}', 'v:"x"', "i:0"])
MEMBERS = st.frozensets(st.lists(KEYS, min_size=1, max_size=4).map(tuple), max_size=12)


@given(MEMBERS)
def test_what_is_encoded_is_decoded_again(members: frozenset[RawPath]) -> None:
    assert decode(encode(members)) == members


@given(MEMBERS)
def test_the_other_reader_of_sets_finds_as_many_members(members: frozenset[RawPath]) -> None:
    assert len(field_set(encode(members))) == len(members)


@given(MEMBERS, MEMBERS, MEMBERS)
def test_the_union_is_one_of_sets(a: frozenset[RawPath], b: frozenset[RawPath], c: frozenset[RawPath]) -> None:
    x, y, z = encode(a), encode(b), encode(c)
    assert decode(union(x, y)) == a | b
    assert union(x, y) == union(y, x)
    assert union(union(x, y), z) == union(x, union(y, z))
    assert union(x, x) == x
    assert union(x, {}) == x
    assert union() == {}


def test_a_leaf_that_is_a_parent_elsewhere_stays_a_member() -> None:
    assert union({"f:x": {}}, {"f:x": {"f:y": {}}}) == {"f:x": {".": {}, "f:y": {}}}


def entry(manager: str, operation: str, fields: dict[str, Any], version: str = "v1", **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def ours(fields: dict[str, Any], version: str = "v1", **more: Any) -> dict[str, Any]:
    return entry("gitops-push", "Apply", fields, version, **more)


def theirs(fields: dict[str, Any], version: str = "v1", **more: Any) -> dict[str, Any]:
    return entry("kubectl-client-side-apply", "Update", fields, version, **more)


A: dict[str, Any] = {"f:data": {"f:a": {}}}
B: dict[str, Any] = {"f:data": {"f:b": {}}}
BOTH: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}}
OTHER = entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status")
SITUATIONS = {
    "nobody is there": ([], []),
    "only others are there": ([OTHER], [OTHER]),
    "ours alone stays as it is": ([ours(A), OTHER], [ours(A), OTHER]),
    "theirs alone becomes ours": ([theirs(A), OTHER], [ours(A), OTHER]),
    "theirs is joined into ours": ([theirs(B), OTHER, ours(A)], [OTHER, ours(BOTH)]),
    "ours keeps its place and time": ([ours(A, time="t1"), theirs(B, time="t2")], [ours(BOTH, time="t1")]),
    "theirs of another version is dropped": ([ours(A, "v2"), theirs(B, "v1")], [ours(A, "v2")]),
    "of several versions ours decides": ([ours(A, "v2"), theirs(B, "v1"), theirs(B, "v2")], [ours(BOTH, "v2")]),
    "of several versions the first becomes ours": ([theirs(A, "v1"), theirs(B, "v2")], [ours(A, "v1")]),
    "a subresource is never touched": (
        [theirs(A), theirs(B, subresource="status"), ours(B, subresource="scale")],
        [ours(A), theirs(B, subresource="status"), ours(B, subresource="scale")],
    ),
}


def absorbs(found: Any) -> bool:
    return found["manager"] == "kubectl-client-side-apply" and not found.get("subresource")


@pytest.mark.parametrize(("before", "after"), SITUATIONS.values(), ids=SITUATIONS)
def test_entries_are_joined(before: list[Any], after: list[Any]) -> None:
    assert list(upgraded(before, absorbs)) == after
    assert list(upgraded(after, absorbs)) == after


def managed(manager: str, operation: str, members: frozenset[RawPath]) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": encode(members)}


@given(MEMBERS, MEMBERS, MEMBERS)
def test_single_members_move_to_us_and_no_member_is_lost_or_moved_elsewhere(
    ours: frozenset[RawPath], theirs: frozenset[RawPath], chosen: frozenset[RawPath]
) -> None:
    wanted = field_set(encode(chosen))
    entries = [managed("gitops-push", "Apply", ours), managed("kubectl-edit", "Update", theirs)]
    after = handed_over(entries, lambda entry, path: path in wanted)
    sets = {entry["manager"]: decode(entry["fieldsV1"]) for entry in after}
    left = sets.get("kubectl-edit", frozenset())
    assert sets["gitops-push"] | left == ours | theirs
    assert sets["gitops-push"] == ours | (theirs - left)
    assert not left & chosen


@given(MEMBERS, MEMBERS)
def test_what_is_not_chosen_stays_unless_nothing_else_is_left_of_a_map_or_list(
    theirs: frozenset[RawPath], chosen: frozenset[RawPath]
) -> None:
    wanted = field_set(encode(chosen))
    entry = managed("kubectl-edit", "Update", theirs)
    left, given = given_up([entry], lambda entry, path: path in wanted)
    kept = decode(left[0]["fieldsV1"]) if left else frozenset()
    assert kept | given == theirs
    for member in given - chosen:
        assert any(other[: len(member)] == member for other in given & chosen)
        assert not any(other[: len(member)] == member for other in kept)


def test_a_list_that_is_left_without_items_goes_with_its_last_one() -> None:
    variable: dict[str, Any] = {".": {}, "f:name": {}, "f:value": {}}
    fields: dict[str, Any] = {"f:env": {".": {}, 'k:{"name":"DEBUG"}': variable}, "f:paused": {}}
    entry = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}
    left, given = given_up([entry], lambda entry, path: path[:1] == ("env",) and len(path) > 1)
    assert left == ({**entry, "fieldsV1": {"f:paused": {}}},)
    assert ("f:env",) in given
