"""URL paths of the Kubernetes API, made of checked and quoted segments.

An unchecked name picks another path: `../../../namespaces/kube-system/secrets/x` reads that Secret, and a `#` or `?`
cuts off `dryRun=All`. So nothing becomes a path but through `segment`. The server's own rule for names is
`IsValidPathSegmentName`: not ".", not "..", no "/" and no "%".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from gitops_push.cluster.api import ServedKind
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.untrusted import clean_line

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_FORBIDDEN: Final = re.compile(r"[/%\x00-\x1f\x7f-\x9f]")
_LONGEST: Final = 1024


def segment(text: str) -> str:
    """Return one path segment, quoted; `ClusterError` for one that could be read as anything but a name."""
    if len(text) <= _LONGEST and _PLAIN.fullmatch(text):
        return text
    if not text or text in {".", ".."} or len(text) > _LONGEST or _FORBIDDEN.search(text):
        raise _refusal(text)
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise _refusal(text) from None


def collection_path(kind: ServedKind, namespace: str) -> str:
    """Return the path of a kind in a namespace, or in all for ""; a cluster-scoped kind ignores the namespace."""
    start = f"/apis/{segment(kind.group)}/{segment(kind.version)}" if kind.group else f"/api/{segment(kind.version)}"
    place = f"/namespaces/{segment(namespace)}" if kind.namespaced and namespace else ""
    return f"{start}{place}/{segment(kind.resource)}"


def object_path(kind: ServedKind, namespace: str, name: str) -> str:
    """Return the path of an object; a namespaced one without a namespace is refused."""
    if kind.namespaced and not namespace:
        raise _refusal(namespace)
    return f"{collection_path(kind, namespace)}/{segment(name)}"


def query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a query string with "?", or "" for no pairs; pairs with an empty value are left out."""
    text = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs if value)
    return f"?{text}" if text else ""


def _refusal(text: str) -> ClusterError:
    shown = clean_line(text[:80]) or "(empty)"
    message = f"a name that cannot be part of a URL: {shown}; no request was sent"
    return ClusterError(Problem(Code.MANIFEST_INVALID, message, hint="correct metadata.name or metadata.namespace"))
