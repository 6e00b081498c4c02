"""Lists that are sets or maps (`x-kubernetes-list-type`): nothing may be in them twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gitops_push.core.crd_schema.faults import Fault, Path
from gitops_push.core.crd_schema.schema import Schema, field_schema, items, names_at


def list_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    """Yield every item that repeats an earlier one, or its keys, in all lists of a value."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from list_faults(item, field_schema(schema, name) or {}, (*path, name))
    elif isinstance(value, list):
        yield from _repeated(value, schema, path)
        inner = items(schema) or {}
        for index, item in enumerate(value):
            yield from list_faults(item, inner, (*path, index))


def _repeated(value: list[Any], schema: Schema, path: Path) -> Iterator[Fault]:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            for index, earlier in _repetitions(value):
                yield Fault((*path, index), f"is the same as item {earlier}, and the list is a set")
        case "map":
            keys = names_at(schema, "x-kubernetes-list-map-keys")
            found = [{key: item[key] for key in keys if key in item} for item in value if isinstance(item, dict)]
            if len(found) == len(value):
                for index, earlier in _repetitions(found):
                    yield Fault((*path, index), f"has the same {', '.join(keys)} as item {earlier}")
            else:
                yield from _no_mappings(value, path)


def _no_mappings(value: list[Any], path: Path) -> Iterator[Fault]:
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            yield Fault((*path, index), "must be a mapping: the items of the list are told apart by their keys")


def _repetitions(values: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Yield (index, index of the first such value) of each repeated value."""
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        earlier = first.setdefault(json.dumps(value, sort_keys=True), index)
        if earlier != index:
            yield index, earlier
