"""`buildMetadata`: where each object came from and which transformers went over it, as annotations in the output.

Kustomize carries these annotations on the objects while it builds, so that patches, generators and functions see them;
so does this. They are there only where the root asks for any build metadata, and stay only where it asks for them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, put, remove
from gitops_push.documents.writer import to_yaml
from gitops_push.kustomize.git_url import is_file_url, read_file_url
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.typed_fields import Text

ORIGIN_ANNOTATION: Final = "config.kubernetes.io/origin"
_TRANSFORMATIONS: Final = "alpha.config.kubernetes.io/transformations"
_NO_SUBFOLDER: Final = "notCloned"  # what kustomize calls the root of a repository here


@dataclass(frozen=True, slots=True)
class Provenance:
    """A file or directory as a build reaches it: a path from the directory that is built, or within a clone."""

    path: str = ""
    repo: str = ""
    ref: str = ""

    def at(self, entry: Text) -> Provenance:
        """Return the provenance of what an entry of a kustomization names."""
        if is_file_url(entry.value):
            wanted = read_file_url(entry)
            repository = wanted.repository
            return Provenance(wanted.path or _NO_SUBFOLDER, f"file://{repository.path}", repository.ref)
        return replace(self, path=posixpath.normpath(posixpath.join(self.path, entry.value)))


@dataclass(frozen=True, slots=True)
class Configured:
    """A generator or transformer: the file that configures it, and its identity there."""

    configured_in: Provenance
    api_version: str
    kind: str
    name: str = ""
    namespace: str = ""


def configured_plugin(config: Resource) -> Configured | None:
    """Return the step of a plugin's configuration, None where no build metadata is kept."""
    text = _annotations(config).get(ORIGIN_ANNOTATION)
    if text is None:
        return None
    fields = dict(line.split(": ", 1) for line in str(text).splitlines() if ": " in line)
    place = Provenance(fields.get("path", ""), fields.get("repo", ""), fields.get("ref", ""))
    return Configured(place, config.api_version, config.kind, config.name, config.namespace)


def note_file(resource: Resource, place: Provenance) -> None:
    """Note the file that an object was read from."""
    _annotate(resource, ORIGIN_ANNOTATION, _text({"path": place.path, "repo": place.repo, "ref": place.ref}))


def note_generator(resource: Resource, by: Configured | None) -> None:
    """Note what generated an object, if nothing is known of it yet."""
    if by is not None and ORIGIN_ANNOTATION not in _annotations(resource):
        _annotate(resource, ORIGIN_ANNOTATION, _text(_configured(by)))


def note_transformer(resources: Iterable[Resource], by: Configured | None) -> None:
    """Note at every object that a transformer went over it; it made those of which nothing is known."""
    if by is None:
        return
    for resource in resources:
        annotations = _annotations(resource)
        if ORIGIN_ANNOTATION not in annotations:
            note_generator(resource, by)
            continue
        earlier = str(annotations.get(_TRANSFORMATIONS, ""))
        lines = _text(_configured(by)).splitlines(keepends=True)
        item = "".join(f"{'  ' if number else '- '}{line}" for number, line in enumerate(lines))
        _annotate(resource, _TRANSFORMATIONS, earlier + item)


def keep_origin(old: Resource, generated: Resource) -> None:
    """Let an object that another is merged into keep its origin, if it has one."""
    if ORIGIN_ANNOTATION in _annotations(old):
        remove(_annotations(generated), ORIGIN_ANNOTATION)


def keep_only(resource: Resource, wanted: Iterable[Text]) -> None:
    """Remove the notes that the root does not ask for, and mark the others as asked for there.

    `wanted` is its `buildMetadata`.
    """
    places = {option.value: option.origin for option in wanted}
    for option, annotation in (
        ("originAnnotations", ORIGIN_ANNOTATION),
        ("transformerAnnotations", _TRANSFORMATIONS),
    ):
        if option not in places:
            remove(_annotations(resource), annotation)
        elif annotation in _annotations(resource):
            _annotations(resource).marks[annotation] = places[option].by("buildMetadata")


def _annotations(resource: Resource) -> Fields:
    annotations = resource.metadata.get("annotations")
    return annotations if isinstance(annotations, Fields) else Fields()


def _annotate(resource: Resource, name: str, value: str) -> None:
    origin = Origin(resource.origin.file, resource.origin.line, resource.origin.column, "buildMetadata")
    metadata = resource.body.get("metadata")
    if not isinstance(metadata, Fields):
        return
    if not isinstance(metadata.get("annotations"), Fields):
        put(metadata, "annotations", Fields(start=origin), origin)
    put(metadata["annotations"], name, value, origin)


def _configured(step: Configured) -> dict[str, str | dict[str, str]]:
    by = {"apiVersion": step.api_version, "kind": step.kind, "name": step.name, "namespace": step.namespace}
    place = step.configured_in
    return {"repo": place.repo, "ref": place.ref, "configuredIn": place.path, "configuredBy": by}


def _text(fields: dict[str, str] | dict[str, str | dict[str, str]]) -> str:
    """Return YAML in the order of the fields; empty ones are left out."""
    text = ""
    for key, value in fields.items():
        if isinstance(value, dict):
            text += f"{key}:\n" + "".join(f"  {line}\n" for line in _text(value).splitlines())
        elif value:
            text += to_yaml(Fields({key: value}))
    return text
