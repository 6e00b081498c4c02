"""What one object's dry run says: what we would change, what the server changes by itself, who would lose a field.

*Live* is the object as it is, *merged* the server's answer to a forced dry run of ours. They are compared with each
other and not with the manifest: what the server defaults or a webhook sets is in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from operator import not_

from gitops_push.core.allocation import mark_allocated
from gitops_push.core.field_index import FieldIndex
from gitops_push.core.field_set import FieldSet
from gitops_push.core.fielddiff import ABSENT, STRING_MAPS, Difference, diff_fields, restricted, same
from gitops_push.core.fieldpath import FieldPath, covers, prefixes, value_at
from gitops_push.core.inventory import MEMBERSHIP
from gitops_push.core.managed_fields import Loss, losses, merge_keys, our_entry, our_paths
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body
from gitops_push.core.rules import without_fields


@dataclass(frozen=True, slots=True)
class Comparison:
    """How merged differs from live.

    `ours` are differences of fields that we own before or after, `server` the others; `lost` is what other
    managers lose, `gained` are fields that become ours without changing their value, `released` those that cease to be
    ours and keep it. `pending` says whether applying
    the object would write anything that is not ignored by a rule. `changed` are all fields that differ, whosever.
    """

    ours: tuple[Difference, ...]
    server: tuple[Difference, ...]
    lost: tuple[Loss, ...]
    gained: tuple[FieldPath, ...]
    released: tuple[FieldPath, ...]
    changes_ownership: bool
    pending: bool
    changed: tuple[FieldPath, ...] = ()


def compare(live: Body, merged: Body, wanted: Body, ignored: Iterable[FieldPath] = ()) -> Comparison:
    """Return what the dry run of an existing object says; `wanted` is what was sent.

    Differences of ignored fields alone are nothing to do. When something else is to do, they are listed too: the
    request carries them and they would be written.
    """
    before, after = comparable(live), comparable(mark_allocated(merged, live, wanted))
    changes_ownership = not _same_entry(live, merged)
    if not changes_ownership and same(before, after):
        return Comparison((), (), (), (), (), changes_ownership=False, pending=False)
    patterns = tuple(ignored)
    # The label of membership can never be ignored: an object without it is not ours, and would never be pruned.
    matters = value_at(MEMBERSHIP, before, ABSENT) != value_at(MEMBERSHIP, after, ABSENT) or not same(
        without_fields(before, patterns), without_fields(after, patterns)
    )
    differences = diff_fields(before, after, merge_keys(live, merged))
    ours_before = our_paths(live)
    ours_after = our_paths(merged) if changes_ownership else ours_before
    owned = FieldSet(ours_before | ours_after)
    # managedFields do not record a list that is wanted empty, so what was sent counts too.
    sent = FieldIndex(wanted)
    is_ours = [owned.covers(d.path) or sent.value_at(d.path, ABSENT) is not ABSENT for d in differences]
    ours = tuple(compress(differences, is_ours))
    return Comparison(
        ours=ours,
        server=tuple(compress(differences, map(not_, is_ours))),
        lost=losses(live, merged),
        gained=_newly_ours(ours_before, ours_after, ours),
        released=_newly_ours(ours_after, ours_before, ours),
        changes_ownership=changes_ownership,
        pending=matters or (changes_ownership and _is_more_than(differences, patterns, ours_before ^ ours_after)),
        changed=tuple(difference.path for difference in differences),
    )


def compare_leaves(live: Body, wanted: Body, ignored: Iterable[FieldPath] = ()) -> tuple[Difference, ...]:
    """Return where a live object differs from the manifest's own fields: the comparison without the server's help.

    Fields that we own and that the manifest no longer has count too. Values that the server spells differently are
    taken for changed.
    """
    keys = merge_keys(live)
    patterns = tuple(ignored)
    before, after = without_fields(comparable(live), patterns), without_fields(comparable(wanted), patterns)
    after["apiVersion"] = before.get("apiVersion", after.get("apiVersion"))
    return (*diff_fields(restricted(before, after, keys), after, keys), *_left_over(live, before, after))


def _left_over(live: Body, before: Body, after: Body) -> Iterator[Difference]:
    """Yield the fields that are ours in the live object, and that the manifest has no more."""
    ours = our_paths(live)
    wanted, there = FieldIndex(after), FieldIndex(before)
    gone = FieldSet(path for path in ours if wanted.value_at(path, ABSENT) is ABSENT)
    for path in sorted(gone.tops(), key=_text):
        value = there.value_at(path, ABSENT)
        if value is not ABSENT:
            yield Difference(path, value, ABSENT)
    yield from _left_in_maps(ours, before, after)


def _left_in_maps(ours: FieldSet, before: Body, after: Body) -> Iterator[Difference]:
    """Yield what is left over inside of maps that we own as a whole, as `nodeSelector` is: nobody defaults them."""
    maps = (path for path in ours if path[-1] in STRING_MAPS and not ours.has_below(path))
    for path in sorted(maps, key=_text):
        live, wanted = value_at(path, before), value_at(path, after)
        if isinstance(live, Mapping) and isinstance(wanted, Mapping):
            yield from (Difference((*path, key), live[key], ABSENT) for key in sorted(live.keys() - wanted.keys()))


def _same_entry(live: Body, merged: Body) -> bool:
    before, after = our_entry(live), our_entry(merged)
    if before is None or after is None:
        return before is after
    return before.fields == after.fields and before.api_version == after.api_version


def _newly_ours(before: FieldSet, after: FieldSet, changed: Iterable[Difference]) -> tuple[FieldPath, ...]:
    """Return the leaves that are ours `after` only, without those whose value changes anyway."""
    values = FieldSet(difference.path for difference in changed)
    leaves = (path for path in after - before if not after.has_below(path) and not values.covers(path))
    return tuple(sorted(leaves, key=_text))


def _is_more_than(
    ignored: Iterable[Difference], patterns: tuple[FieldPath, ...], changing_hands: Iterable[FieldPath]
) -> bool:
    """Return whether one of the fields that become ours or cease to be has nothing to do with the ignored differences.

    Without that, a field which always differs would keep the others of its object from ever becoming ours.
    """
    values = FieldSet(difference.path for difference in ignored)
    if not values:
        return True
    return any(
        not any(covers(pattern, path) for pattern in patterns) and not _overlaps(path, values)
        for path in changing_hands
    )


def _overlaps(path: FieldPath, values: FieldSet) -> bool:
    """Return whether one of the values is at the path, below it or around it."""
    return path in values or values.has_below(path) or any(ancestor in values for ancestor in prefixes(path))


def _text(path: FieldPath) -> str:
    return "\0".join(str(segment) for segment in path)
