from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_push.core.environment import PruneRules
from gitops_push.core.errors import RefusedError
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.prune import (
    PruneQuestion,
    PruneVerdict,
    check_prune_limit,
    hash_predecessors,
    judge,
    prune_limit,
)

REF = ObjectRef("", "ConfigMap", "shop", "env")
ENTRY = InventoryEntry(REF, "v1", "uid-1")
QUESTION = PruneQuestion(PruneRules(), frozenset({"set-1"}))


def live(uid: str = "uid-1", part_of: str = "set-1", **metadata: Any) -> dict[str, Any]:
    base = {"name": "env", "uid": uid, "labels": {PART_OF_LABEL: part_of}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**base, **metadata}}


def verdict(body: dict[str, Any], entry: InventoryEntry = ENTRY, question: PruneQuestion = QUESTION) -> PruneVerdict:
    return judge(entry, body, question)


def test_an_owned_object_that_nothing_protects_is_deleted() -> None:
    assert verdict(live()).deletes


NOT_OURS = {
    "another uid": (live(uid="uid-2"), "its uid is not the recorded one"),
    "no label": (live(labels={}), "no longer that of this environment"),
    "another set's label": (live(part_of="set-2"), "no longer that of this environment"),
    "a controller's": (
        live(ownerReferences=[{"kind": "Job", "name": "j", "apiVersion": "v1", "controller": True}]),
        "belongs to the controller v1 Job j",
    ),
    "flux's": (
        live(
            labels={
                PART_OF_LABEL: "set-1",
                "kustomize.toolkit.fluxcd.io/name": "a",
                "kustomize.toolkit.fluxcd.io/namespace": "b",
            }
        ),
        "belongs to the Flux Kustomization b/a",
    ),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_what_is_not_ours_is_kept_with_the_reason(case: str) -> None:
    body, reason = NOT_OURS[case]
    found = verdict(body)
    assert reason in found.kept
    assert not found.ours


def test_without_a_recorded_uid_our_apply_must_be_in_the_managed_fields() -> None:
    unconfirmed = replace(ENTRY, uid="")
    assert "not created by gitops-push" in verdict(live(), unconfirmed).kept
    ours = {"manager": "gitops-push", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {}}
    assert verdict(live(managedFields=[ours]), unconfirmed).deletes


OPT_OUTS = [
    ("argocd.argoproj.io/sync-options", "Prune=false"),
    ("argocd.argoproj.io/sync-options", "Validate=false, Prune=confirm"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("helm.sh/resource-policy", "keep"),
    ("cli-utils.sigs.k8s.io/on-remove", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
]


@pytest.mark.parametrize(("key", "value"), OPT_OUTS)
def test_an_annotation_that_asks_to_stay_is_heard(key: str, value: str) -> None:
    found = verdict(live(annotations={key: value}))
    assert key in found.kept
    assert found.opted_out
    assert found.ours


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ],
)
def test_kinds_that_take_data_with_them_are_kept_unless_named(group: str, kind: str) -> None:
    entry = InventoryEntry(ObjectRef(group, kind, "", "env"), "v1", "uid-1")
    assert "prune.kinds" in verdict(live(), entry).kept
    named = replace(QUESTION, rules=PruneRules(kinds=(kind,)))
    assert verdict(live(), entry, named).deletes


def test_nothing_is_deleted_when_pruning_is_off_or_the_object_is_external_or_moved() -> None:
    assert "switched off" in verdict(live(), question=replace(QUESTION, rules=PruneRules(enabled=False))).kept
    assert "external" in verdict(live(), question=replace(QUESTION, external=frozenset({REF}))).kept
    assert "another API group" in verdict(live(), question=replace(QUESTION, uids=frozenset({"uid-1"}))).kept


def test_what_is_being_deleted_already_is_not_deleted_again() -> None:
    assert "being deleted since" in verdict(live(deletionTimestamp="2026-01-01T10:00:00Z")).kept


@pytest.mark.parametrize(
    ("rules", "owned", "limit"),
    [
        (PruneRules(), 5, 3),
        (PruneRules(), 100, 20),
        (PruneRules(), 0, 3),
        (PruneRules(max_percent=None, max_count=10), 100, 10),
        (PruneRules(max_percent=None, max_count=1), 100, 3),
        (PruneRules(max_percent=100), 40, 40),
        (PruneRules(max_percent=0), 40, 3),
    ],
)
def test_the_limit_is_the_rule_but_never_below_three(rules: PruneRules, owned: int, limit: int) -> None:
    assert prune_limit(rules, owned) == limit
    refs = [replace(REF, name=f"n{i}") for i in range(limit)]
    check_prune_limit(refs, rules, owned)
    with pytest.raises(RefusedError, match=f"{limit + 1} of {owned} objects"):
        check_prune_limit([*refs, REF], rules, owned)


def test_predecessors_have_the_same_name_before_a_real_hash() -> None:
    names = ["env-2222222222", "env-bbbbbbbbbb", "env-prod-2222222222", "env-222", "env-aaaaaaaaaa", "env-9999999999"]
    entries = [InventoryEntry(replace(REF, name=name), "v1") for name in names]
    entries.append(InventoryEntry(ObjectRef("", "Secret", "shop", "env-2222222222"), "v1"))
    entries.append(InventoryEntry(replace(REF, namespace="other", name="env-2222222222"), "v1"))
    new = Manifest(replace(REF, name="env-9999999999"), "v1", {}, Origin("x"), "env")
    assert [entry.ref.name for entry in hash_predecessors(entries, new)] == ["env-2222222222", "env-bbbbbbbbbb"]
    assert hash_predecessors(entries, replace(new, unhashed_name="")) == ()
