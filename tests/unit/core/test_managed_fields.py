from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitops_push.core.fielddiff import diff_fields
from gitops_push.core.fieldpath import format_field_path, parse_field_path
from gitops_push.core.managed_fields import (
    field_set,
    holders,
    losses,
    merge_keys,
    our_entry,
    owner_of,
    read_time,
)

FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:finalizers": {'v:"a/b"': {}}},
    "f:spec": {
        "f:replicas": {},
        "f:containers": {
            'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:args": {},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:name": {}}},
            }
        },
    },
}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> dict[str, Any]:
    base = {"manager": manager, "operation": operation, "apiVersion": "v1", "time": "2026-01-01T10:00:00Z"}
    return {**base, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


def body(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", "managedFields": list(entries)}, **fields}


def replicas() -> dict[str, Any]:
    return {"f:spec": {"f:replicas": {}}}


def test_fields_v1_holds_its_leaves_and_what_is_marked_with_a_dot() -> None:
    assert {format_field_path(path) for path in field_set(FIELDS)} == {
        "metadata.labels",
        "metadata.labels.app",
        'metadata.finalizers[="a/b"]',
        "spec.replicas",
        "spec.containers[name=web]",
        "spec.containers[name=web].image",
        "spec.containers[name=web].args",
        "spec.containers[name=web].ports[containerPort=80,protocol=TCP]",
        "spec.containers[name=web].ports[containerPort=80,protocol=TCP].name",
    }


def test_the_merge_keys_of_lists_are_read_from_the_fields() -> None:
    keys = merge_keys(body(entry("a", FIELDS)))
    assert keys.keys == {
        ("metadata", "finalizers"): (),
        ("spec", "containers"): ("name",),
        ("spec", "containers", "ports"): ("containerPort", "protocol"),
    }
    assert ("spec", "containers", "args") in keys.leaves
    before = {"spec": {"containers": [{"name": "web", "args": ["a"]}]}}
    after = {"spec": {"containers": [{"name": "web", "args": ["b"]}]}}
    (difference,) = diff_fields(before, after, keys)
    assert format_field_path(difference.path) == "spec.containers[name=web].args"


def test_our_entry_is_the_apply_of_our_manager_only() -> None:
    others = [entry("gitops-push", {}, "Update"), entry("gitops-push", {}, "Apply", subresource="status")]
    assert our_entry(body(*others)) is None
    found = our_entry(body(*others, entry("gitops-push", FIELDS, "Apply")))
    assert found is not None
    assert found.fields == FIELDS


def test_a_manager_loses_what_is_no_longer_in_its_entry() -> None:
    live = body(entry("hpa", {"f:spec": {"f:replicas": {}, "f:paused": {}}}, subresource="scale"))
    merged = body(entry("hpa", {"f:spec": {"f:paused": {}}}, subresource="scale"))
    (loss,) = losses(live, merged)
    assert (format_field_path(loss.path), loss.owner.manager, loss.owner.subresource) == (
        "spec.replicas",
        "hpa",
        "scale",
    )
    assert loss.owner.at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_a_manager_whose_entry_has_gone_loses_all_of_it_and_a_list_item_is_one_loss() -> None:
    live = body(entry("other", {"f:spec": FIELDS["f:spec"]}))
    assert [format_field_path(loss.path) for loss in losses(live, body())] == [
        "spec.containers[name=web]",
        "spec.replicas",
    ]


def test_we_never_lose_to_ourselves_and_equal_entries_lose_nothing() -> None:
    live = body(entry("gitops-push", FIELDS, "Apply"), entry("other", replicas()))
    assert losses(live, body(entry("other", replicas()))) == ()


def test_entries_of_other_versions_are_other_entries() -> None:
    live = body(entry("other", replicas(), apiVersion="v1"))
    merged = body(entry("other", replicas(), apiVersion="v2"))
    assert len(losses(live, merged)) == 1


@pytest.mark.parametrize(
    ("field", "owner"),
    [
        ("spec.replicas", "hpa"),
        ("spec.containers[name=web].args[0]", "gitops-push"),
        ("spec.containers[name=web].command", None),
        ("spec.containers", "gitops-push"),
        ("spec.containers[name=other]", None),
    ],
)
def test_the_owner_of_a_field_is_who_set_it_or_the_whole_around_or_something_inside(
    field: str, owner: str | None
) -> None:
    live = body(entry("gitops-push", FIELDS, "Apply", time="2026-01-01T12:00:00Z"), entry("hpa", replicas()))
    found = owner_of(parse_field_path(field), holders(live))
    assert (found.manager if found else None) == owner


def test_of_several_owners_the_latest_is_named() -> None:
    live = body(entry("a", replicas()), entry("b", replicas(), time="2026-01-01T11:00:00Z"), entry("c", replicas()))
    found = owner_of(("spec", "replicas"), holders(live))
    assert found is not None
    assert found.manager == "b"


def test_a_field_is_covered_by_itself_its_atomic_whole_and_its_parts() -> None:
    paths = field_set(FIELDS)
    for field in ("spec.replicas", "spec.containers[name=web].args[1]", "spec", "metadata.labels.app"):
        assert paths.covers(parse_field_path(field))
    assert not paths.covers(("metadata", "labels", "other"))


def test_times_are_read_as_utc_and_nonsense_as_none() -> None:
    assert read_time("2026-01-01T10:00:00Z") == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert read_time("yesterday") is None
    assert read_time(None) is None
