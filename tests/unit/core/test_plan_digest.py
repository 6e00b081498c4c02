"""What enters the digest of a plan and what does not; each attribute of a change is one or the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.autoscaling import Autoscaler
from gitops_push.core.fielddiff import FieldChange, FieldOwner
from gitops_push.core.hooks import DeletePolicy, Phase
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import (
    Action,
    Change,
    Fidelity,
    FieldLoss,
    HookRun,
    HookState,
    Plan,
    TakenEntry,
    TakeOver,
    YieldedField,
)
from gitops_push.core.plan_approval import done_already, moves
from gitops_push.core.plan_digest import bound, plan_digest
from gitops_push.core.waves import Step
from gitops_push.core.yielding import Yield

NOW = datetime(2026, 11, 20, 10, 41, tzinfo=UTC)
LATER = datetime(2026, 11, 21, tzinfo=UTC)
OWNER = FieldOwner("kubectl-edit", "Update", NOW)
WEB = ObjectRef("apps", "Deployment", "shop", "web")
ENV = ObjectRef("", "ConfigMap", "shop", "env")
LOSS = FieldLoss("spec.replicas", "kubectl-edit", "Update", NOW, Origin("a.yaml", 1))
FIELD = FieldChange(("spec", "replicas"), 2, 3, OWNER, Origin("a.yaml", 1), ("a" * 64, "b" * 64))
HPA = Autoscaler("HorizontalPodAutoscaler", "web")
YIELD = Yield(("spec", "replicas"), OWNER)
LEFT = YieldedField(YIELD, 5, 2, Origin("a.yaml", 1))
ENTRY = TakenEntry("kubectl-client-side-apply", "Update", 9)
TAKE_OVER = TakeOver((ENTRY,), ("spec.paused",), ('metadata.annotations["a"]',), ("helm:shop/web",))
CHANGE = Change(
    WEB,
    "apps/v1",
    Action.UPDATE,
    fields=(FIELD,),
    taken=(LOSS,),
    yielded=(LEFT,),
    take_over=TAKE_OVER,
    content="c" * 64,
    origin=Origin("a.yaml"),
)
MIGRATE = ObjectRef("batch", "Job", "shop", "migrate-presync-1a2b3c")
HOOK = HookRun(MIGRATE, "migrate-", "batch/v1", Step(Phase.PRE_SYNC, 0), content="c" * 64)
PLAN = Plan("prod", "shop", "1a2b3c", "cluster", "digest", NOW, (CHANGE,), 0.8, namespace="shop", keyed=True)
HOOKED = replace(PLAN, hooks=(HOOK,))

BINDS: dict[type, dict[str, Any]] = {
    Plan: {
        "environment": "test",
        "project": "other",
        "cluster_id": "other",
        "namespace": "other",
        "keyed": False,
        "changes": (),
        "hooks": (HOOK,),
    },
    HookRun: {
        "ref": replace(MIGRATE, namespace="other"),
        "config_name": "other-",
        "api_version": "batch/v2",
        "content": "d" * 64,
    },
    Change: {
        "ref": ENV,
        "api_version": "apps/v1beta1",
        "action": Action.CREATE,
        "fidelity": Fidelity.CLIENT,
        "fields": (),
        "taken": (),
        "yielded": (),
        "take_over": TakeOver((ENTRY,), owners=("helm:shop/web",)),
        "gained": ("spec.paused",),
        "released": ("spec.paused",),
        "content": "d" * 64,
    },
    FieldChange: {"tags": ("a" * 64, "e" * 64)},
    FieldLoss: {"field": "spec.paused", "manager": "k9s", "operation": "Apply"},
    YieldedField: {"field": replace(YIELD, path=("spec", "paused"))},
    TakeOver: {"entries": (), "gone": (), "removed": (), "owners": (), "added": ("spec.x",)},
    TakenEntry: {"manager": "k9s", "operation": "Apply", "fields": 3},
    Yield: {"path": ("spec", "paused"), "owner": FieldOwner("k9s", "Update", LATER), "autoscaler": HPA},
}
LEFT_OUT: dict[type, dict[str, Any]] = {
    # Without a dry run each change has another fidelity.
    Plan: {
        "commit": "f" * 40,
        "manifest_digest": "other",
        "planned_at": LATER,
        "seconds": 3.0,
        "dry_run": False,
        "proven": 3,
        "notes": ("for people",),
        "attempt": "1a2b3c",
        "hook_entries": (InventoryEntry(MIGRATE, "batch/v1", "", "migrate-"),),
    },
    # Where and how it runs stands in its manifest; an earlier run of the same plan may have done some of it.
    HookRun: {
        "step": Step(Phase.POST_SYNC, 3),
        "state": HookState.DONE,
        "policies": frozenset({DeletePolicy.FAILED}),
        "fidelity": Fidelity.SERVER,
        "reason": "why",
        "warnings": ("careful",),
        "clears": (CHANGE,),
        "live_uid": "another",
        "origin": Origin("b.yaml", 7),
    },
    Change: {
        "reason": "why",
        "warnings": ("careful",),
        "live_uid": "another",
        "live_resource_version": "99",
        "origin": Origin("b.yaml", 7),
        "renamed_from": "env-1",
        "server_fields": (FIELD,),
        "live_state": "tag",
        "effect": "tag",
        "impact": ("restarts 3 pods",),
        "replaced_by": "env-2",
        "unchecked": ("rules",),
        "immutable": ("spec.selector",),
        # The waves of an object, and of those that need it, stand in their manifests.
        "step": Step(Phase.SYNC, 3),
    },
    # Both values are in the tags, and so is the path.
    FieldChange: {
        "path": ("spec", "paused"),
        "before": 7,
        "after": 8,
        "owner": FieldOwner("k9s", "Update", LATER),
        "origin": Origin("b.yaml", 7),
    },
    FieldLoss: {"at": LATER, "origin": Origin("b.yaml", 7), "live": 7, "ours": 8},
    YieldedField: {"live": 7, "ours": 8, "origin": Origin("b.yaml", 7)},
    TakeOver: {"notes": ("delete the record of Helm",)},
    TakenEntry: {},
    Yield: {"sent": 6},
}
"""What does not change what happens: the reasons stand in `core.plan_digest`."""

WITH: dict[type, Callable[[dict[str, Any]], Plan]] = {
    Plan: lambda new: replace(PLAN, **new),
    HookRun: lambda new: replace(PLAN, hooks=(replace(HOOK, **new),)),
    Change: lambda new: replace(PLAN, changes=(replace(CHANGE, **new),)),
    FieldChange: lambda new: replace(PLAN, changes=(replace(CHANGE, fields=(replace(FIELD, **new),)),)),
    FieldLoss: lambda new: replace(PLAN, changes=(replace(CHANGE, taken=(replace(LOSS, **new),)),)),
    YieldedField: lambda new: replace(PLAN, changes=(replace(CHANGE, yielded=(replace(LEFT, **new),)),)),
    TakeOver: lambda new: replace(PLAN, changes=(replace(CHANGE, take_over=replace(TAKE_OVER, **new)),)),
    TakenEntry: lambda new: WITH[TakeOver]({"entries": (replace(ENTRY, **new),)}),
    Yield: lambda new: WITH[YieldedField]({"field": replace(YIELD, **new)}),
}


@pytest.mark.parametrize("part", WITH, ids=lambda part: part.__name__)
def test_every_attribute_is_in_the_digest_or_on_the_list_of_what_is_left_out(part: type) -> None:
    binding, free = BINDS[part], LEFT_OUT[part]
    base = WITH[part]({})
    assert {field.name for field in fields(part)} == binding.keys() | free.keys()
    assert not binding.keys() & free.keys()
    for name, value in binding.items():
        assert plan_digest(WITH[part]({name: value})) != plan_digest(base), name
    for name, value in free.items():
        changed = WITH[part]({name: value})
        assert changed != base, name
        assert plan_digest(changed) == plan_digest(base), name


def test_kept_objects_and_the_order_of_changes_are_left_out() -> None:
    kept = Change(ENV, "v1", Action.KEPT)
    other = Change(ObjectRef("", "ConfigMap", "shop", "b"), "v1", Action.CREATE, content="1" * 64)
    assert plan_digest(replace(PLAN, changes=(kept, CHANGE))) == plan_digest(PLAN)
    both = replace(PLAN, changes=(CHANGE, other))
    assert plan_digest(both) == plan_digest(replace(PLAN, changes=(other, CHANGE)))
    assert plan_digest(both) != plan_digest(PLAN)


def test_all_runs_of_a_hook_are_bound_once_whether_they_are_done_or_not() -> None:
    after = replace(HOOK, step=Step(Phase.POST_SYNC, 0), ref=replace(MIGRATE, name="migrate-postsync-1a2b3c"))
    both = replace(PLAN, hooks=(replace(HOOK, state=HookState.DONE), after))
    assert plan_digest(both) == plan_digest(HOOKED)


def test_a_hook_that_an_earlier_run_of_the_plan_has_run_has_not_moved() -> None:
    assert moves(bound(HOOKED), bound(PLAN)) == ()
    assert done_already(bound(HOOKED), bound(PLAN)) == 1
    assert [(move.ref, move.then, move.now) for move in moves(bound(PLAN), bound(HOOKED))] == [
        (replace(MIGRATE, name="migrate-"), None, "run hook")
    ]


def test_the_digest_of_a_plan_is_frozen() -> None:
    """A digest that was approved with one version must hold with the next, or the format gets another number."""
    simple = Change(WEB, "apps/v1", Action.UPDATE, fields=(FIELD,), taken=(LOSS,), gained=("spec.x",), content="c" * 64)
    plan = replace(PLAN, changes=(simple, Change(ENV, "v1", Action.PRUNE, content="d" * 64)))
    assert plan_digest(plan) == "sha256:88b30e73c5e7f3bc47c675745eef842bf88f2ba31c11c2e39715e1cf45d36871"


TAGS = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
CHANGES = st.builds(
    lambda name, action, content, tags, gained: Change(
        ObjectRef("", "ConfigMap", "shop", name),
        "v1",
        action,
        fields=tuple(replace(FIELD, path=("data", str(i)), tags=tag) for i, tag in enumerate(tags)),
        gained=gained,
        content=content,
    ),
    st.sampled_from("abcd"),
    st.sampled_from(Action),
    TAGS,
    st.lists(st.tuples(TAGS, TAGS), max_size=3),
    st.sampled_from([(), ("x",), ("x", "y")]),
)
CHANGE_SETS = st.lists(CHANGES, unique_by=lambda change: change.ref, max_size=4).map(tuple)


@given(CHANGE_SETS, st.randoms(use_true_random=False))
def test_nothing_has_moved_between_plans_with_the_same_digest(changes: tuple[Change, ...], random: Random) -> None:
    shuffled = list(changes)
    random.shuffle(shuffled)
    then, now = replace(PLAN, changes=changes), replace(PLAN, changes=tuple(shuffled))
    assert plan_digest(then) == plan_digest(now)
    assert moves(bound(then), bound(now)) == ()


@given(CHANGE_SETS, CHANGE_SETS)
def test_what_may_go_on_writes_nothing_that_was_not_approved(
    approved: tuple[Change, ...], now: tuple[Change, ...]
) -> None:
    then, today = bound(replace(PLAN, changes=approved)), bound(replace(PLAN, changes=now))
    moved = moves(then, today)
    if not moved:
        known = {found.ref: found for found in then.objects}
        for found in today.objects:
            assert found == known[found.ref] or (
                found.action == Action.UNCHANGED and found.content == known[found.ref].content
            )
        gone = known.keys() - {found.ref for found in today.objects}
        assert all(known[ref].action in {Action.PRUNE, Action.HOOK} for ref in gone)
    else:
        assert plan_digest(replace(PLAN, changes=approved)) != plan_digest(replace(PLAN, changes=now))
        assert {move.ref for move in moved} <= {c.ref for c in (*approved, *now)}


def test_what_an_earlier_run_has_done_is_no_move() -> None:
    deleted = Change(ENV, "v1", Action.PRUNE, content="9" * 64)
    then = bound(replace(PLAN, changes=(CHANGE, deleted)))
    done = replace(CHANGE, action=Action.UNCHANGED, fields=(), taken=(), yielded=(), take_over=None)
    now = bound(replace(PLAN, changes=(done,)))
    assert moves(then, now) == ()
    assert done_already(then, now) == 2
    other = bound(replace(PLAN, changes=(replace(done, content="0" * 64),)))
    assert [move.what for move in moves(then, other)] == ["action", "field", *["handover"] * 6, "manifest"]
    assert [(m.what, m.then, m.now) for m in moves(now, bound(replace(PLAN, changes=())))] == [
        ("object", "unchanged", None)
    ]


def test_what_an_autoscaler_has_does_not_bind() -> None:
    scaled = replace(LEFT, field=replace(YIELD, autoscaler=HPA, sent=5))
    digests = {
        plan_digest(WITH[Change]({"yielded": yielded})) for yielded in ((), (scaled,), (replace(scaled, live=7),))
    }
    assert len(digests) == 1
