"""Finds what scales the objects of a set: autoscalers of the set, those read with it, and, where it matters, all live.

Requests: one LIST of HorizontalPodAutoscalers, and one of ScaledObjects where KEDA is installed, for each namespace
with an object whose replicas are open; none where all live replicas are as in the config repo and nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, ServedKinds
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.live import LISTS_AT_ONCE
from gitops_push.core.autoscaling import AUTOSCALERS, Autoscaler, scaled_by
from gitops_push.core.objects import Body, ObjectRef


@dataclass(frozen=True, slots=True)
class Autoscalers:
    """What scales which object; `unread` says of a namespace why its autoscalers are not known."""

    scaled: Mapping[ObjectRef, Autoscaler]
    unread: Mapping[str, str] = field(default_factory=dict)


def find_autoscalers(
    known: Iterable[Body], open_for: Iterable[ObjectRef], served: ServedKinds, reader: ApiReader
) -> Autoscalers:
    """Return the autoscalers among the `known` bodies, and the live ones beside the objects that are `open_for` one."""
    scaled = scaled_by(known)
    namespaces = sorted({ref.namespace for ref in open_for if ref not in scaled})
    kinds = [kind for group, name in AUTOSCALERS if (kind := served.find(group, name))]
    places = [(kind, namespace) for namespace in namespaces for kind in kinds]
    answers = dict(in_parallel(lambda place: _listed(reader, *place), places, LISTS_AT_ONCE))
    unread = {namespace: found for (_, namespace), found in answers.items() if isinstance(found, str)}
    live = (body for place in places if not isinstance(found := answers[place], str) for body in found)
    return Autoscalers({**scaled_by(live), **scaled}, unread)


def _listed(reader: ApiReader, kind: ServedKind, namespace: str) -> tuple[Body, ...] | str:
    try:
        return reader.list(kind, namespace).items
    except ApiFailure as failure:
        return f"{kind.resource}.{kind.group} in namespace {namespace}: {failure.message}"
