"""Why a field of a live object is not as the config wants it: git moved, someone edited, or both (cluster.md 4).

Three states are compared: *deployed*, what the last deploy sent; *desired*, what the next one would send; *live*. What
our entry in managedFields still holds was not edited: an edited field leaves that entry (tried on a real API server).
So it counts as deployed, also where the server spells the value in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitops_push.core.comparison import compare_leaves
from gitops_push.core.drift import Cause
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, Difference, same
from gitops_push.core.fieldpath import FieldPath, prefixes, value_at
from gitops_push.core.managed_fields import Holders, holders, our_entry, our_paths, owner_of
from gitops_push.core.objects import Body


@dataclass(frozen=True, slots=True)
class Versions:
    """One object as it is live, as it was deployed, and as it is wanted; the latter two as they are sent.

    `deployed` is {} for an object that the last deploy did not have, and None where that is not known.
    """

    live: Body
    deployed: Body | None
    desired: Body


def causes_of(versions: Versions, differences: Iterable[Difference]) -> tuple[Cause | None, ...]:
    """Return the cause of each difference between live and desired.

    None says that git and cluster are both as deployed: what differs is the server's doing, or its way to write.
    """
    if versions.deployed is None:
        evidence = _Evidence.of(versions.live)
        return tuple(evidence.cause(difference) for difference in differences)
    edits = _Edits.of(versions.live, versions.deployed)
    return tuple(
        _CAUSES[_has_moved(difference.path, versions.deployed, versions.desired), edits.touch(difference)]
        for difference in differences
    )


def cause_of_object(causes: Iterable[Cause]) -> Cause:
    """Return the cause of an object's drift from those of its fields, at least one; a certain edit is never hidden."""
    found = frozenset(causes)
    if Cause.BOTH in found or {Cause.GIT_AHEAD, Cause.EDITED} <= found:
        return Cause.BOTH
    return next(cause for cause in (Cause.EDITED, Cause.UNKNOWN, Cause.GIT_AHEAD) if cause in found)


_CAUSES = {
    (True, False): Cause.GIT_AHEAD,
    (False, True): Cause.EDITED,
    (True, True): Cause.BOTH,
    (False, False): None,
}


def _has_moved(path: FieldPath, deployed: Body, desired: Body) -> bool:
    return not same(value_at(path, deployed, ABSENT), value_at(path, desired, ABSENT))


@dataclass(frozen=True, slots=True)
class _Edits:
    """Where the live object is not as deployed: `changed` fields, and those that `others` set beside."""

    live: Body
    deployed: Body
    changed: FieldSet
    others: Holders

    @classmethod
    def of(cls, live: Body, deployed: Body) -> _Edits:
        ours = our_paths(live)
        differing = compare_leaves(live, deployed) if deployed else ()
        changed = FieldSet(d.path for d in differing if d.after is not ABSENT and not ours.sets_value(d.path))
        return cls(live, deployed, changed, _others(live))

    def touch(self, difference: Difference) -> bool:
        """Return whether this difference has to do with an edit."""
        path = difference.path
        if path in self.changed or self.changed.has_below(path):
            return True
        deployed = value_at(path, self.deployed, ABSENT)
        if deployed is ABSENT:
            return difference.before is not ABSENT and owner_of(path, self.others) is not None
        if any(around in self.changed for around in prefixes(path)):
            return not same(difference.before, deployed)
        return self._is_added_below(path)

    def _is_added_below(self, path: FieldPath) -> bool:
        """Return whether another manager has something inside of a value that was not deployed there."""
        return any(
            member[: len(path)] == path
            and value_at(member, self.deployed, ABSENT) is ABSENT
            and value_at(member, self.live, ABSENT) is not ABSENT
            for owner, paths in self.others
            for member in paths
        )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What managedFields alone tell, where nobody knows what was deployed."""

    ours: FieldSet
    others: Holders

    @classmethod
    def of(cls, live: Body) -> _Evidence:
        return cls(our_paths(live), _others(live))

    def cause(self, difference: Difference) -> Cause:
        path = difference.path
        if difference.before is ABSENT:
            return Cause.UNKNOWN  # new in git, or removed in the cluster: that leaves no trace
        foreign = owner_of(path, self.others) is not None
        if self.ours.sets_value(path):
            return Cause.GIT_AHEAD
        if self.ours.has_below(path):
            return Cause.BOTH if foreign else Cause.GIT_AHEAD
        return Cause.EDITED if foreign else Cause.UNKNOWN


def _others(live: Body) -> Holders:
    ours = our_entry(live)
    return tuple((owner, paths) for owner, paths in holders(live) if ours is None or owner != ours.owner)
