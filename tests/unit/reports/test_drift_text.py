"""The drift report as text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from gitops_push.core.checkout import Checkout
from gitops_push.core.drift import Cause, DriftReport, FieldDrift, ObjectDrift
from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.run import RunHeader
from gitops_push.reports.drift_text import drift_lines

NOW = datetime(2026, 11, 20, 10, 41, tzinfo=UTC)
HEADER = RunHeader("0.1.0", "prod", Checkout(PurePath("/x/config"), "1a2b3c4d", "main", dirty=False), "prod-eu")
WEB = ObjectRef("apps", "Deployment", "shop", "web")


def lines_of(*drifted: ObjectDrift, in_sync: int = 1, **more: Any) -> list[str]:
    report = DriftReport("prod", "shop", "1a2b3c4d", "", "id", NOW, drifted, in_sync, **more)
    return [line.text for line in drift_lines(report, HEADER)]


def drift_of(*drifted: ObjectDrift) -> list[str]:
    return lines_of(*drifted)[1:]


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


def test_one_line_is_all_where_nothing_drifted() -> None:
    assert lines_of() == ["IN SYNC prod: 1 object"]
    assert lines_of(in_sync=3) == ["IN SYNC prod: 3 objects"]


def test_a_weaker_check_is_told_also_where_nothing_drifted() -> None:
    assert lines_of(notes=("compared field by field",)) == [
        str(HEADER),
        "note: compared field by field",
        "IN SYNC prod: 1 object",
    ]


def test_fields_of_several_causes_each_name_theirs_and_the_worst_objects_come_first() -> None:
    fields = (
        FieldDrift(FieldChange(parse_field_path("spec.replicas"), 5, 3), Cause.EDITED),
        FieldDrift(FieldChange(parse_field_path("spec.paused"), ABSENT, True), Cause.GIT_AHEAD),
    )
    gone = ObjectDrift(ObjectRef("", "ConfigMap", "shop", "gone"), Cause.MISSING, origin=Origin("gone.yaml", 1, 1))
    new = ObjectDrift(ObjectRef("", "ConfigMap", "shop", "a-new"), Cause.GIT_AHEAD, reason="not created yet")
    assert drift_of(new, ObjectDrift(WEB, Cause.BOTH, fields), gone) == [
        "missing    v1/ConfigMap shop/gone",
        "    wanted by gone.yaml:1:1",
        "both       apps/Deployment shop/web",
        "    spec.replicas  (edited)",
        "        live  5",
        "        git   3",
        "    spec.paused  (git ahead)",
        "        live  not there",
        "        git   true",
        "git ahead  v1/ConfigMap shop/a-new   not created yet",
        "DRIFT prod: 1 missing, 1 both, 1 git ahead, 1 in sync",
    ]


def test_unmanaged_objects_are_listed_and_are_no_drift() -> None:
    assert lines_of(unmanaged=(WEB,))[1:] == [
        "unmanaged  apps/Deployment shop/web  has the label of this environment",
        "IN SYNC prod: 1 object",
    ]
