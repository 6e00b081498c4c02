from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.errors import RefusedError
from gitops_push.core.inventory import (
    Inventory,
    InventoryEntry,
    InventoryState,
    applyset_id,
    exact,
    inventory_name,
    new_inventory,
    part_of,
    superset,
)
from gitops_push.core.inventory_record import from_config_map, to_config_map
from gitops_push.core.objects import ObjectRef

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=20)
GROUPS = st.sampled_from(["", "apps", "rbac.authorization.k8s.io", "example.com"])
KINDS = st.sampled_from(["ConfigMap", "Deployment", "Role", "Widget"])
NAMESPACES = st.sampled_from(["", "shop", "kube-system"])
REFS = st.builds(ObjectRef, GROUPS, KINDS, NAMESPACES, SOME_TEXT)


def entry(ref: ObjectRef, uid: str = "", version: str = "v1") -> InventoryEntry:
    return InventoryEntry(ref, f"{ref.group}/{version}" if ref.group else version, uid)


ENTRIES = st.builds(entry, REFS, st.sampled_from(["", "0b1f", "9c2e"]), st.sampled_from(["v1", "v1beta1"]))
ENTRY_SETS = st.lists(ENTRIES, unique_by=lambda found: found.ref, max_size=8).map(lambda found: tuple(sorted(found)))
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]))
INVENTORIES = st.builds(
    lambda base, entries, state, texts, at: replace(
        base, entries=entries, state=state, commit=texts[0], manifest_digest=texts[1], deployed_at=at, key=texts[0]
    ),
    st.builds(new_inventory, SOME_TEXT, SOME_TEXT, st.sampled_from(["shop", "default"])),
    ENTRY_SETS,
    st.sampled_from(InventoryState),
    st.tuples(TEXT, TEXT),
    st.none() | TIMES,
)

WEB = ObjectRef("apps", "Deployment", "shop", "web")
NAMESPACE = ObjectRef("", "Namespace", "", "n")
ENV = ObjectRef("", "ConfigMap", "shop", "web-env")


@given(INVENTORIES, st.sampled_from([("", ""), ("17", "uid-1")]))
def test_what_is_written_is_read_back(inventory: Inventory, identity: tuple[str, str]) -> None:
    stored = replace(inventory, resource_version=identity[0], uid=identity[1])
    assert from_config_map(to_config_map(stored)) == stored


@given(TEXT, TEXT)
def test_a_name_is_always_a_dns_label_of_at_most_63_characters(project: str, environment: str) -> None:
    assert re.fullmatch(r"gitops-push-[a-z0-9]([-a-z0-9]*[a-z0-9])?", inventory_name(project, environment))
    assert len(inventory_name(project, environment)) <= 63


def test_a_good_name_is_kept_and_another_gets_a_hash() -> None:
    assert inventory_name("shop", "prod") == "gitops-push-shop-prod"
    assert re.fullmatch(
        r"gitops-push-example-com-team-shop-prod-[0-9a-f]{8}",
        inventory_name("https://example.com/team/shop.git", "prod"),
    )
    assert inventory_name("a/b", "prod") != inventory_name("a.b", "prod")
    assert inventory_name("p" * 80, "prod") != inventory_name("p" * 80, "test")


def test_the_applyset_id_is_the_one_that_kubectl_computes() -> None:
    # sha256 of "web.shop.ConfigMap.", base64url without padding, computed with openssl
    assert applyset_id("web", "shop") == "applyset-LfI8Vi9Cj-oN7gdQMc0pVAUtzPHQLFbNnE8ILiyJ7TY-v1"
    assert len(applyset_id("web", "shop")) <= 63


def test_the_parent_names_kinds_and_other_namespaces_as_kubectl_reads_them() -> None:
    inventory = exact(
        new_inventory("shop", "prod", "shop"),
        [
            entry(WEB),
            entry(ENV),
            entry(ObjectRef("", "Secret", "jobs", "s")),
            entry(ObjectRef("", "Namespace", "", "n")),
        ],
        InventoryState.DONE,
    )
    metadata = to_config_map(inventory)["metadata"]
    assert metadata["labels"]["applyset.kubernetes.io/id"] == inventory.id
    assert metadata["annotations"] == {
        "applyset.kubernetes.io/tooling": "gitops-push/v1",
        "applyset.kubernetes.io/contains-group-kinds": "ConfigMap,Deployment.apps,Namespace,Secret",
        "applyset.kubernetes.io/additional-namespaces": "jobs",
    }
    assert part_of(inventory) == {"applyset.kubernetes.io/part-of": inventory.id}


@given(INVENTORIES, ENTRY_SETS)
def test_the_superset_names_everything_old_and_new_and_loses_no_uid(
    old: Inventory, wanted: tuple[InventoryEntry, ...]
) -> None:
    both = superset(old, wanted)
    uids = {found.ref: found.uid for found in both.entries}
    assert both.state is InventoryState.APPLYING
    assert set(uids) == {found.ref for found in (*old.entries, *wanted)}
    new_uids = {found.ref: found.uid for found in wanted if found.uid}
    assert all(uids[found.ref] == new_uids.get(found.ref, found.uid) for found in old.entries)
    assert list(both.entries) == sorted(both.entries)


def broken(**changes: Any) -> dict[str, Any]:
    body = to_config_map(exact(new_inventory("shop", "prod", "shop"), [entry(WEB, "u")], InventoryState.DONE))
    body["data"] |= changes.get("data", {})
    body["metadata"]["annotations"] |= changes.get("annotations", {})
    body["metadata"]["labels"] |= changes.get("labels", {})
    return body


DAMAGED = {
    "no JSON": broken(data={"objects": "[{"}),
    "JSON that is no list": broken(data={"objects": "7"}),
    "an entry without a name": broken(data={"objects": '[{"apiVersion":"v1","kind":"ConfigMap"}]'}),
    "a uid that is a number": broken(data={"objects": '[{"apiVersion":"v1","kind":"A","name":"b","uid":7}]'}),
    "an entry that is text": broken(data={"objects": '["x"]'}),
    "too deep": broken(data={"objects": "[" * 100_000}),
    "an unknown state": broken(data={"state": "sleeping"}),
    "a time that is none": broken(data={"deployedAt": "yesterday"}),
    "no schema": {**broken(), "data": {}},
    "a shard without a name": broken(data={"shards": '[{"sha256":"0","objects":1}]'}),
    "a shard of no number": broken(data={"shards": '[{"name":"a","sha256":"0","objects":"1"}]'}),
    "a generation that is none": broken(data={"generation": "x"}),
}
FOREIGN = {
    "a later schema": broken(data={"schemaVersion": "2"}),
    "another tool": broken(annotations={"applyset.kubernetes.io/tooling": "kubectl/v1.37"}),
    "another id": broken(labels={"applyset.kubernetes.io/id": "applyset-x-v1"}),
    "a ConfigMap of someone": {"metadata": {"name": "web", "namespace": "shop"}, "data": {"a": "b"}},
    "nothing at all": {},
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_is_refused_and_the_hint_says_how_to_make_it_anew(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        from_config_map(body)
    (problem,) = caught.value.problems
    assert problem.code is Code.INVENTORY_DAMAGED
    assert "inventory adopt" in str(problem.hint)


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_record_is_refused_by_name(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        from_config_map(body)
    assert [problem.code for problem in caught.value.problems] == [Code.INVENTORY_MISMATCH]
