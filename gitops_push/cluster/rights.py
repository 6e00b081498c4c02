"""Which rights a deployment needs, of those that its plan has not proven by a dry run yet.

| for | verbs | where they are missing |
|---|---|---|
| the lock, a Lease | get, create, update | refused |
| the inventory | get, create or update | refused |
| the history | get | refused: it says whether the environment is on hold |
| the history | create, update | a note: the deployment is not recorded |
| objects that were not dry-run, recreations | create, patch (recreations also get, delete) | refused |
| bindings that were not dry-run | bind of their role | a note: the server may know that the role gives nothing new |
| deletions | get, delete | refused |
| the record of an earlier name | list, delete | refused |
| what stays without being applied, and has its label | get, patch | a note: that record stays as well |
| hooks | as objects that are created, or recreated where they are deleted before or after | refused |
| waiting | list and watch, or get | refused without both, a note without the first |
| a lost answer | get of what is written | a note: such an object is reported as unknown |
| the reasons of a failure | pods, their logs, events, ReplicaSets | a note: they are told in fewer words |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gitops_push.cluster.api import AccessQuestion, ServedKinds
from gitops_push.cluster.deploy_request import DeployRequest
from gitops_push.cluster.inventory_store import CONFIG_MAP
from gitops_push.cluster.lease_store import LEASE
from gitops_push.cluster.pods import has_pods
from gitops_push.core.crd_schema import definitions_of
from gitops_push.core.expectation import waits_for
from gitops_push.core.history import history_of
from gitops_push.core.hooks import DeletePolicy
from gitops_push.core.inventory import Inventory
from gitops_push.core.inventory_record import needs_shards
from gitops_push.core.kinds import split_api_version
from gitops_push.core.objects import Body, Manifest
from gitops_push.core.ordering import Stage, stage_of
from gitops_push.core.plan import APPLIED, IN_SET, Action, Change, Fidelity, HookState, Plan
from gitops_push.core.roles import RBAC, plural

_POLLED: Final = "its health is asked for again and again instead of being watched"
_UNRESOLVED: Final = "a write whose answer is lost cannot be looked up, and is reported as unknown"
_LEFT_OVER: Final = "shards of the inventory that nobody needs any more stay in the cluster"
_NOT_MOVED: Final = "the inventory of the earlier name stays until all that is kept can be given the new label"
_UNRECORDED: Final = "the deployment does not get into the history"
_UNBOUND: Final = "a binding is refused unless the credential has all rights of its role"
_POORER: Final = "the reasons of a failed rollout are told in fewer words"

_EVIDENCE: Final = (
    ("list", "", "pods", ""),
    ("watch", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("list", "", "events", ""),
    ("get", "apps", "replicasets", ""),
)
"""What tells why a workload does not become ready: verb, group, resource, subresource."""

_NO_BODY: Final[Body] = {"metadata": {}}
_NAMELESS: Final = frozenset({"create", "list", "watch"})


@dataclass(frozen=True, slots=True)
class Need:
    """A right that the run needs, for the object of `change` or for itself (None).

    `instead` is a right that does as well. `without` says what is lost without both; "" where nothing can be written.
    """

    asked: AccessQuestion
    change: Change | None = None
    instead: AccessQuestion | None = None
    without: str = ""


ResourceOf: TypeAlias = Callable[[Change], str]
"""How the server calls the kind of an object in its URLs; "" where nobody knows."""


def resources(served: ServedKinds, manifests: Iterable[Manifest]) -> ResourceOf:
    """Return the names of resources, also of those that are served only after their definition of the set is there."""
    definitions = definitions_of(manifests)

    def resource_of(change: Change) -> str:
        _, version = split_api_version(change.api_version)
        group, kind = change.ref.group, change.ref.kind
        found = served.find(group, kind, version) or served.find(group, kind)
        definition = definitions.get((group, kind))
        return found.resource if found else definition.resource if definition else ""

    return resource_of


def needs_of(request: DeployRequest, inventory: Inventory, resource_of: ResourceOf) -> Iterator[Need]:
    """Yield what a deployment needs that is about to write `inventory`, what matters most first."""
    hooks = tuple(_hook_changes(request.plan))
    changes = (*request.plan.changes, *hooks)
    applied = [change for change in changes if change.action in APPLIED]
    yield from _inventory_needs(inventory)
    yield from _former_needs(inventory, changes, resource_of)
    for change in changes:
        yield from (Need(asked, change) for asked in _questions(change, _write_verbs(change), resource_of))
    yield from _bind_needs(request)
    yield from _wait_needs((*_waited_for(request), *hooks), resource_of)
    for change in applied:
        yield from (Need(asked, change, without=_UNRESOLVED) for asked in _questions(change, ("get",), resource_of))
    if request.options.wait:
        yield from _evidence_needs(change for change in changes if change.action in IN_SET)


def _hook_changes(plan: Plan) -> Iterator[Change]:
    """Yield what is done to the objects of hooks: they are created, and some of them are deleted before or after."""
    for hook in plan.hooks:
        if hook.state is HookState.RUNS:
            deletes = hook.clears or hook.policies - {DeletePolicy.BEFORE_CREATION}
            action = Action.RECREATE if deletes else Action.CREATE
            yield Change(hook.ref, hook.api_version, action, hook.fidelity, origin=hook.origin)


def _inventory_needs(inventory: Inventory) -> Iterator[Need]:
    for verb in ("get", "create", "update"):
        name = "" if verb == "create" else inventory.name
        yield Need(AccessQuestion(verb, LEASE.group, LEASE.resource, inventory.namespace, name))
    for verb in ("get", "update" if inventory.resource_version else "create", "update"):
        name = "" if verb == "create" else inventory.name
        yield Need(AccessQuestion(verb, "", CONFIG_MAP.resource, inventory.namespace, name))
    history = history_of(inventory.place).name
    yield Need(AccessQuestion("get", "", CONFIG_MAP.resource, inventory.namespace, history))
    for verb, name in (("create", ""), ("update", history)):
        yield Need(AccessQuestion(verb, "", CONFIG_MAP.resource, inventory.namespace, name), without=_UNRECORDED)
    if needs_shards(inventory):
        yield Need(AccessQuestion("create", "", CONFIG_MAP.resource, inventory.namespace))
        for verb in ("list", "delete"):
            yield Need(AccessQuestion(verb, "", CONFIG_MAP.resource, inventory.namespace), without=_LEFT_OVER)


def _former_needs(inventory: Inventory, changes: Iterable[Change], resource_of: ResourceOf) -> Iterator[Need]:
    """Yield what it takes to delete the record that is taken over, and to label what no apply sends."""
    former = inventory.former
    if former is None:
        return
    yield Need(AccessQuestion("delete", "", CONFIG_MAP.resource, former.namespace, former.name))
    yield Need(AccessQuestion("list", "", CONFIG_MAP.resource, former.namespace))
    for change in changes:
        if change.action is Action.KEPT:
            questions = _questions(change, ("get", "patch"), resource_of)
            yield from (Need(asked, change, without=_NOT_MOVED) for asked in questions)


def _bind_needs(request: DeployRequest) -> Iterator[Need]:
    """Yield what the server asks of who gives a role to somebody, where no dry run has shown that it is content."""
    bodies = {manifest.ref: manifest.body for manifest in request.manifests.manifests}
    for change in request.plan.changes:
        if change.ref.group == RBAC and "create" in _write_verbs(change):
            role = bodies.get(change.ref, _NO_BODY).get("roleRef")
            if isinstance(role, Mapping):
                namespace = change.ref.namespace if role.get("kind") == "Role" else ""
                asked = AccessQuestion("bind", RBAC, plural(str(role.get("kind"))), namespace, str(role.get("name")))
                yield Need(asked, change, without=_UNBOUND)


def _write_verbs(change: Change) -> tuple[str, ...]:
    """Return the verbs of an object's writes that no dry run has proven."""
    if change.action is Action.PRUNE:
        return ("get", "delete")
    if change.action is Action.RECREATE:
        return ("get", "delete", "create", "patch")
    return ("create", "patch") if change.action in APPLIED and change.fidelity is not Fidelity.SERVER else ()


def _waited_for(request: DeployRequest) -> Iterator[Change]:
    """Yield what is waited for: all of the set that has a health, or only what is sent and other objects stand on."""
    bodies = {manifest.ref: manifest.body for manifest in request.manifests.manifests}
    rules = request.environment.wait.rules
    for change in request.plan.changes:
        stood_on = change.action in APPLIED and stage_of(change.ref) is Stage.FOUNDATIONS
        waits = stood_on or (request.options.wait and change.action in IN_SET)
        if waits and waits_for(change.ref, bodies.get(change.ref, _NO_BODY), rules):
            yield change


def _wait_needs(changes: Iterable[Change], resource_of: ResourceOf) -> Iterator[Need]:
    for change in changes:
        for get in _questions(change, ("get",), resource_of):
            # Of definitions there may be too many to be listed: they may be read one by one from the start.
            if change.ref.kind == "CustomResourceDefinition":
                yield Need(get, change)
                continue
            for asked in _questions(change, ("list", "watch"), resource_of):
                yield Need(asked, change, get, _POLLED)


def _evidence_needs(changes: Iterable[Change]) -> Iterator[Need]:
    namespaces = dict.fromkeys(change.ref.namespace for change in changes if has_pods(change.ref))
    for namespace in namespaces:
        for verb, group, resource, subresource in _EVIDENCE:
            asked = AccessQuestion(verb, group, resource, namespace, subresource=subresource)
            yield Need(asked, without=_POORER)


def _questions(change: Change, verbs: Iterable[str], resource_of: ResourceOf) -> Iterator[AccessQuestion]:
    ref, resource = change.ref, resource_of(change)
    for verb in verbs if resource else ():
        # The name of what is to be created is not known to the server when it decides, and a list is of all names.
        name = "" if verb in _NAMELESS else ref.name
        yield AccessQuestion(verb, ref.group, resource, ref.namespace, name)
