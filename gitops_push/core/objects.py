"""The central values of a build: which object, its manifest, the whole set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.core.tree import origin_at

Body: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as plain JSON data. Never changed once it is in a `Manifest`."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object: without a version, because the API server does not see a version as another object.

    `group` is "" for the core group, `namespace` is "" for a cluster-scoped object.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `apps/Deployment shop/web`, `v1/ConfigMap shop/env`, `v1/Namespace shop`."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.group or 'v1'}/{self.kind} {place}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as the config repo wants it.

    `api_version` is as written ("apps/v1"). `body` is a tree of `core.tree` containers, so every value in it has an
    origin; it is kept out of `repr`, so that no traceback prints a Secret. `origin` is where the object begins.
    `unhashed_name` is the name before its content hash was added, for a generated ConfigMap or Secret; else "".
    """

    ref: ObjectRef
    api_version: str
    body: Body = field(repr=False, hash=False)
    origin: Origin
    unhashed_name: str = ""

    @property
    def version(self) -> str:
        """Return the version without the group: "v1" of "apps/v1"."""
        return self.api_version.rpartition("/")[2]

    def origin_at(self, path: Sequence[str | int]) -> Origin:
        """Return where the value at `path` (keys and indexes) came from, or its nearest ancestor's place."""
        return origin_at(self.body, path) or self.origin


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """All objects of one environment at one commit, in the order of the build.

    `digest` is the SHA-256 (hex) over the canonical JSON of all bodies, sorted by ref: the same content gives the same
    digest whatever the order of files. It never leaves the process: what does is `public_digest`, without secret values
    (`core.manifest_digest`). `warnings` are lines for people (deprecated fields, ambiguous scalars).
    """

    environment: str
    commit: str
    manifests: tuple[Manifest, ...]
    digest: str
    warnings: tuple[str, ...] = ()
    public_digest: str = ""
