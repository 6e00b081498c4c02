"""Asks what taking objects over would make of them: one dry-run JSON patch for each, beside the dry run of its apply.

A dry run cannot be asked about two requests in a row, so the answer to the apply is taken, what the migration will make
it remove is taken out, and the server is asked to set its defaults on the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.dry_run import Asked
from gitops_push.cluster.operators import active_operators
from gitops_push.cluster.planned import blocked_reason
from gitops_push.cluster.survey import PlanRequest, Survey, ignored_fields
from gitops_push.cluster.targets import Target
from gitops_push.core.added_fields import AddedField, added_beside
from gitops_push.core.adoption import (
    Adoption,
    Preview,
    Terms,
    adoption_of,
    expected_body,
    migrated_body,
    preview_patch,
    previewed,
)
from gitops_push.core.environment import AddedFields
from gitops_push.core.fielddiff import same
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.owners import operator_of, other_owners

_GONE: Final = 404


def with_previews(request: PlanRequest, found: Survey, reader: ApiReader) -> Survey:
    """Return the survey with a preview of every object that is to be taken over.

    One more dry run for each of those that lose a field, and a look at the operator of each owner that loses objects.
    """
    found = replace(found, operators=active_operators(_operators(request, found), reader))
    todo = tuple(_to_adopt(request, found))
    answers = in_parallel(lambda one: _previewed(*one, reader), todo, request.concurrency)
    return replace(found, asked={**found.asked, **{target.ref: asked for (target, *_), asked in answers}})


def _operators(request: PlanRequest, found: Survey) -> Iterator[ObjectRef]:
    """Yield what may put objects back that are to be taken over, once for each object."""
    takeovers = request.takeovers
    if not takeovers.owners:
        return
    for asked in found.asked.values():
        for owner in other_owners(asked.live, request.inventory.ids) if asked.live else ():
            named = takeovers.named(owner.takeover)
            operator = operator_of(owner, named) if named else None
            if operator is not None:
                yield operator


def _to_adopt(request: PlanRequest, found: Survey) -> Iterator[tuple[Target, Asked, Adoption]]:
    for target in found.targets:
        asked = found.asked.get(target.ref)
        if asked is None or asked.live is None or asked.merged is None:
            continue
        terms = Terms(request.inventory.ids, request.takeovers, found.yields.of(target.ref))
        adoption = adoption_of(asked.live, target.body, terms, _added(request, found, target, asked.live))
        if adoption is not None and not blocked_reason(asked.live, request, found.operators):
            yield target, asked, adoption


def _added(request: PlanRequest, found: Survey, target: Target, live: Body) -> tuple[AddedField, ...]:
    """Return what people added, if the environment wants it removed; what rules ignore or yield stays."""
    if request.environment.added_fields is AddedFields.KEEP:
        return ()
    spared = (*ignored_fields(request, target.ref, live), *found.yields.paths(target.ref))
    return added_beside(live, target.body, spared)


def _previewed(target: Target, asked: Asked, adoption: Adoption, reader: ApiReader) -> Asked:
    live, merged, kind = asked.live, asked.merged, target.kind
    if live is None or merged is None or kind is None:
        return asked
    migrated = migrated_body(live, adoption)
    expected = expected_body(migrated, merged, target.body, adoption)
    if same(comparable(expected), comparable(merged)):
        return replace(asked, preview=Preview(adoption, migrated, expected))
    try:
        answer = reader.dry_run_json_patch(kind, *target.place, preview_patch(live, expected))
    except ApiFailure as failure:
        gone = failure.status == _GONE
        return replace(asked, merged=None, failure=None if gone else failure, moved=gone)
    return replace(asked, preview=Preview(adoption, migrated, previewed(answer.body, expected)))
