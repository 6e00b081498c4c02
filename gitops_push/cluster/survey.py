"""What plan and drift report both begin with: the set, the live objects, and the server's answers about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitops_push.cluster.api import ApiReader
from gitops_push.cluster.dry_run import Asked, OnProgress, ask_all
from gitops_push.cluster.live import LiveObjects, read_external, read_live
from gitops_push.cluster.proving import prove_unchanged
from gitops_push.cluster.targets import Target, find_targets, with_missing_namespaces
from gitops_push.cluster.yields import Asking, Yields, leave_to_others
from gitops_push.core.codes import Code
from gitops_push.core.conflict_policy import ConflictPolicy
from gitops_push.core.disclosure import Disclosure, sensitive_values
from gitops_push.core.environment import Environment
from gitops_push.core.errors import Problem
from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.hooks import HookRuns
from gitops_push.core.inventory import Inventory
from gitops_push.core.objects import Body, ManifestSet, ObjectRef
from gitops_push.core.ownership import NOTHING_FORCED, ForcedConflicts
from gitops_push.core.proof import Verify
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import patterns_for
from gitops_push.core.takeovers import Takeovers


def _silent(done: int, total: int) -> None:
    """Report no progress."""


def _unheard(redactor: Redactor) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Everything that a plan or a drift report is made from.

    `redactor` knows the secrets of the run so far; those of both sides are added before anything is shown, and
    `on_secrets` is told of the redactor that knows them. `now` is the time of the report, `clock` counts seconds.
    Without `dry_run` the server is only read. Not `keyed`, secret values are left out of the tags of the plan.
    `verify` says whether the server is also asked about objects that are proven unchanged, `hook_runs` which
    deployments run hooks.
    """

    environment: Environment
    manifests: ManifestSet
    inventory: Inventory
    cluster_id: str
    redactor: Redactor
    now: datetime
    forced: ForcedConflicts = NOTHING_FORCED
    concurrency: int = 16
    dry_run: bool = True
    keyed: bool = True
    on_progress: OnProgress = _silent
    on_secrets: Callable[[Redactor], None] = _unheard
    clock: Callable[[], float] = time.monotonic
    verify: Verify = Verify.ALL
    hook_runs: HookRuns = HookRuns.CHANGED

    def over(self, inventory: Inventory) -> PlanRequest:
        """Return the request for the same set over another state of the inventory."""
        known = self.redactor.with_values(filter(None, [inventory.key]))
        return replace(self, inventory=inventory, redactor=known)

    @property
    def key(self) -> str:
        """Return the key for the tags of the plan, "" where they leave secret values out."""
        return self.inventory.key if self.keyed else ""

    @property
    def takeovers(self) -> Takeovers:
        """Return the owners that objects are taken over from."""
        return Takeovers(self.environment.takeover)

    @property
    def policy(self) -> ConflictPolicy:
        """Return who gives way for fields of other managers."""
        return ConflictPolicy(self.environment.conflicts, self.forced, self.environment.protected)


@dataclass(frozen=True, slots=True)
class Survey:
    """The findings. `asked` has an answer for each target that the server was asked about; `problems` are masked.

    `operators` says of whom objects are taken over why that must not be ("": it may); None: nothing is taken over.
    The bodies of the targets are those that are sent: without what `yields` leaves to other managers. `hooks` are
    no targets: nobody was asked about them.
    """

    targets: tuple[Target, ...]
    live: LiveObjects
    asked: Mapping[ObjectRef, Asked] = field(repr=False)
    redactor: Redactor
    problems: tuple[Problem, ...]
    yields: Yields = Yields()  # noqa: RUF009 - frozen
    operators: Mapping[ObjectRef, str] | None = None
    hooks: tuple[Target, ...] = ()

    def live_of(self, target: Target) -> Body | None:
        """Return the live object that the answer about it describes."""
        asked = self.asked.get(target.ref)
        return asked.live if asked else self.live.objects.get(target.ref)

    @property
    def proven(self) -> int:
        """Return how many objects were proven unchanged without a dry run."""
        return sum(answer.proven for answer in self.asked.values())

    def disclosure(self, request: PlanRequest, ref: ObjectRef) -> Disclosure:
        """Return what may be shown of an object."""
        return Disclosure(ref, self.redactor, sensitive_fields(request, ref), request.key)


Pick = Callable[[Iterable[Target], Mapping[ObjectRef, Body]], Iterable[Target]]
"""Which of the targets that can be dry-run are, given the live objects."""


def everything(targets: Iterable[Target], live: Mapping[ObjectRef, Body]) -> Iterable[Target]:  # noqa: ARG001
    """Pick every target."""
    return targets


def survey(request: PlanRequest, reader: ApiReader, pick: Pick = everything) -> Survey:
    """Return what the server has and says. Reads and dry-runs only.

    Requests: discovery, one LIST per kind and namespace in use, one dry run for each target that `pick` takes, one GET
    for each external object, and those of `cluster.yields` where something is left to other managers. With
    `Verify.CHANGED`, objects that are proven unchanged are not dry-run; the proof has requests (`cluster.proving`).
    """
    served = reader.served_kinds()
    every = find_targets(request.manifests, served, request.environment, request.inventory.id)
    sent = (*every.applied, *every.hooks)
    problems = (*every.problems, *(_is_record(target) for target in sent if target.ref == request.inventory.ref))
    live = read_live(sent, request.inventory.entries, served, reader, request.inventory.ids)
    missing = read_external(request.environment.external, served, reader)
    every = with_missing_namespaces(every, live.objects)
    targets = every.applied
    askable = [target for target in targets if not target.deferred and request.dry_run]
    asks_all = request.verify is Verify.ALL
    proven = {} if asks_all else prove_unchanged(askable, live.objects, served, reader)
    questions = pick([target for target in askable if target.ref not in proven], live.objects)
    answers = ask_all(questions, live.objects, reader, request.concurrency, request.on_progress)
    asked = {**proven, **answers}
    asking = Asking(targets, live.objects, asked, request.policy, served, reader, request.concurrency)
    targets, asked, yields = leave_to_others(asking)
    redactor = request.redactor.with_values(_secrets(request, (*targets, *every.hooks), live, asked))
    request.on_secrets(redactor)
    found = Survey(targets, live, asked, redactor, (), yields, hooks=every.hooks)
    return replace(found, problems=tuple(found.redactor.mask_problem(problem) for problem in (*problems, *missing)))


def sensitive_fields(request: PlanRequest, ref: ObjectRef) -> tuple[FieldPath, ...]:
    """Return the fields of an object that rules call sensitive."""
    return patterns_for(request.environment.sensitive, ref)


def ignored_fields(request: PlanRequest, ref: ObjectRef, live: Body) -> tuple[FieldPath, ...]:
    """Return the fields of an object whose differences count as none."""
    return patterns_for(request.environment.ignore, ref, live)


def _is_record(target: Target) -> Problem:
    message = f"{target.ref} is the inventory of this environment: gitops-push itself writes it"
    return Problem(Code.MANIFEST_INVALID, message, target.manifest.origin, target.ref, "take it out of the config")


def _secrets(
    request: PlanRequest, targets: tuple[Target, ...], live: LiveObjects, asked: Mapping[ObjectRef, Asked]
) -> Iterator[str]:
    """Yield all secret values of both sides, before the first change is made."""
    for target in targets:
        fields = sensitive_fields(request, target.ref)
        yield from sensitive_values(target.manifest.body, fields)
        yield from sensitive_values(target.body, fields)
    for ref, body in live.objects.items():
        yield from sensitive_values(body, sensitive_fields(request, ref))
    for ref, answer in asked.items():
        for side in (answer.live, answer.merged):
            if side is not None:
                yield from sensitive_values(side, sensitive_fields(request, ref))
