"""The redactor of a run: all secret values of the built sets, before anything of them is shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

from gitops_push.core.environment import Environment
from gitops_push.core.objects import ManifestSet
from gitops_push.core.redaction import Redactor
from gitops_push.core.secret_values import secret_values_of


def redactor_of(*built: tuple[Environment, ManifestSet]) -> Redactor:
    """Return a redactor with a new random key that knows the secret values of these sets."""
    values = (value for environment, manifests in built for value in _secret_values(manifests, environment))
    return Redactor(secrets.token_bytes(32), values, _public_words(built))


def with_public_digest(manifests: ManifestSet, redactor: Redactor, environment: Environment) -> ManifestSet:
    """Return the set with the digest that may be seen; `redactor` must know the values of this set and no others."""
    from gitops_push.core.manifest_digest import public_digest

    return replace(manifests, public_digest=public_digest(manifests, redactor, environment.sensitive))


def _secret_values(manifests: ManifestSet, environment: Environment) -> Iterator[str]:
    if not environment.sensitive:
        for manifest in manifests.manifests:
            yield from secret_values_of(manifest.body)
        return
    from gitops_push.core.disclosure import sensitive_values
    from gitops_push.core.rules import patterns_for

    for manifest in manifests.manifests:
        yield from sensitive_values(manifest.body, patterns_for(environment.sensitive, manifest.ref))


def _public_words(built: tuple[tuple[Environment, ManifestSet], ...]) -> frozenset[str]:
    """Names that are printed anyway: a secret value that equals one is masked by position only."""
    refs = [manifest.ref for _, manifests in built for manifest in manifests.manifests]
    return frozenset(word for ref in refs for word in (ref.kind, ref.name, ref.namespace, ref.group) if word)
