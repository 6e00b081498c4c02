"""One request to the API server as a value, and the gate that keeps read-only runs from writing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem

OBJECT_LIMIT_BYTES: Final = 16 * 1024 * 1024
LIST_LIMIT_BYTES: Final = 64 * 1024 * 1024
ERROR_LIMIT_BYTES: Final = 64 * 1024

JSON: Final = "application/json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"

DRY_RUN: Final = "dryRun=All"
_TRIAL: Final = b'{"apiVersion":"v1","kind":"DeleteOptions","dryRun":["All"],"preconditions":{"uid":"%b"}}'
_TRIAL_DELETION: Final = re.compile(re.escape(_TRIAL).replace(b"%b", b"[-0-9A-Za-z]{1,64}"))


class Effect(StrEnum):
    """What a request does, as far as sending it again is concerned."""

    READ = "read"
    DRY_RUN = "dry run"
    APPLY = "apply"
    PATCH = "patch"
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"

    @property
    def writes(self) -> bool:
        """Return whether a lost answer leaves it open what happened."""
        return self not in {Effect.READ, Effect.DRY_RUN}


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query below the server's own path, quoted. `limit_bytes` caps the reply, unpacked.

    `accept` is the Accept header; `gzip` says that a compressed reply is welcome.
    """

    method: str
    target: str
    effect: Effect
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    accept: str = JSON
    limit_bytes: int = OBJECT_LIMIT_BYTES
    gzip: bool = False


def trial_deletion(uid: str) -> bytes:
    """Return the body of a DELETE that deletes nothing, and is refused for another object than this one."""
    return _TRIAL % uid.encode()


_REVIEWS: Final = frozenset(
    {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    }
)
_READABLE: Final = frozenset({"log", "scale", "status"})


def refuse_write(request: Request) -> None:
    """Raise `ClusterError` READ_ONLY unless the request is a read, a dry run, or a review of one's own rights.

    Judged by what will be sent, not by `effect`. A GET of exec, attach, portforward or proxy runs something; those of
    them that are sent with POST ignore `dryRun`: none of them passes. A DELETE with a body ignores the query, so the
    body must be a trial deletion, byte for byte.
    """
    path, _, query = request.target.partition("?")
    parameters = query.split("&") if query else []
    allowed = "#" not in request.target and (
        (request.method == "GET" and _is_readable(path))
        or (request.method == "POST" and path in _REVIEWS)
        or (_is_dry_run(request, parameters) and _depth(path) in {1, 2})
    )
    if not allowed:
        message = f"a run that must not write was about to send {request.method} {path[:200]}; it was not sent"
        raise ClusterError(Problem(Code.READ_ONLY, message))


def _is_dry_run(request: Request, parameters: list[str]) -> bool:
    named = [part for part in parameters if part.partition("=")[0].lower() == "dryrun" or "%" in part.partition("=")[0]]
    return named == [DRY_RUN] and (request.method in {"PATCH", "POST", "PUT"} or _deletes_nothing(request))


def _deletes_nothing(request: Request) -> bool:
    trial = request.content_type == JSON and _TRIAL_DELETION.fullmatch(request.body) is not None
    return request.method == "DELETE" and (not request.body or trial)


def _rest(path: str) -> list[str]:
    """Return the segments from the resource on: [resource, name, subresource…]; [] for what is not below a version."""
    match path.split("/"):
        case ["", "api", _, *rest] | ["", "apis", _, _, *rest]:
            return rest[2:] if rest[:1] == ["namespaces"] and len(rest) > 2 else rest
        case _:
            return []


def _depth(path: str) -> int:
    return len(_rest(path))


def _is_readable(path: str) -> bool:
    rest = _rest(path)
    return len(rest) < 3 or (len(rest) == 3 and rest[2] in _READABLE)
