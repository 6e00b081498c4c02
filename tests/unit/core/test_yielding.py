from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_push.core.autoscaling import REPLICAS, Autoscaler
from gitops_push.core.conflict_policy import ConflictPolicy, ObjectPolicy
from gitops_push.core.environment import ConflictAction, ConflictRule
from gitops_push.core.fielddiff import ABSENT, FieldOwner
from gitops_push.core.fieldpath import FieldPath, ItemKey, parse_field_path, prefixes, resolve, value_at
from gitops_push.core.managed_fields import Loss, manager_entries
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ownership import ForcedConflicts
from gitops_push.core.yielding import Yield, body_with_yields, left_out, scaled_replicas, shared, unheld, yields_of

HPA = Autoscaler("HorizontalPodAutoscaler", "web")
KEDA = Autoscaler("ScaledObject", "web", to_zero=True)
OURS, KCM, PERSON = "gitops-push", "kube-controller-manager", "kubectl"
TAKE, YIELD, FAIL = ConflictAction.TAKE, ConflictAction.YIELD, ConflictAction.FAIL
WEB = ObjectRef("apps", "Deployment", "shop", "web")
CONTAINER = "spec.template.spec.containers[name=web]"
BODY: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"applyset.kubernetes.io/part-of": "a", "app": "web"}},
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"annotations": {"a.b/c": "d"}},
            "spec": {
                "containers": [
                    {"name": "side", "image": "side:1"},
                    {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}], "args": ["-v"]},
                ]
            },
        },
    },
}


def without(*fields: str) -> dict[str, Any]:
    return body_with_yields(BODY, [Yield(parse_field_path(field)) for field in fields])


def test_a_list_item_keeps_its_key_and_its_other_fields() -> None:
    containers = without(f"{CONTAINER}.image")["spec"]["template"]["spec"]["containers"]
    assert containers == [
        {"name": "side", "image": "side:1"},
        {"name": "web", "ports": [{"containerPort": 80}], "args": ["-v"]},
    ]


def test_a_map_that_is_empty_then_goes_too() -> None:
    template = without('spec.template.metadata.annotations["a.b/c"]')["spec"]["template"]
    assert template.keys() == {"spec"}


def test_a_whole_item_and_an_atomic_list_can_be_left_out() -> None:
    containers = without("spec.template.spec.containers[name=side]", f"{CONTAINER}.args")["spec"]["template"]["spec"]
    assert containers == {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]}


def test_a_live_value_is_sent_in_place_of_ours() -> None:
    assert body_with_yields(BODY, [Yield(REPLICAS, sent=7)])["spec"]["replicas"] == 7


def test_what_the_body_does_not_have_changes_nothing() -> None:
    assert without("spec.paused", "spec.template.spec.containers[name=api].image") == BODY


KEYS = st.sampled_from(["a", "b", "c.d", "e/f"])
SCALARS = st.one_of(st.integers(0, 9), st.text("xyz", max_size=3), st.booleans())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2)),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, min_size=1, max_size=3),
        st.dictionaries(
            st.sampled_from(["web", "db", "x.y"]), st.dictionaries(KEYS, inner, max_size=3), max_size=3
        ).map(lambda items: [{"name": name, **fields} for name, fields in items.items()]),
    ),
    max_leaves=12,
)


def leaves(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield the fields that may be left: everything but the keys of list items."""
    if isinstance(value, dict) and value:
        key = path[-1] if path and isinstance(path[-1], ItemKey) else ItemKey(())
        for name, item in value.items():
            if name not in dict(key.keys):
                yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves(item, (*path, ItemKey((("name", item["name"]),))))
    elif path:
        yield path


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3), st.data())
def test_exactly_what_is_left_to_others_is_missing_from_the_request(body: dict[str, Any], data: st.DataObject) -> None:
    every = list(leaves(body))
    chosen = data.draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    before = copy.deepcopy(body)
    sent = body_with_yields(body, [Yield(path) for path in chosen])
    assert body == before
    for path in every:
        expected = ABSENT if path in chosen else value_at(path, body)
        assert value_at(path, sent, ABSENT) == expected
    for path in every:
        for around in prefixes(path):
            if isinstance(around[-1], ItemKey):
                assert len(resolve(around, sent)) == len(around), "a list item went with its last field"
    assert body_with_yields(sent, [Yield(path) for path in chosen]) == sent


def live(replicas: int | None, *managers: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Return a Deployment whose replicas these managers (and subresources) have."""
    entries: list[dict[str, Any]] = [
        {
            "manager": manager,
            "operation": "Apply" if manager == OURS else "Update",
            "subresource": subresource,
            "apiVersion": "apps/v1",
            "time": f"2026-01-0{number + 1}T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }
        for number, (manager, subresource) in enumerate(managers)
    ]
    spec = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": "web", "managedFields": entries}, "spec": spec, **more}


ME, SCALER, BY_HAND = (OURS, ""), (KCM, "scale"), (PERSON, "scale")
REPLICA_CASES: dict[str, tuple[dict[str, Any], Autoscaler, tuple[str, int | None] | None]] = {
    "scaled by its autoscaler": (live(5, SCALER), HPA, (KCM, None)),
    "scaled by its autoscaler to the number of git": (live(2, SCALER), HPA, (KCM, None)),
    "scaled to the number of git, which is ours too": (live(2, ME, SCALER), HPA, None),
    "ours, as another autoscaler and we set it": (live(3, ME, SCALER), HPA, (KCM, None)),
    "ours alone, and git moved on": (live(3, ME), HPA, ("", 3)),
    "ours alone, as in git": (live(2, ME), HPA, None),
    "nobody's": (live(5), HPA, ("", None)),
    "nobody's, as in git": (live(2), HPA, ("", None)),
    "scaled by hand": (live(5, BY_HAND), HPA, None),
    "scaled by hand and by its autoscaler": (live(5, BY_HAND, SCALER), HPA, (KCM, None)),
    "set to 0 by git": (live(0, ME), HPA, None),
    "at 0, nobody knows why": (live(0), HPA, None),
    "at 0 by an autoscaler that never does that": (live(0, SCALER), HPA, (KCM, None)),
    "at 0, where the autoscaler does that": (live(0), KEDA, ("", None)),
    "set to 0 by git, where the autoscaler does that": (live(0, ME), KEDA, ("", 0)),
    "no number": (live(None), HPA, None),
}


@pytest.mark.parametrize("case", REPLICA_CASES)
def test_replicas_are_left_to_an_autoscaler(case: str) -> None:
    body, autoscaler, expected = REPLICA_CASES[case]
    left = scaled_replicas(ObjectPolicy(), body, BODY, autoscaler)
    found = None if left is None else (left.owner.manager if left.owner else "", left.sent)
    assert found == expected
    if left is not None:
        assert unheld([left], body) == ()


@pytest.mark.parametrize(
    ("policy", "is_left"),
    [
        (ConflictPolicy(), True),
        (ConflictPolicy(protected=True), True),
        (ConflictPolicy(forced=ForcedConflicts(everything=True)), False),
        (ConflictPolicy((ConflictRule(field="spec.replicas", action=TAKE),)), False),
        (ConflictPolicy((ConflictRule(manager="kube-*", action=FAIL),)), False),
        (ConflictPolicy((ConflictRule(manager="other", action=TAKE),)), True),
    ],
)
def test_flags_and_rules_beat_an_autoscaler(policy: ConflictPolicy, is_left: bool) -> None:
    assert (scaled_replicas(policy.of(WEB), live(5, SCALER), BODY, HPA) is not None) is is_left


def yielding(*actions: tuple[str, ConflictAction], field: str = "") -> ObjectPolicy:
    return ObjectPolicy(tuple(ConflictRule(manager=name, field=field, action=action) for name, action in actions))


def lost(field: str, *managers: str) -> list[Loss]:
    return [Loss(parse_field_path(field), FieldOwner(manager, "Update", None)) for manager in managers]


IMAGE = f"{CONTAINER}.image"


@pytest.mark.parametrize(
    ("policy", "losses", "left"),
    [
        (yielding(("a", YIELD)), lost(IMAGE, "a"), [IMAGE]),
        (yielding(("a", YIELD)), lost(IMAGE, "b"), []),
        (yielding(("a", YIELD)), lost(IMAGE, "a", "b"), []),
        (yielding(("a", YIELD)), lost(IMAGE, "a", PERSON), [IMAGE]),
        (yielding(("*", YIELD), field=IMAGE), lost(IMAGE, "a", "b"), [IMAGE]),
        (yielding(("a", TAKE)), lost(IMAGE, "a"), []),
        (yielding(("a", YIELD)), lost("spec.paused", "a"), []),
        (yielding(("a", YIELD)), lost(f"{CONTAINER}.name", "a"), []),
        (yielding(("a", YIELD)), lost('metadata.labels["applyset.kubernetes.io/part-of"]', "a"), []),
        (yielding(("a", YIELD)), lost("metadata.labels.app", "a"), ["metadata.labels.app"]),
    ],
    ids=[
        "a rule",
        "a rule for another",
        "a second manager fails it",
        "a person would give way",
        "a rule for all managers",
        "a rule that takes",
        "a field that is not sent",
        "the key of a list item",
        "the label of membership",
        "another label",
    ],
)
def test_a_rule_leaves_a_field_unless_another_manager_of_it_fails(
    policy: ObjectPolicy, losses: list[Loss], left: list[str]
) -> None:
    found = yields_of(policy, live(2), BODY, losses)
    assert [one.path for one in found] == [parse_field_path(field) for field in left]
    assert left_out(found) == tuple(one.path for one in found)


def owned(manager: str, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}


def test_a_field_that_would_become_ours_beside_its_manager_is_left_to_it() -> None:
    theirs, data = owned("a", "Update", {"f:data": {"f:x": {}, "f:z": {}}}), {"x": "1", "y": "2"}
    before = {"metadata": {"managedFields": [theirs]}, "data": data}
    ours = owned(OURS, "Apply", {"f:data": {".": {}, "f:x": {}, "f:y": {}}})
    after = {"metadata": {"managedFields": [theirs, ours]}, "data": data}
    assert [loss.path for loss in shared(yielding(("a", YIELD)), before, after)] == [("data", "x")]
    assert list(shared(yielding(("a", TAKE)), before, after)) == []
    assert list(shared(yielding(("a", YIELD)), after, after)) == []


def test_a_field_left_out_that_only_we_have_would_be_lost() -> None:
    left = [Yield(REPLICAS, FieldOwner(KCM, "Update", None))]
    assert unheld(left, live(5, ME)) == (REPLICAS,)
    assert unheld(left, live(5, ME, SCALER)) == ()
    assert unheld(left, live(5)) == ()


@settings(deadline=None)
@given(st.data())
def test_asking_for_one_field_of_an_entry_says_the_same_as_its_whole_set(data: st.DataObject) -> None:
    names = st.sampled_from(["f:a", 'k:{"name":"web"}', 'v:"x"', "i:0"])
    nodes: st.SearchStrategy[Any] = st.recursive(
        st.just({}), lambda inner: st.dictionaries(st.one_of(names, st.just(".")), inner, max_size=3), max_leaves=9
    )
    fields = data.draw(st.dictionaries(names, nodes, max_size=3).map(_dots_are_empty))
    (entry,) = manager_entries({"metadata": {"managedFields": [owned("a", "Update", fields)]}})
    paths = entry.paths()
    every = {around for path in paths for around in (path, *prefixes(path), (*path, "b"))}
    assert {path for path in every if entry.has(path)} == set(paths)


def _dots_are_empty(node: dict[str, Any]) -> dict[str, Any]:
    return {key: {} if key == "." else _dots_are_empty(child) for key, child in node.items()}
