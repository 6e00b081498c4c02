"""Applies `patches`, `patchesStrategicMerge` and `patchesJson6902` to the objects of a layer."""

from __future__ import annotations

from dataclasses import dataclass

from gitops_push.core.errors import BuildError, DocumentError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, put, remove
from gitops_push.documents.reader import Dialect, Document
from gitops_push.kustomize.accumulator import ResourceSet, duplicate
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.hashing import go_json
from gitops_push.kustomize.kustomization import PatchEntry
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.marks import note_step, place_of
from gitops_push.kustomize.patches.json6902 import Operation, apply_operations, read_operations
from gitops_push.kustomize.patches.strategic_merge import MergeContext, merge_patch
from gitops_push.kustomize.patches.targets import select
from gitops_push.kustomize.quotes import is_set_in_quotes
from gitops_push.kustomize.resource import Resource, ResourceId, text_of
from gitops_push.kustomize.typed_fields import Text
from gitops_push.kustomize.written import WrittenText


@dataclass(frozen=True, slots=True)
class ParsedPatch:
    """A patch as read: objects for strategic merge, or the operations of a JSON patch. Both empty: nothing to do."""

    source: str
    strategic: tuple[Resource, ...] = ()
    operations: tuple[Operation, ...] = ()


def apply_patch(resources: ResourceSet, entry: PatchEntry, loader: Loader) -> None:
    """Apply one item of `patches`. A target may select nothing; a patch without one must find its object."""
    parsed = _parse(entry, loader)
    if parsed.operations:
        _apply_json(resources, entry, parsed.operations, loader.written)
    elif entry.target is None:
        for patch in parsed.strategic:
            _apply_strategic(resources, _target_of(resources, patch), patch, entry, loader)
    elif len(parsed.strategic) > 1:
        raise invalid(
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: "
            f"{parsed.source}",
            entry.target.origin,
            "give each patch an entry of its own",
        )
    elif parsed.strategic:
        for resource in select(resources, entry.target):
            patch = parsed.strategic[0].copy()
            _write_metadata_as_text(patch, loader)
            _apply_strategic(resources, resource, patch, entry, loader)


def apply_strategic_entries(resources: ResourceSet, entries: tuple[Text, ...], loader: Loader) -> None:
    """Apply `patchesStrategicMerge`: each item is a text or else a file. Raises when all of them are empty."""
    patches = [(entry, patch) for entry in entries for patch in _strategic_patches(entry, loader)]
    if entries and not patches:
        files = ", ".join(entry.value for entry in entries if "\n" not in entry.value)
        raise invalid(f"patch appears to be empty; files={files}", entries[0].origin, "remove patchesStrategicMerge")
    for entry, patch in patches:
        _write_metadata_as_text(patch, loader)
        _apply_strategic(resources, _target_of(resources, patch), patch, PatchEntry(entry.origin), loader)


def apply_json_entry(resources: ResourceSet, entry: PatchEntry, loader: Loader) -> None:
    """Apply one item of `patchesJson6902`, which runs after names and labels are set."""
    if entry.target is None or not entry.target.name:
        raise invalid("patchesJson6902: must specify the target name", entry.origin)
    text = entry.path or entry.patch
    if text is None:
        raise invalid("patchesJson6902: empty file path and empty jsonOp", entry.origin, "add `path:` or the patch")
    if entry.path and entry.patch:
        raise invalid("patchesJson6902: must specify a file path or jsonOp, not both", entry.origin)
    items = _operations_of(_documents(entry, loader, Dialect.KUBECTL), text)
    _apply_json(resources, entry, read_operations(items, text.origin), loader.written, remember=False)


def _parse(entry: PatchEntry, loader: Loader) -> ParsedPatch:
    if (entry.path is None) == (entry.patch is None):
        reason = (
            "must specify one of patch and path in this entry"
            if entry.path is None
            else "patch and path can't be set at the same time"
        )
        raise invalid(reason, entry.origin)
    source = f"[path: {entry.path.value!r}]" if entry.path else "[patch]"  # never its text: it may be for a Secret
    try:
        documents = _documents(entry, loader, Dialect.KUSTOMIZE)
    except DocumentError:
        documents = _documents(entry, loader, Dialect.KUBECTL)  # which reads JSON patches, and lets more pass
        if not _first_list(documents):
            raise
    if any(isinstance(document.value, Items) for document in documents):
        items = _first_list(_documents(entry, loader, Dialect.KUBECTL))
        return ParsedPatch(source, operations=read_operations(items, entry.origin))
    try:
        return ParsedPatch(source, strategic=tuple(_patches_of(documents)))
    except BuildError as error:
        reasons = "; ".join(problem.message for problem in error.problems)
        raise invalid(
            f"unable to parse SM or JSON patch from {source}: {reasons}",
            error.problems[0].origin or entry.origin,
            "a strategic merge patch needs kind and metadata.name, a JSON patch is a list of operations",
        ) from error


def _documents(entry: PatchEntry, loader: Loader, dialect: Dialect) -> tuple[Document, ...]:
    if entry.path is not None:
        return loader.documents(entry.path, dialect)
    return loader.inline_documents(entry.patch, dialect) if entry.patch is not None else ()


def _operations_of(documents: tuple[Document, ...], text: Text) -> Items:
    first = documents[0].value if documents else None
    if first is not None and not isinstance(first, Items):
        kind = "object" if isinstance(first, Fields) else "string"
        hint = "a JSON patch is a list of operations"
        raise invalid(f"cannot unmarshal {kind} into Go value of type jsonpatch.Patch", text.origin, hint)
    if not first:
        raise invalid("patch appears to be empty", text.origin, "write its operations, or remove the entry")
    return first


def _first_list(documents: tuple[Document, ...]) -> Items:
    first = documents[0].value if documents else None
    return first if isinstance(first, Items) else Items()


def _strategic_patches(entry: Text, loader: Loader) -> list[Resource]:
    """Return the patches of an entry that is a text, or else those of the file that it names."""
    if "\n" in entry.value or ":" in entry.value:
        try:
            return _patches_of(loader.inline_documents(entry, Dialect.KUSTOMIZE))
        except BuildError:
            if not loader.is_file(entry):
                raise
    return _patches_of(loader.documents(entry, Dialect.KUSTOMIZE))


def _patches_of(documents: tuple[Document, ...]) -> list[Resource]:
    """Return the patches in the documents; all that they hold is marked as set by a patch."""
    patches = resources_of(documents)
    for patch in patches:
        note_step(patch.body, "patch")
    return patches


def _target_of(resources: ResourceSet, patch: Resource) -> Resource:
    """Return the one object that a patch without `target` names. Raises when there is none, or more than one."""
    identity: ResourceId = patch.current_id()
    found = resources.with_any_id(identity)
    if len(found) == 1:
        return found[0]
    reason = "multiple matches" if found else "no matches"
    raise invalid(
        f'no resource matches strategic merge patch "{identity}": {reason} for Id {identity}; '
        f"failed to find unique target for patch {identity}",
        patch.origin,
        "correct apiVersion, kind, name or namespace of the patch, or give the entry a `target`",
    )


def _apply_json(
    resources: ResourceSet,
    entry: PatchEntry,
    operations: tuple[Operation, ...],
    written: WrittenText,
    *,
    remember: bool = True,
) -> None:
    if entry.target is None:
        raise invalid("must specify a target for JSON patch", entry.origin, "add `target:` with kind and name")
    for resource in select(resources, entry.target):
        if remember:
            resource.remember_id()
        try:
            apply_operations(resource.body, operations)
        except BuildError as error:
            raise _on_object(error, resource) from error
        _after_rewriting(resource, written)
        resources.note_change(resource)


def _after_rewriting(resource: Resource, written: WrittenText) -> None:
    """Do to the object what going through JSON does: annotations become text, nothing of how it was written is left."""
    resource.rewritten = True
    resource.shared.clear()
    annotations = resource.metadata.get("annotations")
    if isinstance(annotations, Fields):
        for key, value in annotations.items():
            annotations[key] = "null" if value is None else value if isinstance(value, str) else go_json(value)
    written.noted.note_rewritten(resource.body)


def _apply_strategic(
    resources: ResourceSet, resource: Resource, patch: Resource, entry: PatchEntry, loader: Loader
) -> None:
    before = resource.current_id()
    kept = {field: _entry(resource.body, field) for field in ("apiVersion", "kind")}
    name, namespace = _entry(resource.metadata, "name"), _entry(resource.metadata, "namespace")
    if entry.allow_name_change or entry.allow_kind_change:
        resource.remember_id()
    patch_type = resource.api_version, patch.kind  # kustomize gives the patch the apiVersion of its target
    _take_out_identity(patch, entry)
    place = Origin(patch.origin.file, patch.origin.line, patch.origin.column, "patch")
    context = MergeContext(
        loader.written, place, resource.shared, resource.rewritten, loader.schemas.schema_of, patch_type
    )
    try:
        merged = merge_patch(resource.body, patch.body, context)
    except BuildError as error:
        raise _on_object(error, resource) from error
    resource.body = merged if merged is not None else Fields()
    if not resource.body:
        return
    for field, (value, at) in kept.items():
        if resource.body.get(field) != value and (field != "kind" or not entry.allow_kind_change):
            put(resource.body, field, value, at or resource.origin)
    if resource.name != text_of(name[0]) and not entry.allow_name_change:
        resource.set_name(text_of(name[0]), name[1] or resource.origin)
    if resource.namespace != text_of(namespace[0]):
        resource.set_namespace(text_of(namespace[0]), namespace[1] or resource.origin)
    if resource.current_id() != before:
        _note_new_identity(resources, resource)


def _entry(fields: Fields, key: str) -> tuple[Node, Origin | None]:
    return fields.get(key), place_of(fields, key)


def _take_out_identity(patch: Resource, entry: PatchEntry) -> None:
    """Remove from the patch what it may not change, so that the target keeps its own places for it."""
    remove(patch.body, "apiVersion")
    if not entry.allow_kind_change:
        remove(patch.body, "kind")
    if isinstance(patch.body.get("metadata"), Fields):
        remove(patch.metadata, "namespace")
        if not entry.allow_name_change:
            remove(patch.metadata, "name")


def _note_new_identity(resources: ResourceSet, resource: Resource) -> None:
    resources.note_change(resource)
    now = resource.current_id()
    for other in resources.with_any_id(now):
        if other is not resource and other.current_id() == now:
            raise duplicate(now, other.origin, resource.origin)


def _write_metadata_as_text(patch: Resource, loader: Loader) -> None:
    """Make texts of the labels and annotations of a patch with a target, null too: kustomize copies them as strings."""
    for field in ("labels", "annotations"):
        pairs = patch.metadata.get(field)
        if not isinstance(pairs, Fields):
            continue
        for key, value in pairs.items():
            pairs[key] = text_of(value) if isinstance(value, (dict, list)) else loader.written.text_at(pairs, key)
            loader.written.noted.note(pairs, key, is_set_in_quotes(pairs[key]))


def _on_object(error: BuildError, resource: Resource) -> BuildError:
    """Return the error with the object named."""
    return invalid(
        f"{error.problems[0].message} (object {resource.current_id()} of {resource.origin})",
        error.problems[0].origin,
        error.problems[0].hint,
    )
