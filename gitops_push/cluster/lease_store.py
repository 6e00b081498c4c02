"""Reads and writes the Lease of an environment: created, or swapped against the version that was read."""

from __future__ import annotations

from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ApiWriter, Precondition, ServedKind
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.lease import LeaseState, from_body, to_body

LEASE: Final = ServedKind("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)


def read_lease(reader: ApiReader, namespace: str, name: str) -> LeaseState | None:
    """Return the lock as the server has it, None where there is none. Raises `ClusterError`."""
    try:
        body = reader.get(LEASE, namespace, name)
    except ApiFailure as failure:
        raise _failed("read", namespace, name, failure) from failure
    return None if body is None else from_body(body)


def write_lease(writer: ApiWriter, state: LeaseState) -> LeaseState | None:
    """Create or swap the Lease, and return it as stored, or None where somebody else was faster; writes.

    Raises `ClusterError` for what else the server says.
    """
    try:
        if not state.version:
            return from_body(writer.create(LEASE, state.namespace, to_body(state)).body)
        return from_body(writer.replace(LEASE, state.namespace, state.name, to_body(state)).body)
    except ApiFailure as failure:
        # After a lost answer, too, the next reading shows whether it is ours. A namespace that is not there stays so.
        if failure.status == 409 or failure.ambiguous or (failure.status == 404 and state.version):
            return None
        raise _failed("written", state.namespace, state.name, failure) from failure


def delete_free_lease(writer: ApiWriter, namespace: str, name: str) -> None:
    """Delete the Lease, unless a run holds it or has just taken it; writes. Raises `ClusterError` and `ApiFailure`."""
    state = read_lease(writer, namespace, name)
    if state is None or state.holder is not None:
        return
    try:
        writer.delete(LEASE, namespace, name, Precondition(state.uid, state.version))
    except ApiFailure as failure:
        if failure.status not in {404, 409}:
            raise


def _failed(verb: str, namespace: str, name: str, failure: ApiFailure) -> ClusterError:
    forbidden = failure.status == 403
    code = Code.SERVER_FORBIDS if forbidden else Code.SERVER_ERROR
    role = 'apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [get, create, update]'
    text = f"the lock coordination.k8s.io/Lease {namespace}/{name} cannot be {verb}: {failure.message}"
    return ClusterError(Problem(code, text, hint=f"give its role the rule {{{role}}}" if forbidden else None))
