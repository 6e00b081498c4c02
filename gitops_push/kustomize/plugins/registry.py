"""Finds the plugin that a configuration asks for: one of kustomize's own by its kind, or an external one."""

from __future__ import annotations

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.functions.calls import generate_with, transform_with
from gitops_push.kustomize.functions.spec import is_function, unknown_plugin
from gitops_push.kustomize.loader import Loader
from gitops_push.kustomize.plugins.builtin_generators import GENERATORS
from gitops_push.kustomize.plugins.builtin_transformers import TRANSFORMERS
from gitops_push.kustomize.plugins.settings import Generator, PluginSettings
from gitops_push.kustomize.resource import Resource, shown_kind
from gitops_push.kustomize.steps import Transformer

_BUILT_IN = "builtin"


def transformer_of(config: Resource, loader: Loader) -> Transformer:
    """Return the configured transformer. Raises `BuildError` for an unknown plugin, or a wrong configuration."""
    if is_function(config):
        return lambda resources: transform_with(resources, config, loader)
    read = TRANSFORMERS.get(config.kind) if _is_built_in(config) else None
    if read is None:
        raise _unknown(config, "transformer", is_other=config.kind in GENERATORS)
    return PluginSettings(config, loader).read(read)


def generator_of(config: Resource, loader: Loader) -> Generator:
    """Return the configured generator. Raises like `transformer_of`."""
    if is_function(config):
        return lambda: generate_with(config, loader)
    read = GENERATORS.get(config.kind) if _is_built_in(config) else None
    if read is None:
        raise _unknown(config, "generator", is_other=config.kind in TRANSFORMERS)
    return PluginSettings(config, loader).read(read)


def _is_built_in(config: Resource) -> bool:
    return config.api_version == _BUILT_IN


def _unknown(config: Resource, wanted: str, *, is_other: bool) -> BuildError:
    place: Origin = config.origin
    if not _is_built_in(config):
        return unknown_plugin(config)
    if is_other:
        return invalid(f"plugin {config.current_id()} not a {wanted}", place)
    known = sorted(TRANSFORMERS if wanted == "transformer" else GENERATORS)
    return invalid(
        f"unable to load builtin {shown_kind('', _BUILT_IN, config.kind)}", place, f"there are {', '.join(known)}"
    )
