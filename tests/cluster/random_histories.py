"""Random edits of objects: as people and programs make them, and as an adversary of the proof would."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]
Spot = tuple[Any, Any]
"""A container and the key or index in it."""

KEPT = frozenset({"apiVersion", "kind", "metadata", "status", "selector", "roleRef", "serviceName"})
STRING_MAPS = frozenset({"labels", "annotations", "data", "limits", "requests", "hard"})


def copied(value: Any) -> Any:
    """Return a copy of plain data, faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def edited(rng: random.Random, body: Body) -> Body:
    """Return the object with one edit, which the server may refuse."""
    changed: Body = copied(body)
    edit = rng.choice((_edit_annotations, _edit_annotations, _edit_anything, _edit_anything, _edit_list))
    edit(rng, changed)
    return changed


def part_of(rng: random.Random, body: Body) -> Body:
    """Return some of the object's fields: what another manager applies beside us."""
    metadata = {key: body["metadata"][key] for key in ("name", "namespace") if key in body["metadata"]}
    kept = {key: body[key] for key in ("apiVersion", "kind")}
    labels = {key: value for key, value in body["metadata"].get("labels", {}).items() if rng.random() < 0.5}
    rest = {key: value for key, value in body.items() if key not in KEPT and rng.random() < 0.8}
    thinned = {key: _thinned(rng, value) for key, value in copied(rest).items()}
    return {**kept, "metadata": {**metadata, "labels": labels}, **thinned}


def near_misses(rng: random.Random, body: Body, live: Body) -> Iterator[Body]:
    """Yield manifests that differ from the one that was applied in one place: value, type, presence, order, owner."""
    for change in rng.sample((_retype, _drop, _claim, _empty, _edit_list, _edit_anything), 3):
        changed = copied(body)
        change(rng, changed, live) if change is _claim else change(rng, changed)  # type: ignore[operator]
        yield changed


def forgetful(rng: random.Random, live: Body, manager: str) -> Body:
    """Return the live object with a field dropped from the manager's entry: not by an apply, so nothing else moves."""
    changed: Body = copied(live)
    for entry in changed["metadata"]["managedFields"]:
        if entry["manager"] == manager:
            _drop_member(rng, entry["fieldsV1"])
    return changed


def spots(node: Any, top: bool = True) -> Iterator[Spot]:
    """Yield every place of an object that an edit may touch."""
    if isinstance(node, dict):
        for key, value in node.items():
            if not (top and key in KEPT) and key not in {"selector", "managedFields"}:
                yield node, key
                yield from spots(value, False)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield node, index
            yield from spots(value, False)


def _edit_annotations(rng: random.Random, body: Body) -> None:
    name = rng.choice(("annotations", "labels"))
    entries = body["metadata"].setdefault(name, {})
    key = f"example.com/k{rng.randrange(6)}"
    if rng.random() < 0.3:
        entries.pop(key, None)
    else:
        entries[key] = f"v{rng.randrange(4)}"


def _edit_anything(rng: random.Random, body: Body) -> None:
    maps = [parent[key] for parent, key in spots(body) if key in STRING_MAPS and isinstance(parent[key], dict)]
    if maps and rng.random() < 0.3:
        rng.choice(maps)[rng.choice(("cpu", "memory", "pods", f"k{rng.randrange(9)}"))] = str(rng.randrange(1, 9))
        return
    places = list(spots(body))
    if places:
        parent, key = rng.choice(places)
        parent[key] = _other(rng, parent[key])


def _edit_list(rng: random.Random, body: Body) -> None:
    lists = [parent[key] for parent, key in spots(body) if isinstance(parent[key], list)]
    if not lists:
        return
    items = rng.choice(lists)
    match rng.randrange(4):
        case 0:
            rng.shuffle(items)
        case 1 | 2 if len(items) > 3 or rng.random() < 0.3 * len(items):
            items.pop(rng.randrange(len(items)))
        case _:
            items.insert(rng.randrange(len(items) + 1), _sibling(rng, items))


def _sibling(rng: random.Random, items: list[Any]) -> Any:
    """Return another item of the kind that a list holds."""
    item = copied(rng.choice(items)) if items else f"new{rng.randrange(50)}"
    if not isinstance(item, dict):
        return f"{item}{rng.randrange(50)}" if isinstance(item, str) else item
    for key in ("name", "mountPath", "port", "containerPort", "key"):
        if key in item:
            item[key] = _other(rng, item[key])
            break
    return item


def _other(rng: random.Random, value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return max(value + rng.choice((-1, 1, 7)), 0)
        case float():
            return value + 0.5
        case str() if value.isdigit():
            return str(int(value) + 1)
        case str():
            return f"{value.rstrip('0123456789-')}{rng.randrange(20)}"
        case list():
            return [_other(rng, item) for item in value]
        case dict():
            return {key: _other(rng, item) if rng.random() < 0.4 else item for key, item in value.items()}
        case _:
            return value


def _retype(rng: random.Random, body: Body) -> None:
    places = [(parent, key) for parent, key in spots(body) if isinstance(parent[key], (str, int, float))]
    if not places:
        return
    parent, key = rng.choice(places)
    match parent[key]:
        case bool() as flag:
            parent[key] = rng.choice((str(flag).lower(), int(flag)))
        case int() as number:
            parent[key] = rng.choice((str(number), float(number)))
        case str() as text:
            parent[key] = int(text) if text.isdigit() else rng.choice((None, f"{text} ", f"{text}.0"))
        case number:
            parent[key] = int(number)


def _drop(rng: random.Random, body: Body) -> None:
    places = list(spots(body))
    if places:
        parent, key = rng.choice(places)
        del parent[key]


def _empty(rng: random.Random, body: Body) -> None:
    places = [(parent, key) for parent, key in spots(body) if isinstance(parent[key], (dict, list))]
    if places:
        parent, key = rng.choice(places)
        parent[key] = {} if isinstance(parent[key], dict) else []


def _claim(rng: random.Random, body: Body, live: Body) -> None:
    """Take over something that is in the live object and not in the manifest."""
    pairs = [(body, live)]
    found: list[tuple[Body, Body, str]] = []
    while pairs:
        wanted, there = pairs.pop()
        for key, value in there.items():
            if key not in wanted and key not in {"status", "managedFields", "resourceVersion", "uid", "generation"}:
                found.append((wanted, there, key))
            elif isinstance(value, dict) and isinstance(wanted.get(key), dict):
                pairs.append((wanted[key], value))
            elif isinstance(value, list) and isinstance(wanted.get(key), list):
                items = zip(wanted[key], value, strict=False)
                pairs += ((a, b) for a, b in items if isinstance(a, dict) and isinstance(b, dict))
    if found:
        wanted, there, key = rng.choice(found)
        wanted[key] = copied(there[key])


def _thinned(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _thinned(rng, item) for key, item in value.items() if key in _NEEDED or rng.random() < 0.7}
    if isinstance(value, list):
        return [_thinned(rng, item) for item in value if isinstance(item, (dict, list)) or rng.random() < 0.8]
    return value


_NEEDED = frozenset({"name", "containerPort", "port", "protocol", "mountPath", "key", "topologyKey", "selector"})


def _drop_member(rng: random.Random, fields: Body) -> None:
    """Drop a node, and what is empty without it: the server writes no empty nodes that are no members."""
    children = [(parent, key) for parent, key in _nodes(fields) if key != "."]
    if children:
        parent, key = rng.choice(children)
        del parent[key]
        _prune(fields, parent)


def _prune(node: Body, emptied: Body) -> bool:
    """Remove a node that became empty, and those around it; return whether this one is to go."""
    for key, child in node.items():
        if _prune(child, emptied):
            del node[key]
            return not node
    return node is emptied and not node


def _nodes(fields: Body) -> Iterator[tuple[Body, str]]:
    for key, child in fields.items():
        yield fields, key
        yield from _nodes(child)
