"""What differs between two builds of an environment, without any cluster: for pull requests without a credential.

The objects are compared as they would be sent, so what the server would spell alike is no difference. Values of Secrets
are masked here, where the changes are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gitops_push.core.disclosure import Disclosure
from gitops_push.core.environment import FieldRule
from gitops_push.core.fielddiff import FieldChange, diff_fields
from gitops_push.core.fieldpath import path_order
from gitops_push.core.normalization import comparable, content_of, desired_state, origin_of
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.plan import WRITING, Action, Change, Fidelity, in_order
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import patterns_for, without_fields

_Unhashed: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace and the name before the content hash."""


@dataclass(frozen=True, slots=True)
class BuildDiff:
    """How the set of an environment differs from that of another commit; `base` is as it was asked for."""

    environment: str
    base: str
    base_commit: str
    changes: tuple[Change, ...]

    @property
    def has_changes(self) -> bool:
        """Return whether the sets differ."""
        return any(change.action in WRITING for change in self.changes)


@dataclass(frozen=True, slots=True)
class BuildRules:
    """What is not compared, and what is not shown; `redactor` knows the secret values of both builds."""

    redactor: Redactor
    ignore: tuple[FieldRule, ...] = ()
    sensitive: tuple[FieldRule, ...] = ()


def compare_builds(before: Iterable[Manifest], after: Iterable[Manifest], rules: BuildRules) -> tuple[Change, ...]:
    """Return the change of each object of two sets, deletions first, then as apply goes.

    A generated ConfigMap or Secret with a new hash in its name is shown as the difference to its predecessor.
    """
    old = {manifest.ref: manifest for manifest in before}
    new = {manifest.ref: manifest for manifest in after}
    gone = [manifest for ref, manifest in old.items() if ref not in new]
    followed = {_unhashed(manifest): manifest for manifest in gone if manifest.unhashed_name}
    return in_order((*_wanted(old, new, followed, rules), *_deleted(gone, new)))


def _wanted(
    old: Mapping[ObjectRef, Manifest],
    new: Mapping[ObjectRef, Manifest],
    followed: Mapping[_Unhashed, Manifest],
    rules: BuildRules,
) -> Iterator[Change]:
    for ref, manifest in new.items():
        if ref in old:
            yield _updated(old[ref], manifest, rules)
        else:
            yield _created(manifest, followed.get(_unhashed(manifest)) if manifest.unhashed_name else None, rules)


def _updated(before: Manifest, after: Manifest, rules: BuildRules) -> Change:
    fields = _fields(comparable(desired_state(before)), comparable(desired_state(after)), after, rules)
    return replace(_change(after, Action.UPDATE if fields else Action.UNCHANGED), fields=fields)


def _created(manifest: Manifest, predecessor: Manifest | None, rules: BuildRules) -> Change:
    before = content_of(desired_state(predecessor)) if predecessor else {}
    fields = _fields(before, content_of(desired_state(manifest)), manifest, rules)
    change = replace(_change(manifest, Action.CREATE), fields=fields)
    return replace(change, renamed_from=predecessor.ref.name) if predecessor else change


def _deleted(gone: Iterable[Manifest], new: Mapping[ObjectRef, Manifest]) -> Iterator[Change]:
    followers = {_unhashed(m): m.ref.name for ref, m in new.items() if m.unhashed_name}
    for manifest in gone:
        follower = followers.get(_unhashed(manifest), "") if manifest.unhashed_name else ""
        reason = f"replaced by {follower}" if follower else "no longer in the config"
        # Its lines are those of the other commit: shown, they would be taken for lines of this checkout.
        yield replace(_change(manifest, Action.PRUNE), reason=reason, replaced_by=follower, origin=None)


def _fields(
    before: dict[str, Any], after: dict[str, Any], manifest: Manifest, rules: BuildRules
) -> tuple[FieldChange, ...]:
    ignored = patterns_for(rules.ignore, manifest.ref)
    disclosure = Disclosure(manifest.ref, rules.redactor, patterns_for(rules.sensitive, manifest.ref))
    differences = diff_fields(without_fields(before, ignored), without_fields(after, ignored))
    return tuple(
        FieldChange(difference.path, *disclosure.shown(difference), origin=origin_of(manifest, difference.path))
        for difference in sorted(differences, key=lambda difference: path_order(difference.path))
    )


def _change(manifest: Manifest, action: Action) -> Change:
    return Change(manifest.ref, manifest.api_version, action, Fidelity.CLIENT, origin=manifest.origin)


def _unhashed(manifest: Manifest) -> _Unhashed:
    ref = manifest.ref
    return ref.group, ref.kind, ref.namespace, manifest.unhashed_name
