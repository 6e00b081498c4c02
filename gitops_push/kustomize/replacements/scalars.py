"""What a new text makes of a scalar: the type of the scalar stays, the text is read anew."""

from __future__ import annotations

from gitops_push.core.tree import Node
from gitops_push.documents.scalars import Dialect, ScalarError, resolve_plain, resolve_tagged
from gitops_push.documents.timestamps import rfc3339


class MisfitError(Exception):
    """A text that is no value of the type that it is put in; the message names the type."""


def untagged(text: str) -> Node:
    """Return what a text means where nothing says its type, and kustomize writes it without quotes where it can."""
    if "\n" in text or text.strip() != text:
        return text
    try:
        return resolve_plain(text, Dialect.KUSTOMIZE).value
    except ScalarError as error:
        raise MisfitError(str(error)) from error


def retyped(text: str, old: Node, *, is_date: bool = False) -> Node:
    """Return the text as a value of the old one's type. Raises MisfitError: kustomize fails at its end then."""
    match old:
        case str() if is_date and rfc3339(text) is None:
            raise MisfitError("!!timestamp")
        case str():
            return resolve_plain(text, Dialect.KUSTOMIZE).value if is_date else text
        case bool():
            return _tagged("bool", text)
        case int():
            return _tagged("int", text)
        case float():
            return _tagged("float", text)
        case _:
            return _tagged("null", text)


def _tagged(kind: str, text: str) -> Node:
    try:
        return resolve_tagged(kind, text, Dialect.KUSTOMIZE)
    except ScalarError as error:
        raise MisfitError(f"!!{kind}") from error
