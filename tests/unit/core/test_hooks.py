from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.hooks import DeletePolicy, Phase, Role, hook_body, role_in

ARGO = "argocd.argoproj.io"
JOB = ("batch", "Job")
PRE, SYNC, POST = Phase.PRE_SYNC, Phase.SYNC, Phase.POST_SYNC


def role(annotations: dict[str, Any], group_kind: tuple[str, str] = JOB) -> Role:
    """The role of an object with these annotations: `argo_hook` is that of Argo CD, `helm_hook` that of Helm."""
    spelled = {
        f"{ARGO if key.startswith('argo') else 'helm.sh'}/{key.split('_', 1)[1].replace('_', '-')}": value
        for key, value in annotations.items()
    }
    return role_in({"metadata": {"annotations": spelled}}, group_kind)


PHASES: dict[str, tuple[dict[str, str], tuple[Phase, ...]]] = {
    "one phase": ({"argo_hook": "PreSync"}, (PRE,)),
    "several phases, in the order of the phases": ({"argo_hook": "PostSync, PreSync"}, (PRE, POST)),
    "a phase twice": ({"argo_hook": "Sync,Sync"}, (SYNC,)),
    "phases of a deletion": ({"argo_hook": "PreDelete,PostDelete"}, (Phase.PRE_DELETE, Phase.POST_DELETE)),
    "Skip beside a phase": ({"argo_hook": "Skip,SyncFail"}, (Phase.SYNC_FAIL,)),
    "helm's installs and upgrades": ({"helm_hook": "pre-install,pre-upgrade"}, (PRE,)),
    "helm before and after": ({"helm_hook": "post-install,pre-upgrade"}, (PRE, POST)),
    "helm's deletion": ({"helm_hook": "pre-delete,post-delete"}, (Phase.PRE_DELETE, Phase.POST_DELETE)),
    "helm's rollback beside an upgrade": ({"helm_hook": "pre-rollback,post-upgrade"}, (POST,)),
    "Argo CD before helm": ({"argo_hook": "PostSync", "helm_hook": "pre-install"}, (POST,)),
    "helm where Argo CD's names nothing": ({"argo_hook": "presync", "helm_hook": "pre-install"}, (PRE,)),
    "helm's definitions are no hooks": ({"helm_hook": "crd-install"}, ()),
    "no hook": ({"argo_sync_wave": "3"}, ()),
}


@pytest.mark.parametrize(("annotations", "phases"), PHASES.values(), ids=PHASES.keys())
def test_annotations_name_the_phases_of_a_hook(annotations: dict[str, str], phases: tuple[Phase, ...]) -> None:
    found = role(annotations)
    assert (found.hooked, found.left_out) == (phases, "")
    assert found.is_applied is not bool(phases)


LEFT_OUT = {
    "Skip": {"argo_hook": "Skip"},
    "an unknown phase": {"argo_hook": "BeforeSync"},
    "no phase": {"argo_hook": ""},
    "a test of helm": {"helm_hook": "test"},
    "rollbacks of helm": {"helm_hook": "pre-rollback, post-rollback"},
    "an unknown hook of helm": {"helm_hook": "pre-sync"},
}


@pytest.mark.parametrize("annotations", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_no_deployment_runs_is_left_out_with_a_reason(annotations: dict[str, str]) -> None:
    found = role(annotations)
    assert found.left_out
    assert not found.is_applied
    assert found.hooked == ()


WAVES: dict[str, tuple[dict[str, Any], int, int]] = {
    "a wave": ({"argo_sync_wave": "5"}, 5, 0),
    "a negative wave": ({"argo_sync_wave": "-5"}, -5, 0),
    "a sign": ({"argo_sync_wave": "+5"}, 5, 0),
    "the weight of helm": ({"helm_hook_weight": "7"}, 7, 0),
    "a wave before the weight": ({"argo_sync_wave": "1", "helm_hook_weight": "7"}, 1, 0),
    "the weight where the wave is none": ({"argo_sync_wave": "first", "helm_hook_weight": "7"}, 7, 1),
    "no integer": ({"argo_sync_wave": "1.5"}, 0, 1),
    "an underscore": ({"argo_sync_wave": "1_0"}, 0, 1),
    "other digits": ({"argo_sync_wave": "٣"}, 0, 1),
    "a number, which no annotation is": ({"argo_sync_wave": 3}, 0, 1),
    "nothing": ({}, 0, 0),
}


@pytest.mark.parametrize(("annotations", "wave", "remarks"), WAVES.values(), ids=WAVES.keys())
def test_a_wave_is_an_integer_or_none_and_people_hear_of_it(
    annotations: dict[str, Any], wave: int, remarks: int
) -> None:
    found = role(annotations, ("", "ConfigMap"))
    assert (found.wave, len(found.remarks)) == (wave, remarks)
    assert found.is_applied


POLICIES: dict[str, tuple[dict[str, str], set[DeletePolicy]]] = {
    "by default before the next creation": ({}, {DeletePolicy.BEFORE_CREATION}),
    "as it says": ({"argo_hook_delete_policy": "HookSucceeded, HookFailed"}, {*DeletePolicy} - {"BeforeHookCreation"}),
    "as helm says": ({"helm_hook_delete_policy": "hook-succeeded"}, {DeletePolicy.SUCCEEDED}),
    "as both say": (
        {"argo_hook_delete_policy": "HookFailed", "helm_hook_delete_policy": "before-hook-creation"},
        {DeletePolicy.FAILED, DeletePolicy.BEFORE_CREATION},
    ),
    "by default where nothing is known": ({"argo_hook_delete_policy": "Never"}, {DeletePolicy.BEFORE_CREATION}),
}


@pytest.mark.parametrize(("annotations", "policies"), POLICIES.values(), ids=POLICIES.keys())
def test_a_hook_is_deleted_by_its_policies(annotations: dict[str, str], policies: set[DeletePolicy]) -> None:
    assert role({"argo_hook": "PreSync", **annotations}).policies == policies


@pytest.mark.parametrize("kind", [("", "Namespace"), ("", "PersistentVolumeClaim"), ("", "PersistentVolume")])
def test_what_data_goes_with_is_applied_in_the_phase_of_its_hook_and_never_run(kind: tuple[str, str]) -> None:
    found = role({"argo_hook": "PreSync,PostSync", "argo_sync_wave": "2"}, kind)
    assert (found.is_applied, found.phase, found.wave) == (True, PRE, 2)
    assert "never deleted" in found.remarks[0].text
    assert role({"argo_hook": "SyncFail"}, kind).left_out


REMARKS = {
    "an unknown phase beside a known one": ({"argo_hook": "PreSync,Before"}, "'Before' is unknown"),
    "replacing alone": ({"argo_sync_options": "Replace=true"}, "Replace=true does not count alone"),
    "force alone": ({"argo_sync_options": "Prune=false,Force=true"}, "Force=true does not count alone"),
    "client-side apply": ({"argo_sync_options": "ServerSideApply=false"}, "always applies server-side"),
    "no validation": ({"argo_sync_options": "Validate=false"}, "check every field"),
    "Argo CD's own mark": ({"argo_tracking_id": "shop:apps/Deployment:shop/web"}, "left out"),
}


@pytest.mark.parametrize(("annotations", "text"), REMARKS.values(), ids=REMARKS.keys())
def test_people_hear_of_what_does_not_count(annotations: dict[str, str], text: str) -> None:
    (remark,) = role(annotations).remarks
    assert text in remark.text


def test_nothing_is_said_of_what_does_count() -> None:
    options = "Replace=true,Force=true,Prune=false,PruneLast=true,ServerSideApply=true,SkipDryRunOnMissingResource=true"
    assert role({"argo_sync_options": options}, ("apps", "Deployment")).remarks == ()


@pytest.mark.parametrize("metadata", [None, [], {"annotations": None}, {"annotations": "x"}, {"annotations": {}}])
def test_an_object_without_annotations_is_an_ordinary_one(metadata: Any) -> None:
    assert role_in({"metadata": metadata}, JOB) == Role()


def test_the_object_of_a_hook_has_a_name_and_the_mark_of_its_deployment() -> None:
    body = {"kind": "Job", "metadata": {"generateName": "migrate-", "annotations": {"a": "b"}}, "spec": {}}
    made = hook_body(body, "migrate-presync-1a2b", "1a2b", PRE)
    annotations = {"a": "b", "gitops-push.dev/hook-attempt": "1a2b/PreSync"}
    assert made == {
        "kind": "Job",
        "metadata": {"name": "migrate-presync-1a2b", "annotations": annotations},
        "spec": {},
    }
    assert body["metadata"] == {"generateName": "migrate-", "annotations": {"a": "b"}}
