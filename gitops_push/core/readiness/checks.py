"""Health by the values of fields: what rules of the config say, and our own table of well-known custom resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from gitops_push.core.field_check import FieldCheck
from gitops_push.core.fieldpath import FieldPath, ItemKey, format_field_path, parse_field_path, value_at
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import NOT_SEEN, generation_of, grace, is_stale, unobserved
from gitops_push.core.readiness.values import Failed, Progressing, Readiness, Ready, Unknown

_SHOWN: Final = 80


def by_checks(body: Body, checks: Iterable[FieldCheck]) -> Readiness:
    """Return the worst of what the checks say: all must be ready. Nothing that they look at is there: not known."""
    waiting = unobserved(body)
    if waiting:
        return waiting
    found = [_by_check(body, check) for check in checks]
    for wanted in (Failed, Progressing):
        for answer in found:
            if isinstance(answer, wanted):
                return answer
    told = [answer for answer in found if answer is not None]
    if not told:
        return Unknown("has none of the fields that the rule for its health looks at")
    return next((answer for answer in told if isinstance(answer, Ready) and answer.note), Ready())


def _by_check(body: Body, check: FieldCheck) -> Readiness | None:
    """Return what one check says, None when its field is not there and nothing demands it."""
    path = _parsed(check.field)
    text = _text(value_at(path, body))
    if not text:
        return Progressing(f"it has no {_name(path)} yet") if check.ready else None
    around = _around(path, body)
    if is_stale(body, generation_of(around.get("observedGeneration"))):
        return NOT_SEEN
    said = _said(path, text, around)
    if _is_in(text, check.failed):
        return Failed(said, grace(body))
    if _is_in(text, check.suspended):
        return Ready(text.lower() if text != "true" else "suspended")
    if _is_in(text, check.ready) or not (check.ready or _is_in(text, check.progressing)):
        return Ready()
    return Progressing(said)


@lru_cache(maxsize=256)
def _parsed(field: str) -> FieldPath:
    return parse_field_path(field)


def _around(path: FieldPath, body: Body) -> Mapping[str, Any]:
    found = value_at(path[:-1], body)
    return found if isinstance(found, Mapping) else {}


def _name(path: FieldPath) -> str:
    return f"condition {kind}" if (kind := _condition_of(path)) else format_field_path(path)


def _condition_of(path: FieldPath) -> str:
    """Return the type of the condition that a path leads into, or ""."""
    match path[-2:]:
        case (ItemKey((("type", str(kind)),)), str()):
            return kind
        case _:
            return ""


def _said(path: FieldPath, text: str, around: Mapping[str, Any]) -> str:
    """Return the value, and the message that stands beside it."""
    head = f"{_name(path)} is {text[:_SHOWN]}"
    message = around.get("message") or around.get("reason")
    return f"{head}: {message}" if isinstance(message, str) and message != text else head


def _is_in(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _text(value: object) -> str:
    """Return a value as text to compare; an empty one is as good as none, and of a filled list or map it is only that.

    Numbers and booleans are spelled as in JSON.
    """
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case None:
            return ""
        case _:
            return "set" if value else ""
