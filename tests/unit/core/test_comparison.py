from __future__ import annotations

from typing import Any

from gitops_push.core.comparison import compare, compare_leaves
from gitops_push.core.fieldpath import format_field_path, parse_field_path

OURS: dict[str, Any] = {"f:data": {"f:a": {}}}


def body(fields: dict[str, Any] | None, data: dict[str, str], *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [] if fields is None else [_entry("gitops-push", "Apply", fields)]
    metadata = {"name": "x", "managedFields": [*entries, *others], **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _entry(manager: str, operation: str, fields: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields}


SENT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}


def test_the_same_values_and_the_same_entry_are_nothing_to_do() -> None:
    found = compare(body(OURS, {"a": "1"}), body(OURS, {"a": "1"}, resourceVersion="2"), SENT)
    assert not found.pending
    assert not found.changes_ownership


def test_the_same_values_in_an_entry_of_another_version_are_a_change_of_ownership() -> None:
    live = body(None, {"a": "1"}, _entry("gitops-push", "Apply", OURS, "v1beta1"))
    found = compare(live, body(OURS, {"a": "1"}), SENT)
    assert found.pending
    assert found.changes_ownership
    assert found.ours == ()


def test_fields_that_become_ours_are_named() -> None:
    found = compare(
        body(OURS, {"a": "1", "b": "2"}), body({"f:data": {"f:a": {}, "f:b": {}}}, {"a": "1", "b": "2"}), SENT
    )
    assert [format_field_path(path) for path in found.gained] == ["data.b"]
    assert found.pending


def test_what_neither_is_nor_was_ours_is_the_servers() -> None:
    found = compare(body(OURS, {"a": "1", "x": "1"}), body(OURS, {"a": "2", "x": "2"}), SENT)
    assert [format_field_path(difference.path) for difference in found.ours] == ["data.a"]
    assert [format_field_path(difference.path) for difference in found.server] == ["data.x"]


def test_a_field_that_was_ours_and_goes_is_ours() -> None:
    found = compare(body({"f:data": {"f:a": {}, "f:b": {}}}, {"a": "1", "b": "2"}), body(OURS, {"a": "1"}), SENT)
    assert [format_field_path(difference.path) for difference in found.ours] == ["data.b"]


def test_differences_of_ignored_fields_alone_are_nothing_to_do() -> None:
    live = body({}, {"a": "2"}, _entry("person", "Update", OURS))
    found = compare(live, body(OURS, {"a": "1"}), SENT, [parse_field_path("data.a")])
    assert not found.pending
    assert [loss.owner.manager for loss in found.lost] == ["person"]


def test_without_the_server_only_what_the_manifest_speaks_of_is_compared() -> None:
    live = body(OURS, {"a": "1", "defaulted": "x"})
    assert compare_leaves(live, body(None, {"a": "1"})) == ()
    (difference,) = compare_leaves(live, body(None, {"a": "2"}))
    assert (format_field_path(difference.path), difference.before, difference.after) == ("data.a", "1", "2")


def test_without_the_server_what_we_own_and_no_longer_want_counts() -> None:
    live = body({"f:data": {"f:a": {}, "f:b": {}}}, {"a": "1", "b": "2"})
    assert [format_field_path(d.path) for d in compare_leaves(live, body(None, {"a": "1"}))] == ["data.b"]
    assert compare_leaves(live, body(None, {"a": "1"}), [parse_field_path("data.b")]) == ()


def test_an_empty_list_that_was_sent_is_ours_though_managed_fields_do_not_record_it() -> None:
    live, merged = body(OURS, {"a": "1"}), {**body(OURS, {"a": "1"}), "parts": []}
    found = compare(live, merged, {**SENT, "parts": []})
    assert [format_field_path(difference.path) for difference in found.ours] == ["parts"]
    assert found.server == ()
