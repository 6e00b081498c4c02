from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.objects import ObjectRef
from gitops_push.core.owners import being_deleted, controller_of, operator_of, other_owners
from gitops_push.core.ownership import ForcedConflicts, is_peoples_tool
from gitops_push.core.takeovers import Takeovers, is_owner

WEB = ObjectRef("apps", "Deployment", "shop", "web")

OURS = frozenset({"x"})


def live(
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    managers: dict[str, dict[str, Any]] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    entries = [
        {"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
        for manager, fields in (managers or {}).items()
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": labels or {},
            "annotations": annotations or {},
            "managedFields": entries,
            **metadata,
        },
    }


FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
HELM_LABEL = {"app.kubernetes.io/managed-by": "Helm"}
HELM_NOTES = {"meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": "shop"}

OWNED = {
    "argo cd by tracking id": (
        live(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}),
        "the Argo CD application shop",
    ),
    "argo cd by label and manager": (
        live(labels={"argocd.argoproj.io/instance": "shop"}, managers={"argocd-controller": {}}),
        "the Argo CD application shop",
    ),
    "flux kustomization": (live(labels=FLUX), "the Flux Kustomization flux-system/apps"),
    "flux helm release": (
        live(labels={"helm.toolkit.fluxcd.io/name": "api", "helm.toolkit.fluxcd.io/namespace": "shop"}),
        "the Flux HelmRelease shop/api",
    ),
    "helm": (live(labels=HELM_LABEL, annotations=HELM_NOTES), "the Helm release shop/api"),
    "kapp": (live(labels={"kapp.k14s.io/app": "1234"}), "the kapp application 1234"),
    "kpt": (live(annotations={"config.k8s.io/owning-inventory": "abc"}), "the inventory abc"),
    "another set": (live(labels={PART_OF_LABEL: "applyset-other-v1"}), "another ApplySet, applyset-other-v1"),
    "a controller": (
        live(ownerReferences=[{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": True}]),
        "the controller apps/v1 ReplicaSet web-1",
    ),
}


@pytest.mark.parametrize("case", OWNED)
def test_each_owner_is_recognised_and_says_how_it_lets_go(case: str) -> None:
    body, name = OWNED[case]
    (owner,) = other_owners(body, frozenset({"applyset-ours-v1"}))
    assert owner.name.startswith(name)
    assert str(owner) == f"belongs to {owner.name}; {owner.release}"
    assert len(owner.release) > 20
    assert (owner.takeover == "") is (case == "a controller")
    assert not owner.takeover or (is_owner(owner.takeover) and f"--takeover {owner.takeover}, or" in owner.reason)
    assert all(format_field_path(key) in owner.reason for key in owner.keys)


def test_all_marks_of_one_tool_are_told_the_weak_ones_too() -> None:
    body = live(
        labels={"argocd.argoproj.io/instance": "shop", "app.kubernetes.io/instance": "shop"},
        annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"},
        managers={"argocd-controller": {}, "argocd-application-controller": {}, "somebody": {}},
        finalizers=["argocd.argoproj.io/hook-finalizer", "x/y"],
    )
    (owner,) = other_owners(body, OURS)
    assert owner.evidence == (
        'metadata.annotations["argocd.argoproj.io/tracking-id"]',
        'metadata.labels["argocd.argoproj.io/instance"]',
        'metadata.labels["app.kubernetes.io/instance"]',
        "field manager argocd-controller",
        "field manager argocd-application-controller",
        "finalizer argocd.argoproj.io/hook-finalizer",
    )


def test_a_label_of_charts_counts_only_beside_a_manager_of_argo_cd() -> None:
    chart = {"app.kubernetes.io/instance": "shop"}
    assert other_owners(live(labels=chart), OURS) == ()
    (owner,) = other_owners(live(labels=chart, managers={"argocd-controller": {}}), OURS)
    assert (owner.takeover, owner.operator and owner.operator.namespace) == ("argocd:shop", "")


def test_an_application_outside_of_argo_cds_namespace_is_named_with_it() -> None:
    tracking = {"argocd.argoproj.io/tracking-id": "team-a_shop:apps/Deployment:shop/web"}
    (owner,) = other_owners(live(annotations=tracking), OURS)
    assert owner.takeover == "argocd:team-a/shop"
    assert operator_of(owner, owner.takeover) == ObjectRef("argoproj.io", "Application", "team-a", "shop")


def test_where_an_application_is_may_stand_in_its_name_only() -> None:
    (owner,) = other_owners(live(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}), OURS)
    for named, namespace in (("argocd:shop", ""), ("argocd:argocd/shop", "argocd")):
        assert Takeovers((named,)).named(owner.takeover) == named
        assert operator_of(owner, named) == ObjectRef("argoproj.io", "Application", namespace, "shop")
    assert Takeovers(("argocd:shop-2", "helm:argocd/shop")).named(owner.takeover) == ""


def test_names_that_others_chose_are_quoted_in_commands() -> None:
    notes = {"meta.helm.sh/release-name": "a; rm -rf /", "meta.helm.sh/release-namespace": "shop"}
    (owner,) = other_owners(live(labels=HELM_LABEL, annotations=notes), OURS)
    assert "helm uninstall 'a; rm -rf /'" in owner.after
    assert owner.takeover == ""


FREE = {
    "nothing": live(),
    "our own set": live(labels={PART_OF_LABEL: "applyset-ours-v1"}),
    "an owner that is no controller": live(ownerReferences=[{"kind": "Shop", "name": "s"}]),
    "a copy of an object of argo cd": live(
        annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/original"}
    ),
    "argo cd's label alone": live(labels={"argocd.argoproj.io/instance": "shop"}),
    "a manager that argo cd left behind": live(managers={"argocd-controller": {}}),
    "helm's label alone": live(labels=HELM_LABEL),
    "helm's annotations alone": live(annotations=HELM_NOTES),
    "half of flux": live(labels={"kustomize.toolkit.fluxcd.io/name": "apps"}),
}


@pytest.mark.parametrize("case", FREE)
def test_weak_evidence_is_none(case: str) -> None:
    assert other_owners(FREE[case], frozenset({"applyset-ours-v1"})) == ()


def test_marks_that_come_from_our_own_manifest_are_no_evidence() -> None:
    ours: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in FLUX}}}
    assert other_owners(live(labels=FLUX, managers={"gitops-push": ours}), frozenset({"applyset-ours-v1"})) == ()
    assert len(other_owners(live(labels=FLUX, managers={"flux": ours}), frozenset({"applyset-ours-v1"}))) == 1


def test_a_foreign_set_counts_even_if_we_wrote_the_label() -> None:
    ours: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{PART_OF_LABEL}": {}}}}
    body = live(labels={PART_OF_LABEL: "applyset-other-v1"}, managers={"gitops-push": ours})
    assert len(other_owners(body, frozenset({"applyset-ours-v1"}))) == 1


def test_all_owners_are_told_the_controller_first() -> None:
    reference = {"apiVersion": "v1", "kind": "Shop", "name": "s", "controller": True}
    body = live(labels={**FLUX, "kapp.k14s.io/app": "1"}, ownerReferences=[reference])
    assert controller_of(body) == "v1 Shop s"
    assert [owner.name.split()[1] for owner in other_owners(body, OURS)] == ["controller", "Flux", "kapp"]


def test_an_object_in_deletion_says_since_when() -> None:
    assert being_deleted(live(deletionTimestamp="2026-01-01T10:00:00Z")) == "2026-01-01T10:00:00Z"
    assert being_deleted(live()) == ""


@pytest.mark.parametrize(
    ("manager", "person"),
    [
        ("kubectl", True),
        ("kubectl-edit", True),
        ("kubectl-client-side-apply", True),
        ("k9s", True),
        ("rancher", True),
        ("before-first-apply", True),
        ("kube-controller-manager", False),
        ("image-updater", False),
        ("my-kubectl", False),
        ("ancient-changes", False),
    ],
)
def test_people_stand_behind_some_managers(manager: str, person: bool) -> None:
    assert is_peoples_tool(manager) is person


def test_a_forced_conflict_is_named_by_kind_and_name() -> None:
    forced = ForcedConflicts(objects=frozenset({"deployment/web"}))
    assert forced.allow(WEB)
    assert not forced.allow(ObjectRef("apps", "Deployment", "shop", "api"))
    assert not forced.allow(ObjectRef("apps", "StatefulSet", "shop", "web"))


def test_a_forced_name_that_no_object_has_is_told_with_the_nearest() -> None:
    forced = ForcedConflicts(objects=frozenset({"deployment/WEB", "Deployment/wbe", "Job/x"}))
    assert forced.warnings([WEB]) == (
        "--force-conflict Deployment/wbe: there is no such object (did you mean 'Deployment/web'?)",
        "--force-conflict Job/x: there is no such object",
    )
