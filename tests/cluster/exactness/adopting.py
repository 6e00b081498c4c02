"""Random objects that the real kubectl applied, edited since, which become ours: each is judged by a fresh object."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from gitops_push.cluster.deployer import DeployOptions, DeployRequest, deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import read_inventory
from gitops_push.cluster.planner import PlanRequest
from gitops_push.core.environment import Environment
from gitops_push.core.fielddiff import ABSENT, diff_fields
from gitops_push.core.fieldpath import format_field_path, value_at
from gitops_push.core.managed_fields import holders, merge_keys, owner_of
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.core.secret_values import LAST_APPLIED
from tests.cluster.exactness.campaign import (
    PARALLEL,
    Pair,
    bodies_of,
    in_threads,
    place_of,
    planned,
    takes_two,
    two_versions,
    unsettled,
    wrongly_told,
)
from tests.cluster.exactness.histories import happen
from tests.cluster.exactness.kinds import (
    CONFIG_MAP,
    CRON_JOB,
    DEPLOYMENT,
    INGRESS,
    ROLE,
    SECRET,
    SERVICE,
    Body,
    Kind,
    gadget,
    sprocket,
)
from tests.cluster.planning import request_for, targets_of
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import environment

KUBECTL: Final = "kubectl-client-side-apply"
QUICK: Final = DeployOptions(wait=False, concurrency=PARALLEL)


@dataclass
class Adopted:
    """What is counted. `wrong` has a line for each object of which something was not as it has to be.

    `emptied` has those whose manifest sets a map or list to {} or []: what was in it goes, and the server makes a null
    of it, which it drops, stores or refuses, as the type is.
    """

    judged: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    not_written: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    emptied: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What is published."""
        yield f"adoption: {sum(self.judged.values())} applies judged, {len(self.wrong)} wrong"
        for name in ("judged", "fields", "events", "refused", "not_written"):
            yield f"  {name}: " + (", ".join(f"{n} {what}" for what, n in getattr(self, name).most_common()) or "none")
        yield f"  empty lists that stay although the plan says that they go: {self.untold}"
        yield from (f"  of emptied maps and lists: {line}" for line in self.emptied)
        yield from (f"  WRONG {line}" for line in self.wrong)


@dataclass(frozen=True)
class Scene:
    """Where it is played, by which random choices, and what is counted."""

    control_plane: ControlPlane
    api: HttpApi
    kubectl: Kubectl
    home: Environment
    rng: Random
    counted: Adopted

    def adopt(self, kinds: tuple[Kind, ...], count: int) -> None:
        """Let kubectl apply so many objects and people edit them; take them over, drop a field of each; writes."""
        pairs = self._applied_by_kubectl(kinds, count)
        self._deploy(pairs, takes_over=True)
        later = {ref: Pair(pair.place, _with_less(self.rng, pair.desired), ()) for ref, pair in pairs.items()}
        self._deploy(later, takes_over=False)

    def _applied_by_kubectl(self, kinds: tuple[Kind, ...], count: int) -> dict[ObjectRef, Pair]:
        drawn = [kinds[index % len(kinds)] for index in range(count)]
        namespace, name = self.home.namespace, self.home.name
        both = [two_versions(kind, f"{name}-{i}", namespace, self.rng) for i, kind in enumerate(drawn)]
        self._run_kubectl("apply", [first for first, _ in both])
        self._by_hand([first for first, _ in both])
        targets = targets_of(request_for(namespace, *(d for _, d in both), environment=self.home), self.api)
        wanted = {target.ref.name: target for target in targets}
        pairs = {}
        for kind, (first, desired) in zip(drawn, both, strict=True):
            target = wanted[first["metadata"]["name"]]
            assert target.kind is not None
            if self.api.get(target.kind, *target.place) is None:
                self.counted.refused["version A"] += 1
                continue
            place = place_of(self.control_plane, target, kind)
            events = happen(self.rng, place, 2)
            self.counted.events.update(events)
            pairs[target.ref] = Pair(place, desired, events)
        return pairs

    def _by_hand(self, bodies: list[Body]) -> None:
        """Label, annotate, scale and apply again some of them, each by one call of kubectl."""
        again = [{**b, "metadata": {**b["metadata"], "labels": {"again": "1"}}} for b in self._some(bodies)]
        self._run_kubectl("apply", again)
        self._run_kubectl("label", self._some(bodies), "by=hand")
        self._run_kubectl("annotate", self._some(bodies), "a=by-hand", "--overwrite")
        self._run_kubectl("scale", self._some([b for b in bodies if b["kind"] == "Deployment"]), "--replicas=0")

    def _some(self, bodies: list[Body]) -> list[Body]:
        return [body for body in bodies if self.rng.random() < 0.3]

    def _run_kubectl(self, verb: str, bodies: list[Body], *words: str) -> None:
        """One call for all; it goes on after an object that the server refuses."""
        if bodies:
            stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
            done = self.kubectl.run(verb, "-f", "-", *words, stdin=stdin)
            self.counted.events[f"kubectl {verb}"] += len(done.stdout.splitlines())

    def _deploy(self, pairs: dict[ObjectRef, Pair], *, takes_over: bool) -> None:
        """Plan and deploy all; judge each. Those that the server refuses leave `pairs`."""
        wanted, plan = self._planned(pairs)
        before = bodies_of(pairs)
        sent = DeployRequest(plan, wanted.manifests, self.home, wanted.inventory, wanted.redactor, QUICK)
        failed = {o.ref: o.message for o in deploy(sent, self.api).outcomes if o.result.value != "done"}
        self.counted.not_written.update(message.partition('" ')[2][:80] for message in failed.values())
        for ref in failed:
            del pairs[ref]
        wanted, again = self._planned(pairs)
        settled = {change.ref: change for change in again.changes}
        twice = {ref for ref, change in settled.items() if takes_two(change)}
        after, fresh, drifted = bodies_of(pairs), self._fresh(wanted), self._drifted(wanted)
        for change in (change for change in plan.changes if change.ref in pairs):
            ref = change.ref
            wrong = [*self._wrongly_told(wanted, change, before[ref], after[ref]), *unsettled(settled[ref])]
            wrong += _left_of_kubectl(after[ref])
            if ref not in twice:
                wrong += [*drifted.get(ref, ()), *_not_as_fresh(fresh[ref], before[ref], after[ref])]
            if takes_over and change.action is not Action.TAKE_OVER:
                wrong.append(f"planned as {change.action.value}")
            self._count(change, wrong, emptied=_has_empty(pairs[ref].desired))
        self._judge_by_kubectl(wanted, twice)

    def _planned(self, pairs: dict[ObjectRef, Pair]) -> tuple[PlanRequest, Plan]:
        """Plan all pairs. Those that the server refuses leave the set, and are not to be deleted for that."""
        stored = read_inventory(self.api, self.home.project, self.home.name, self.home.namespace)
        return planned(self.api, self.home, pairs, self.counted.refused, inventory=replace(stored, entries=()))

    def _count(self, change: Change, wrong: list[str], *, emptied: bool) -> None:
        self.counted.judged[f"{change.action.value} {change.ref.kind}"] += 1
        self.counted.fields["changed"] += len(change.fields)
        self.counted.fields["of them taken away"] += len(change.take_over.gone) if change.take_over else 0
        if wrong:
            lines = self.counted.emptied if emptied else self.counted.wrong
            lines.append(f"{change.ref}: {wrong}")

    def _wrongly_told(self, wanted: PlanRequest, change: Change, before: Body, after: Body) -> tuple[str, ...]:
        """Nothing tells of an empty list alone whether the server prunes it; each that it does not is counted."""
        wrong = wrongly_told(wanted, change, before, after)
        sure = tuple(f for f in change.fields if not (f.before == [] and f.after is ABSENT))
        if wrong and not wrongly_told(wanted, replace(change, fields=sure), before, after):
            self.counted.untold += 1
            return ()
        return wrong

    def _drifted(self, wanted: PlanRequest) -> dict[ObjectRef, list[str]]:
        """Return the drift that is not an addition of other managers."""
        found = report_drift(wanted, self.api).drifted
        changed = {drift.ref: [f.change for f in drift.fields if f.change.after is not ABSENT] for drift in found}
        return {ref: [f"drift {format_field_path(f.path)}" for f in fields] for ref, fields in changed.items()}

    def _fresh(self, wanted: PlanRequest) -> dict[ObjectRef, Body]:
        """Return what the server would make of each manifest under a name that nobody has."""
        targets = targets_of(wanted, self.api)

        def ask(target: Any) -> Body:
            name = f"{target.ref.name}-new"
            body = {**target.body, "metadata": {**target.body["metadata"], "name": name}}
            made = self.api.dry_run_apply(target.kind, target.ref.namespace, name, body).body
            return {**made, "metadata": {**made["metadata"], "name": target.ref.name}}

        return dict(zip((target.ref for target in targets), in_threads(ask, list(targets)), strict=True))

    def _judge_by_kubectl(self, wanted: PlanRequest, twice: set[ObjectRef]) -> None:
        """Ask kubectl whether an apply of the same would change anything."""
        bodies = [
            dict(target.body)
            for target in targets_of(wanted, self.api)
            if target.ref not in twice and not _has_empty(target.body)
        ]
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
        flags = ("--server-side", "--force-conflicts", "--field-manager=gitops-push")
        done = self.kubectl.run("diff", *flags, "-f", "-", stdin=stdin)
        if done.returncode != 0:
            self.counted.wrong.append(f"kubectl diff: {done.stdout}{done.stderr}")


def play(
    control_plane: ControlPlane, api: HttpApi, kubectl: Kubectl, namespace: str, group: str, seed: str, count: int
) -> Adopted:
    """Play one batch; writes."""
    counted = Adopted()
    kinds = (DEPLOYMENT, CONFIG_MAP, SERVICE, gadget(group), sprocket(group), SECRET, INGRESS, ROLE, CRON_JOB)
    home = environment(name=seed, namespace=namespace)
    Scene(control_plane, api, kubectl, home, Random(seed), counted).adopt(kinds, count)
    return counted


def _with_less(rng: Random, body: Body) -> Body:
    """Return a manifest without one of its fields: a label, an annotation, or something of its content."""
    less: Body = copy.deepcopy(body)
    parts = [less["metadata"].get("labels"), less["metadata"].get("annotations")]
    parts += [less.get(name) for name in ("spec", "data")]
    keys = [(part, key) for part in parts if part for key in part if key not in _NEEDED]
    if keys:
        part, key = rng.choice(keys)
        del part[key]
    return less


_ALLOCATED: Final = frozenset({"nodePort", "clusterIP", "clusterIPs", "healthCheckNodePort"})
_NEEDED: Final = frozenset({"selector", "template", "ports", "replicas", "schedule", "jobTemplate", "suspend", "rules"})


def _not_as_fresh(fresh: Body, before: Body, after: Body) -> Iterator[str]:
    """Yield where an object differs from a new one, and neither another manager nor a default of before tells why."""
    others = tuple((owner, paths) for owner, paths in holders(after) if owner.manager != "gitops-push")
    set_before = holders(before)
    for difference in diff_fields(comparable(fresh), comparable(after), merge_keys(after, fresh)):
        path = difference.path
        if path[-1] in _ALLOCATED or (difference.before is ABSENT and difference.after == []):
            continue  # of an empty list there is no item that the server could prune
        by_server = owner_of(path, set_before) is None and value_at(path, before, ABSENT) == difference.after
        if owner_of(path, others) is None and not by_server and not _is_order(difference.before, difference.after):
            yield f"unlike a new one {format_field_path(path)}: {difference.before!r} -> {difference.after!r}"


def _has_empty(node: Any) -> bool:
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(value in ({}, []) or _has_empty(value) for value in values)


def _is_order(before: Any, after: Any) -> bool:
    def spelled(items: list[Any]) -> list[str]:
        return sorted(json.dumps(item, sort_keys=True) for item in items)

    return isinstance(before, list) and isinstance(after, list) and spelled(before) == spelled(after)


def _left_of_kubectl(after: Body) -> Iterator[str]:
    metadata = after["metadata"]
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        yield "the annotation of kubectl apply is still there"
    if any(entry["manager"] == KUBECTL for entry in metadata["managedFields"]):
        yield "kubectl apply still owns fields"
