"""The plan as text, whole screens: what a reviewer reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from gitops_push.core.autoscaling import Autoscaler
from gitops_push.core.checkout import Checkout
from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner, Shown
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action, Change, Fidelity, FieldLoss, Plan, YieldedField
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.redaction import Masked
from gitops_push.core.run import RunHeader
from gitops_push.core.yielding import Yield
from gitops_push.reports.lines import Tone
from gitops_push.reports.plan_text import plan_lines

NOW = datetime(2026, 11, 20, 10, 41, tzinfo=UTC)
HEADER = RunHeader("0.1.0", "prod", Checkout(PurePath("/x/config"), "1a2b3c4d", "main", dirty=False), "prod-eu")
WEB = ObjectRef("apps", "Deployment", "shop", "web")


def plan_of(*changes: Change) -> Plan:
    return Plan("prod", "shop", "1a2b3c4d", "id", "digest", NOW, changes, 0.8, namespace="shop", keyed=True)


def text_of(*changes: Change) -> str:
    plan = plan_of(*changes)
    shown = "\n".join(line.text for line in plan_lines(plan, HEADER, "gitops-push apply prod"))
    return shown.replace(plan_digest(plan), "sha256:…")


def field(path: str, before: Any, after: Any, **more: Any) -> FieldChange:
    return FieldChange(parse_field_path(path), before, after, **more)


def test_destructive_changes_come_first_and_the_verdict_last() -> None:
    shown = text_of(
        Change(ObjectRef("", "ConfigMap", "shop", "web-env"), "v1", Action.CREATE),
        Change(
            WEB,
            "apps/v1",
            Action.UPDATE,
            fields=(
                field("spec.replicas", 2, 3, origin=Origin("apps/web.yaml", 7, 13)),
                field("spec.template.spec.containers[name=web].image", "registry/web:1.4.0", "registry/web:1.5.0"),
            ),
        ),
        Change(
            ObjectRef("apps", "Deployment", "shop", "legacy"), "apps/v1", Action.PRUNE, reason="no longer in config"
        ),
        Change(ObjectRef("", "Service", "shop", "web"), "v1", Action.UNCHANGED),
    )
    assert (
        shown
        == """\
gitops-push 0.1.0  env prod  cluster prod-eu  repo config@1a2b3c4 (clean)
plan: 1 create, 1 update, 1 delete, 1 unchanged   (server-side dry run, 0.8 s)
!  delete  apps/Deployment shop/legacy  no longer in config
~  update  apps/Deployment shop/web     spec.replicas 2 -> 3; containers[name=web].image 1.4.0 -> 1.5.0
+  create  v1/ConfigMap shop/web-env

apps/Deployment shop/web
    spec.replicas: 2 -> 3
        apps/web.yaml:7:13
    spec.template.spec.containers[name=web].image: registry/web:1.4.0 -> registry/web:1.5.0
unchanged: 1
plan digest: sha256:…
next: gitops-push apply prod
CHANGES prod: 1 create, 1 update, 1 delete, 1 unchanged"""
    )


def test_nothing_to_do_is_two_lines_and_a_verdict() -> None:
    assert text_of(Change(WEB, "apps/v1", Action.UNCHANGED)).splitlines()[1:] == [
        "plan: 1 unchanged   (server-side dry run, 0.8 s)",
        "IN SYNC prod: 1 object, nothing to do",
    ]


def test_who_loses_a_field_is_named_with_operation_and_time() -> None:
    owner = FieldOwner("kubectl-edit", "Update", NOW)
    shown = text_of(
        Change(
            WEB,
            "apps/v1",
            Action.UPDATE,
            fields=(field("spec.replicas", 5, 3, owner=owner),),
            taken=(FieldLoss("spec.replicas", "kubectl-edit", "Update", NOW),),
        )
    )
    assert "spec.replicas 5 -> 3; takes 1 field from kubectl-edit" in shown
    assert 'was set by "kubectl-edit" (Update, 2026-11-20 10:41:00Z)' in shown


SCALER = FieldOwner("kube-controller-manager", "Update", NOW, "scale")
HPA = Autoscaler("HorizontalPodAutoscaler", "web")


def left(
    owner: FieldOwner | None, autoscaler: Autoscaler | None, live: Shown = 5, path: str = "spec.replicas"
) -> YieldedField:
    return YieldedField(Yield(parse_field_path(path), owner, autoscaler), live, 2, Origin("web.yaml", 6, 13))


def test_a_change_of_nothing_that_leaves_fields_to_others_has_a_row_and_no_details() -> None:
    updater = FieldOwner("image-updater", "Apply", NOW)
    image = left(updater, None, "web:9", "spec.template.spec.containers[name=web].image")
    shown = text_of(Change(WEB, "apps/v1", Action.UNCHANGED, yielded=(left(SCALER, HPA), image)))
    assert shown.splitlines()[2:] == [
        (
            "   unchanged  apps/Deployment shop/web  "
            "yields spec.replicas (5) to kube-controller-manager for HorizontalPodAutoscaler web; "
            "yields containers[name=web].image (web:9) to image-updater"
        ),
        "unchanged: 1",
        "IN SYNC prod: 1 object, nothing to do",
    ]


def test_the_details_of_a_change_say_what_stays_whose_it_is_and_which_line_wants_another() -> None:
    change = Change(WEB, "apps/v1", Action.UPDATE, fields=(field("spec.paused", True, ABSENT),))
    shown = text_of(replace(change, yielded=(left(SCALER, HPA),)))
    assert "removed (was true); yields spec.replicas (5) to kube-controller-manager for" in shown
    assert "    spec.replicas: stays 5, not 2" in shown
    assert (
        'web.yaml:6:13  set by "kube-controller-manager" (Update of scale, 2026-11-20 10:41:00Z)  '
        "scaled by HorizontalPodAutoscaler web"
    ) in shown
    assert "yields spec.replicas (5) to HorizontalPodAutoscaler web" in text_of(
        replace(change, yielded=(left(None, HPA),))
    )


def test_a_loss_that_is_no_shown_change_tells_both_values() -> None:
    loss = FieldLoss("spec.replicas", "hpa", "Update", NOW, live=5, ours=3)
    shown = text_of(Change(WEB, "apps/v1", Action.UPDATE, taken=(loss,)))
    assert 'spec.replicas: 5 -> 3, taken over from "hpa" (Update' in shown


def test_texts_of_several_lines_are_shown_as_a_diff_with_three_lines_of_context() -> None:
    before = "".join(f"line {n}\n" for n in range(20))
    shown = text_of(
        Change(WEB, "apps/v1", Action.UPDATE, fields=(field('data["a.conf"]', before, before.replace("10", "ten")),))
    )
    assert 'data["a.conf"] 1 line added, 1 removed' in shown
    diff = shown.partition('    data["a.conf"]: 1 line added, 1 removed\n')[2].splitlines()[:9]
    assert [line.strip() for line in diff] == [
        "@@ -8,7 +8,7 @@",
        "line 7",
        "line 8",
        "line 9",
        "-line 10",
        "+line ten",
        "line 11",
        "line 12",
        "line 13",
    ]


def test_a_secret_value_shows_as_its_tag() -> None:
    shown = text_of(Change(WEB, "v1", Action.UPDATE, fields=(field("data.token", Masked("1f"), Masked("2e")),)))
    assert "‹secret:1f› -> ‹secret:2e›" in shown  # noqa: RUF001


def test_a_removed_field_says_what_it_was() -> None:
    shown = text_of(Change(WEB, "apps/v1", Action.UPDATE, fields=(field("spec.paused", True, ABSENT),)))
    assert "spec.paused: removed (was true)" in shown


def test_weaker_proof_is_counted_in_the_head() -> None:
    shown = text_of(Change(WEB, "apps/v1", Action.CREATE, Fidelity.CLIENT, reason="its namespace is created too"))
    assert "1 not checked by the server" in shown


def test_blocked_objects_have_short_rows_and_one_way_out_below() -> None:
    label = 'metadata.labels["applyset.kubernetes.io/part-of"]'
    reason = "belongs to another ApplySet, applyset-x-v1; kubectl get configmaps -A"
    fields = (field(label, "applyset-x-v1", "applyset-y-v1"),)
    api = ObjectRef("apps", "Deployment", "shop", "api")
    shown = text_of(*(Change(ref, "apps/v1", Action.BLOCKED, reason=reason, fields=fields) for ref in (api, WEB)))
    assert shown.splitlines()[2:] == [
        "x  blocked  apps/Deployment shop/api  belongs to another ApplySet, applyset-x-v1",
        "x  blocked  apps/Deployment shop/web  belongs to another ApplySet, applyset-x-v1",
        "help: kubectl get configmaps -A",
        "BLOCKED prod: 2 objects; apply refuses, with exit code 15",
    ]


def test_the_label_of_membership_is_told_in_words() -> None:
    label = field('metadata.labels["applyset.kubernetes.io/part-of"]', ABSENT, "applyset-x-v1")
    alone = Change(WEB, "apps/v1", Action.UPDATE, fields=(label,))
    assert text_of(alone).splitlines()[2] == "~  update  apps/Deployment shop/web  joins the set"
    with_more = replace(alone, fields=(label, field("spec.replicas", 2, 3)))
    shown = text_of(with_more)
    assert shown.splitlines()[2] == "~  update  apps/Deployment shop/web  spec.replicas 2 -> 3; joins the set"
    assert "applyset-x-v1" not in shown


def test_what_a_change_brings_about_is_below_its_row() -> None:
    shown = text_of(Change(WEB, "apps/v1", Action.PRUNE, reason="no longer in the config", impact=("stops 3 pods",)))
    assert shown.splitlines()[2:4] == [
        "!  delete  apps/Deployment shop/web  no longer in the config",
        "   impact: stops 3 pods",
    ]


def test_a_hashed_name_and_the_one_it_replaces_are_one_row_and_two_counts() -> None:
    old, new = (ObjectRef("", "ConfigMap", "shop", f"env-{digit * 10}") for digit in "24")
    create = Change(new, "v1", Action.CREATE, fields=(field("data.A", "1", "2"),), renamed_from=old.name)
    shown = text_of(create, Change(old, "v1", Action.PRUNE, reason="replaced by it", replaced_by=new.name))
    assert shown.splitlines()[1:6] == [
        "plan: 1 create, 1 delete, 0 unchanged   (server-side dry run, 0.8 s)",
        '+  create  v1/ConfigMap shop/env-4444444444  replaces env-2222222222; data.A "1" -> "2"',
        "",
        "v1/ConfigMap shop/env-4444444444",
        '    data.A: "1" -> "2"',
    ]


def test_a_predecessor_that_is_kept_has_its_own_row_with_the_reason_once() -> None:
    old, new = (ObjectRef("", "ConfigMap", "shop", f"env-{digit * 10}") for digit in "24")
    create = Change(new, "v1", Action.CREATE, renamed_from=old.name)
    shown = text_of(create, Change(old, "v1", Action.KEPT, reason="pruning is switched off"))
    assert shown.count("pruning is switched off") == 1


def test_only_the_sign_of_a_line_gives_it_its_tone() -> None:
    before = "- a\n- b\n+ c\n"
    change = Change(WEB, "v1", Action.UPDATE, fields=(field("data.conf", before, before.replace("- b", "- x")),))
    plan = Plan("prod", "shop", "1a2b3c4d", "id", "digest", NOW, (change,), 0.8)
    tones = {line.text.strip(): line.tone for line in plan_lines(plan, HEADER)}
    assert (tones["- a"], tones["-- b"], tones["+- x"], tones["+ c"]) == (Tone.DIM, Tone.DELETE, Tone.CREATE, Tone.DIM)


def test_a_recreation_is_loud_and_says_how_it_was_proven() -> None:
    change = Change(
        WEB,
        "apps/v1",
        Action.RECREATE,
        Fidelity.SCHEMA,
        (FieldChange(("spec", "selector", "matchLabels", "app"), "a", "b"),),
        reason="spec.selector cannot be changed in place",
        impact=("stops 3 pods before it starts new ones",),
    )
    new = Change(ObjectRef("", "ConfigMap", "shop", "env"), "v1", Action.CREATE)
    lines = plan_lines(plan_of(new, change), HEADER)
    shown = [line.text for line in lines]
    assert shown[1].startswith("plan: 1 create, 1 recreate, 0 unchanged")
    assert "1 tried" in shown[1]
    assert "not checked" not in shown[1]
    assert shown[2].startswith("!  recreate  apps/Deployment shop/web")
    assert "tried by dry runs" in shown[2]
    assert lines[2].tone is lines[3].tone is Tone.DELETE
    assert "    spec.selector.matchLabels.app: a -> b" in shown
