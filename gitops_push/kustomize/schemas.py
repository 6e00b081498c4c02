"""Which schema says how lists are merged: the built-in one, or the one that `openapi` names.

There is one for the whole build, as in kustomize: that of the root, else the first that a base or component names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gitops_push.core.tree import Fields, Node
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.kustomization import OpenApi
from gitops_push.kustomize.patches.merge_schema import MergeSchema, schema_of
from gitops_push.kustomize.patches.open_api import OpenApiSchemas
from gitops_push.kustomize.typed_fields import Text

BUILT_IN_VERSION: Final = "v1.21.2"


class SchemaChoice:
    """The schema of a build. The first choice stays.

    Where the built-in schema was needed before another one is chosen, kustomize keeps both: for a merge, or because a
    kind was met that it had to look up.
    """

    def __init__(self) -> None:
        self._schemas: OpenApiSchemas | None = None
        self._chosen = False
        self._built_in_used = False

    def schema_of(self, api_version: str, kind: str) -> MergeSchema | None:
        """Return the schema of a kind, None if it is not known."""
        if self._schemas is None:
            self._built_in_used = True
            return schema_of(api_version, kind)
        return self._schemas.schema_of(api_version, kind)

    def meet(self, api_version: str, kind: str) -> None:
        """Note that the build has an object of this kind."""
        if not self._built_in_used and schema_of(api_version, kind) is None:
            self._built_in_used = True

    def choose(self, wanted: OpenApi | None, read: Callable[[Text], Node]) -> None:
        """Take the schema that a kustomization asks for, if there was none before. Raises `BuildError`.

        `read` returns the first document of a file that the kustomization names.
        """
        if wanted is None or self._chosen or not (wanted.path or wanted.version):
            return
        self._chosen = True
        if wanted.path is not None and wanted.version is not None:
            raise invalid("builtin version and custom schema provided, cannot use both", wanted.origin)
        if wanted.path is not None:
            self._schemas = _schemas(read(wanted.path), wanted.path, with_built_in=self._built_in_used)
        elif wanted.version is not None and wanted.version.value != BUILT_IN_VERSION:
            raise invalid(
                f"the specified OpenAPI version is not built in: {wanted.version.value}",
                wanted.version.origin,
                f"the built-in version is {BUILT_IN_VERSION}; bring another schema with `path`",
            )


def _schemas(document: Node, path: Text, *, with_built_in: bool) -> OpenApiSchemas:
    if not isinstance(document, Fields):
        raise invalid(f"invalid schema file: {path.value} is no mapping with definitions", path.origin)
    return OpenApiSchemas(document, with_built_in=with_built_in)
