"""Random pairs of a live object and a desired one, planned and applied by the program, and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, TypeVar

from gitops_push.cluster.api import ApiFailure, Precondition
from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import write_inventory
from gitops_push.cluster.planner import PlanRequest, make_plan
from gitops_push.cluster.targets import Target
from gitops_push.core.environment import Environment
from gitops_push.core.errors import PlanError
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ownership import ForcedConflicts
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.core.scopes import ref_of
from tests.cluster.exactness.histories import Place, happen
from tests.cluster.exactness.kinds import BUILT_IN, Body, Kind, gadget, sprocket
from tests.cluster.exactness.patching import added_to, differing, patched
from tests.cluster.planning import request_for, targets_of
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import environment

Item = TypeVar("Item")
Answer = TypeVar("Answer")

PARALLEL: Final = 12
MOVED: Final = "a controller changed it while it was planned"


@dataclass(frozen=True)
class Pair:
    """One object: its random history is over, and `desired` is what the config repo says now."""

    place: Place
    desired: Body
    history: tuple[str, ...]

    @property
    def ref(self) -> ObjectRef:
        """Which object."""
        return ref_of(self.desired)


@dataclass(frozen=True)
class Verdict:
    """How a pair ended. `missed` are the fields in which the prediction was wrong, () if it was exact.

    `twice`: the server drops a map or list that becomes empty, although it is applied as {} or [], and makes it at the
    next apply; a plan says each of the two.
    """

    pair: Pair
    change: Change
    missed: tuple[str, ...] = ()
    not_applied: str = ""
    twice: bool = False


@dataclass
class Figures:
    """What is counted over all batches."""

    verdicts: list[Verdict]
    refused: Counter[str]

    def add(self, more: Figures) -> None:
        """Add the figures of another batch."""
        self.verdicts += more.verdicts
        self.refused += more.refused

    @property
    def judged(self) -> list[Verdict]:
        """The pairs whose apply took place."""
        return [verdict for verdict in self.verdicts if not verdict.not_applied]

    @property
    def misses(self) -> list[Verdict]:
        """The pairs of which the plan was wrong."""
        return [verdict for verdict in self.judged if verdict.missed]

    def lines(self) -> Iterator[str]:
        """What is published."""
        judged = self.judged
        kinds = Counter(verdict.pair.place.kind.kind for verdict in judged)
        actions = Counter(verdict.change.action.value for verdict in judged)
        fields = sum(len(verdict.change.fields) for verdict in judged)
        server = sum(verdict.change.server_changes for verdict in judged)
        exact = len(judged) - len(self.misses)
        yield f"exactness: {exact} of {len(judged)} pairs exact ({exact / max(1, len(judged)):.2%})"
        yield f"  actions: {_counts(actions)}; {fields} fields, {server} server changes"
        yield f"  kinds: {_counts(kinds)}"
        yield f"  events: {_counts(Counter(event for v in judged for event in v.pair.history))}"
        yield f"  settled by a second apply only (emptied maps and lists): {sum(v.twice for v in judged)}"
        yield f"  refused by the server, not judged: {sum(self.refused.values())} ({_counts(self.refused)})"
        yield f"  not applied: {_counts(Counter(v.not_applied for v in self.verdicts if v.not_applied))}"
        for verdict in self.misses:
            yield f"  MISS {verdict.pair.ref} {verdict.missed} after {verdict.pair.history}"


def play(
    control_plane: ControlPlane, api: HttpApi, namespace: str, group: str, rng: Random, count: int, prefix: str = "x"
) -> Figures:
    """Make, plan, apply and judge this many pairs in a namespace; writes."""
    kinds = (*BUILT_IN, gadget(group), sprocket(group))
    drawn = [(kinds[i % len(kinds)], f"{prefix}-{i}", Random(rng.random())) for i in range(count)]
    home = environment(name=prefix, namespace=namespace)
    made = in_threads(lambda one: _make_pair(control_plane, api, home, *one), drawn)
    pairs = {pair.ref: pair for pair in made if pair is not None}
    figures = Figures([], Counter({"version A": count - len(pairs)} if len(pairs) < count else {}))
    earlier = bodies_of(pairs)
    wanted, plan = planned(api, home, pairs, figures.refused)
    live = bodies_of(pairs)
    options = DeployOptions(wait=False, concurrency=PARALLEL)
    recorded = write_inventory(api, replace(wanted.inventory, resource_version="", uid=""))
    request = DeployRequest(plan, wanted.manifests, wanted.environment, recorded, wanted.redactor, options)
    deployment = deploy(request, api)
    failed = {o.ref: o.message for o in deployment.outcomes if o.result.value != "done"}
    failed |= {ref: MOVED for ref in pairs if comparable(earlier[ref]) != comparable(live[ref])}
    unchanged = {change.ref for change in plan.changes if change.action is Action.UNCHANGED}
    in_threads(lambda target: _apply(api, target), [t for t in targets_of(wanted, api) if t.ref in unchanged])
    became = bodies_of(pairs)
    settled = {change.ref: change for change in make_plan(wanted, api).changes}
    for change in plan.changes:
        pair = pairs[change.ref]
        if change.ref in failed:
            figures.verdicts.append(Verdict(pair, change, not_applied=failed[change.ref][:80]))
            continue
        missed = wrongly_told(wanted, change, live[pair.ref], became[pair.ref])
        missed += unsettled(settled[pair.ref])
        figures.verdicts.append(Verdict(pair, change, missed, twice=takes_two(settled[pair.ref])))
    return figures


def takes_two(settled: Change) -> bool:
    """Return whether all that a second plan still shows are empty maps and lists that the server dropped."""
    return bool(settled.fields) and all(f.before in (ABSENT, None) and f.after in ({}, []) for f in settled.fields)


def unsettled(settled: Change) -> tuple[str, ...]:
    """Return what a second plan shows of an object right after the apply."""
    if settled.action is Action.UNCHANGED or takes_two(settled):
        return ()
    fields = " ".join(format_field_path(field.path) for field in settled.fields)
    return (f"not settled by one apply: {settled.action.value} {fields} {settled.reason}",)


def wrongly_told(wanted: PlanRequest, change: Change, before: Body, after: Body) -> tuple[str, ...]:
    """Return the fields in which the object is not what the plan said: live, our changes, and the server's own."""
    changes = (*change.fields, *change.server_fields)
    predicted = patched(comparable(before), changes)
    return tuple(
        sorted(
            format_field_path(path)
            for path in differing(predicted, comparable(after), wanted.redactor, added_to(changes))
        )
    )


def planned(
    api: HttpApi, home: Environment, pairs: dict[ObjectRef, Pair], refused: Counter[str], **changes: Any
) -> tuple[PlanRequest, Plan]:
    """Plan all pairs. Those that the server refuses leave `pairs` and are counted: edits and B need not fit."""
    while True:
        bodies = [pair.desired for pair in pairs.values()]
        everything = ForcedConflicts(everything=True)
        wanted = request_for(home.namespace, *bodies, environment=home, forced=everything, **changes)
        try:
            return wanted, make_plan(wanted, api)
        except PlanError as error:
            wrong = {problem.ref: problem.message for problem in error.problems if problem.ref in pairs}
            if not wrong:
                raise
            for ref, message in wrong.items():
                assert ref is not None
                refused[_reason(message)] += 1
                del pairs[ref]


def _reason(message: str) -> str:
    known = ("Forbidden", "Duplicate value", "Required value", "Invalid value", "immutable", "duplicate entries")
    return next((words for words in known if words in message), message[-60:])


def _make_pair(
    control_plane: ControlPlane, api: HttpApi, home: Environment, kind: Kind, name: str, rng: Random
) -> Pair | None:
    """Apply version A and let its history happen; None if the server refuses A."""
    first, desired = two_versions(kind, name, home.namespace, rng)
    (target,) = targets_of(request_for(home.namespace, first, environment=home), api)
    place = place_of(control_plane, target, kind)
    if not _apply(api, target):
        return None
    return Pair(place, desired, happen(rng, place))


def two_versions(kind: Kind, name: str, namespace: str, rng: Random) -> tuple[Body, Body]:
    """Return a random object and a variation of it."""
    first = kind.shape.make(rng)
    identity = {"apiVersion": kind.api_version, "kind": kind.kind}
    named = {"name": name, "namespace": namespace}
    versions = (first, kind.shape.vary(rng, first))
    one, other = ({**identity, **body, "metadata": {**body["metadata"], **named}} for body in versions)
    return one, other


def place_of(control_plane: ControlPlane, target: Target, kind: Kind) -> Place:
    """Return where an object of a namespace is."""
    assert target.kind is not None
    root = f"/apis/{kind.api_version}" if "/" in kind.api_version else f"/api/{kind.api_version}"
    path = f"{root}/namespaces/{target.ref.namespace}/{target.kind.resource}/{target.ref.name}"
    return Place(control_plane, path, kind)


def _apply(api: HttpApi, target: Target) -> bool:
    """Apply an object as the program would send it; whether the server took it."""
    assert target.kind is not None
    try:
        api.apply(target.kind, *target.place, target.body, Precondition())
    except ApiFailure:
        return False
    return True


def bodies_of(pairs: Mapping[ObjectRef, Pair]) -> Mapping[ObjectRef, Body]:
    """Return the live objects."""
    return dict(zip(pairs, in_threads(lambda pair: pair.place.live(), list(pairs.values())), strict=True))


def in_threads(function: Callable[[Item], Answer], items: list[Item]) -> list[Answer]:
    """The answers, in order, worked out by several threads."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(function, items))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{n} {what}" for what, n in counter.most_common()) or "none"
