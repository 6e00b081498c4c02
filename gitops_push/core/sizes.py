"""What is too large for an API server: found before any request, at the line of the largest part.

The limits are those of Kubernetes' validation (annotations: 256 KiB; data of a ConfigMap or Secret: 1 MiB) and of etcd
(a request: 1.5 MiB by default, which a dry run does not reach).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.fieldpath import value_at
from gitops_push.core.objects import Body, Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.secret_values import LAST_APPLIED
from gitops_push.core.tree import origin_at

OBJECT_LIMIT_BYTES: Final = 1_572_864
DATA_LIMIT_BYTES: Final = 1_048_576
ROOM_BYTES: Final = 16_384
"""For managedFields and what else the server adds."""
_ANNOTATIONS_LIMIT_BYTES: Final = 262_144
_Path = tuple[str, ...]


def size_problems(body: Body, ref: ObjectRef, origin: Origin) -> Iterator[Problem]:
    """Yield which parts of an object are larger than the server's validation allows."""
    annotations = {p: n for p, n in _sizes(body, ("metadata", "annotations"), _plain) if p[-1] != LAST_APPLIED}
    with_keys = {path: size + len(path[-1].encode()) for path, size in annotations.items()}
    yield from _too_large(body, ref, origin, with_keys, "metadata.annotations", _ANNOTATIONS_LIMIT_BYTES)
    if ref.group or ref.kind not in {"ConfigMap", "Secret"}:
        return
    decoded = _encoded if ref.kind == "Secret" else _plain
    fields = (("data", decoded), ("binaryData", _encoded), ("stringData", _plain))
    data = {path: size for name, sizes in fields for path, size in _sizes(body, (name,), sizes)}
    yield from _too_large(body, ref, origin, data, "data", DATA_LIMIT_BYTES)


def whole_size_problem(manifest: Manifest, size_bytes: int) -> Problem | None:
    """Return the problem of an object whose JSON has this size, if etcd would not take it with what is added to it."""
    most = OBJECT_LIMIT_BYTES - ROOM_BYTES
    if size_bytes <= most:
        return None
    message = f"{manifest.ref} has {size_bytes:,} bytes; an API server takes at most {most:,} an object"
    return Problem(Code.BUDGET_EXCEEDED, message, manifest.origin, manifest.ref, "split it into several objects")


def _too_large(
    body: Body, ref: ObjectRef, origin: Origin, sizes: Mapping[_Path, int], what: str, limit: int
) -> Iterator[Problem]:
    total = sum(sizes.values())
    if total <= limit:
        return
    path, largest = max(sizes.items(), key=lambda item: item[1])
    message = f"{ref}: {what} has {total:,} bytes, the server takes at most {limit:,}; {path[-1]} alone has {largest:,}"
    yield Problem(Code.BUDGET_EXCEEDED, message, origin_at(body, path) or origin, ref, "keep less of it in the object")


def _sizes(body: Body, path: _Path, size_of: Callable[[str], int]) -> Iterator[tuple[_Path, int]]:
    values = value_at(path, body)
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, str):
            yield (*path, key), size_of(value)


def _plain(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _encoded(text: str) -> int:
    """Return the size of what a text in base64 stands for."""
    digits = len("".join(text.split()))
    return digits // 4 * 3 - text.rstrip()[-2:].count("=")
