"""The annotations by which a manifest says whether and how long a deployment waits for its object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.durations import DURATION_EXAMPLES, parse_duration
from gitops_push.core.errors import Problem
from gitops_push.core.objects import Body, Manifest
from gitops_push.core.suggestion import did_you_mean

TIMEOUT_ANNOTATION: Final = "gitops-push.dev/timeout"
"""How long this object is waited for: `10m`."""

WAIT_ANNOTATION: Final = "gitops-push.dev/wait"
"""`skip`: this object is not waited for."""

_SKIP: Final = "skip"


def is_skipped(manifest: Body) -> bool:
    """Return whether a manifest asks not to be waited for."""
    return _annotation(manifest, WAIT_ANNOTATION) == _SKIP


def annotated_timeout(manifest: Body) -> float | None:
    """Return how long a manifest asks to be waited for, in seconds, or None."""
    return parse_duration(_annotation(manifest, TIMEOUT_ANNOTATION) or "")


def annotation_problems(manifests: Iterable[Manifest]) -> Iterator[Problem]:
    """Yield a problem for each annotation whose value says nothing: it would be passed over in silence."""
    for manifest in manifests:
        timeout, wait = (_annotation(manifest.body, name) for name in (TIMEOUT_ANNOTATION, WAIT_ANNOTATION))
        if timeout is not None and parse_duration(timeout) is None:
            hint = f"write it like {' or '.join(DURATION_EXAMPLES)}"
            yield _wrong(manifest, TIMEOUT_ANNOTATION, f"must be a duration, this is {timeout!r}", hint)
        if wait is not None and wait != _SKIP:
            said = f"can only be {_SKIP!r}, this is {wait!r}{did_you_mean(wait, [_SKIP])}"
            yield _wrong(manifest, WAIT_ANNOTATION, said, "leave it out to wait for the object")


def _wrong(manifest: Manifest, name: str, said: str, hint: str) -> Problem:
    origin = manifest.origin_at(("metadata", "annotations", name))
    return Problem(Code.MANIFEST_INVALID, f"{manifest.ref}: {name} {said}", origin, manifest.ref, hint)


def _annotation(body: Body, name: str) -> str | None:
    found: Any = body["metadata"].get("annotations")
    return str(found[name]) if isinstance(found, dict) and name in found else None
