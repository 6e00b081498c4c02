"""Where an object comes from, as comment lines above it; where one value comes from, as a chain."""

from __future__ import annotations

from collections.abc import Iterator

from gitops_push.core.fieldpath import FieldPath, format_field_path, resolve
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.tree import origins


def origin_comments(manifest: Manifest) -> tuple[str, ...]:
    """Return `from FILE:LINE`, then a line for every value that a step of the build set elsewhere."""
    lines = [f"from {manifest.origin}"]
    for path, origin in _set_values(manifest):
        if str(origin) == str(manifest.origin):
            continue
        by = f" ({origin.step})" if origin.step else ""
        earlier = [str(place) for place in origin.trail if str(place) != str(origin)]
        before = f", before at {earlier[-1]}" if earlier else ""
        lines.append(f"  {format_field_path(path)}: {origin}{by}{before}")
    return tuple(line.replace("\n", " ").replace("\r", " ") for line in lines)


def chain_lines(manifest: Manifest, path: FieldPath) -> tuple[str, ...]:
    """Return the field, then each place that led to its value, oldest first, with the step that it is of.

    Raises ValueError where the object does not have the field. The value is not shown: it may be secret.
    """
    steps = resolve(path, manifest.body)
    if len(steps) < len(path):
        raise ValueError(f"{manifest.ref} has no field {format_field_path(path)}")
    origin = manifest.origin_at(steps)
    places = [f"  {place}" + (f" ({place.step})" if place.step else "") for place in (*origin.trail, origin)]
    return (f"{manifest.ref} {format_field_path(steps)}", *places)


def _set_values(manifest: Manifest) -> Iterator[tuple[FieldPath, Origin]]:
    """Yield (path, origin) of every scalar that a step of the build set, in the order of the object."""
    for path, _, origin in origins(manifest.body):
        if origin is not None and (origin.step or origin.trail):
            yield path, origin
