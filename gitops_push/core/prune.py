"""What of the inventory may be deleted. Every guard of cluster.md 3 gives the reason for what it keeps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import PruneRules
from gitops_push.core.errors import Problem, RefusedError
from gitops_push.core.inventory import PART_OF_LABEL, InventoryEntry
from gitops_push.core.kinds import KEPT_KINDS, defined_kind
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.objects import Body, Manifest, ObjectRef
from gitops_push.core.owners import deletion_reason, other_owners

FLOOR: Final = 3
"""So many deletions a run are always allowed, whatever `prune.max` says."""

_HASH_SUFFIX: Final = re.compile(r"-[2456789bcdfghkmt]{10}")


@dataclass(frozen=True, slots=True)
class PruneQuestion:
    """What is known when an entry of the inventory is judged.

    `uids` are those of the live objects of the set: an object that moved to another API group keeps its uid.
    """

    rules: PruneRules
    set_ids: frozenset[str]
    uids: frozenset[str] = frozenset()
    external: frozenset[ObjectRef] = frozenset()


@dataclass(frozen=True, slots=True)
class PruneVerdict:
    """One entry that is no longer in the set and still lives: deleted if nothing speaks against it (`kept` is "").

    `ours` is False when the live object is not the one that was recorded; `opted_out` when it asks to stay.
    """

    entry: InventoryEntry
    live: Body = field(repr=False, hash=False)
    kept: str
    ours: bool = True
    opted_out: bool = False

    @property
    def deletes(self) -> bool:
        """Return whether the object is to be deleted."""
        return not self.kept


def judge(entry: InventoryEntry, live: Body, question: PruneQuestion) -> PruneVerdict:
    """Return whether an owned object that is no longer wanted is deleted, with the reason if not."""
    wish = _wish_to_stay(live)
    foreign = _not_ours(entry, live, question)
    kept = foreign or wish or _guarded(entry.ref, live, question)
    return PruneVerdict(entry, live, kept, ours=not foreign, opted_out=bool(wish))


def spare_homes(verdicts: Iterable[PruneVerdict], staying: Iterable[ObjectRef]) -> tuple[PruneVerdict, ...]:
    """Return the verdicts, with every Namespace and CustomResourceDefinition kept that something which stays is in.

    Their deletion would take it along, whatever `prune.kinds` names. `staying` is the set and the inventory itself;
    what is kept by its own verdict counts too.
    """
    every = tuple(verdicts)
    needed_by: dict[ObjectRef | tuple[str, str], ObjectRef] = {}
    for ref in (*staying, *(verdict.entry.ref for verdict in every if verdict.kept)):
        needed_by.setdefault(ObjectRef("", "Namespace", "", ref.namespace), ref)
        needed_by.setdefault((ref.group, ref.kind), ref)
    return tuple(_spared(verdict, needed_by) for verdict in every)


def _spared(verdict: PruneVerdict, needed_by: Mapping[ObjectRef | tuple[str, str], ObjectRef]) -> PruneVerdict:
    inside = needed_by.get(verdict.entry.ref) or needed_by.get(defined_kind(verdict.live))
    if verdict.kept or inside is None:
        return verdict
    return replace(verdict, kept=f"{inside} stays, and would be deleted with it")


def hash_predecessors(entries: Iterable[InventoryEntry], manifest: Manifest) -> tuple[InventoryEntry, ...]:
    """Return the entries that hold earlier contents of a generated ConfigMap or Secret: same name before the hash."""
    if not manifest.unhashed_name:
        return ()
    return tuple(entry for entry in entries if _is_predecessor(entry.ref, manifest))


def prune_limit(rules: PruneRules, owned: int) -> int:
    """Return how many objects one run may delete of `owned` in the inventory, predecessors of hashed names apart."""
    if rules.max_count is not None:
        return max(FLOOR, rules.max_count)
    return max(FLOOR, owned * (rules.max_percent or 0) // 100)


def check_prune_limit(deleted: Collection[ObjectRef], rules: PruneRules, owned: int) -> None:
    """Raise `RefusedError` with the whole list if more would be deleted than one run may."""
    limit = prune_limit(rules, owned)
    if len(deleted) <= limit:
        return
    wanted = f"{rules.max_count}" if rules.max_count is not None else f"{rules.max_percent} %"
    listed = "\n".join(f"delete {ref}" for ref in sorted(deleted))
    raise RefusedError(
        Problem(
            Code.PRUNE_LIMIT,
            f"{len(deleted)} of {owned} objects would be deleted; one run may delete {limit} "
            f"(at most {FLOOR} objects or prune.max: {wanted})\n{listed}",
            hint="check that the config is complete; if all of them are to go, allow it with --max-prune "
            f"{len(deleted)}",
        )
    )


def _is_predecessor(ref: ObjectRef, manifest: Manifest) -> bool:
    same_place = (ref.group, ref.kind, ref.namespace) == (
        manifest.ref.group,
        manifest.ref.kind,
        manifest.ref.namespace,
    )
    name, unhashed = ref.name, manifest.unhashed_name
    return (
        same_place
        and name != manifest.ref.name
        and name.startswith(f"{unhashed}-")
        and _HASH_SUFFIX.fullmatch(name[len(unhashed) :]) is not None
    )


def _not_ours(entry: InventoryEntry, live: Body, question: PruneQuestion) -> str:
    metadata = live.get("metadata") or {}
    uid = str(metadata.get("uid") or "")
    if entry.uid and uid != entry.uid:
        return "it is another object of the same name: its uid is not the recorded one"
    if not entry.uid and our_entry(live) is None:
        return "it was not created by gitops-push"
    if uid in question.uids:
        return "the config has the same object under another API group"
    if (metadata.get("labels") or {}).get(PART_OF_LABEL) not in question.set_ids:
        return f"its label {PART_OF_LABEL} is no longer that of this environment"
    return next((f"it {owner}" for owner in other_owners(live, question.set_ids)), "")


def _wish_to_stay(live: Body) -> str:
    """Return the annotation by which an object opts out of pruning, of whichever tool, or ""."""
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    options = str(annotations.get("argocd.argoproj.io/sync-options") or "")
    for option in (part.strip() for part in options.split(",")):
        if option in {"Prune=false", "Prune=confirm"}:
            return f"its annotation argocd.argoproj.io/sync-options says {option}"
    for key, value in _OPT_OUTS:
        if annotations.get(key) == value:
            return f"its annotation {key} says {value}"
    return ""


_OPT_OUTS: Final = (
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("helm.sh/resource-policy", "keep"),
    ("cli-utils.sigs.k8s.io/on-remove", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
)


def _guarded(ref: ObjectRef, live: Body, question: PruneQuestion) -> str:
    if ref in question.external:
        return "the config declares it as external"
    if not question.rules.enabled:
        return "pruning is switched off"
    if (ref.group, ref.kind) in KEPT_KINDS and ref.kind not in question.rules.kinds:
        return f"objects of kind {ref.kind} are deleted only if prune.kinds names the kind"
    deletion = deletion_reason(live)
    return f"it {deletion}" if deletion else ""
