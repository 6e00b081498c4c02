from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_push.core.build_comparison import BuildRules, compare_builds
from gitops_push.core.environment import FieldRule
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest
from gitops_push.core.plan import Action, Change
from gitops_push.core.redaction import Redactor
from tests.unit.cluster.plans import config_map, deployment, manifest

NO_RULES = BuildRules(Redactor(b"key"))


def compared(before: list[Any], after: list[Any], rules: BuildRules = NO_RULES) -> tuple[Change, ...]:
    old, new = ([m if isinstance(m, Manifest) else manifest(m) for m in side] for side in (before, after))
    return compare_builds(old, new, rules)


def fields(change: Change) -> dict[str, tuple[Any, Any]]:
    return {format_field_path(field.path): (field.before, field.after) for field in change.fields}


def test_objects_are_created_updated_deleted_and_unchanged_deletions_first() -> None:
    found = compared(
        [config_map("gone"), config_map("same", a="1"), deployment(image="web:1")],
        [config_map("same", a="1"), config_map("new", a="1"), deployment(image="web:2")],
    )
    assert [(change.ref.name, change.action) for change in found] == [
        ("gone", Action.PRUNE),
        ("new", Action.CREATE),
        ("same", Action.UNCHANGED),
        ("web", Action.UPDATE),
    ]
    assert fields(found[3]) == {"spec.template.spec.containers[name=web].image": ("web:1", "web:2")}
    assert str(found[3].fields[0].origin) == "web.yaml:1:1"
    assert found[0].origin is None


def test_what_the_server_spells_alike_is_no_difference() -> None:
    before, after = deployment(), deployment()
    container = before["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    container["ports"] = [{"containerPort": 80, "protocol": "TCP"}]
    after["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": 1}}
    assert [change.action for change in compared([before], [after])] == [Action.UNCHANGED]


def test_another_version_of_the_kind_is_a_difference() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    (change,) = compared([body], [{**body, "apiVersion": "example.com/v2"}])
    assert fields(change) == {"apiVersion": ("example.com/v1", "example.com/v2")}


def test_a_new_hash_in_a_name_is_shown_as_the_difference_to_the_earlier_content() -> None:
    before = manifest(config_map("env-aaaa", a="1", b="1"), unhashed_name="env")
    after = manifest(config_map("env-bbbb", a="2", b="1"), unhashed_name="env")
    deleted, created = compared([before], [after])
    assert (deleted.action, deleted.replaced_by) == (Action.PRUNE, "env-bbbb")
    assert (created.action, created.renamed_from) == (Action.CREATE, "env-aaaa")
    assert fields(created) == {"data.a": ("1", "2")}


def test_secret_values_of_both_sides_are_masked_wherever_they_occur() -> None:
    def secret(value: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": value}}

    rules = BuildRules(Redactor(b"key", ["old-password", "new-password"]))
    before = [secret("old-password"), config_map(url="postgres://old-password@db")]
    after = [secret("new-password"), config_map(url="postgres://new-password@db")]
    found = compared(before, after, rules)
    assert [len(change.fields) for change in found] == [1, 1]
    for value in ("old-password", "new-password", "b2xkLXBhc3N3b3Jk", "bmV3LXBhc3N3b3Jk"):
        assert value not in repr(found)


def test_sensitive_fields_are_masked_and_ignored_ones_left_out() -> None:
    rules = BuildRules(
        Redactor(b"key"),
        ignore=(FieldRule(kind="ConfigMap", field="data.noise"),),
        sensitive=(FieldRule(kind="ConfigMap", field="data.token"),),
    )
    (change,) = compared([config_map(noise="1", token="before")], [config_map(noise="2", token="after")], rules)
    assert list(fields(change)) == ["data.token"]
    assert "before" not in str(change.fields[0].before)
    (change,) = compared([config_map(noise="1")], [config_map(noise="2")], rules)
    assert change.action is Action.UNCHANGED


BODIES = st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12")))


@settings(max_examples=200, deadline=None)
@given(before=BODIES, after=BODIES)
def test_each_object_has_one_change_that_leads_from_one_side_to_the_other(
    before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]
) -> None:
    old, new = ([config_map(name, **data) for name, data in side.items()] for side in (before, after))
    changes = {change.ref.name: change for change in compared(old, new)}
    assert changes.keys() == before.keys() | after.keys()
    for name, change in changes.items():
        if name not in after:
            assert change.action is Action.PRUNE
        elif name not in before:
            assert change.action is Action.CREATE
        else:
            data = dict(before[name])
            for field in change.fields:
                if field.path == ("data",):  # a whole map that is new or gone
                    data = {} if field.after is ABSENT else json.loads(json.dumps(field.after))
                elif field.after is ABSENT:
                    del data[str(field.path[1])]
                else:
                    data[str(field.path[1])] = str(field.after)
            assert data == after[name]
            assert (change.action is Action.UPDATE) == (before[name] != after[name])
