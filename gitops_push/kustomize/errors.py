"""The errors of a kustomization."""

from __future__ import annotations

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin


def invalid(message: str, origin: Origin | None, hint: str | None = None) -> BuildError:
    """Return the error that a kustomization, or what it does to an object, is wrong."""
    return BuildError(Problem(Code.KUSTOMIZATION_INVALID, message, origin, hint=hint))


def bad_manifest(message: str, origin: Origin | None, hint: str | None = None) -> BuildError:
    """Return the error that a document is no object that can be built with."""
    return BuildError(Problem(Code.MANIFEST_INVALID, message, origin, hint=hint))


def network_source(message: str, origin: Origin | None, hint: str) -> BuildError:
    """Return the error that a source would have to be fetched."""
    return BuildError(Problem(Code.NETWORK_SOURCE_REFUSED, message, origin, hint=hint))
