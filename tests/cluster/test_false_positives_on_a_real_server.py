"""Plays the table of known false positives on the real API server, all rows at once, and judges each row."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gitops_push.cluster.api import Precondition
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import PlanRequest, make_plan
from gitops_push.cluster.targets import Target
from gitops_push.core.drift import ObjectDrift
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import format_field_path, value_at
from gitops_push.core.managed_fields import our_entry
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change
from gitops_push.core.redaction import Masked
from tests.cluster.connecting import connected, credential_of
from tests.cluster.false_positives import Body, Row, filled, rows
from tests.cluster.gadgets import gadget_definition
from tests.cluster.planning import apply_all, request_for, targets_of, until
from tests.controlplane.cluster import ControlPlane

ROWS = rows()


@dataclass(frozen=True)
class Played:
    """What happened to the object of one row."""

    applied: Change
    drifted: ObjectDrift | None
    written_again: bool
    planned: Change
    settled: Change
    drifted_later: ObjectDrift | None
    live: Body


@pytest.fixture(scope="module")
def place(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace for all rows, whose objects without a namespace carry its name and go with it."""
    name = f"rows-{uuid.uuid4().hex[:8]}"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    until(lambda: control_plane.request("GET", accounts)["items"])
    yield name
    control_plane.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def played(control_plane: ControlPlane, place: str) -> Iterator[Mapping[Row, Played]]:
    with connected(control_plane.kubeconfig) as api:
        group = f"{place}.example.com"
        apply_all(request_for("default", gadget_definition(group)), api)
        until(lambda: api.served_kinds(refresh=True).find(group, "Gadget") is not None)
        bodies = {row: _body(row, place, group) for row in ROWS}
        try:
            yield _play(control_plane, api, place, bodies)
        finally:
            for row, body in bodies.items():
                if row.cluster_scoped:
                    control_plane.request("DELETE", _path(api, body))


def _play(control_plane: ControlPlane, api: HttpApi, place: str, bodies: Mapping[Row, Body]) -> Mapping[Row, Played]:
    wanted = request_for(place, *bodies.values())
    apply_all(wanted, api)
    bundle = base64.b64encode(credential_of(control_plane.kubeconfig).ca_pem.encode()).decode()
    for row, body in bodies.items():
        for edit in filled(row.data.get("edits") or [], {"BUNDLE": bundle}):
            _edit(control_plane, _path(api, body), edit)
    applied, drifted = _look(wanted, api)
    again = {target.ref: _is_written(target, api) for target in targets_of(wanted, api)}
    changed = request_for(place, *(row.changed(body) for row, body in bodies.items()))
    planned, _ = _look(changed, api)
    apply_all(changed, api)
    settled, drifted_later = _look(changed, api)
    live = {target.ref: _live(target, api) for target in targets_of(changed, api)}
    refs = {row: target.ref for row, target in zip(bodies, targets_of(wanted, api), strict=True)}
    return {
        row: Played(
            applied[ref], drifted.get(ref), again[ref], planned[ref], settled[ref], drifted_later.get(ref), live[ref]
        )
        for row, ref in refs.items()
    }


def _look(wanted: PlanRequest, api: HttpApi) -> tuple[Mapping[ObjectRef, Change], Mapping[ObjectRef, ObjectDrift]]:
    changes = {change.ref: change for change in make_plan(wanted, api).changes}
    return changes, {drift.ref: drift for drift in report_drift(wanted, api).drifted}


def _body(row: Row, place: str, group: str) -> Body:
    name = f"{place}-{row.slug}" if row.cluster_scoped else row.slug
    body = row.manifest()
    body["metadata"]["name"] = row.name
    if not row.cluster_scoped:
        body["metadata"]["namespace"] = place
    found: Body = filled(body, {"NAME": name, "GROUP": group})
    return found


def _edit(control_plane: ControlPlane, path: str, edit: Mapping[str, Any]) -> None:
    kind = edit.get("type", "merge")
    content_type = f"application/{kind if kind == 'json' else f'{kind}-merge' if kind != 'merge' else kind}-patch+json"
    control_plane.request("PATCH", f"{path}?fieldManager={edit['manager']}", edit["patch"], content_type)


def _path(api: HttpApi, body: Body) -> str:
    group, _, version = body["apiVersion"].rpartition("/")
    kind = api.served_kinds().find(group, body["kind"], version)
    assert kind is not None
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    namespace = body["metadata"].get("namespace")
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{kind.resource}/{body['metadata']['name']}"


def _live(target: Target, api: HttpApi) -> Body:
    assert target.kind is not None
    live = api.get(target.kind, *target.place)
    assert live is not None
    return dict(live)


def _is_written(target: Target, api: HttpApi) -> bool:
    """Whether an apply of the same content writes more than the time of our entry in managedFields.

    That alone the server writes for empty lists (kubernetes#108234); the program never sends what is unchanged.
    """
    assert target.kind is not None
    before = _live(target, api)
    after = api.apply(target.kind, *target.place, target.body, Precondition()).body
    return comparable(before) != comparable(after) or _our_fields(before) != _our_fields(after)


def _our_fields(body: Mapping[str, Any]) -> object:
    entry = our_entry(body)
    return entry and (entry.api_version, entry.fields)


def _identity(row: Row) -> str:
    return f"{row.case} ({row.kind})"


@pytest.mark.parametrize("row", ROWS, ids=_identity)
def test_after_an_apply_there_is_no_difference_no_drift_and_nothing_to_write(
    row: Row, played: Mapping[Row, Played]
) -> None:
    seen = played[row]
    assert (seen.applied.action, seen.applied.fields, seen.applied.reason) == (Action.UNCHANGED, (), "")
    assert seen.drifted is None
    assert not seen.written_again


@pytest.mark.parametrize("row", ROWS, ids=_identity)
def test_a_real_change_is_seen_as_exactly_its_fields_and_is_done_by_one_apply(
    row: Row, played: Mapping[Row, Played]
) -> None:
    seen = played[row]
    assert seen.planned.action is Action.UPDATE
    assert frozenset(format_field_path(field.path) for field in seen.planned.fields) == row.shown
    for field in seen.planned.fields:
        became = value_at(field.path, seen.live, ABSENT)
        assert (became is not ABSENT) if isinstance(field.after, Masked) else became == field.after
    assert (seen.settled.action, seen.settled.fields, seen.settled.reason) == (Action.UNCHANGED, (), "")
    assert seen.drifted_later is None
