"""From manifests to requests: the kind as the server serves it, the settled namespace, the body to send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gitops_push.cluster.api import ServedKind, ServedKinds
from gitops_push.core.codes import Code
from gitops_push.core.crd_schema import definitions_of
from gitops_push.core.definition_check import Definitions
from gitops_push.core.environment import Environment
from gitops_push.core.errors import Problem
from gitops_push.core.hooks import role_of
from gitops_push.core.kinds import scopes_of
from gitops_push.core.normalization import body_to_send
from gitops_push.core.objects import Body, Manifest, ManifestSet, ObjectRef
from gitops_push.core.scopes import settle_scope
from gitops_push.core.suggestion import did_you_mean
from gitops_push.core.validation import duplicate_problems
from gitops_push.core.waves import MAIN, Step, steps_of


@dataclass(frozen=True, slots=True)
class Target:
    """One manifest with its request. `kind` None: not served yet, its definition comes with the set.

    `deferred` says why the server is not asked about it before its definition or namespace is there, or is "". `step`
    is the wave in which it is applied; a hook may have many.
    """

    manifest: Manifest
    kind: ServedKind | None
    body: dict[str, Any] = field(repr=False)
    deferred: str = ""
    step: Step = MAIN

    @property
    def ref(self) -> ObjectRef:
        """Return which object."""
        return self.manifest.ref

    @property
    def place(self) -> tuple[str, str]:
        """Return namespace and name as they stand in the request."""
        return self.ref.namespace, self.ref.name


def settled(manifests: ManifestSet, served: ServedKinds, environment: Environment) -> tuple[Manifest, ...]:
    """Return the manifests in the namespaces that they are sent with, by the server's own word on scopes."""
    defined = scopes_of(manifest.body for manifest in manifests.manifests)

    def is_namespaced(group: str, kind: str) -> bool | None:
        found = served.find(group, kind)
        return found.namespaced if found else defined.get((group, kind))

    origin = environment.namespace_origin or environment.origin
    return tuple(settle_scope(m, environment.namespace, origin, is_namespaced) for m in manifests.manifests)


@dataclass(frozen=True, slots=True)
class Targets:
    """What of a set can be sent: objects that are applied, and hooks. A problem for each that cannot be sent."""

    applied: tuple[Target, ...]
    hooks: tuple[Target, ...]
    problems: tuple[Problem, ...]


def find_targets(manifests: ManifestSet, served: ServedKinds, environment: Environment, part_of_id: str) -> Targets:
    """Return the targets of all manifests.

    Objects that the environment calls external are no targets, as they are never written; nor is what an annotation
    leaves out.
    """
    placed = settled(manifests, served, environment)
    problems = list(duplicate_problems(placed))
    definitions = definitions_of(placed)
    roles = [(manifest, role_of(manifest)) for manifest in placed]
    steps = steps_of((manifest.ref, manifest.body, role) for manifest, role in roles)
    applied: list[Target] = []
    hooks: list[Target] = []
    for manifest, role in roles:
        if role.left_out or manifest.ref in environment.external:
            continue
        kind, deferred = _kind_of(manifest, served, definitions)
        if kind is None and not deferred:
            problems.append(_not_served(manifest, served))
        else:
            among = hooks if role.hooked else applied
            body, step = body_to_send(manifest, part_of_id), steps.get(manifest.ref, MAIN)
            among.append(Target(manifest, kind, body, deferred, step))
    return Targets(tuple(applied), tuple(hooks), tuple(problems))


def with_missing_namespaces(targets: Targets, live: Mapping[ObjectRef, Body]) -> Targets:
    """Return the targets, those in a namespace that the set itself creates deferred."""
    namespaces = (t.ref for t in targets.applied if (t.ref.group, t.ref.kind) == ("", "Namespace"))
    missing = {ref.name for ref in namespaces if ref not in live}

    def deferred(every: Iterable[Target]) -> tuple[Target, ...]:
        reason = "in a new namespace"
        return tuple(replace(t, deferred=reason) if t.ref.namespace in missing and not t.deferred else t for t in every)

    return replace(targets, applied=deferred(targets.applied), hooks=deferred(targets.hooks))


def _kind_of(manifest: Manifest, served: ServedKinds, definitions: Definitions) -> tuple[ServedKind | None, str]:
    """Return the kind to ask about, and why the dry run has to wait."""
    group, kind = manifest.ref.group, manifest.ref.kind
    found = served.find(group, kind, manifest.version)
    if found is not None:
        return found, ""
    definition = definitions.get((group, kind))
    if definition is None or not definition.serves(manifest.version):
        return None, ""
    earlier = served.find(group, kind)
    what = f"version {manifest.version} of its kind" if earlier else "its kind"
    return earlier, f"{what} is defined by {definition.ref.kind} {definition.ref.name} of the same run"


def _not_served(manifest: Manifest, served: ServedKinds) -> Problem:
    group, kind = manifest.ref.group, manifest.ref.kind
    origin = manifest.origin_at(("apiVersion",))
    known = served.kinds.get((group, kind))
    if known:
        versions = " and ".join(item.api_version for item in known)
        message = f"{manifest.ref}: the server does not serve {kind} as {manifest.api_version}, but as {versions}"
        return Problem(Code.KIND_NOT_SERVED, message, origin, manifest.ref, f"write apiVersion: {known[0].api_version}")
    if group in served.unavailable:
        message = f"{manifest.ref}: the API group {group} is registered, but its server does not answer"
        return Problem(Code.KIND_NOT_SERVED, message, origin, manifest.ref, f"kubectl get apiservices | grep {group}")
    return _unknown_kind(manifest, served)


def _unknown_kind(manifest: Manifest, served: ServedKinds) -> Problem:
    group, kind = manifest.ref.group, manifest.ref.kind
    elsewhere = sorted(known[0].api_version for (_, name), known in served.kinds.items() if name == kind)
    in_group = {name for other, name in served.kinds if other == group}
    if elsewhere:
        hint = f"the server serves {kind} as {' and '.join(elsewhere)}"
        origin = manifest.origin_at(("apiVersion",))
    else:
        groups = "" if in_group else did_you_mean(group, {other for other, _ in served.kinds})
        near = did_you_mean(kind, in_group) or groups
        hint = f"check the spelling{near}, or deploy the CustomResourceDefinition first or in the same set"
        origin = manifest.origin_at(("kind",) if in_group else ("apiVersion",))
    message = f"{manifest.ref}: the server does not know the kind {kind} of {manifest.api_version}"
    return Problem(Code.KIND_NOT_SERVED, message, origin, manifest.ref, hint)
