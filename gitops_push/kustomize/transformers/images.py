"""`images`: new names, tags and digests.

Kustomize runs over the images twice: over every list named `containers` or `initContainers` at any depth of any
kind but CustomResourceDefinition, and over the paths of its configuration. It shows only with `tagSuffix`, added twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gitops_push.core.tree import Fields, Items, Node
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpecs
from gitops_push.kustomize.kustomization import ImageEntry
from gitops_push.kustomize.marks import Container, set_at
from gitops_push.kustomize.patches.go_regex import NotARegexError, compile_go_regex
from gitops_push.kustomize.resource import Resource, text_of

_LONGEST_IMAGE: Final = 512  # name 255, tag 128, digest 71; matching takes time by powers of the length
_LISTS: Final = ("containers", "initContainers")
_TAG: Final = "(:[a-zA-Z0-9_.{}-]*)?"
_DIGEST: Final = "(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?"  # any algorithm that OCI allows


def set_images(resources: ResourceSet, entries: tuple[ImageEntry, ...], specs: FieldSpecs, warnings: list[str]) -> None:
    """Apply all items of `images`, in order. `specs` are paths of images besides those in lists of containers.

    A name that is no regular expression matches nothing, with a warning.
    """
    patterns = list(_patterns(entries, warnings))
    if not patterns:
        return
    for resource in resources:
        if resource.kind == "CustomResourceDefinition":
            continue
        for container, key, times in _image_fields(resource, specs):
            _change(container, key, times, patterns)


def split_image(image: str) -> tuple[str, str, str]:
    """Return (name, tag, digest); a colon before the first slash is a registry's port."""
    slash = max(image.find("/"), 0)
    at, colon = image.find("@", slash), image.find(":", slash)
    if at >= 0 and (colon < 0 or at < colon):
        return image[:at], "", image[at + 1 :]
    if at >= 0:
        return image[:colon], image[colon + 1 : at], image[at + 1 :]
    if colon >= 0:
        return image[:colon], image[colon + 1 :], ""
    return image, "", ""


def renamed_image(image: str, entry: ImageEntry) -> str:
    """Return the image with what the entry changes: a new tag drops the digest, and the other way round."""
    name, tag, digest = split_image(image)
    name = entry.new_name or name
    if entry.new_tag or entry.digest:
        tag, digest = entry.new_tag, entry.digest
    elif entry.tag_suffix:
        tag, digest = tag + entry.tag_suffix, ""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _patterns(entries: tuple[ImageEntry, ...], warnings: list[str]) -> Iterator[tuple[ImageEntry, re.Pattern[str]]]:
    for entry in entries:
        try:
            yield entry, compile_go_regex(f"^{entry.name}", entry.origin, f"{_TAG}{_DIGEST}$")
        except NotARegexError as error:
            warnings.append(f"{entry.origin}: the image name {entry.name!r} matches no image: {error}")


def _change(
    container: Container, key: str | int, times: int, patterns: list[tuple[ImageEntry, re.Pattern[str]]]
) -> None:
    image = text_of(container[key])  # type: ignore[index]
    for entry, pattern in patterns:
        changed = image
        for _ in range(times):
            if len(changed) <= _LONGEST_IMAGE and pattern.search(changed):
                changed = renamed_image(changed, entry)
        if changed != image:
            set_at(container, key, changed, entry.origin)
            image = changed


def _image_fields(resource: Resource, specs: FieldSpecs) -> list[tuple[Container, str | int, int]]:
    """Return each image field with the number of times that kustomize visits it."""
    found: dict[tuple[int, str | int], tuple[Container, str | int, int]] = {}

    def count(container: Container, key: str | int) -> None:
        if isinstance(container[key], (dict, list)):  # type: ignore[index]
            raise invalid(f"an image of {resource.current_id()} is not a string", resource.origin)
        times = found.get((id(container), key), (container, key, 0))[2]
        found[id(container), key] = (container, key, times + 1)

    containers: list[Fields] = []
    _collect_containers(resource.body, containers)
    for fields in containers:
        if fields.get("image") is not None:
            count(fields, "image")
    for spec in resource.selected(specs):
        visit_fields(resource.body, spec, count)
    return list(found.values())


def _collect_containers(node: Node, found: list[Fields]) -> None:
    """Add the mappings in all lists of containers, at any depth."""
    if isinstance(node, Items):
        for item in node:
            if isinstance(item, (Fields, Items)):
                _collect_containers(item, found)
        return
    for key, value in node.items():
        if isinstance(value, (Fields, Items)):
            _collect_containers(value, found)
            if key in _LISTS and isinstance(value, Items):
                found.extend(item for item in value if isinstance(item, Fields))
