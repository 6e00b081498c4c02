"""Random edits of objects that may be recreated: nothing but an immutable field ever makes a recreation.

Each edit is judged by the server itself: whether it takes the edited object as an update, and whether as a new one.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.errors import GitopsPushError
from gitops_push.core.plan import Action
from gitops_push.core.recreation import immutable_fields, trial_body
from tests.cluster.planning import apply_all, request_for, targets_of
from tests.cluster.recreating import BY_CONSENT, BY_DEFAULT, changed, consenting

SEED = 20261
ODD = (-1, 0, 7, 1 << 40, 2.5, True, "", "x", "UPPER CASE", "-bad-", "field is immutable", "a: field is immutable")
ODDER: tuple[Any, ...] = (*ODD, [], {}, ["x"], {"x": "y"}, [{"name": "x"}], "é" * 70, "may not change once set", None)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of everything below the top, but for what says which object it is."""
    if path in {("apiVersion",), ("kind",), ("metadata",)}:
        return
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from leaves(child, (*path, key))


def edited(chance: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with one or two fields set to something else, taken away, or made up."""
    after = copy.deepcopy(body)
    for _ in range(chance.randint(1, 2)):
        paths = list(leaves(after))
        if not paths:
            return after
        path = chance.choice(paths)
        match chance.randrange(5):
            case 0:
                after = _without(after, path)
            case 1:
                after = changed(after, (*path[:-1], "madeUp"), 1) if isinstance(path[-1], str) else after
            case 2:
                after = changed(after, path, chance.choice(ODDER))
            case _:
                after = changed(after, path, _another(_at(after, path)))
    return after


def _another(value: Any) -> Any:
    """Return a value that could as well stand there."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}b"
        case _:
            return value


def _at(body: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def _without(body: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    copied = copy.deepcopy(body)
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return copied


def judged(api: HttpApi, namespace: str, after: dict[str, Any]) -> tuple[ApiFailure | None, ApiFailure | None]:
    """Return why the server refuses the edit as an update, and why as a new object."""
    (target,) = targets_of(request_for(namespace, after), api)
    assert target.kind
    refusals: list[ApiFailure | None] = []
    live = api.get(target.kind, *target.place)
    assert live
    name = f"{target.ref.name}-new"
    for place, body in ((target.ref.name, target.body), (name, trial_body(target.ref, target.body, name, live))):
        try:
            api.dry_run_apply(target.kind, target.ref.namespace, place, body)
            refusals.append(None)
        except ApiFailure as failure:
            refusals.append(failure)
    return refusals[0], refusals[1]


def campaign(api: HttpApi, namespace: str, rounds: int, seed: int) -> Counter[str]:
    """Judge this many edits of each object, and return how many came out in which way."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    for index, case in enumerate((*BY_DEFAULT.values(), *BY_CONSENT.values())):
        before, wanted = (_renamed(body, index) for body in (case.before(namespace), case.after(namespace)))
        before = consenting(before)
        apply_all(request_for(namespace, before), api)
        for number in range(rounds):
            after = consenting(edited(chance, wanted if number % 3 == 0 else before))
            counts[_outcome(api, namespace, after)] += 1
    return counts


def _renamed(body: dict[str, Any], number: int) -> dict[str, Any]:
    head, *rest = body["metadata"]["name"].split(".")
    return {**body, "metadata": {**body["metadata"], "name": ".".join((f"{head}-{number}", *rest))}}


def _outcome(api: HttpApi, namespace: str, after: dict[str, Any]) -> str:
    as_update, as_new = judged(api, namespace, after)
    try:
        action = make_plan(request_for(namespace, after), api).changes[0].action
    except GitopsPushError:
        action = None
    told = json.dumps(after, ensure_ascii=False)
    if action is Action.RECREATE:
        assert as_update is not None, told
        assert as_new is None, told
        return "recreate"
    if as_update is None:
        return "accepted"
    if as_new is not None:
        (target,) = targets_of(request_for(namespace, after), api)
        shared = set(as_new.causes) & set(as_update.causes)
        wrong = immutable_fields(target.ref, "", shared)
        assert not wrong, told  # a complaint about a new object is not about a change
        return "wrong anyway"
    return f"not known as immutable: {as_update.message[:300]}"


def judge(counts: Counter[str]) -> None:
    """Fail on a rejected change that is none of the value, and was not recognised."""
    unknown = [outcome for outcome in counts if outcome.startswith("not known")]
    print(dict(counts))
    assert not unknown
    assert counts["recreate"] > 10
    assert counts["wrong anyway"] > 10


def test_nothing_but_an_immutable_field_makes_a_recreation(api: HttpApi, namespace: str) -> None:
    judge(campaign(api, namespace, 12, SEED))


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_nothing_but_an_immutable_field_makes_a_recreation_in_a_long_campaign(api: HttpApi, namespace: str) -> None:
    judge(campaign(api, namespace, 300, SEED + 1))
