"""The CustomResourceDefinitions of a set, and their schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.crd_schema.schema import Schema
from gitops_push.core.fieldpath import value_at
from gitops_push.core.objects import Manifest, ObjectRef

_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class Definition:
    """A CustomResourceDefinition, and what it defines."""

    manifest: Manifest

    @property
    def ref(self) -> ObjectRef:
        """Return which object it is."""
        return self.manifest.ref

    @property
    def resource(self) -> str:
        """Return the plural under which its objects are served."""
        return str(self.manifest.body["spec"]["names"].get("plural", ""))

    def serves(self, version: str) -> bool:
        """Return whether objects of this version can be sent."""
        return any(item.get("served") is True for item in self._versions(version))

    def schema_of(self, version: str) -> Schema | None:
        """Return the schema of a version, or None where it has none that can be judged by."""
        if self.manifest.body["spec"].get("preserveUnknownFields") is True:
            return None
        for item in self._versions(version):
            schema = item.get("schema")
            found = schema.get("openAPIV3Schema") if isinstance(schema, Mapping) else None
            return found if isinstance(found, Mapping) else None
        return None

    def replicas_path(self, version: str) -> tuple[str, ...]:
        """Return the field that the scale subresource of a version stands for; empty without one."""
        for item in self._versions(version):
            path = value_at(("subresources", "scale", "specReplicasPath"), item)
            return tuple(path.removeprefix(".").split(".")) if isinstance(path, str) else ()
        return ()

    def is_converted_by_webhook(self, version: str) -> bool:
        """Return whether objects of a version are stored as another one, which only a webhook can make of them."""
        by_webhook = value_at(("spec", "conversion", "strategy"), self.manifest.body) == "Webhook"
        return by_webhook and not any(item.get("storage") is True for item in self._versions(version))

    def _versions(self, version: str) -> tuple[Mapping[str, Any], ...]:
        versions = self.manifest.body["spec"].get("versions")
        found = versions if isinstance(versions, list) else ()
        return tuple(item for item in found if isinstance(item, Mapping) and item.get("name") == version)


def definitions_of(manifests: Iterable[Manifest]) -> Mapping[tuple[str, str], Definition]:
    """Return the CustomResourceDefinitions of a set by the (group, kind) that they define."""
    found: dict[tuple[str, str], Definition] = {}
    for manifest in manifests:
        spec = manifest.body.get("spec")
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if (manifest.ref.group, manifest.ref.kind) == _CRD and isinstance(spec, Mapping) and isinstance(names, Mapping):
            found[str(spec.get("group")), str(names.get("kind"))] = Definition(manifest)
    return found
