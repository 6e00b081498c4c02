"""The digest of a manifest set that may be seen by anybody.

A hash over everything would be an oracle: whoever has the config repo and sees the hash could try out the values of a
weak secret until it fits. So secret values are left out, by position and wherever else they occur.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from gitops_push.core.disclosure import Disclosure
from gitops_push.core.environment import FieldRule
from gitops_push.core.objects import ManifestSet
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import patterns_for


def public_digest(manifests: ManifestSet, redactor: Redactor, sensitive: Iterable[FieldRule]) -> str:
    """Return the SHA-256 (hex) over all bodies without secret values; `redactor` knows those of the set."""
    rules = tuple(sensitive)
    digest = hashlib.sha256()
    for manifest in sorted(manifests.manifests, key=lambda manifest: manifest.ref):
        disclosure = Disclosure(manifest.ref, redactor, patterns_for(rules, manifest.ref))
        body = disclosure.without_secrets((), manifest.body)
        digest.update(json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode() + b"\n")
    return digest.hexdigest()
