"""Turns replies into Kubernetes objects, or into the failure that they stand for."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.reply import Reply
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.untrusted import clean_line, clean_text

_LONGEST_MESSAGE: Final = 4096
_MOST_CAUSES: Final = 50
_MOST_WARNINGS: Final = 20
_VERDICT: Final = ": field is immutable"
_WARNING: Final = re.compile(r'299 [^ ]+ "((?:[^"\\]|\\.)*)"')


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def parse_object(reply: Reply, server: str) -> dict[str, Any]:
    """Return the object of a good reply; `ClusterError` SERVER_NOT_KUBERNETES for anything that is not one."""
    value = parse_json(reply.body)
    if isinstance(value, dict) and isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str):
        return value
    raise not_kubernetes(reply, server)


def parse_json(data: bytes) -> Any:
    """Return JSON data, or None for what is none (also for NaN, and for nesting that is too deep)."""
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def failure_of(reply: Reply, server: str, *, ambiguous: bool = False) -> ApiFailure:
    """Return what a reply that is not 2xx says; `ClusterError` if it did not come from a Kubernetes API server."""
    if 300 <= reply.status < 400:
        raise redirected(reply, server)
    status = parse_json(reply.body)
    if isinstance(status, dict) and status.get("kind") == "Status":
        return failure_of_status(status, reply.status, ambiguous=ambiguous)
    overloaded = reply.status in {429, 503} or reply.status in {502, 504}
    if not (overloaded or ambiguous or reply.content_type.startswith("text/plain")):
        raise not_kubernetes(reply, server)
    message = _text(reply.body.decode("utf-8", "replace").strip()) if "text/plain" in reply.content_type else ""
    return ApiFailure(reply.status, _phrase(reply.status), message or "no details", ambiguous=ambiguous)


def failure_of_status(status: dict[str, Any], code: int, *, ambiguous: bool = False) -> ApiFailure:
    """Return a Status object as a failure; every text of it is cut and cleaned."""
    details = status.get("details")
    details = details if isinstance(details, dict) else {}
    causes = details.get("causes")
    return ApiFailure(
        code,
        _text(status.get("reason")) or _phrase(code),
        _text(status.get("message")) or "no message",
        causes=[_cause(cause) for cause in causes[:_MOST_CAUSES]] if isinstance(causes, list) else (),
        details_kind=_text(details.get("kind")),
        ambiguous=ambiguous,
    )


def is_missing_object(reply: Reply, name: str) -> bool:
    """Return whether a 404 says that the object is not there, and not that its kind is unknown."""
    status = parse_json(reply.body)
    details = status.get("details") if isinstance(status, dict) else None
    return isinstance(details, dict) and details.get("name") == name


def warnings_of(reply: Reply) -> tuple[str, ...]:
    """Return the texts of the Warning headers (code 299, RFC 7234), unquoted, cut and cleaned."""
    if not reply.warnings:
        return ()
    texts = [text for header in reply.warnings for text in _WARNING.findall(header)]
    return tuple(clean_line(re.sub(r"\\(.)", r"\1", text)[:_LONGEST_MESSAGE]) for text in texts[:_MOST_WARNINGS])


def redirected(reply: Reply, server: str) -> ClusterError:
    """Return the error for a redirect, which is never followed: it would carry the credential elsewhere."""
    try:
        target = urlsplit(reply.location).hostname or "another path"
    except ValueError:
        target = "an invalid address"
    message = f"{server} redirects to {clean_line(target[:200])} ({reply.status}); that is not followed"
    hint = "a login page or a proxy answers in place of the API server: check the server's URL"
    return ClusterError(Problem(Code.SERVER_NOT_KUBERNETES, message, hint=hint))


def not_kubernetes(reply: Reply, server: str) -> ClusterError:
    """Return the error for a reply that no API server gives."""
    kind = clean_line(reply.content_type.partition(";")[0][:60]) or "no content type"
    message = f"{server} does not answer like a Kubernetes API server (status {reply.status}, {kind})"
    hint = "a login page, a proxy or another program answers there: check the server's URL and HTTPS_PROXY"
    return ClusterError(Problem(Code.SERVER_NOT_KUBERNETES, message, hint=hint))


def _cause(cause: Any) -> tuple[str, str, str]:
    known = cause if isinstance(cause, dict) else {}
    return _text(known.get("field")), _text(known.get("reason")), _text(known.get("message"))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    cut = value if len(value) <= _LONGEST_MESSAGE else f"{value[:_LONGEST_MESSAGE]} […]{_verdict(value)}"
    return clean_text(cut)


def _verdict(text: str) -> str:
    """Return the end of a long text that tells what kind of refusal it is, behind the value that made it long."""
    return _VERDICT if text.endswith((_VERDICT, f"{_VERDICT}]")) else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        return f"Status{status}"
