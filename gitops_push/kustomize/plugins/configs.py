"""Reads the configurations of plugins: texts in the kustomization first, then files and directories, as kustomize."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitops_push.core.errors import BuildError
from gitops_push.documents.reader import Dialect
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.build_metadata import Provenance, note_file
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.manifests import resources_of
from gitops_push.kustomize.resource import Resource
from gitops_push.kustomize.typed_fields import Text


def plugin_configs(
    entries: tuple[Text, ...],
    loader: Loader,
    accumulate: Callable[[Iterable[Text]], Iterable[Resource]],
    here: Provenance | None,
) -> Iterable[Resource]:
    """Return the configurations that the entries name. `accumulate` builds files and directories like resources.

    `here` is the provenance of the kustomization file, where build metadata is kept.
    """
    if not entries:
        return ()
    configs = ResourceSet()
    paths: list[Text] = []
    for entry in entries:
        inline = _inline(entry, loader)
        if inline is None:
            paths.append(entry)
        for config in inline or ():
            if here is not None:
                note_file(config, here)
            configs.append(config)
    for config in accumulate(paths):
        configs.append(config)
    return configs


def _inline(entry: Text, loader: Loader) -> list[Resource] | None:
    """Return the configurations in a text, None when it is a path."""
    try:
        return resources_of(loader.inline_documents(entry, Dialect.KUSTOMIZE))
    except BuildError:
        if "\n" in entry.value.strip():
            raise
        return None
