"""The drift report as text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

from gitops_push.core.checkout import Checkout
from gitops_push.core.drift import Cause, DriftReport, FieldDrift, ObjectDrift
from gitops_push.core.fielddiff import FieldChange, FieldOwner
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.run import RunHeader
from gitops_push.reports.drift_text import drift_lines

NOW = datetime(2026, 11, 20, 10, 41, tzinfo=UTC)
HEADER = RunHeader("0.1.0", "prod", Checkout(PurePath("/x/config"), "1a2b3c4d", "main", dirty=False), "prod-eu")
WEB = ObjectRef("apps", "Deployment", "shop", "web")


def drift_of(*drifted: ObjectDrift, in_sync: int = 1) -> list[str]:
    report = DriftReport("prod", "shop", "1a2b3c4d", "", "id", NOW, drifted, in_sync)
    return [line.text for line in drift_lines(report, HEADER)[1:]]


def test_a_reason_does_not_name_the_object_a_second_time() -> None:
    reason = f"{WEB}: the server does not know the kind"
    assert drift_of(ObjectDrift(WEB, Cause.UNVERIFIABLE, reason=reason)) == [
        "unverifiable  apps/Deployment shop/web  the server does not know the kind",
        "DRIFT prod: 1 unverifiable, 1 in sync",
    ]


def test_a_changed_field_shows_who_set_it_and_the_line_that_wants_it_otherwise() -> None:
    owner = FieldOwner("kubectl-edit", "Update", NOW)
    field = FieldChange(parse_field_path("spec.replicas"), 5, 3, owner=owner, origin=Origin("web.yaml", 7, 13))
    assert drift_of(ObjectDrift(WEB, Cause.EDITED, (FieldDrift(field, Cause.EDITED),))) == [
        "edited  apps/Deployment shop/web",
        "    spec.replicas",
        '        live  5  set by "kubectl-edit" (Update, 2026-11-20 10:41:00Z)',
        "        git   3  web.yaml:7:13",
        "DRIFT prod: 1 edited, 1 in sync",
    ]


def test_one_object_in_sync_is_counted_in_the_singular() -> None:
    assert drift_of() == ["IN SYNC prod: 1 object"]
