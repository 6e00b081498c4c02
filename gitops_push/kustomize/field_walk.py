"""Finds the fields that a path names, and makes missing ones: kustomize's fieldspec filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, put, start_of
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.fieldspecs import FieldSpec, split_path
from gitops_push.kustomize.marks import Container, place_of

OnField: TypeAlias = Callable[[Container, "str | int"], None]
"""Called with the container and the key of every field that is found."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What to make of a missing field: `leaf` is the last one, an empty mapping or a scalar; `origin` who makes it."""

    leaf: type[Fields | str]
    origin: Origin


def visit_fields(body: Fields, spec: FieldSpec, on_field: OnField, missing: Missing | None = None) -> None:
    """Call `on_field` for each field at the path; with `missing`, and where the spec says so, make what is not there.

    Raises `BuildError` when the path leads through a scalar.
    """
    _enter(body, split_path(spec.path), on_field, missing if spec.create else None)


def _visit(
    container: Container, key: str | int, path: tuple[str, ...], on_field: OnField, missing: Missing | None
) -> None:
    if not path:
        on_field(container, key)
        return
    node: Node = container[key]  # type: ignore[index]
    if node is None:
        return
    if not isinstance(node, (Fields, Items)):
        message = f"{key!r} must be a mapping or a list, because {path[0]!r} is looked for in it"
        raise invalid(
            message, place_of(container, key), "kustomize refuses this too; correct the manifest or its patch"
        )
    _enter(node, path, on_field, missing)


def _enter(node: Container, path: tuple[str, ...], on_field: OnField, missing: Missing | None) -> None:
    if missing is None:
        found = _descended(node, path)
        if found is None:
            return
        node, path = found
    if isinstance(node, Fields):
        _enter_fields(node, path, on_field, missing)
        return
    for index, item in enumerate(node):
        if isinstance(item, Fields):
            _enter(item, path, on_field, missing)
        else:
            _visit(node, index, path, on_field, missing)


def _descended(node: Container, path: tuple[str, ...]) -> tuple[Container, tuple[str, ...]] | None:
    """Go down the path as far as it leads from mapping to mapping; None where one lacks the next key, as most do.

    What is left is the last step, or begins at a list or at a value that needs a closer look. Saves a call a step.
    """
    last = len(path) - 1
    for index, step in enumerate(path):
        if not isinstance(node, Fields):
            return node, path[index:]
        name = step.removesuffix("[]")
        child: Node = node.get(name)
        if child is None and name and name not in node:
            return None
        if index == last or not isinstance(child, (Fields, Items)):
            return node, path[index:]
        node = child
    return node, ()


def _enter_fields(fields: Fields, path: tuple[str, ...], on_field: OnField, missing: Missing | None) -> None:
    name, rest = path[0].removesuffix("[]"), path[1:]
    if not name:
        raise invalid("cannot set or create an empty field name", start_of(fields))
    is_list = name != path[0]
    if fields.get(name) is None:
        if is_list and name in fields:  # a null where a list belongs becomes an empty list
            fields[name] = Items()
            return
        if missing is not None and not is_list:
            if rest or missing.leaf is Fields:
                put(fields, name, Fields(start=missing.origin), missing.origin)
            else:
                fields[name] = ""  # without a place: it is nobody's value, and `on_field` sets it at once
        elif name not in fields:
            return
    _visit(fields, name, rest, on_field, missing)
