"""Reads the live objects of an environment: one LIST per kind and namespace in use, GETs where it is not allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, ServedKinds
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.inventory import InventoryEntry
from gitops_push.core.kinds import split_api_version
from gitops_push.core.membership import is_member
from gitops_push.core.objects import Body, ObjectRef

LISTS_AT_ONCE: Final = 4
"""A LIST is heavy for the server."""

FORBIDDEN: Final = 403
NOT_LISTABLE: Final = frozenset({FORBIDDEN, 405})


@dataclass(frozen=True, slots=True)
class LiveObjects:
    """The live objects that were asked for, by ref; what does not exist is not in it.

    `unreadable` says which entries of the inventory could not be looked for, and why: then nothing may be pruned, and
    none of them may be taken for gone. `labelled` are further objects with the label of the set that the lists showed.
    """

    objects: Mapping[ObjectRef, Body] = field(repr=False)
    unreadable: Mapping[ObjectRef, str] = field(default_factory=dict)
    labelled: Mapping[ObjectRef, Body] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Names that are looked for in one list; `optional` ones are of the inventory only."""

    kind: ServedKind
    namespace: str
    names: frozenset[str]
    optional: frozenset[str]

    @property
    def every(self) -> frozenset[str]:
        """Return all of them."""
        return self.names | self.optional


def read_live(
    targets: Iterable[Target],
    entries: Iterable[InventoryEntry],
    served: ServedKinds,
    reader: ApiReader,
    set_ids: Collection[str] = (),
) -> LiveObjects:
    """Return the live objects of the set and of the inventory, and what else carries the label of one of these sets.

    Raises `ClusterError` with every kind that may not be read, or that the server failed to list.
    """
    wanted, unreadable = _wanted(targets, entries, served)
    found = dict(in_parallel(lambda group: _read_group(reader, group, set_ids), wanted, LISTS_AT_ONCE))
    answers = [found[group] for group in wanted]
    problems = [problem for answer in answers for problem in answer.problems]
    if problems:
        raise ClusterError(problems)
    return LiveObjects(
        {ref: body for answer in answers for ref, body in answer.objects.items()},
        unreadable | {ref: why for answer in answers for ref, why in answer.unreadable.items()},
        {ref: body for answer in answers for ref, body in answer.labelled.items()},
    )


def read_external(refs: Iterable[ObjectRef], served: ServedKinds, reader: ApiReader) -> tuple[Problem, ...]:
    """Return a problem for each external object that does not exist; one GET each."""
    return tuple(problem for ref in refs for problem in _external_problems(ref, served, reader))


@dataclass(slots=True)
class _Answer:
    objects: dict[ObjectRef, Body] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: dict[ObjectRef, str] = field(default_factory=dict)
    labelled: dict[ObjectRef, Body] = field(default_factory=dict)


def _wanted(
    targets: Iterable[Target], entries: Iterable[InventoryEntry], served: ServedKinds
) -> tuple[tuple[_Wanted, ...], dict[ObjectRef, str]]:
    names: dict[tuple[ServedKind, str], set[str]] = {}
    optional: dict[tuple[ServedKind, str], set[str]] = {}
    in_use: dict[tuple[str, str], ServedKind] = {}
    seen: set[ObjectRef] = set()
    for target in targets:
        if target.kind is not None:
            seen.add(target.ref)
            in_use.setdefault((target.kind.group, target.kind.kind), target.kind)
            names.setdefault((target.kind, target.ref.namespace), set()).add(target.ref.name)
    unreadable: dict[ObjectRef, str] = {}
    for entry in entries:
        if entry.ref in seen:
            continue
        kind = in_use.get((entry.ref.group, entry.ref.kind)) or _kind_of(entry, served)
        if kind is not None:
            optional.setdefault((kind, entry.ref.namespace), set()).add(entry.ref.name)
        elif entry.ref.group in served.unavailable:
            unreadable[entry.ref] = f"the API group {entry.ref.group} does not answer"
    groups = tuple(
        _Wanted(kind, namespace, frozenset(names.get((kind, namespace), ())), frozenset(more))
        for kind, namespace in sorted(names.keys() | optional.keys())
        for more in [optional.get((kind, namespace), set())]
    )
    return groups, unreadable


def _kind_of(entry: InventoryEntry, served: ServedKinds) -> ServedKind | None:
    _, version = split_api_version(entry.api_version)
    return served.find(entry.ref.group, entry.ref.kind, version) or served.find(entry.ref.group, entry.ref.kind)


def _read_group(reader: ApiReader, wanted: _Wanted, set_ids: Collection[str]) -> _Answer:
    answer = _Answer()
    try:
        found = reader.list(wanted.kind, wanted.namespace)
    except ApiFailure as failure:
        if failure.status in NOT_LISTABLE:
            _read_each(reader, wanted, answer)
        else:
            answer.problems.append(_list_failed(wanted, failure))
        return answer
    for body in found.items:
        name = str(body["metadata"]["name"])
        if not _is_in(body, wanted):
            continue
        if name in wanted.every:
            answer.objects[_ref(wanted, name)] = body
        elif is_member(body, set_ids):
            answer.labelled[_ref(wanted, name)] = body
    return answer


def _is_in(body: Body, wanted: _Wanted) -> bool:
    return not wanted.kind.namespaced or body["metadata"].get("namespace", wanted.namespace) == wanted.namespace


def _read_each(reader: ApiReader, wanted: _Wanted, answer: _Answer) -> None:
    for name in sorted(wanted.every):
        try:
            body = reader.get(wanted.kind, wanted.namespace, name)
        except ApiFailure as failure:
            if name in wanted.names:
                answer.problems.append(_get_failed(wanted, name, failure))
            else:
                answer.unreadable[_ref(wanted, name)] = failure.message
            continue
        if body is not None:
            answer.objects[_ref(wanted, name)] = body


def _ref(wanted: _Wanted, name: str) -> ObjectRef:
    return ObjectRef(wanted.kind.group, wanted.kind.kind, wanted.namespace if wanted.kind.namespaced else "", name)


def _list_failed(wanted: _Wanted, failure: ApiFailure) -> Problem:
    where = f" in namespace {wanted.namespace}" if wanted.namespace else ""
    message = f"the server could not list {wanted.kind.resource}{where}: {failure.message} ({failure.status})"
    return Problem(Code.SERVER_ERROR, message, hint="try again; nothing can be planned without the live objects")


def _get_failed(wanted: _Wanted, name: str, failure: ApiFailure) -> Problem:
    ref = _ref(wanted, name)
    if failure.status != FORBIDDEN:
        return Problem(Code.SERVER_ERROR, f"the server could not read {ref}: {failure.message}", ref=ref)
    where = f" in namespace {wanted.namespace}" if wanted.namespace else ""
    resource = f"{wanted.kind.resource}.{wanted.kind.group}".rstrip(".")
    return Problem(
        Code.SERVER_FORBIDS,
        f"reading {ref} is not allowed: the credential may neither list nor get {resource}{where}",
        ref=ref,
        hint=f"grant it verb get on {resource}{where} (or list, which is one request for all)",
    )


def _external_problems(ref: ObjectRef, served: ServedKinds, reader: ApiReader) -> tuple[Problem, ...]:
    kind = served.find(ref.group, ref.kind)
    if kind is None:
        message = f"the external object {ref} cannot exist: the server does not know its kind"
        return (Problem(Code.KIND_NOT_SERVED, message, ref=ref),)
    try:
        found = reader.get(kind, ref.namespace, ref.name)
    except ApiFailure as failure:
        if failure.status != FORBIDDEN:
            return (Problem(Code.SERVER_ERROR, f"the server could not read {ref}: {failure.message}", ref=ref),)
        # Not even its existence may be looked at; what depends on it will fail its dry run if it is not there.
        return ()
    if found is not None:
        return ()
    code = Code.NAMESPACE_MISSING if ref.kind == "Namespace" else Code.MANIFEST_INVALID
    message = f"the external object {ref} does not exist"
    return (Problem(code, message, ref=ref, hint="create it, or take it out of external: and into the set"),)
