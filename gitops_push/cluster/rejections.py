"""What a refused dry run means, as problems at file:line.

The signatures are those of reference/pull-based.md 7.4; servers differ in the HTTP status, so the message counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, item_key
from gitops_push.core.normalization import origin_of
from gitops_push.core.objects import Body, Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.recreation import immutable_fields
from gitops_push.core.remedies import gone_version_remedy, kept_item_remedy
from gitops_push.core.typed_errors import causes_in_lines, repeated_key, repetition, value_of_key

FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
TOO_LARGE: Final = 413


class Refusal(StrEnum):
    """Why the server did not say what it would do."""

    NO_DRY_RUN = "an admission webhook does not support dry run"
    FORBIDDEN = "the credential may not dry-run it"
    NO_NAMESPACE = "its namespace does not exist"
    WEBHOOK_DOWN = "an admission webhook does not answer"
    REJECTED = "the server rejects it"


_RBAC: Final = re.compile(r'User "[^"]*" cannot (\w+) resource|cannot (patch|create|get|delete) resource')
_NO_DRY_RUN: Final = re.compile(
    r'admission webhook "[^"]*" (?:does not support dry run'
    r"|denied the request: .*?(?:not support|unsupported|not allow|refus).{0,40}dry.?run"
    r"|denied the request: .*?dry.?run.{0,40}(?:not support|unsupported|not allow|refus))",
    re.IGNORECASE,
)
"""By what the configuration says (`sideEffects`), or by the webhook's own word."""
_FIELD_IN_TEXT: Final = (
    re.compile(r'unknown field "([^"]+)"'),
    re.compile(r"[:(] ?\.([a-zA-Z][^:\s]*): "),
    re.compile(r"^\.?([a-zA-Z][\w.\[\]=\",-]*): (?:field not declared|expected)"),
)
_IMMUTABLE_HINT: Final = (
    "the field cannot be changed: give the object a new name, or delete it in the cluster and deploy again"
)
_WEBHOOK_DOWN: Final = "failed calling webhook"
_NO_FIELD: Final = "<nil>"
_COMBINED: Final = re.compile(r'"([^"]+)" must (?:not )?validate ')
_WEBHOOK_SERVICE: Final = re.compile(r'Post "https://([^./":]+)\.([^./":]+)\.svc[:/]')
_PART: Final = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_PAIR: Final = re.compile(r'(\w+)=(?:"([^"]*)"|([^,]*))')


def kind_of_refusal(failure: ApiFailure) -> Refusal:
    """Return what a failure of a dry run means. Raises `ClusterError` when there was no answer at all."""
    if failure.status == 0:
        raise ClusterError(Problem(Code.SERVER_UNREACHABLE, f"the API server gave no answer: {failure.message}"))
    if _NO_DRY_RUN.search(failure.message):
        return Refusal.NO_DRY_RUN
    if _WEBHOOK_DOWN in failure.message:
        return Refusal.WEBHOOK_DOWN
    if failure.status == FORBIDDEN and _RBAC.search(failure.message):
        return Refusal.FORBIDDEN
    if failure.status == NOT_FOUND and failure.details_kind == "namespaces":
        return Refusal.NO_NAMESPACE
    return Refusal.REJECTED


def problems_of(
    target: Target, failure: ApiFailure, in_set: Collection[ObjectRef] = frozenset(), live: Body | None = None
) -> tuple[Problem, ...]:
    """Return the problems of a refused dry run: one for each cause that names a field, each at that field's line.

    `in_set` are the objects of the set, which what is missing may be among; `live` may tell why, by its managedFields.
    """
    match kind_of_refusal(failure):
        case Refusal.FORBIDDEN:
            return (_forbidden(target, failure),)
        case Refusal.NO_NAMESPACE:
            return (_no_namespace(target),)
        case _:
            return _rejected(target, failure, in_set, live)


def one_for_each_namespace(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems, those of a missing namespace only once for each namespace."""
    kept: list[Problem] = []
    seen: set[str] = set()
    for problem in problems:
        namespace = problem.ref.namespace if problem.ref and problem.code is Code.NAMESPACE_MISSING else ""
        if namespace not in seen:
            kept.append(problem)
        seen |= {namespace} if namespace else set()
    return tuple(kept)


def server_field_path(text: str) -> FieldPath:
    """Return the path of a field as servers write it: `spec.ports[0].port`, `.spec.env[name="a"]`, `data[a.b]`."""
    return tuple(_server_segment(match[1], match[2]) for match in _PART.finditer(text))


def _server_segment(bracketed: str | None, key: str | None) -> Segment:
    if bracketed is None:
        return str(key)
    if bracketed.isdigit():
        return int(bracketed)
    pairs = _PAIR.findall(bracketed)
    if pairs:
        return _item(pairs)
    return bracketed.strip('"')


def _item(pairs: list[tuple[str, str, str]]) -> ItemKey:
    return item_key({name: int(plain) if plain.isdigit() else (text or plain) for name, text, plain in pairs})


def _rejected(
    target: Target, failure: ApiFailure, in_set: Collection[ObjectRef], live: Body | None
) -> tuple[Problem, ...]:
    named = ((_named_field(field, message), message) for field, _, message in failure.causes)
    causes = [(field, message) for field, message in named if field] or _causes_in_text(failure.message)
    hint = _hint(failure, in_set) or _remedy(target, failure.message, "", live)
    if not causes:
        return (_problem(target, failure, "", failure.message, hint),)
    return tuple(
        _problem(target, failure, field, message, hint or _remedy(target, message, field, live))
        for field, message in dict(causes).items()
    )


def _remedy(target: Target, message: str, field: str, live: Body | None) -> str | None:
    """Return what to do about the managedFields of the live object, where these are the reason."""
    if live is None or target.kind is None:
        return None
    if "Duplicate value" in message:
        return kept_item_remedy(server_field_path(field), target.body, live)
    return gone_version_remedy(message, target.ref, target.kind.resource, live)


def _named_field(field: str, message: str) -> str:
    """Return the field of a cause; about combinations of schemas only the message names one (tried on a server)."""
    if field != _NO_FIELD:
        return field
    combined = _COMBINED.search(message)
    return combined[1] if combined else ""


def _causes_in_text(message: str) -> list[tuple[str, str]]:
    if several := causes_in_lines(message):
        return several
    for pattern in _FIELD_IN_TEXT:
        fields = pattern.findall(message)
        if fields:
            return [(field, message) for field in fields]
    return []


def _problem(target: Target, failure: ApiFailure, field: str, message: str, hint: str | None) -> Problem:
    immutable = _is_immutable(target, failure, field)
    path = server_field_path(field)
    where = f"{field.removeprefix('.')}: " if field and field.removeprefix(".") not in message else ""
    return Problem(
        Code.IMMUTABLE_FIELD if immutable else Code.DRY_RUN_REJECTED,
        f"{target.ref}: {where}{message}",
        _place(target.manifest, path, message),
        target.ref,
        _IMMUTABLE_HINT if immutable else hint,
    )


def _place(manifest: Manifest, path: FieldPath, message: str) -> Origin:
    """Return the line that a cause is about; of an item that is there twice the later one."""
    text = repeated_key(message)
    key = (value_of_key(text) or server_field_path(text)[-1]) if text else None
    if isinstance(key, (ItemKey, ItemValue)):
        return manifest.origin_at(repetition(path, key, manifest.body))
    return origin_of(manifest, path)


def _is_immutable(target: Target, failure: ApiFailure, field: str) -> bool:
    return any(field in {"", found.field} for found in immutable_fields(target.ref, failure.message, failure.causes))


def _hint(failure: ApiFailure, in_set: Collection[ObjectRef]) -> str | None:
    if kind_of_refusal(failure) is Refusal.WEBHOOK_DOWN:
        return _webhook_hint(failure.message, in_set)
    if "because it is being terminated" in failure.message:
        return "the namespace is being deleted: wait until it has gone, then run again"
    if "does not support server-side apply" in failure.message:
        return "the server behind this kind does not support server-side apply"
    if failure.status == TOO_LARGE or "request is too large" in failure.message:
        return "the object is too large for the API server: split it into several objects"
    return None


def _webhook_hint(message: str, in_set: Collection[ObjectRef]) -> str:
    found = _WEBHOOK_SERVICE.search(message)
    service = ObjectRef("", "Service", found[2], found[1]) if found else None
    if service in in_set:
        return (
            f"the webhook is served by {service} of this set, and does not answer: deploy what it runs on first and on "
            "its own, or let its failurePolicy be Ignore until it runs"
        )
    where = f" behind {service}" if service else ""
    return f"an admission webhook does not answer: is its workload{where} running?"


def _forbidden(target: Target, failure: ApiFailure) -> Problem:
    kind = target.kind
    resource = f"{kind.resource}.{kind.group}".rstrip(".") if kind else target.ref.kind
    verb = next((word for groups in _RBAC.findall(failure.message) for word in groups if word), "patch")
    where = f" in namespace {target.ref.namespace}" if target.ref.namespace else " at the cluster scope"
    return Problem(
        Code.SERVER_FORBIDS,
        f"{target.ref}: the credential may not {verb} {resource}{where}; a dry run needs the same rights as the apply",
        target.manifest.origin,
        target.ref,
        f"grant it the verbs patch and create on {resource}{where}",
    )


def _no_namespace(target: Target) -> Problem:
    return Problem(
        Code.NAMESPACE_MISSING,
        f"{target.ref}: the namespace {target.ref.namespace} does not exist in the cluster and is not in the set",
        target.manifest.origin_at(("metadata", "namespace")),
        target.ref,
        "add the Namespace to the set, or create it first",
    )
