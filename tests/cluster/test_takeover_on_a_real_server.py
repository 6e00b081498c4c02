"""Objects of other tools: blocked with the way out, and taken over where their owner is named and at rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.client import HttpApi
from gitops_push.core.inventory import PART_OF_LABEL
from gitops_push.core.plan import Action, Change
from tests.cluster.deploying import deployed, prepare
from tests.cluster.planning import until
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import change_of

Body = dict[str, Any]
TRACKING = "argocd.argoproj.io/tracking-id"


def config_map(namespace: str, labels: dict[str, str], annotations: dict[str, str], **data: str) -> Body:
    metadata = {"name": "env", "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def wanted(namespace: str) -> Body:
    return config_map(namespace, {"app": "shop"}, {}, A="2")


def change(api: HttpApi, namespace: str, *owners: str) -> Change:
    return change_of(prepare(api, namespace, wanted(namespace), takeover=owners).plan, "env")


def live(kubectl: Kubectl, namespace: str) -> Body:
    body: Body = kubectl.get("configmap", "env", "-n", namespace, "--show-managed-fields")
    return body


def managers(body: Body) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in body["metadata"]["managedFields"]]


def helm_object(namespace: str) -> Body:
    annotations = {"meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": namespace}
    return config_map(namespace, {"app.kubernetes.io/managed-by": "Helm"}, annotations, A="1", OLD="x")


def argocd_object(namespace: str, application: str = "shop") -> Body:
    return config_map(namespace, {}, {TRACKING: f"{application}:/ConfigMap:{namespace}/env"}, A="1", OLD="x")


def flux_object(namespace: str) -> Body:
    group = "kustomize.toolkit.fluxcd.io"
    return config_map(namespace, {f"{group}/name": "apps", f"{group}/namespace": namespace}, {}, A="1", OLD="x")


def kapp_object(namespace: str) -> Body:
    labels = {"kapp.k14s.io/app": "17", "kapp.k14s.io/association": "v1.ab"}
    return config_map(namespace, labels, {"kapp.k14s.io/identity": "v1;x"}, A="1", OLD="x")


def kpt_object(namespace: str) -> Body:
    return config_map(namespace, {}, {"config.k8s.io/owning-inventory": "abc"}, A="1", OLD="x")


def kubectl_set_object(namespace: str) -> Body:
    return config_map(namespace, {PART_OF_LABEL: "applyset-x-v1"}, {}, A="1", OLD="x")


CREATE, APPLY = ("create",), ("apply", "--server-side")
OWNERS = {
    "helm 3": (helm_object, CREATE, "helm", "helm:{ns}/api"),
    "helm 4": (helm_object, APPLY, "helm", "helm:{ns}/api"),
    "argo cd client side": (argocd_object, CREATE, "argocd-controller", "argocd:shop"),
    "argo cd server side, with its namespace": (argocd_object, APPLY, "argocd-controller", "argocd:argocd/shop"),
    "flux": (flux_object, APPLY, "kustomize-controller", "flux:kustomization/{ns}/apps"),
    "kapp": (kapp_object, CREATE, "kapp", "kapp:17"),
    "kpt": (kpt_object, APPLY, "kpt", "cli-utils:abc"),
    "an applyset of kubectl": (kubectl_set_object, APPLY, "kubectl", "applyset:applyset-x-v1"),
}


@pytest.mark.parametrize("case", OWNERS)
def test_an_object_of_another_owner_is_blocked_and_taken_over_with_its_flag_only(
    api: HttpApi, namespace: str, kubectl: Kubectl, case: str
) -> None:
    make, how, manager, owner = OWNERS[case]
    owner = owner.format(ns=namespace)
    body = make(namespace)
    kubectl(*how, "-f", "-", f"--field-manager={manager}", stdin=json.dumps(body))
    for blocked in (change(api, namespace), change(api, namespace, "helm:other/one", "kapp:no")):
        assert blocked.action is Action.BLOCKED
        assert f"--takeover {owner.replace('argocd/', '')}" in blocked.reason
    found = change(api, namespace, owner)
    assert found.action is Action.TAKE_OVER
    assert found.take_over
    assert "data.OLD" in found.take_over.gone
    assert [(entry.manager, entry.fields > 0) for entry in found.take_over.entries] == [(manager, True)]
    assert deployed(api, namespace, wanted(namespace), takeover=(owner,)).exit_code == 0
    after = live(kubectl, namespace)
    assert after["data"] == {"A": "2"}
    assert "annotations" not in after["metadata"]
    assert set(after["metadata"]["labels"]) == {"app", PART_OF_LABEL}
    assert managers(after) == [("gitops-push", "Apply")]
    assert change(api, namespace).action is Action.UNCHANGED


def test_of_two_owners_both_are_named_and_both_must_be_taken_over(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    body = helm_object(namespace)
    body["metadata"]["annotations"] |= argocd_object(namespace)["metadata"]["annotations"]
    kubectl("create", "-f", "-", "--field-manager=helm", stdin=json.dumps(body))
    helm, argocd = f"helm:{namespace}/api", "argocd:shop"
    for named, missing in (((), (helm, argocd)), ((helm,), (argocd,)), ((argocd,), (helm,))):
        blocked = change(api, namespace, *named)
        assert blocked.action is Action.BLOCKED
        assert [owner in blocked.reason for owner in (helm, argocd)] == [o in missing for o in (helm, argocd)]
    taken = change(api, namespace, helm, argocd)
    assert taken.take_over
    assert set(taken.take_over.owners) == {helm, argocd}
    assert deployed(api, namespace, wanted(namespace), takeover=(helm, argocd)).exit_code == 0
    after = live(kubectl, namespace)
    assert (after["data"], "annotations" in after["metadata"]) == ({"A": "2"}, False)
    assert change(api, namespace).action is Action.UNCHANGED


def test_a_mark_that_the_manifest_itself_has_stays(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", "--field-manager=helm", stdin=json.dumps(helm_object(namespace)))
    body = config_map(namespace, {"app.kubernetes.io/managed-by": "Helm"}, {}, A="1")
    assert deployed(api, namespace, body, takeover=(f"helm:{namespace}/api",)).exit_code == 0
    after = live(kubectl, namespace)
    assert after["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert "annotations" not in after["metadata"]
    assert deployed(api, namespace, body).wrote is False


def test_what_other_managers_have_is_not_taken_along(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", "--field-manager=helm", stdin=json.dumps(helm_object(namespace)))
    patch = {"metadata": {"annotations": {"by": "robot"}}}
    kubectl("patch", "configmap", "env", "-n", namespace, "--field-manager=robot", "-p", json.dumps(patch))
    assert deployed(api, namespace, wanted(namespace), takeover=(f"helm:{namespace}/api",)).exit_code == 0
    after = live(kubectl, namespace)
    assert after["metadata"]["annotations"] == {"by": "robot"}
    assert sorted(managers(after)) == [("gitops-push", "Apply"), ("robot", "Update")]


def test_an_object_of_another_environment_is_taken_over_by_the_name_of_its_inventory(
    api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    first = config_map(namespace, {}, {}, A="1", OLD="x")
    assert deployed(api, namespace, first, name="staging").exit_code == 0
    assert change(api, namespace).action is Action.BLOCKED
    owner = f"inventory:{namespace}/gitops-push-shop-staging"
    found = change(api, namespace, owner)
    assert (found.action, found.take_over and found.take_over.gone) == (Action.TAKE_OVER, ("data.OLD",))
    assert deployed(api, namespace, wanted(namespace), takeover=(owner,)).exit_code == 0
    assert live(kubectl, namespace)["data"] == {"A": "2"}
    moved_out = {**first, "metadata": {**first["metadata"], "name": "other"}}
    assert deployed(api, namespace, moved_out, name="staging").exit_code == 0
    assert live(kubectl, namespace)["data"] == {"A": "2"}
    assert change(api, namespace).action is Action.UNCHANGED


def test_what_a_controller_made_is_never_taken_over(api: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    home = kubectl.get("configmap", "kube-root-ca.crt", "-n", namespace)
    body = helm_object(namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": home["metadata"]["uid"]}
    body["metadata"]["ownerReferences"] = [{**reference, "controller": True}]
    kubectl("create", "-f", "-", stdin=json.dumps(body))
    blocked = change(api, namespace, f"helm:{namespace}/api")
    assert blocked.action is Action.BLOCKED
    assert "the controller v1 ConfigMap kube-root-ca.crt" in blocked.reason


def definition(group: str, kind: str, plural: str, version: str) -> Body:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


DEFINITIONS = (
    definition("argoproj.io", "Application", "applications", "v1alpha1"),
    definition("kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations", "v1"),
)


@pytest.fixture(scope="module")
def operators(control_plane: ControlPlane) -> Iterator[None]:
    """The kinds of the operators; no operator runs."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    names = [body["metadata"]["name"] for body in DEFINITIONS]
    for body in DEFINITIONS:
        control_plane.request("POST", path, body)
    for body, name in zip(DEFINITIONS, names, strict=True):
        version = body["spec"]["versions"][0]["name"]
        until(lambda g=body["spec"]["group"], v=version, n=name: served(control_plane, f"/apis/{g}/{v}", n))
    yield
    for name in names:
        control_plane.request("DELETE", f"{path}/{name}")


def served(control_plane: ControlPlane, path: str, name: str) -> bool:
    try:
        return any(name.startswith(f"{found['name']}.") for found in control_plane.request("GET", path)["resources"])
    except RequestError:
        return False


def application(namespace: str, policy: Any, **metadata: Any) -> Body:
    spec = {"syncPolicy": policy} if policy is not None else {}
    meta = {"name": f"app-{namespace}", "namespace": namespace, **metadata}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": meta, "spec": spec}


SKIPPED = {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}
POLICIES = {
    "automated": ({"automated": {}}, {}, True),
    "automated and enabled": ({"automated": {"enabled": True, "prune": True}}, {}, True),
    "automation switched off": ({"automated": {"enabled": False}}, {}, False),
    "by hand": (None, {}, False),
    "not reconciled": ({"automated": {}}, SKIPPED, False),
}


@pytest.mark.parametrize("case", POLICIES)
def test_an_application_that_syncs_by_itself_stops_a_take_over(
    api: HttpApi, namespace: str, kubectl: Kubectl, operators: None, case: str
) -> None:
    policy, metadata, active = POLICIES[case]
    kubectl("create", "-f", "-", stdin=json.dumps(application(namespace, policy, **metadata)))
    body = argocd_object(namespace, f"app-{namespace}")
    kubectl("create", "-f", "-", "--field-manager=argocd-controller", stdin=json.dumps(body))
    for owner in (f"argocd:app-{namespace}", f"argocd:{namespace}/app-{namespace}"):
        found = change(api, namespace, owner)
        assert found.action is (Action.BLOCKED if active else Action.TAKE_OVER)
        said = f"Application {namespace}/app-{namespace} syncs automatically; switch that off first: argocd app set"
        assert (said in found.reason) is active
    assert change(api, namespace, f"argocd:elsewhere/app-{namespace}").action is Action.TAKE_OVER


@pytest.mark.parametrize("suspended", [True, False])
def test_a_kustomization_that_is_not_suspended_stops_a_take_over(
    api: HttpApi, namespace: str, kubectl: Kubectl, operators: None, suspended: bool
) -> None:
    meta = {"name": "apps", "namespace": namespace}
    body = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta}
    kubectl("create", "-f", "-", stdin=json.dumps({**body, "spec": {"suspend": suspended}}))
    manager = "--field-manager=kustomize-controller"
    kubectl("apply", "--server-side", "-f", "-", manager, stdin=json.dumps(flux_object(namespace)))
    found = change(api, namespace, f"flux:kustomization/{namespace}/apps")
    assert found.action is (Action.TAKE_OVER if suspended else Action.BLOCKED)
    assert ("suspend it first: flux suspend kustomization apps" in found.reason) is not suspended


class Blindfolded(HttpApi):
    """May not read applications."""

    def list(self, kind: Any, *selection: str, **more: str) -> Any:
        if kind.kind == "Application":
            raise ApiFailure(403, "Forbidden", "applications.argoproj.io is forbidden")
        return super().list(kind, *selection, **more)


def test_an_operator_that_cannot_be_read_counts_as_active(
    api: HttpApi, namespace: str, kubectl: Kubectl, operators: None
) -> None:
    kubectl("create", "-f", "-", "--field-manager=argocd-controller", stdin=json.dumps(argocd_object(namespace)))
    blind = Blindfolded(api._exchange)
    found = change(blind, namespace, "argocd:shop")
    assert found.action is Action.BLOCKED
    assert "cannot be read, and so counts as active (applications.argoproj.io is forbidden)" in found.reason
