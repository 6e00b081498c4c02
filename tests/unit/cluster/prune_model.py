"""Random worlds for the pruner, and what the rules of the design allow to be deleted in each.

The rules are written from the design, about the case and not about bodies: a deletion needs all of them. They share no
code with the program.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gitops_push.cluster.api import Answer, ApiFailure, ObjectList, Precondition, ServedKind
from gitops_push.core.environment import PruneRules
from gitops_push.core.inventory import InventoryEntry, applyset_id, inventory_name
from gitops_push.core.objects import Body, ObjectRef
from tests.fakes import FakeApiServer
from tests.unit.cluster.test_deployer import status_of

HOME: Final = "shop"
OTHER: Final = "team"
KINDS: Final = {
    "ConfigMap": ("v1", True),
    "Secret": ("v1", True),
    "Service": ("v1", True),
    "Role": ("rbac.authorization.k8s.io/v1", True),
    "Namespace": ("v1", False),
    "PersistentVolumeClaim": ("v1", True),
    "PersistentVolume": ("v1", False),
}
PRECIOUS: Final = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition"})
SINCE: Final = ("unlabelled", "relabelled", "recreated", "opted out", "edited", "gone")
HASHES: Final = ("2b4c6d8f9g", "5k7m9t2h4b", "ffffffffff")

OPT_OUTS: Final = (
    ("argocd.argoproj.io/sync-options", "Prune=false"),
    ("argocd.argoproj.io/sync-options", "Validate=false,Prune=confirm"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("helm.sh/resource-policy", "keep"),
    ("cli-utils.sigs.k8s.io/on-remove", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
)
FOREIGN: Final = {
    "argocd": ({}, {"argocd.argoproj.io/tracking-id": "app:{group}/{kind}:{namespace}/{name}"}),
    "flux": (
        {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
        {},
    ),
    "helm": (
        {"app.kubernetes.io/managed-by": "Helm"},
        {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
    ),
    "kapp": ({"kapp.k14s.io/app": "1234"}, {}),
    "kpt": ({}, {"config.k8s.io/owning-inventory": "abc"}),
}


@dataclass(slots=True)
class Thing:
    """One object: whether the list names it and with which uid, whether the build has it, and how it lives."""

    kind: str
    namespace: str
    name: str
    recorded: str = ""  # "": not in the list; else right, wrong or null: the uid there
    built: bool = False
    alive: bool = True
    label: str = "ours"  # ours, other, none
    applied: bool = True
    controlled: bool = False
    foreign: str = ""
    opt_out: int = -1
    deleting: bool = False
    external: bool = False
    since: str = ""  # what somebody does to it between the plan and the deletion
    unhashed: str = ""

    @property
    def ref(self) -> ObjectRef:
        group = KINDS[self.kind][0].rpartition("/")[0]
        return ObjectRef(group, self.kind, self.namespace, self.name)


@dataclass(slots=True)
class Case:
    """A world and one run in it."""

    things: list[Thing]
    enabled: bool = True
    max_count: int | None = 50
    max_percent: int | None = None
    kinds: tuple[str, ...] = ()
    wait: bool = True
    sick: bool = False  # a workload of the set never becomes ready
    unreadable: str = ""  # a kind that may neither be listed nor read
    fails: tuple[str, str, int] | None = None  # verb, name, status of a request that the server refuses
    stop_after: int = -1  # requests after which the run is asked to stop
    workload: bool = True  # the build has a Deployment beside the things

    @property
    def rules(self) -> PruneRules:
        return PruneRules(self.enabled, self.max_count, self.max_percent, self.kinds)

    @property
    def empty(self) -> bool:
        """Return whether the build has no object at all: then nothing may be deleted, and the run is refused."""
        return not (self.workload or any(thing.built for thing in self.things))

    @property
    def disturbed(self) -> bool:
        """Return whether less may be deleted than the rules allow, because something else goes wrong."""
        changed = any(thing.since for thing in self.things)
        return bool(changed or self.unreadable or self.fails or self.sick or self.stop_after >= 0)


def random_case(seed: int) -> Case:
    """Return the case of a seed: most things are as they should be, so that most cases delete something."""
    rng = random.Random(seed)
    things = {thing.ref: thing for thing in (_thing(rng) for _ in range(rng.randint(1, 12)))}
    if rng.random() < 0.25:
        things |= {thing.ref: thing for thing in _hashed(rng)}
    case = Case(list(things.values()))
    _limit(rng, case)
    _disturb(rng, case)
    case.workload = case.sick or rng.random() > 0.15
    return case


def _limit(rng: random.Random, case: Case) -> None:
    case.enabled = rng.random() > 0.04
    match rng.randint(0, 3):
        case 0:
            case.max_count, case.max_percent = None, rng.choice((0, 20, 60, 100))
        case 1:
            case.max_count = rng.choice((0, 1, 4))
    if rng.random() < 0.5:
        case.kinds = tuple(rng.sample(sorted(PRECIOUS), rng.randint(1, 3)))


def _thing(rng: random.Random) -> Thing:
    def odd(chance: float) -> bool:
        return rng.random() < chance

    kind = rng.choice(list(KINDS))
    namespace = rng.choice((HOME, HOME, OTHER)) if KINDS[kind][1] else ""
    name = OTHER if kind == "Namespace" else rng.choice("abcde")
    thing = Thing(kind, namespace, name, recorded=rng.choice(("right", "right", "right", "null", "wrong", "")))
    thing.built = kind not in {"PersistentVolume", "PersistentVolumeClaim"} and odd(0.25)  # those wait for a volume
    if thing.built:
        thing.alive = not odd(0.4)
        return thing  # whose a built object is, is the business of the plan
    thing.alive = not odd(0.1)
    thing.label = rng.choice(("other", "none")) if odd(0.1) else "ours"
    thing.applied = not odd(0.15)
    thing.controlled, thing.deleting, thing.external = odd(0.07), odd(0.05), thing.alive and odd(0.05)
    thing.foreign = rng.choice(list(FOREIGN)) if odd(0.12) else ""
    thing.opt_out = rng.randrange(len(OPT_OUTS)) if odd(0.1) else -1
    thing.since = rng.choice(SINCE) if odd(0.06) else ""
    return thing


def _hashed(rng: random.Random) -> Iterator[Thing]:
    """Yield a generated ConfigMap of the set, and earlier ones of it in the list."""
    new, *old = rng.sample(HASHES, 3)
    yield Thing("ConfigMap", HOME, f"env-{new}", built=True, alive=False, unhashed="env")
    for earlier in old[: rng.randint(1, 2)]:
        yield Thing("ConfigMap", HOME, f"env-{earlier}", recorded="right")


def _disturb(rng: random.Random, case: Case) -> None:
    if rng.random() > 0.35:
        return
    names = [thing.name for thing in case.things]
    match rng.randint(0, 4):
        case 0:
            case.unreadable = rng.choice(case.things).kind
        case 1:
            case.fails = (rng.choice(("apply", "delete")), rng.choice(names), rng.choice((403, 409, 422, 500)))
        case 2:
            case.sick = True
        case 3:
            case.wait = False
        case 4:
            case.stop_after = rng.randint(0, 40)


# What the rules say.


def allowed(case: Case) -> set[ObjectRef]:
    """Return what one run may delete at most; where nothing disturbs it, it deletes all of that."""
    if case.empty:
        return set()
    candidates = {thing.ref: thing for thing in case.things if _may_go(thing, case)}
    staying = [thing for thing in case.things if thing.built or (thing.recorded and thing.alive)]
    while True:
        homes = {thing.namespace for thing in staying if thing.built or thing.ref not in candidates}
        spared = {ref for ref in candidates if ref.kind == "Namespace" and ref.name in {*homes, HOME}}
        if not spared:
            break
        candidates = {ref: thing for ref, thing in candidates.items() if ref not in spared}
    counted = [ref for ref, thing in candidates.items() if not _is_predecessor(thing, case)]
    return set(candidates) if len(counted) <= _limit_of(case) and _may_prune(case) else set()


def spoken_for(case: Case) -> set[ObjectRef]:
    """Return what was to go when the plan was made, and since then was marked, or made, to stay."""
    return {thing.ref for thing in case.things if thing.since and thing.since != "edited"}


def refused(case: Case) -> bool:
    """Return whether the run is refused: the build is empty, or more would be deleted than one run may."""
    if case.empty:
        return True
    whole = Case(case.things, case.enabled, 1_000, None, case.kinds)
    counted = [ref for ref in allowed(whole) if not any(t.ref == ref and _is_predecessor(t, case) for t in case.things)]
    return len(counted) > _limit_of(case)


def _may_prune(case: Case) -> bool:
    """A deletion needs a complete list, a healthy set, and that anybody waits for it."""
    hidden = any(t.kind == case.unreadable and (t.recorded or t.built) for t in case.things)
    return not (hidden or case.sick or not case.wait)


def _may_go(thing: Thing, case: Case) -> bool:
    in_the_list = bool(thing.recorded)
    the_recorded_one = thing.recorded == "right" or (thing.recorded == "null" and thing.applied)
    nobody_elses = not (thing.controlled or thing.foreign or thing.external)
    asked_to_stay = thing.opt_out >= 0
    named_kind = thing.kind not in PRECIOUS or thing.kind in case.kinds
    return (
        case.enabled
        and in_the_list
        and not thing.built
        and thing.alive
        and not thing.deleting
        and thing.label == "ours"
        and the_recorded_one
        and nobody_elses
        and not asked_to_stay
        and named_kind
    )


def _is_predecessor(thing: Thing, case: Case) -> bool:
    bases = {(t.kind, t.namespace, t.unhashed) for t in case.things if t.unhashed}
    base, _, tail = thing.name.rpartition("-")
    return tail in HASHES and (thing.kind, thing.namespace, base) in bases


def _limit_of(case: Case) -> int:
    owned = sum(bool(thing.recorded) for thing in case.things)
    share = owned * (case.max_percent or 0) // 100
    return max(3, share if case.max_count is None else case.max_count)


# The world itself.


@dataclass(slots=True)
class World(FakeApiServer):
    """The server of a case."""

    unreadable: str = ""
    sick: bool = False
    deleted: list[ObjectRef] = field(default_factory=list)

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        answer = FakeApiServer.apply(self, kind, namespace, name, body, precondition)
        if kind.kind == "Deployment":
            self.set_status("Deployment", namespace, name, status_of(answer.body, sick=self.sick))
        return answer

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        if kind.kind == self.unreadable:
            raise ApiFailure(403, "Forbidden", f"cannot list {kind.resource}")
        return FakeApiServer.list(self, kind, namespace, label_selector, field_selector)

    def get(self, kind: ServedKind, namespace: str, name: str) -> Body | None:
        if kind.kind == self.unreadable:
            raise ApiFailure(403, "Forbidden", f"cannot get {kind.resource}")
        return FakeApiServer.get(self, kind, namespace, name)

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        before = self.find(kind.kind, namespace, name)
        FakeApiServer.delete(self, kind, namespace, name, precondition, propagation)
        if before is not None:
            self.deleted.append(ObjectRef(kind.group, kind.kind, namespace, name))

    def find(self, kind: str, namespace: str, name: str) -> Body | None:
        """Return an object, None if it is not there."""
        try:
            return self.live(kind, namespace, name)
        except KeyError:
            return None


def body_of(thing: Thing, value: str = "1") -> dict[str, Any]:
    """Return the manifest of a thing."""
    metadata = {"name": thing.name, **({"namespace": thing.namespace} if thing.namespace else {})}
    body: dict[str, Any] = {"apiVersion": KINDS[thing.kind][0], "kind": thing.kind, "metadata": metadata}
    return {**body, "data": {"key": value}} if thing.kind == "ConfigMap" else body


def world_of(case: Case) -> tuple[World, tuple[InventoryEntry, ...]]:
    """Return the server with everything that lives, and the list of the inventory."""
    world = World(sick=case.sick)
    for name in (HOME, OTHER):
        world.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    uids = {thing.ref: _bring(world, thing) for thing in case.things if thing.alive}
    return world, listed(case, uids)


def listed(case: Case, uids: Mapping[ObjectRef, str]) -> tuple[InventoryEntry, ...]:
    """Return the list of the inventory, given the uids of what lives."""
    entries = []
    for thing in case.things:
        if thing.recorded:
            right = uids.get(thing.ref, "uid-of-what-is-gone")
            recorded = {"right": right, "wrong": "uid-of-another", "null": ""}[thing.recorded]
            entries.append(InventoryEntry(thing.ref, KINDS[thing.kind][0], recorded))
    return tuple(sorted(entries))


def _bring(world: World, thing: Thing) -> str:
    """Create the live object, as whoever made it; returns its uid."""
    body, group = body_of(thing, "0"), thing.ref.group
    if thing.applied:
        kind = next(k for k in world.served_kinds().kinds[group, thing.kind])
        mine = {**body, "metadata": {**body["metadata"], "labels": {LABEL: OUR_ID}}}
        world.apply(kind, thing.namespace, thing.name, mine, Precondition())
    else:
        world.put(body)

    marks = marks_of(thing)
    edited = world.edit(
        thing.kind, thing.namespace, thing.name, lambda live: live["metadata"].update(marks), "somebody"
    )
    return str(edited["metadata"]["uid"])


def live_body(thing: Thing, uid: str) -> dict[str, Any]:
    """Return the live object as the server would list it, without a server."""
    label: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{LABEL}": {}}}}
    entries = [{"manager": "somebody", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {}}]
    if thing.applied:
        entries.append({"manager": "gitops-push", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": label})
    body = body_of(thing, "0")
    known = {"uid": uid, "resourceVersion": "7", "managedFields": entries}
    return {**body, "metadata": {**body["metadata"], **known, **marks_of(thing)}}


def marks_of(thing: Thing, our_id: str = "") -> dict[str, Any]:
    """Return the metadata by which its owners, and people, mark a thing; `our_id` is that of the inventory."""
    labels, annotations = FOREIGN.get(thing.foreign, ({}, {}))
    where = {"group": thing.ref.group, "kind": thing.kind, "namespace": thing.namespace, "name": thing.name}
    notes = {key: value.format(**where) for key, value in annotations.items()}
    if thing.opt_out >= 0:
        notes |= [OPT_OUTS[thing.opt_out]]
    mark = {"ours": {LABEL: our_id or OUR_ID}, "other": {LABEL: "applyset-of-another-v1"}, "none": {}}[thing.label]
    marks: dict[str, Any] = {"labels": {**labels, **mark}, "annotations": notes}
    if thing.controlled:
        owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "u", "controller": True}
        marks["ownerReferences"] = [owner]
    if thing.deleting:
        marks |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/hold"]}
    return marks


def disturb(world: World, thing: Thing) -> None:
    """Let somebody do to a thing what the case says that happens between plan and deletion."""

    def change(live: dict[str, Any]) -> None:
        metadata = live["metadata"]
        match thing.since:
            case "unlabelled":
                metadata["labels"] = {}
            case "relabelled":
                metadata["labels"] = {LABEL: "applyset-of-another-v1"}
            case "opted out":
                metadata["annotations"] = {**metadata.get("annotations", {}), "helm.sh/resource-policy": "keep"}
            case "edited":
                live["data"] = {"key": "by hand"}

    if world.find(thing.kind, thing.namespace, thing.name) is None:
        return  # its namespace went, and it with it
    if thing.since in {"gone", "recreated"}:
        world.remove(thing.kind, thing.namespace, thing.name)
    if thing.since == "recreated":
        world.put(body_of(thing, "theirs"))
    elif thing.since != "gone":
        world.edit(thing.kind, thing.namespace, thing.name, change, "kubectl-edit")


LABEL: Final = "applyset.kubernetes.io/part-of"
OUR_ID: Final = applyset_id(inventory_name("shop", "prod"), HOME)
