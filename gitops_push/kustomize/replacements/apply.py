"""Applies `replacements`: the last of the built-in transformers of a layer.

Rules: kustomize's api/filters/replacement. A source must be exactly one object, and its field must be there; a target
may select no object, but each field must be found in each object that is selected, or be made.
"""

from __future__ import annotations

from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.kustomization import Replacement, ReplacementEntry, ReplacementSource, ReplacementTarget
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.replacements.matching import Search, creation, find_all
from gitops_push.kustomize.replacements.paths import split_field_path
from gitops_push.kustomize.replacements.places import CopiedPlace, PathError, Place, find_place, raw_text, root_place
from gitops_push.kustomize.replacements.reading import loaded_replacements
from gitops_push.kustomize.replacements.scalars import MisfitError
from gitops_push.kustomize.replacements.structured import set_in_text
from gitops_push.kustomize.replacements.targets import selected, sources
from gitops_push.kustomize.replacements.values import ONLY_SCALARS, SourceValue, Target, set_value
from gitops_push.kustomize.resource import Resource

_LONGEST_SHOWN: Final = 60


def apply_replacements(resources: ResourceSet, entries: tuple[ReplacementEntry, ...], loader: Loader) -> None:
    """Apply all entries in order. Raises `BuildError` at the first that cannot be applied: later ones build on it."""
    loaded = [replacement for entry in entries for replacement in loaded_replacements(entry, loader)]
    for replacement in loaded:
        _apply(resources, replacement, loader)


def _apply(resources: ResourceSet, replacement: Replacement, loader: Loader) -> None:
    if (replacement.source is None and replacement.source_value is None) or replacement.targets is None:
        raise invalid("replacements must specify a source and at least one target", replacement.origin)
    value = _value(resources, replacement, loader)
    for target in replacement.targets:
        if target.select is None:
            raise invalid("target must specify resources to select", target.origin, "add `select:` with kind and name")
        for resource in selected(resources, target, target.select):
            before = resource.current_id()
            _apply_to(resource, value, target, replacement.origin, loader)
            if resource.current_id() != before:
                resources.note_change(resource)


def _value(resources: ResourceSet, replacement: Replacement, loader: Loader) -> SourceValue:
    source, literal = replacement.source, replacement.source_value
    if source is None:
        if literal is None:
            raise invalid("replacements must specify a source and at least one target", replacement.origin)
        return SourceValue(literal.origin, loader.written, part=literal.value)
    if literal is not None:
        raise invalid("value and resource selectors are mutually exclusive", literal.origin, "remove one of them")
    return _source_value(_source_object(resources, source), source, loader)


def _source_object(resources: ResourceSet, source: ReplacementSource) -> Resource:
    found = sources(resources, source)
    if len(found) > 1:
        places = ", ".join(f"{one.current_id()} ({one.origin})" for one in found[:5])
        message = f"multiple matches for selector {source.label}:{source.field_path}: {places}"
        raise invalid(message, source.origin, "name the one that is meant, with its kind and its namespace")
    if not found:
        message = f"nothing selected by {source.label}:{source.field_path}"
        raise invalid(message, source.origin, "the texts of a source are literal, not patterns; correct them")
    return found[0]


def _source_value(resource: Resource, source: ReplacementSource, loader: Loader) -> SourceValue:
    try:
        place = find_place(root_place(resource.body), split_field_path(source.field_path))
    except PathError as error:
        raise invalid(f"error looking up replacement source: {error}", source.origin) from error
    if place is None or place.value is None or (not place.is_scalar and not place.value):
        message = f"fieldPath `{source.field_path}` is missing for replacement source {source.label}"
        raise invalid(f"{message} (object {resource.current_id()} of {resource.origin})", source.origin)
    origin = place.origin or resource.origin
    value = SourceValue(origin, loader.written, place, rewritten=resource.rewritten)
    options = source.options
    if not options.delimiter:
        return value
    if not place.is_scalar:
        raise invalid(ONLY_SCALARS, source.origin)
    parts = raw_text(place, loader.written, rewritten=resource.rewritten).split(options.delimiter)
    if not 0 <= options.index < len(parts):
        shown = "of a Secret" if resource.kind == "Secret" else options.delimiter.join(parts)[:_LONGEST_SHOWN]
        message = f"options.index {options.index} is out of bounds for value {shown}"
        raise invalid(f"{message} (the {source.field_path} of {source.label}, {len(parts)} parts)", source.origin)
    return SourceValue(origin, loader.written, place, parts[options.index], resource.rewritten)


def _apply_to(resource: Resource, value: SourceValue, entry: ReplacementTarget, place: Origin, loader: Loader) -> None:
    origin = Origin(place.file, place.line, place.column, "replacements")
    target = Target(loader.written, loader.usage, origin, resource.shared, resource.rewritten, resource.metadata)
    for field_path in entry.field_paths:
        # What a missing field begins as is the kind of the value as it is now: an earlier path may have changed it.
        create = (creation(None if value.is_scalar else value.node)) if entry.options.create else None
        search = Search(loader.written, origin, create, resource.rewritten)
        try:
            if not _set(resource, field_path, value, entry, target, search):
                loader.warnings.append(
                    f"{origin}: the new value of {field_path} does not fit its text; nothing changes"
                )
        except (PathError, MisfitError, BuildError) as error:
            raise _failed(error, resource, field_path, entry) from error


def _set(
    resource: Resource,
    field_path: str,
    value: SourceValue,
    entry: ReplacementTarget,
    target: Target,
    search: Search,
) -> bool:
    """Set the fields at a path. Return whether all that is found can be seen: what is set in a text may be lost."""
    root, path = root_place(resource.body), split_field_path(field_path)
    if len(path) > 1 and set_in_text(root, path, value, entry.options, target, search):
        return True
    places = find_all(root, path, search)
    if not places:
        raise PathError
    for place in places:
        set_value(place, value, entry.options, target)
    resource.body = _body(root)
    return not any(isinstance(place, CopiedPlace) for place in places)


def _body(root: Place) -> Fields:
    if not isinstance(root.value, Fields):
        raise PathError("a whole object can only be replaced by a mapping")
    return root.value


def _failed(
    error: PathError | MisfitError | BuildError, resource: Resource, field_path: str, entry: ReplacementTarget
) -> BuildError:
    if isinstance(error, BuildError):
        return error
    where = f"(object {resource.current_id()} of {resource.origin})"
    if isinstance(error, MisfitError):
        message = f"the value for {field_path!r} does not fit: cannot decode it as a {error} {where}"
        return invalid(message, entry.origin, "the type of a replaced value stays; change it in the manifest first")
    if str(error) == ONLY_SCALARS:
        return invalid(f"{error}: {field_path!r} {where}", entry.origin)
    reason = f": {error}" if str(error) else ""
    find = "find or create" if entry.options.create else "find"
    message = f'unable to {find} field "{field_path}" in replacement target{reason} {where}'
    return invalid(message, entry.origin, "correct the path, or let the target make it with `options: {create: true}`")
