"""Merges lists whose items have keys, with kustomize's order and its oddities (kyaml's associative_sequence).

What the patch names comes first, in the patch's order; the rest follows. Items are found by their keys as text. Where
some items of the target or the patch lack one of two keys (ports without `protocol`), only the keys that occur are
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, as_origin
from gitops_push.kustomize.errors import bad_manifest
from gitops_push.kustomize.marks import Entry, entries_of, replace_entries
from gitops_push.kustomize.resource import text_of

_MOST_ODD_ITEMS: Final = 1_000
"""Above this the slow way, which compares all items with all, is refused."""

MergeItems: TypeAlias = Callable[[Node, Node], Node]
"""Merges an item of the target with one of the patch; either may be None. Returns no `Fields` when the item goes."""

Values = tuple[str, ...]


def merge_associative(base: Items, patch: Items | None, keys: Sequence[str], merge_items: MergeItems) -> Items:
    """Return `base` with the patch's items merged in; both are changed. `patch` may be `base` itself."""
    names = tuple(keys) or ("",)
    if len(names) == 1 and _merge_unique(base, patch, names[0], merge_items):
        return base
    if len(base) + (len(patch) if patch is not None else 0) > _MOST_ODD_ITEMS:
        raise bad_manifest(
            f"a list of more than {_MOST_ODD_ITEMS:,} items is patched, and not each has a {names[0]!r} of its own",
            base.start if isinstance(base.start, Origin) else as_origin(base.start, base.file),
        )
    wanted = _values(patch, names) + _values(base, names)
    wanted = list(dict.fromkeys(values for values in wanted))
    if len(names) > 1:
        wanted = _merge_values(wanted)
    merged: list[Entry] = []
    valid: tuple[str, ...] = ()
    for values in wanted:
        valid, valid_values = _valid_keys(wanted, values, names)
        sought = _valid_keys([valid_values], valid_values, valid)
        item, mark = _merged_item(base, patch, sought, merge_items)
        if _is_empty(item):
            replace_entries(base, _set_item(entries_of(base), None, valid, valid_values))
            continue
        if isinstance(item, Fields):
            _fill_keys(item, valid, valid_values)
        merged = _set_item(merged, (item, mark), valid, valid_values)
    if wanted:
        replace_entries(base, _append_rest(merged, entries_of(base), valid))
    return base


def _merge_unique(base: Items, patch: Items | None, key: str, merge_items: MergeItems) -> bool:
    """Merge lists in which every item has a key of its own, by index; return whether they are such lists."""
    old, new = _by_key(base, key), _by_key(patch, key) if patch is not None else {}
    if old is None or new is None:
        return False
    merged: list[Entry] = []
    for name in (*new, *(name for name in old if name not in new)):
        before, after = old.get(name), new.get(name)
        value = merge_items(before[0] if before else None, after[0] if after else None)
        if before is not None and not _is_empty(value):
            merged.append(
                before
            )  # changed in place; where the patch replaces the item, kustomize puts the old one back
        elif after is not None and not _is_empty(value):
            merged.append((value, after[1]))
    replace_entries(base, merged)
    return True


def _by_key(items: Items, key: str) -> dict[str, Entry] | None:
    """Return the items by their key, None if one has none or two have the same."""
    found: dict[str, Entry] = {}
    for entry in entries_of(items):
        item = entry[0]
        value = item.get(key) if key and isinstance(item, Fields) else None if key else item
        text = text_of(value)
        if not text or text in found:
            return None
        found[text] = entry
    return found


def _merged_item(
    base: Items, patch: Items | None, sought: tuple[tuple[str, ...], Values], merge_items: MergeItems
) -> Entry:
    old, new = _find(base, *sought), _find(patch, *sought)
    value = merge_items(old[0] if old else None, new[0] if new else None)
    for entry in (new, old):
        if entry is not None:
            return value, entry[1]
    return value, 0


def _fill_keys(item: Fields, keys: tuple[str, ...], values: Values) -> None:
    """Write the keys into an item that got them from elsewhere."""
    for key, value in zip(keys, values, strict=False):
        if key and key not in item and value:
            item[key] = _scalar(value)


def _append_rest(merged: list[Entry], rest: list[Entry], keys: tuple[str, ...]) -> list[Entry]:
    """Return the merged items followed by those of the target that were not merged."""
    for entry in rest:
        if keys[0] == "":
            merged = _set_item(merged, entry, ("",), (text_of(entry[0]),))
            continue
        values: list[str] = []
        for key in keys:
            item = entry[0]
            if not isinstance(item, Fields) or key not in item:
                merged = [*merged, entry]
            else:
                values.append(_written(item[key]))
        if len(keys) > 1:
            merged = _set_item(merged, None, keys, tuple(values))
        merged = _set_item(merged, entry, keys, tuple(values))
    return merged


def _set_item(entries: list[Entry], entry: Entry | None, keys: tuple[str, ...], values: Values) -> list[Entry]:
    """Replace the items with these keys by `entry`, or append it; remove them for None. Drops empty items."""
    kept: list[Entry] = []
    found = False
    for old in entries:
        item = old[0]
        if _is_empty(item):
            continue
        if not isinstance(item, Fields) and keys[0] and values and values[0]:
            kept.append(old)
        elif not _matches(item, keys, values):
            if values:
                kept.append(old)
        else:
            found = True
            if entry is not None:
                kept.append(entry)
    if entry is not None and not found and entry[0] is not None:
        kept.append(entry)
    return kept


def _matches(item: Node, keys: tuple[str, ...], values: Values) -> bool:
    """Return whether the item has all keys; an empty value matches any. Without keys the item itself is compared."""
    for index, key in enumerate(keys):
        value = values[index] if index < len(values) else None
        if value is None:
            return index > 0
        if key == "":
            if isinstance(item, (dict, list)) or text_of(item) != value:
                return False
        elif not isinstance(item, Fields) or key not in item or (value and _written(item[key]) != value):
            return False
    return True


def _find(items: Items | None, keys: tuple[str, ...], values: Values) -> Entry | None:
    """Return the first item with these keys, with its place."""
    for item, mark in entries_of(items) if items is not None else ():
        if keys[0] == "":
            if text_of(item) == values[0] and not isinstance(item, (dict, list)):
                return item, mark
        elif isinstance(item, Fields) and all(
            item.get(key) is not None and text_of(item[key]) == value for key, value in zip(keys, values, strict=True)
        ):
            return item, mark
    return None


def _values(items: Items | None, keys: tuple[str, ...]) -> list[Values]:
    if items is None:
        return []
    if keys == ("",):
        return [(text_of(item),) for item in items]
    return [tuple(text_of(item.get(key)) if isinstance(item, Fields) else "" for key in keys) for item in items]


def _merge_values(values: list[Values]) -> list[Values]:
    """Make one of value lists that agree where both are set, as `80` and `80 TCP` do."""
    merged = list(values)
    for i in range(len(merged)):
        one = merged[i]  # as it was before the inner loop, also after that changed it
        for j in range(len(merged)):
            common = _common(one, merged[j])
            if common is not None:
                merged[i] = merged[j] = common
    return merged


def _common(one: Values, other: Values) -> Values | None:
    agree = False
    result = []
    for a, b in zip(one, other, strict=True):
        if a == b:
            agree = True
        elif a and b:
            return None
        result.append(a or b)
    return tuple(result) if agree else None


def _valid_keys(all_values: list[Values], values: Values, keys: tuple[str, ...]) -> tuple[tuple[str, ...], Values]:
    """Return the keys that have a value anywhere, with this item's values; all keys when none has one."""
    present = {keys[index] for one in all_values for index, value in enumerate(one) if value}
    if not present:
        return keys, values
    chosen = [index for index, key in enumerate(keys) if key in present]
    return tuple(keys[index] for index in chosen), tuple(
        value for index, value in enumerate(values) if value or keys[index] in present
    )


def _written(value: Node) -> str:
    """Return the text of a key's value; a null counts as the word."""
    return "null" if value is None else text_of(value)


def _scalar(text: str) -> Node:
    """Return the scalar that a plain YAML text stands for: a number for a port."""
    return int(text) if text.isascii() and text.isdigit() else text


def _is_empty(item: Node) -> bool:
    return item is None or (isinstance(item, dict) and not item) or not isinstance(item, (str, int, float, dict, list))
