"""The JSON of a plan holds what docs/reference/json.md says it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gitops_push.core.autoscaling import Autoscaler
from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action, Change, FieldLoss, Plan, YieldedField
from gitops_push.core.redaction import Masked
from gitops_push.core.yielding import Yield
from gitops_push.reports.json_report import plan_data
from tests.unit.reports.test_plan_text import NOW

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json.md"
LONG = "".join(f"line {n}\n" for n in range(2000))
CHANGE = Change(
    ObjectRef("", "ConfigMap", "shop", "env-2"),
    "v1",
    Action.CREATE,
    fields=(FieldChange(("data", "conf"), LONG, f"{LONG}x", origin=Origin("app.conf", 1, 1)),),
    reason="why",
    renamed_from="env-1",
    replaced_by="env-3",
    impact=("restarts 3 pods",),
    origin=Origin("kustomization.yaml", 3),
)


def test_every_key_of_a_change_is_documented() -> None:
    (change,) = plan_data(Plan("prod", "shop", "c", "id", "digest", NOW, (CHANGE,)))["changes"]
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith("| a change |"))
    of_the_object = {"group", "objectKind", "namespace", "name"}
    assert {key for key in change if f"`{key}`" not in row} == of_the_object
    assert change["impact"] == ["restarts 3 pods"]


def test_texts_are_whole_in_json_with_the_line_that_sets_them() -> None:
    (change,) = plan_data(Plan("prod", "shop", "c", "id", "digest", NOW, (CHANGE,)))["changes"]
    (field,) = change["fields"]
    assert (field["before"], field["after"]) == (LONG, f"{LONG}x")
    assert field["origin"] == {"file": "app.conf", "line": 1, "column": 1}


def test_what_is_taken_and_what_is_left_have_both_values_masked_and_documented_keys() -> None:
    owner = FieldOwner("image-updater", "Update", NOW, "scale")
    place = Origin("web.yaml", 6, 13)
    yields = Yield(("spec", "replicas"), owner, Autoscaler("HorizontalPodAutoscaler", "web"))
    change = replace(
        CHANGE,
        taken=(FieldLoss("data.token", "x", "Apply", NOW, place, live=Masked("1f"), ours=Masked("2e")),),
        yielded=(YieldedField(yields, 5, ABSENT, place),),
    )
    (shown,) = plan_data(Plan("prod", "shop", "c", "id", "digest", NOW, (change,)))["changes"]
    (taken,), (left,) = shown["taken"], shown["yielded"]
    assert (taken["live"], taken["ours"]) == ({"masked": "1f"}, {"masked": "2e"})
    assert (left["live"], left["autoscaler"], left["owner"]["subresource"]) == (
        5,
        "HorizontalPodAutoscaler web",
        "scale",
    )
    assert "ours" not in left
    rows = PAGE.read_text().splitlines()
    for name, keys in (("taken", taken), ("yielded", {**left, "ours": 2})):
        row = next(line for line in rows if line.startswith(f"| a {name} field |"))
        assert [key for key in keys if f"`{key}`" not in row] == []
