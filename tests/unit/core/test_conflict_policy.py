from __future__ import annotations

from functools import partial
from itertools import permutations

import pytest

from gitops_push.core.conflict_policy import ConflictPolicy, strictest
from gitops_push.core.environment import ConflictAction, ConflictRule
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ownership import NOTHING_FORCED, ForcedConflicts

WEB = ObjectRef("apps", "Deployment", "shop", "web")
IMAGE = "spec.template.spec.containers[name=web].image"
TAKE, YIELD, FAIL = ConflictAction.TAKE, ConflictAction.YIELD, ConflictAction.FAIL
ALL = ForcedConflicts(everything=True)
WEB_ONLY = ForcedConflicts(objects=frozenset({"Deployment/web"}))


def decide(
    manager: str,
    *rules: ConflictRule,
    field: str = IMAGE,
    forced: ForcedConflicts = NOTHING_FORCED,
    protected: bool = False,
    autoscaled: bool = False,
    ref: ObjectRef = WEB,
) -> ConflictAction:
    policy = ConflictPolicy(rules, forced, protected).of(ref)
    return policy.decide(manager, parse_field_path(field), autoscaled=autoscaled)


@pytest.mark.parametrize(
    ("manager", "open_place", "protected_place"),
    [
        ("kubectl", TAKE, FAIL),
        ("kubectl-edit", TAKE, FAIL),
        ("k9s", TAKE, FAIL),
        ("rancher", TAKE, FAIL),
        ("before-first-apply", TAKE, FAIL),
        ("kube-controller-manager", FAIL, FAIL),
        ("image-updater", FAIL, FAIL),
        ("my-kubectl", FAIL, FAIL),
        ("gitops-push", TAKE, TAKE),
    ],
)
def test_without_rules_people_give_way_and_other_managers_do_not(
    manager: str, open_place: ConflictAction, protected_place: ConflictAction
) -> None:
    assert decide(manager) is open_place
    assert decide(manager, protected=True) is protected_place


@pytest.mark.parametrize("forced", [ALL, WEB_ONLY])
@pytest.mark.parametrize("manager", ["image-updater", "kubectl-edit"])
def test_a_flag_beats_every_rule(manager: str, forced: ForcedConflicts) -> None:
    for action in ConflictAction:
        rule = ConflictRule(manager=manager, action=action)
        assert decide(manager, rule, forced=forced, protected=True, autoscaled=True) is TAKE


def test_a_flag_for_another_object_changes_nothing() -> None:
    assert decide("image-updater", forced=ForcedConflicts(objects=frozenset({"Deployment/api"}))) is FAIL


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("action", list(ConflictAction))
@pytest.mark.parametrize("manager", ["kubectl-edit", "image-updater"])
def test_a_rule_decides_for_people_and_controllers_in_every_environment(
    manager: str, action: ConflictAction, protected: bool
) -> None:
    assert decide(manager, ConflictRule(manager=manager, action=action), protected=protected) is action


@pytest.mark.parametrize(
    "rule",
    [
        ConflictRule(group="batch", action=TAKE),
        ConflictRule(kind="StatefulSet", action=TAKE),
        ConflictRule(namespace="other", action=TAKE),
        ConflictRule(name="api-*", action=TAKE),
        ConflictRule(manager="image-*-bot", action=TAKE),
        ConflictRule(field="spec.replicas", action=TAKE),
        ConflictRule(field="spec.template.spec.containers[name=api].image", action=TAKE),
        ConflictRule(manager="image-updater", field="spec.replicas", action=TAKE),
    ],
    ids=str,
)
def test_a_rule_holds_only_where_all_of_it_fits(rule: ConflictRule) -> None:
    assert decide("image-updater", rule) is FAIL


@pytest.mark.parametrize(
    "rule",
    [
        ConflictRule(action=YIELD),
        ConflictRule(group="apps", kind="Deploy*", namespace="sh*", name="w?b", manager="image-*", action=YIELD),
        ConflictRule(field="spec", action=YIELD),
        ConflictRule(field="spec.template.spec.containers[*].image", action=YIELD),
        ConflictRule(field="spec.template.spec.containers[name=web]", action=YIELD),
    ],
    ids=str,
)
def test_a_rule_speaks_by_globs_of_fields_and_all_below_them(rule: ConflictRule) -> None:
    assert decide("image-updater", rule) is YIELD


def test_the_first_rule_that_fits_wins() -> None:
    rules = [ConflictRule(manager="image-updater", action=action) for action in (YIELD, TAKE, FAIL)]
    for order in permutations(rules):
        assert decide("image-updater", ConflictRule(manager="other", action=TAKE), *order) is order[0].action


def test_an_autoscaler_keeps_its_replicas_unless_a_person_or_a_rule_has_them() -> None:
    scaled = partial(decide, field="spec.replicas", autoscaled=True)
    assert scaled("kube-controller-manager") is YIELD
    assert scaled("keda", protected=True) is YIELD
    assert scaled("") is YIELD
    assert scaled("kubectl") is TAKE
    assert scaled("kubectl", protected=True) is FAIL
    assert scaled("", ConflictRule(kind="Deployment", action=TAKE)) is TAKE


@pytest.mark.parametrize(
    ("actions", "together"),
    [
        ([], TAKE),
        ([TAKE, TAKE], TAKE),
        ([TAKE, YIELD], YIELD),
        ([YIELD, TAKE, FAIL], FAIL),
    ],
)
def test_of_several_managers_of_a_field_the_strictest_counts(
    actions: list[ConflictAction], together: ConflictAction
) -> None:
    for order in permutations(actions):
        assert strictest(order) is together
