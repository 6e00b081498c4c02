"""`vars`: values of fields that take the place of `$(NAME)` in the fields that may refer to them.

Each layer finds the object of each of its vars, by any name that the object ever had; the value is read at the root,
when all names are final. Rules: kustomize's resaccumulator.go and api/filters/refvar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node
from gitops_push.documents.budgets import Usage
from gitops_push.documents.scalars import Dialect, ScalarError, resolve_tagged
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec
from gitops_push.kustomize.kustomization import VarEntry
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.replacements.paths import split_field_path
from gitops_push.kustomize.replacements.places import PathError, Place, find_place, raw_text, root_place
from gitops_push.kustomize.resource import DEFAULT_NAMESPACE, Resource, ResourceId, split_api_version
from gitops_push.kustomize.shared_places import SharedPlaces
from gitops_push.kustomize.variable_expansion import expanded
from gitops_push.kustomize.written import WrittenText

Vars: TypeAlias = dict[str, VarEntry]

_ITEM: Final = re.compile(r"(.*)\[([0-9]+)\]")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+")


def gather_vars(known: Vars, entries: Iterable[VarEntry], resources: ResourceSet) -> None:
    """Add the vars of a layer to those of its bases, and note at each object which vars are read from it.

    Raises `BuildError` for a name that is taken, and where it is not clear which object is meant.
    """
    for entry in entries:
        found = [one for one in resources.with_any_name(entry.object_name) if _is_meant(one, entry)]
        if len(found) > 1:
            places = ", ".join(f"{one.current_id()} ({one.origin})" for one in found)
            message = f"found {len(found)} resId matches for var {entry.label} (unable to disambiguate): {places}"
            raise invalid(message, entry.origin, "add the namespace to objref")
        for resource in found:
            resource.var_names.append(entry.name)
    absorb_vars(known, entries)


def absorb_vars(known: Vars, entries: Iterable[VarEntry]) -> None:
    """Add vars of a layer or a base. Raises `BuildError` for a name that is taken."""
    for entry in entries:
        other = known.setdefault(entry.name, entry)
        if other is not entry:
            message = f"var '{entry.name}' already encountered, in {other.origin}"
            raise invalid(message, entry.origin, "give each var a name of its own")


def _is_meant(resource: Resource, entry: VarEntry) -> bool:
    return any(_is_id(identity, entry) for identity in resource.all_ids())


def _is_id(identity: ResourceId, entry: VarEntry) -> bool:
    group, version = entry.group, entry.version
    if entry.api_version:
        given_group, version = split_api_version(entry.api_version)
        group = given_group or group
    wanted = (group, version, entry.kind, entry.object_name)
    return (identity.group, identity.version, identity.kind, identity.name) == wanted and (
        not entry.namespace or identity.namespace == (entry.namespace or DEFAULT_NAMESPACE)
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """The value of a var and the place of its source. None stands for a mapping or a list, which no text can hold."""

    value: str | int | float | bool | None
    entry: VarEntry
    source: Origin | None


def resolve_vars(
    resources: ResourceSet, entries: Vars, specs: Iterable[FieldSpec], written: WrittenText, usage: Usage
) -> list[str]:
    """Put the values of vars into the fields of `specs`. Return the names of those that nothing refers to.

    Raises `BuildError` for a var without an object or field, for items that are no text, and beyond the budget.
    """
    if not entries:
        return []
    objects: dict[str, Resource] = {}
    for resource in resources:
        for name in resource.var_names:
            objects.setdefault(name, resource)
    values = {name: _value(entries[name], objects.get(name), written) for name in sorted(entries)}
    referrer = _Referrer(values, usage)
    by_kind: dict[tuple[str, str, str], list[FieldSpec]] = {}
    all_specs = tuple(specs)
    for resource in resources:
        kind = (*split_api_version(resource.api_version), resource.kind)
        if kind not in by_kind:
            by_kind[kind] = [spec for spec in all_specs if spec.selects(*kind)]
        for spec in by_kind[kind]:
            visit_fields(resource.body, spec, referrer.on_field(resource, spec))
    return [name for name in sorted(entries) if name not in referrer.used]


def _value(entry: VarEntry, resource: Resource | None, written: WrittenText) -> _Value:
    if resource is None:
        message = f"var '{entry.label}' cannot be mapped to a field in the set of known resources"
        raise invalid(message, entry.origin, "objref names apiVersion, kind and name of an object before its changes")
    missing = invalid(
        f"field specified in var '{entry.label}' not found in corresponding resource "
        f"(object {resource.current_id()} of {resource.origin})",
        entry.origin,
        "correct fieldref.fieldPath",
    )
    try:
        place = find_place(root_place(resource.body), _path(entry.field_path))
    except PathError as error:
        raise missing from error
    if place is None:
        raise missing
    if not place.is_scalar:
        return _Value(None, entry, place.origin)
    try:
        return _Value(_typed(place, raw_text(place, written, rewritten=resource.rewritten)), entry, place.origin)
    except ValueError as error:
        raise missing from error


def _path(text: str) -> tuple[str, ...]:
    """Return the parts of a path in which `ports[0]` is an item of a list too."""
    parts: list[str] = []
    for part in split_field_path(text):
        found = _ITEM.fullmatch(part)
        parts.extend((part,) if found is None else (one for one in found.groups() if one))
    return tuple(parts)


def _typed(place: Place, text: str) -> str | int | float | bool:
    """Return a scalar as Go reads it by its type. Raises ValueError for numbers that only YAML knows: `0x10`."""
    match place.value:
        case bool() as value:
            return value
        case int() if _is_integer(text):
            if not _DECIMAL.fullmatch(text) or abs(int(text)) >= 1 << 63:
                raise ValueError(text)
            return int(text)
        case int() | float():
            if "_" in text:
                raise ValueError(text)
            return float(text)
        case _:
            return text


def _is_integer(text: str) -> bool:
    try:
        resolve_tagged("int", text, Dialect.KUSTOMIZE)
    except ScalarError:
        return False
    return True


class _Referrer:
    """Sets the fields that refer to vars, and notes which vars they use."""

    def __init__(self, values: Mapping[str, _Value], usage: Usage) -> None:
        self._values = values
        self._texts = {name: value.value for name, value in values.items() if value.value is not None}
        self._usage = usage
        self.used: set[str] = set()

    def on_field(self, resource: Resource, spec: FieldSpec) -> Callable[[Container, str | int], None]:
        """Return what is done to a field: a text is expanded, and so are the texts of a mapping and of a list."""

        def expand(container: Container, key: str | int) -> None:
            node: Node = container[key]  # type: ignore[index]
            if isinstance(node, Fields):
                for name, value in node.items():
                    self._expand(node, name, value, resource.shared)
            elif isinstance(node, Items):
                for index, item in enumerate(node):
                    if not isinstance(item, str):
                        where = f"field '{spec.path}' of object {resource.current_id()} of {resource.origin}"
                        raise invalid(f"considering {where}: invalid value type expect a string", resource.origin)
                    self._expand(node, index, item, resource.shared)
            else:
                self._expand(container, key, node, resource.shared)

        return expand

    def _expand(self, container: Container, key: str | int, text: Node, shared: SharedPlaces) -> None:
        if not isinstance(text, str) or "$" not in text:
            return
        result, names = expanded(text, self._texts, self._usage, self._place(text))
        self.used.update(names)
        earlier = Place(container, key).origin
        origin = self._traced(names) or (earlier or self._place(text)).without_trail()
        if isinstance(container, Fields):
            shared.set(container, str(key), result, origin)
        else:
            set_at(container, key, result, origin)
        if not names and earlier is not None:
            container.marks[key] = earlier  # type: ignore[index]

    def _traced(self, names: Iterable[str]) -> Origin | None:
        """Return the place of the last of the vars, after the places of all their values; None without any."""
        origin = None
        for value in (self._values[name] for name in dict.fromkeys(names)):
            origin = self._origin(value).after(value.source).after(origin)
        return origin

    def _place(self, text: str) -> Origin:
        named = next((value for name, value in self._values.items() if f"$({name})" in text), None)
        return self._origin(named or next(iter(self._values.values())))

    def _origin(self, value: _Value) -> Origin:
        place = value.entry.origin
        return Origin(place.file, place.line, place.column, "vars")
