"""Work on one object grows with its size, and not with its square: counted in calls, not in seconds."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gitops_push.core.added_fields import added_by_people
from gitops_push.core.comparison import compare, compare_leaves
from gitops_push.core.field_set import FieldSet
from gitops_push.core.managed_fields import expected_losses, our_entry
from gitops_push.core.proof import doubt_about

Body = dict[str, Any]
State = tuple[Body, Body, Body]
"""Live, merged, and what was sent."""

SMALL, LARGE = 100, 400
LINEAR = 1.3
"""The exponent that is allowed; sorting makes it a little more than 1."""


def _entry(fields: Body, manager: str = "gitops-push") -> Body:
    operation = "Apply" if manager == "gitops-push" else "Update"
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-02T00:00:00Z",
        "fieldsV1": fields,
    }


def config_map(size: int) -> State:
    """A ConfigMap of which we change every key, and in which a person has as many others."""
    ours, theirs = ([f"{who}{i}" for i in range(size)] for who in ("ours", "theirs"))
    sent: Body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "m"},
        "data": dict.fromkeys(ours, "new"),
    }
    fields: list[Body] = [{"f:data": {f"f:{key}": {} for key in keys}} for keys in (ours, theirs)]
    return _state(sent, {**sent, "data": dict.fromkeys([*ours, *theirs], "old")}, fields)


def deployment(size: int) -> State:
    """A Deployment with that many variables, and a person's beside each."""
    ours, theirs = ([f"{who}{i}" for i in range(size)] for who in ("OURS", "THEIRS"))

    def body(names: list[str], value: str) -> Body:
        env = [{"name": name, "value": value} for name in names]
        pod = {"containers": [{"name": "web", "env": env}]}
        return {"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": {"template": pod}}

    def fields(names: list[str]) -> Body:
        env: Body = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}} for name in names}
        container = {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:env": env}}
        return {"f:spec": {"f:template": {"f:containers": container}}}

    return _state(body(ours, "new"), body([*ours, *theirs], "old"), [fields(ours), fields(theirs)])


def _state(sent: Body, live: Body, fields: list[Body]) -> State:
    ours, theirs = fields
    merged = copy.deepcopy(live)
    _overwrite(merged, "old", "new")
    live["metadata"] = {**live["metadata"], "managedFields": [_entry(ours, "kubectl-patch"), _entry(theirs, "k9s")]}
    merged["metadata"] = {**live["metadata"], "managedFields": [_entry(ours), _entry(theirs, "k9s")]}
    return live, merged, sent


def _overwrite(node: Any, old: str, new: str) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if value == old:
            node[key] = new
        _overwrite(value, old, new)


def _our_fields(live: Body, merged: Body) -> FieldSet:
    entry = our_entry(merged) or our_entry(live)
    assert entry is not None
    return entry.paths()


WORK: dict[str, Callable[[Body, Body, Body], object]] = {
    "compare": compare,
    "compare leaves": lambda live, merged, sent: compare_leaves(live, sent),
    "compare leaves that are ours": lambda live, merged, sent: compare_leaves(merged, sent),
    "losses": lambda live, merged, sent: list(expected_losses(compare_leaves(live, sent), live)),
    "added by people": lambda live, merged, sent: added_by_people(live, _our_fields(live, merged)),
    "the proof": lambda live, merged, sent: doubt_about(merged, sent, custom=False),
}


@pytest.mark.parametrize("make", [config_map, deployment])
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_work_on_a_large_object_is_linear(make: Callable[[int], State], work: Callable[..., object]) -> None:
    small, large = (calls(work, make(size)) for size in (SMALL, LARGE))
    assert large < small * (LARGE / SMALL) ** LINEAR, (small, large)


def calls(work: Callable[..., object], state: tuple[Any, ...]) -> int:
    """Return how many calls of functions a piece of work makes, those written in C included."""
    counted = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work(*state)
    finally:
        sys.setprofile(before)
    return counted
