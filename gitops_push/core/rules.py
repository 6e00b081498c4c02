"""Which objects and fields a rule of the config speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gitops_push.core.environment import FieldRule
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, covers, item_key, parse_field_path
from gitops_push.core.managed_fields import manager_entries
from gitops_push.core.objects import Body, ObjectRef


def applies(rule: FieldRule, ref: ObjectRef) -> bool:
    """Return whether a rule speaks of this object; an empty part speaks of all, the others are globs."""
    pairs = ((rule.group, ref.group), (rule.kind, ref.kind), (rule.namespace, ref.namespace), (rule.name, ref.name))
    return all(not wanted or fnmatchcase(value, wanted) for wanted, value in pairs)


def patterns_for(rules: Iterable[FieldRule], ref: ObjectRef, live: Body | None = None) -> tuple[FieldPath, ...]:
    """Return the fields that the rules name for this object; () among them means the whole object.

    A rule with a manager names those fields that such a manager has in the live object.
    """
    patterns: list[FieldPath] = []
    for rule in rules:
        if not applies(rule, ref):
            continue
        pattern = parse_field_path(rule.field) if rule.field else ()
        patterns += _held(rule.manager, pattern, live) if rule.manager else (pattern,)
    return tuple(patterns)


def without_fields(value: Any, patterns: Iterable[FieldPath], path: FieldPath = ()) -> Any:
    """Return a copy of an object without the fields that the patterns cover; nothing else is changed."""
    wanted = tuple(patterns)
    if not wanted:
        return value
    if isinstance(value, Mapping):
        steps: list[tuple[Segment, Any]] = list(value.items())
        kept = _kept(steps, wanted, path)
        return dict(kept)
    if isinstance(value, list):
        return [item for _, item in _kept([(segment_of(i, item), item) for i, item in enumerate(value)], wanted, path)]
    return value


def segment_of(index: int, item: Any) -> Segment:
    """Return the segment by which a rule may name an item: all its scalar fields, its value, or its index."""
    if isinstance(item, Mapping):
        return item_key({key: value for key, value in item.items() if isinstance(value, (str, int, bool))})
    return ItemValue(item) if isinstance(item, (str, int, float, bool)) else index


def _kept(steps: Iterable[tuple[Segment, Any]], patterns: tuple[FieldPath, ...], path: FieldPath) -> list[Any]:
    return [
        (segment, without_fields(item, patterns, (*path, segment)))
        for segment, item in steps
        if not any(covers(pattern, (*path, segment)) for pattern in patterns)
    ]


def _held(manager: str, pattern: FieldPath, live: Body | None) -> tuple[FieldPath, ...]:
    entries = manager_entries(live) if live is not None else ()
    paths = {path for entry in entries if fnmatchcase(entry.owner.manager, manager) for path in entry.paths()}
    return tuple(path for path in paths if covers(pattern, path) and not isinstance(path[-1], ItemKey))
