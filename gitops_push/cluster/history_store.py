"""Reads and writes the history of an environment: one ConfigMap beside the inventory, swapped against what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ApiWriter, Precondition
from gitops_push.cluster.inventory_store import CONFIG_MAP
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.history import History, from_body, history_of, to_body
from gitops_push.core.inventory import RecordName
from gitops_push.core.objects import ObjectRef

_ATTEMPTS: Final = 5


def read_history(reader: ApiReader, place: RecordName) -> History:
    """Return the history that belongs to an inventory, an empty one if there is none. One GET.

    Raises `ClusterError` for one that cannot be read, or that somebody has damaged: it may hold that deployments stop.
    """
    empty = history_of(place)
    try:
        body = reader.get(CONFIG_MAP, empty.namespace, empty.name)
    except ApiFailure as failure:
        raise _failed(empty, "read", failure.message, forbidden=failure.status == 403) from failure
    if body is None:
        return empty
    try:
        return from_body(body)
    except ValueError as error:
        hint = "mend it, or delete it: what is in it is lost then, and nothing else"
        ref = _ref(empty)
        raise ClusterError(Problem(Code.SERVER_ERROR, f"the history {ref} is damaged: {error}", hint=hint)) from error


def change_history(writer: ApiWriter, place: RecordName, change: Callable[[History], History]) -> History:
    """Read, change and swap the history until nobody else was faster, and return it as stored; writes.

    What a lost answer leaves open is found out by the next reading: `change` gets what is there then. Raises
    `ClusterError`.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        before = read_history(writer, place)
        after = change(before)
        if after == before:
            return before
        try:
            if after.version:
                stored = writer.replace(CONFIG_MAP, after.namespace, after.name, to_body(after)).body
            else:
                stored = writer.create(CONFIG_MAP, after.namespace, to_body(after)).body
            return from_body(stored)
        except ApiFailure as failure:
            if attempt == _ATTEMPTS or not (failure.status in {404, 409} or failure.ambiguous):
                raise _failed(before, "written", failure.message, forbidden=failure.status == 403) from failure
    raise AssertionError("the last attempt returns or raises")


def delete_history(writer: ApiWriter, place: RecordName) -> None:
    """Delete the history; writes. One that is gone already is no failure. Raises `ApiFailure`."""
    empty = history_of(place)
    writer.delete(CONFIG_MAP, empty.namespace, empty.name, Precondition())


def _failed(history: History, verb: str, message: str, *, forbidden: bool) -> ClusterError:
    code = Code.SERVER_FORBIDS if forbidden else Code.SERVER_ERROR
    role = f'apiGroups: [""], resources: [configmaps], resourceNames: [{history.name}], verbs: [get, update]'
    hint = f"give its role the rule {{{role}}}" if forbidden else None
    return ClusterError(Problem(code, f"the history {_ref(history)} cannot be {verb}: {message}", hint=hint))


def _ref(history: History) -> ObjectRef:
    return ObjectRef("", "ConfigMap", history.namespace, history.name)
