"""Strategic merge as kustomize does it (kyaml's merge2 and walk), which is not the API server's.

Both sides are walked together, the patch's keys and the target's, also where the patch says nothing: that drops
values left
empty and makes one of list items with equal keys. Where a subtree is new, the patch is walked with itself, so that
its nulls and directives take effect. Both trees are changed; hand in copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, remove
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.patches.associative_lists import merge_associative
from gitops_push.kustomize.patches.merge_schema import MergeSchema, schema_of
from gitops_push.kustomize.quotes import reads_as_no_text
from gitops_push.kustomize.resource import text_of
from gitops_push.kustomize.shared_places import SharedPlaces
from gitops_push.kustomize.written import WrittenText


class _Absent:
    """The type of ABSENT."""


class _KeptNull:
    """The type of KEPT_NULL."""


ABSENT: Final = _Absent()
"""There is no value; as a result: the value goes away."""

KEPT_NULL: Final = _KeptNull()
"""As a result: a null that the target spells out, and that stays."""

_DIRECTIVE: Final = "$patch"
_DIRECTIVES: Final = frozenset({"delete", "replace", "merge"})


@dataclass(frozen=True, slots=True)
class MergeContext:
    """What a merge needs besides the two values: who patches, how scalars are written, and which places share a value.

    `rewritten` says that nothing is known of how the target was written. `patch_type` is the target's apiVersion with
    the patch's kind: they say how lists are merged where the target's own kind is unknown.
    """

    written: WrittenText
    patch_origin: Origin
    shared: SharedPlaces = field(default_factory=SharedPlaces)
    rewritten: bool = False
    schema_of: Callable[[str, str], MergeSchema | None] = schema_of
    patch_type: tuple[str, str] = ("", "")


def merge_patch(target: Fields, patch: Fields, context: MergeContext) -> Fields | None:
    """Return the patched object, None when the patch deletes it. Changes both arguments.

    Raises `BuildError` where kinds of values clash, and for an unknown directive.
    """
    schema = _schema_of(target, patch, context) or context.schema_of(*context.patch_type)
    merged = merge(target, patch, schema, context)
    return merged if isinstance(merged, Fields) else None


def merge(target: Node, patch: Node, schema: MergeSchema | None, context: MergeContext) -> Node:
    """Return the merged value, or ABSENT, or KEPT_NULL. Either side may be ABSENT."""
    first = target if not _is_nothing(target) else patch
    _require_same_kind(target, patch, context)
    if isinstance(first, Items):
        if schema is not None and schema.keys is not None:
            return _merge_list(target, patch, schema, context)
        return target if patch is ABSENT else patch
    if isinstance(first, Fields) or _is_nothing(first):
        return _merge_fields(target, patch, schema or _schema_of(target, patch, context), context)
    return target if patch is ABSENT else patch


def _merge_fields(target: Node, patch: Node, schema: MergeSchema | None, context: MergeContext) -> Node:
    base = _base_of_fields(target, patch, context)
    if not isinstance(base, Fields):
        return base
    others = patch if isinstance(patch, Fields) else Fields()
    for key in sorted(base.keys() | others.keys()):
        inner = schema.field(key) if schema else None
        old, new = base.get(key, ABSENT), others.get(key, ABSENT)
        _note_empty_null(base, key, old, new, context)
        if key not in base and new is ABSENT:
            continue
        value = merge(old, new, inner, context)
        _store(base, key, value, others, context)
        if base is others or old is ABSENT or new is ABSENT:
            _note_passed(base, key, context)
    return base


def _note_empty_null(base: Fields, key: str, old: Node, new: Node, context: MergeContext) -> None:
    """Drop a null that the target does not spell out and the patch does not mention: kustomize loses it."""
    if (
        old is None
        and new is ABSENT
        and not context.rewritten
        and not context.written.is_written_null(place_of(base, key))
    ):
        remove(base, key)


def _base_of_fields(target: Node, patch: Node, context: MergeContext) -> Node:
    """Return the mapping that the merge goes on with, or the result if it ends here."""
    if _is_nothing(target):
        if _directive(patch) == "delete":
            return ABSENT
        if patch is ABSENT:
            return KEPT_NULL if target is None else ABSENT
        return patch
    if patch is None:
        return ABSENT
    match _checked_directive(patch, context):
        case "delete":
            return ABSENT
        case "replace":
            return patch
        case _:
            return target


def _store(base: Fields, key: str, value: Node, patch: Fields, context: MergeContext) -> None:
    if value is ABSENT or value is None:
        remove(base, key)
        context.shared.leave(base, key)
        context.written.noted.forget(base, key)
    elif value is KEPT_NULL:
        base[key] = None
    elif value is not base.get(key, ABSENT) or (
        base is not patch and key in patch and not isinstance(value, (dict, list))
    ):
        origin = place_of(patch, key) or context.patch_origin
        context.shared.set(base, key, _in_old_quotes(base, key, value, patch, context), origin)


def _in_old_quotes(base: Fields, key: str, value: Node, patch: Fields, context: MergeContext) -> Node:
    """Return the value as text where the replaced one stood in quotes, as kustomize keeps them, and note them."""
    written = context.written
    if isinstance(value, (dict, list)):
        return value
    if key not in base:
        noted = written.noted.get(patch, key)
        if noted is not None:
            written.noted.note(base, key, noted)
        return value
    quoted = written.is_quoted(base, key)
    written.noted.note(base, key, quoted)
    if quoted and (not isinstance(value, str) or written.is_date(patch, key)):
        return written.plain_text(place_of(patch, key), value)
    return value


def _note_passed(base: Fields, key: str, context: MergeContext) -> None:
    """Note the quotes that kustomize adds to a text that stays what it is."""
    value = base.get(key)
    if isinstance(value, str) and reads_as_no_text(value):
        context.written.noted.note(base, key, True)


def _merge_list(target: Node, patch: Node, schema: MergeSchema, context: MergeContext) -> Node:
    base = target
    if _is_nothing(target):
        base = patch
    elif patch is None:
        return ABSENT
    elif patch is not ABSENT:
        directive = _list_directive(patch, context)
        if directive == "delete":
            return ABSENT
        if directive == "replace":
            base = patch
    if not isinstance(base, Items):
        return ABSENT if base is ABSENT else base

    def merge_items(old: Node, new: Node) -> Node:
        return merge(ABSENT if old is None else old, ABSENT if new is None else new, schema.items(), context)

    return merge_associative(base, patch if isinstance(patch, Items) else None, schema.keys or (), merge_items)


def _directive(patch: Node) -> str:
    """Return the value of `$patch` in a mapping and remove it when it is one of those that exist."""
    if not isinstance(patch, Fields) or _DIRECTIVE not in patch:
        return "merge"
    value = text_of(patch[_DIRECTIVE])
    if value in _DIRECTIVES:
        remove(patch, _DIRECTIVE)
    return value


def _checked_directive(patch: Node, context: MergeContext) -> str:
    place = place_of(patch, _DIRECTIVE) if isinstance(patch, Fields) and _DIRECTIVE in patch else None
    value = _directive(patch)
    if value not in _DIRECTIVES:
        raise invalid(
            f"unknown patch strategy '{value}'",
            place or context.patch_origin,
            "the value of $patch is one of delete, merge, replace",
        )
    return value


def _list_directive(patch: Node, context: MergeContext) -> str:
    """Return the value of `$patch` where it is the only field of an item, and remove that item."""
    if not isinstance(patch, Items):
        return "merge"
    for index, item in enumerate(patch):
        if isinstance(item, Fields) and _DIRECTIVE in item:
            if len(item) > 1:
                return "merge"
            value = _checked_directive(item, context)
            del patch[index]
            del patch.marks[index : index + 1]
            return value
    return "merge"


def _require_same_kind(target: Node, patch: Node, context: MergeContext) -> None:
    if _is_nothing(target) or _is_nothing(patch):
        return
    one, other = _kind(target), _kind(patch)
    if one != other:
        place = patch.start if isinstance(patch, (Fields, Items)) else None
        origin = place if isinstance(place, Origin) else context.patch_origin
        raise invalid(f"wrong node kind: the patch has {other} where the object has {one}", origin)


def _kind(value: Node) -> str:
    if isinstance(value, Fields):
        return "a mapping"
    return "a list" if isinstance(value, Items) else "a scalar"


def _is_nothing(value: Node) -> bool:
    return value is ABSENT or value is None


def _schema_of(target: Node, patch: Node, context: MergeContext) -> MergeSchema | None:
    """Return the schema of an object, by the kind of the target or else that of the patch."""
    for node in (target, patch):
        if isinstance(node, Fields) and node.get("kind") and node.get("apiVersion"):
            schema = context.schema_of(text_of(node["apiVersion"]), text_of(node["kind"]))
            if schema is not None:
                return schema
    return None
