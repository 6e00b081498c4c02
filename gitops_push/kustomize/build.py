"""The entry point: builds the kustomization of a directory.

The layers are built depth first (`layer`). Names are hashed and references followed once, at the root.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gitops_push.core.build_options import KUSTOMIZE_DEFAULTS, BuildOptions, Reorder
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.build_metadata import Provenance, keep_only
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.finishing import finished_body, is_local_config, require_names
from gitops_push.kustomize.gathered import Gathered
from gitops_push.kustomize.hashing import add_hashes
from gitops_push.kustomize.layer import Layer, load_kustomization
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.name_references import fix_references
from gitops_push.kustomize.ordering import in_legacy_order
from gitops_push.kustomize.programs import NO_PROGRAMS, Programs
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.transformers.metadata_pairs import add_managed_by_label
from gitops_push.kustomize.vars import resolve_vars
from gitops_push.kustomize.written import WrittenText
from gitops_push.system.files import RepoFiles

__all__ = ["BuildOptions", "BuiltObject", "BuiltSet", "Reorder", "build_kustomization"]


@dataclass(frozen=True, slots=True)
class BuiltObject:
    """An object of the output. `unhashed_name` is its name before the content hash was added, else ""."""

    body: Fields = field(repr=False)
    origin: Origin
    unhashed_name: str = ""


@dataclass(frozen=True, slots=True)
class BuiltSet:
    """What a build gives: the objects in the order of the output, and lines for people."""

    objects: tuple[BuiltObject, ...]
    warnings: tuple[str, ...] = ()


def build_kustomization(
    files: RepoFiles, path: str, options: BuildOptions = KUSTOMIZE_DEFAULTS, programs: Programs = NO_PROGRAMS
) -> BuiltSet:
    """Build the kustomization in a directory of the repo, given relative to its root.

    Raises `BuildError` with all problems that were found: unknown and unsupported fields with their lines, files that
    are missing or outside, remote sources, patches without a target, objects that are there twice. Reads files only.
    """
    directory = files.resolve(".", path)
    if not files.is_dir(directory):
        raise invalid(f"{path} is not a directory with a kustomization", Origin(path))
    loader = Loader(
        files, WrittenText(files), files.real_path(directory), restricted=options.restricted, programs=programs
    )
    kustomization = load_kustomization(loader)
    metadata = kustomization.build_metadata
    root = Layer(loader, kustomization, Provenance() if metadata else None)
    gathered = root.accumulate(Gathered())
    resources = gathered.resources
    add_hashes(resources)
    fix_references(resources, gathered.config.name_reference)
    unused = resolve_vars(resources, gathered.vars, gathered.config.var_reference, loader.written, loader.usage)
    if unused:
        loader.warnings.append(f"well-defined vars that were never replaced: {','.join(unused)}")
    require_names(resources)
    managed = next((one.origin for one in metadata if one.value == "managedByLabel"), None)
    if options.managed_by_label or managed:
        add_managed_by_label(resources, managed or Origin(kustomization.file, 1), loader.written)
    kept = [resource for resource in resources if not is_local_config(resource)]
    if metadata:
        for resource in kept:
            keep_only(resource, metadata)
    return BuiltSet(
        tuple(_built(resource, loader) for resource in _ordered(kept, root, options)),
        tuple(dict.fromkeys(loader.warnings)),
    )


def _ordered(resources: list[Resource], root: Layer, options: BuildOptions) -> list[Resource]:
    sort_options = root.kustomization.sort_options
    if sort_options is None and options.reorder is Reorder.NONE:
        return resources
    if sort_options is not None and sort_options.order == "fifo":
        return resources
    return list(ResourceSet(in_legacy_order(resources, sort_options)))


def _built(resource: Resource, loader: Loader) -> BuiltObject:
    return BuiltObject(finished_body(resource, loader.written), resource.origin, resource.unhashed_name)
