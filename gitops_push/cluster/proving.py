"""Finds the objects that need no dry run: an apply is proven to leave them as they are (`core.proof`).

Requests: none where nothing could be proven; else one LIST of the mutating webhook configurations, one of the mutating
admission policies where the server has such, and one GET of the CustomResourceDefinition of each custom kind of which
at least two objects could be proven (none if it is in the set). What may not be read proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, ServedKinds
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.dry_run import Asked
from gitops_push.cluster.live import LISTS_AT_ONCE
from gitops_push.cluster.targets import Target
from gitops_push.core.kinds import BUILT_IN
from gitops_push.core.mutation import Mutations, mutations_of
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.proof import doubt_about, is_settled

_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
_ADMISSION: Final = "admissionregistration.k8s.io"
_WORTH_A_GET: Final = 2
"""A dry run of one object costs no more than reading the definition of its kind."""


def prove_unchanged(
    targets: Iterable[Target], live: Mapping[ObjectRef, Body], served: ServedKinds, reader: ApiReader
) -> dict[ObjectRef, Asked]:
    """Return the answer that the server would give about each target that is proven to be unchanged."""
    candidates = [(target, kind) for target, kind in _existing(targets, live) if _is_candidate(target, kind, live)]
    if not candidates:
        return {}
    mutations = _mutations(served, reader)
    if mutations is None:
        return {}
    left = [(t, kind) for t, kind in candidates if not mutations.may_change(kind.group, kind.resource)]
    definitions = _definitions([kind for _, kind in left if _is_custom(kind)], live, served, reader)
    proven = [t for t, kind in left if not _is_custom(kind) or _is_settled(definitions.get(kind), live[t.ref])]
    return {target.ref: Asked(live[target.ref], live[target.ref], proven=True) for target in proven}


def _existing(targets: Iterable[Target], live: Mapping[ObjectRef, Body]) -> Iterator[tuple[Target, ServedKind]]:
    return ((target, target.kind) for target in targets if target.kind is not None and target.ref in live)


def _is_candidate(target: Target, kind: ServedKind, live: Mapping[ObjectRef, Body]) -> bool:
    return doubt_about(live[target.ref], target.body, custom=_is_custom(kind)) is None


def _is_custom(kind: ServedKind) -> bool:
    return (kind.group, kind.kind) not in BUILT_IN


def _is_settled(definition: Body | None, live: Body) -> bool:
    return definition is not None and is_settled(definition, live)


def _mutations(served: ServedKinds, reader: ApiReader) -> Mutations | None:
    """Return what admission may change, or None where that may not be read."""
    kinds = [served.find(_ADMISSION, kind) for kind in ("MutatingWebhookConfiguration", "MutatingAdmissionPolicy")]
    try:
        lists = in_parallel(reader.list, [kind for kind in kinds if kind is not None], LISTS_AT_ONCE)
        return mutations_of(body for _, found in lists for body in found.items)
    except ApiFailure:
        return None


def _definitions(
    kinds: Iterable[ServedKind], live: Mapping[ObjectRef, Body], served: ServedKinds, reader: ApiReader
) -> dict[ServedKind, Body]:
    """Return the definitions of custom kinds; an aggregated API has none, so that nothing is known of its kinds."""
    found: dict[ServedKind, Body] = {}
    unread: list[ServedKind] = []
    for kind, count in Counter(kinds).items():
        name = f"{kind.resource}.{kind.group}"
        known = live.get(ObjectRef(*_CRD, "", name))
        if known is not None:
            found[kind] = known
        elif count >= _WORTH_A_GET:
            unread.append(kind)
    definition = served.find(*_CRD)
    if definition is None:
        return found

    def read(kind: ServedKind) -> Body | None:
        try:
            return reader.get(definition, "", f"{kind.resource}.{kind.group}")
        except ApiFailure:
            return None

    answers = in_parallel(read, unread, LISTS_AT_ONCE)
    return {**found, **{kind: body for kind, body in answers if body is not None}}
