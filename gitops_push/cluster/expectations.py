"""What a deployment waits for, and how, by its rules and by what it has written itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gitops_push.cluster.deploy_request import DeployRequest
from gitops_push.cluster.ledger import CREATING
from gitops_push.cluster.targets import Target
from gitops_push.cluster.waiter import WaitRequest
from gitops_push.core.expectation import timeout_seconds, waits_for
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import APPLIED, Action, Change
from gitops_push.core.readiness.jobs import vanishes_when_done

_REWRITTEN = APPLIED - CREATING - {Action.OWNERSHIP}


def is_expected(request: DeployRequest, target: Target) -> bool:
    """Return whether the deployment waits for an object."""
    return waits_for(target.ref, target.body, request.environment.wait.rules)


def wait_request(
    request: DeployRequest,
    targets: Mapping[ObjectRef, Target],
    changes: Iterable[Change],
    seconds: float,
) -> WaitRequest:
    """Return how to wait, from now, for those objects that this run changes or leaves as they are.

    Each gets `seconds` unless a rule or its annotation says otherwise.
    """
    options, rules = request.options, request.environment.wait.rules
    now = options.clock()
    waited_for = [(change, targets[change.ref]) for change in changes if is_expected(request, targets[change.ref])]
    return WaitRequest(
        targets={change.ref: target.kind for change, target in waited_for if target.kind is not None},
        deadline=now + seconds,
        deadlines={c.ref: now + timeout_seconds(c.ref, target.body, rules, seconds) for c, target in waited_for},
        vanishing=frozenset(change.ref for change, target in waited_for if vanishes_when_done(target.body)),
        written=frozenset(change.ref for change, _ in waited_for if change.action in APPLIED),
        updated=frozenset(change.ref for change, _ in waited_for if change.action in _REWRITTEN),
        rules=rules,
        should_stop=options.should_stop,
        progress=options.progress,
        clock=options.clock,
    )


def soaking(request: WaitRequest, seconds: float) -> WaitRequest:
    """Return a wait whether what was healthy already stays so for some seconds."""
    return replace(request, soak_seconds=seconds, written=frozenset(), updated=frozenset())


def with_hooks(request: WaitRequest, hooks: Mapping[ObjectRef, Target]) -> WaitRequest:
    """Return a wait that is also for hooks to come to their end, each in its own time."""
    if not hooks:
        return request
    now = request.clock()
    default = request.deadline - now
    due = {ref: now + timeout_seconds(ref, target.body, request.rules, default) for ref, target in hooks.items()}
    vanishing = frozenset(ref for ref, target in hooks.items() if vanishes_when_done(target.body))
    kinds = {ref: target.kind for ref, target in hooks.items() if target.kind is not None}
    return replace(
        request,
        targets={**request.targets, **kinds},
        vanishing=request.vanishing | vanishing,
        hooks=request.hooks | hooks.keys(),
        deadlines={**request.deadlines, **due},
        written=request.written | hooks.keys(),
    )
