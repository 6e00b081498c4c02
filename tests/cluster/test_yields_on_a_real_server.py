from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import make_plan
from gitops_push.core.deployment import Result
from gitops_push.core.environment import ConflictAction, ConflictRule, PruneRules
from gitops_push.core.errors import RefusedError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.ownership import NOTHING_FORCED, ForcedConflicts
from gitops_push.core.plan import Action, Change
from gitops_push.core.plan_digest import plan_digest
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, message, prepare, results
from tests.cluster.planning import request_for
from tests.cluster.recreating import changed, consenting
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import change_of, config_map, deployment

Body = dict[str, Any]
YIELD, TAKE, FAIL = ConflictAction.YIELD, ConflictAction.TAKE, ConflictAction.FAIL
CONTAINER = "spec.template.spec.containers[name=web]"
IMAGE = f"{CONTAINER}.image"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


def web(namespace: str, **spec: Any) -> Body:
    body = deployment("web", **spec)
    body["metadata"]["namespace"] = namespace
    return body


def autoscaler(namespace: str, minimum: int = 1) -> Body:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web-scaler", "namespace": namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": minimum, "maxReplicas": 9},
    }


class Cluster:
    """Others that work on the objects of a namespace, and what stands there."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._control_plane = control_plane
        self.namespace = namespace

    def path(self, name: str = "web", resource: str = "deployments", group: str = "apis/apps/v1") -> str:
        return f"/{group}/namespaces/{self.namespace}/{resource}/{name}"

    def get(self, **place: str) -> Body:
        body: Body = self._control_plane.request("GET", self.path(**place))
        return body

    def apply_as(self, manager: str, body: Body, **place: str) -> None:
        query = f"?fieldManager={manager}&force=true"
        self._control_plane.request("PATCH", self.path(**place) + query, body, APPLY_PATCH)

    def patch_as(self, manager: str, patch: Body, **place: str) -> None:
        self._control_plane.request("PATCH", f"{self.path(**place)}?fieldManager={manager}", patch, MERGE_PATCH)

    def scale_as(self, manager: str, count: int) -> None:
        query = f"/scale?fieldManager={manager}"
        self._control_plane.request("PATCH", self.path() + query, {"spec": {"replicas": count}}, MERGE_PATCH)

    def set_image_as(self, manager: str, image: str) -> None:
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
        containers = [{"name": "web", "image": image}]
        self.apply_as(manager, {**body, "spec": {"template": {"spec": {"containers": containers}}}})

    def edit_as(self, manager: str, pod: Body) -> None:
        """Merge into the pod template by an Update."""
        patch = {"spec": {"template": {"spec": pod}}}
        self._control_plane.request("PATCH", f"{self.path()}?fieldManager={manager}", patch, STRATEGIC_PATCH)

    def calm_down(self) -> None:
        """Wait until the controllers have stopped writing the Deployment."""
        seen, since = self.get(), time.monotonic()
        while time.monotonic() - since < 0.7:
            time.sleep(0.1)
            if (now := self.get()) != seen:
                seen, since = now, time.monotonic()

    @property
    def replicas(self) -> int:
        count: int = self.get()["spec"]["replicas"]
        return count

    @property
    def image(self) -> str:
        text: str = self.get()["spec"]["template"]["spec"]["containers"][0]["image"]
        return text


@pytest.fixture
def cluster(control_plane: ControlPlane, namespace: str) -> Cluster:
    return Cluster(control_plane, namespace)


def plan_of(
    api: HttpApi, namespace: str, *bodies: Body, forced: ForcedConflicts = NOTHING_FORCED, **home: Any
) -> Change:
    """Return the planned change of the Deployment."""
    request = prepare(api, namespace, **home)
    wanted = request_for(namespace, *bodies, environment=request.environment)
    return change_of(make_plan(replace(wanted, inventory=request.inventory, forced=forced), api), "web")


def assert_settled(api: HttpApi, namespace: str, *bodies: Body, **home: Any) -> None:
    """Assert that neither a plan nor a drift report has anything to say, by dry runs or without them."""
    again = prepare(api, namespace, *bodies, **home)
    wanted = request_for(namespace, *bodies, environment=again.environment)
    for dry_run in (True, False):
        request = replace(wanted, inventory=again.inventory, dry_run=dry_run)
        assert {change.action for change in make_plan(request, api).changes} == {Action.UNCHANGED}
        assert report_drift(request, api).drifted == ()


def yielded(change: Change) -> dict[str, tuple[Any, Any, str]]:
    return {
        format_field_path(left.field.path): (
            left.live,
            left.ours,
            left.field.owner.manager if left.field.owner else str(left.field.autoscaler),
        )
        for left in change.yielded
    }


def test_a_rule_leaves_a_field_to_another_applier_for_good(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-updater", kind="Deployment", field=IMAGE, action=YIELD),)
    deployed(api, space, web(space))
    cluster.set_image_as("image-updater", "web:9")
    cluster.calm_down()
    change = plan_of(api, space, web(space), conflicts=rules)
    assert (change.action, change.fields) == (Action.UNCHANGED, ())
    assert yielded(change) == {IMAGE: ("web:9", "web:1", "image-updater")}
    assert_settled(api, space, web(space), conflicts=rules)
    done = deployed(api, space, web(space, image="web:2", replicas=3), conflicts=rules)
    assert results(done)["web"] is Result.DONE
    assert (cluster.image, cluster.replicas) == ("web:9", 3)
    assert_settled(api, space, web(space, image="web:2", replicas=3), conflicts=rules)
    assert_settled(api, space, web(space, image="web:3", replicas=3), conflicts=rules)
    cluster.set_image_as("image-updater", "web:10")
    assert_settled(api, space, web(space, image="web:3", replicas=3), conflicts=rules)
    # The very value of git, set by the other one: no change either, and none when it moves on.
    cluster.set_image_as("image-updater", "web:3")
    assert_settled(api, space, web(space, image="web:3", replicas=3), conflicts=rules)
    cluster.set_image_as("image-updater", "web:11")
    assert_settled(api, space, web(space, image="web:3", replicas=3), conflicts=rules)
    assert cluster.image == "web:11"


def test_an_item_that_git_drops_and_another_manager_uses_is_a_conflict_until_it_is_let_go(
    api: HttpApi, cluster: Cluster
) -> None:
    space = cluster.namespace
    with_variable = web(space)
    with_variable["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MODE", "value": "a"}]
    deployed(api, space, with_variable)
    cluster.edit_as("tuner", {"containers": [{"name": "web", "env": [{"name": "MODE", "value": "b"}]}]})
    field = f"{CONTAINER}.env[name=MODE].value"
    rules = (ConflictRule(manager="tuner", action=YIELD),)
    assert_settled(api, space, with_variable, conflicts=rules)
    with pytest.raises(RefusedError) as raised:
        prepare(api, space, web(space), conflicts=rules)
    (problem,) = raised.value.problems
    assert f'{field} is also set to "b" by "tuner"' in problem.message
    assert f"the manifest has no {CONTAINER}.env" in str(problem.hint)
    deployed(api, space, web(space), conflicts=(ConflictRule(manager="tuner", action=TAKE),))
    assert "env" not in cluster.get()["spec"]["template"]["spec"]["containers"][0]
    assert_settled(api, space, web(space), conflicts=rules)


def test_a_field_that_both_set_to_one_value_stays_with_both(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-updater", action=YIELD),)
    deployed(api, space, web(space), conflicts=rules)
    cluster.set_image_as("image-updater", "web:1")
    before = cluster.get()["metadata"]["managedFields"]
    assert plan_of(api, space, web(space), conflicts=rules).yielded == ()
    assert_settled(api, space, web(space), conflicts=rules)
    assert cluster.get()["metadata"]["managedFields"] == before


def test_a_field_that_both_have_is_left_when_git_moves_on(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-updater", action=YIELD),)
    deployed(api, space, web(space), conflicts=rules)
    cluster.set_image_as("image-updater", "web:1")
    done = deployed(api, space, web(space, image="web:2"), conflicts=rules)
    (change,) = done.plan.changes
    assert (change.action, change.fields, yielded(change)) == (
        Action.OWNERSHIP,
        (),
        {IMAGE: ("web:1", "web:2", "image-updater")},
    )
    assert cluster.image == "web:1"
    assert_settled(api, space, web(space, image="web:2"), conflicts=rules)


def test_what_a_rule_takes_from_a_controller_is_listed_with_both_values(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-*", action=TAKE),)
    deployed(api, space, web(space))
    cluster.set_image_as("image-updater", "web:9")
    cluster.calm_down()
    change = plan_of(api, space, web(space), conflicts=rules)
    (loss,) = change.taken
    assert (loss.field, loss.manager, loss.operation, loss.live, loss.ours) == (
        IMAGE,
        "image-updater",
        "Apply",
        "web:9",
        "web:1",
    )
    assert loss.at is not None
    done = deployed(api, space, web(space), conflicts=rules)
    assert cluster.image == "web:1", done.outcomes
    assert_settled(api, space, web(space), conflicts=rules)


PEOPLE: dict[str, tuple[dict[str, Any], ConflictAction]] = {
    "an open environment": ({}, TAKE),
    "a protected one": ({"protected": True}, FAIL),
    "a protected one with a rule": ({"protected": True, "conflicts": (ConflictRule(action=TAKE),)}, TAKE),
    "a rule that fails": ({"conflicts": (ConflictRule(manager="kubectl-*", action=FAIL),)}, FAIL),
    "a rule that yields": ({"conflicts": (ConflictRule(field="spec.replicas", action=YIELD),)}, YIELD),
}


@pytest.mark.parametrize("case", PEOPLE)
def test_what_a_person_scaled_by_hand_is_decided_by_rules_and_protection(
    case: str, api: HttpApi, cluster: Cluster
) -> None:
    space = cluster.namespace
    home, expected = PEOPLE[case]
    deployed(api, space, web(space))
    cluster.patch_as("kubectl-edit", {"spec": {"replicas": 4}})
    cluster.calm_down()
    if expected is FAIL:
        with pytest.raises(RefusedError, match=r'spec\.replicas is also set to 4 by "kubectl-edit"'):
            prepare(api, space, web(space), **home)
        return
    deployed(api, space, web(space), **home)
    assert cluster.replicas == (4 if expected is YIELD else 2)
    assert_settled(api, space, web(space), **home)


@pytest.mark.parametrize("brought_by", ["the set", "somebody else"])
def test_replicas_are_the_autoscalers_from_the_first_plan_on(
    brought_by: str, api: HttpApi, cluster: Cluster, kubectl: Kubectl
) -> None:
    space = cluster.namespace
    scaler = autoscaler(space)
    others: tuple[Body, ...] = (scaler,) if brought_by == "the set" else ()
    deployed(api, space, web(space), *others)
    assert cluster.replicas == 2  # as in git at creation, though the autoscaler came with it
    if not others:
        kubectl("apply", "-f", "-", stdin=json.dumps(scaler))
    assert_settled(api, space, web(space), *others)
    # Nothing has scaled it yet: git moves on, the live number stays, and it does not fall to its default of 1.
    done = deployed(api, space, web(space, replicas=7, image="web:2"), *others)
    change = change_of(done.plan, "web")
    assert yielded(change) == {"spec.replicas": (2, 7, "HorizontalPodAutoscaler web-scaler")}
    assert [format_field_path(field.path) for field in change.fields] == [IMAGE]
    assert (cluster.replicas, cluster.image) == (2, "web:2")
    wanted = (web(space, replicas=7, image="web:2"), *others)
    assert_settled(api, space, *wanted)
    for count in (5, 7, 3):  # 7 is the number of git: it must not become ours again
        cluster.scale_as("kube-controller-manager", count)
        change = plan_of(api, space, *wanted)
        assert (change.action, change.fields) == (Action.UNCHANGED, ())
        assert yielded(change) == {"spec.replicas": (count, 7, "kube-controller-manager")}
        assert_settled(api, space, *wanted)
        deployed(api, space, *wanted)
        assert cluster.replicas == count
    done = deployed(api, space, web(space, replicas=7, image="web:3"), *others)
    assert (cluster.replicas, cluster.image, results(done)["web"]) == (3, "web:3", Result.DONE)
    assert_settled(api, space, web(space, replicas=7, image="web:3"), *others)


def test_an_autoscaler_that_begins_to_scale_does_not_make_an_approved_plan_stale(
    api: HttpApi, cluster: Cluster, kubectl: Kubectl
) -> None:
    space = cluster.namespace
    deployed(api, space, web(space))
    kubectl("apply", "-f", "-", stdin=json.dumps(autoscaler(space)))
    approved = plan_digest(prepare(api, space, web(space, image="web:2")).plan)
    for count in (5, 6, 2):
        cluster.scale_as("kube-controller-manager", count)
        assert plan_digest(prepare(api, space, web(space, image="web:2")).plan) == approved
    kubectl("delete", "hpa", "web-scaler", "-n", space)
    cluster.scale_as("kubectl", 4)
    assert plan_digest(prepare(api, space, web(space, image="web:2")).plan) != approved


def test_a_person_who_scales_by_hand_gives_way_even_under_an_autoscaler(
    api: HttpApi, cluster: Cluster, kubectl: Kubectl
) -> None:
    space = cluster.namespace
    wanted = (web(space), autoscaler(space))
    deployed(api, space, *wanted)
    kubectl("scale", "deployment/web", "--replicas=6", "-n", space)
    change = plan_of(api, space, *wanted)
    assert (change.action, change.yielded) == (Action.UPDATE, ())
    assert [(loss.manager, loss.live, loss.ours) for loss in change.taken] == [("kubectl", 6, 2)]
    with pytest.raises(RefusedError, match=r'set to 6 by "kubectl" \(Update of scale'):
        plan_of(api, space, *wanted, protected=True)
    deployed(api, space, *wanted)
    assert cluster.replicas == 2


def test_a_rule_and_a_flag_take_replicas_from_an_autoscaler(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    wanted = (web(space), autoscaler(space))
    deployed(api, space, *wanted)
    cluster.scale_as("kube-controller-manager", 5)
    forced = plan_of(api, space, *wanted, forced=ForcedConflicts(objects=frozenset({"Deployment/web"})))
    rules = (ConflictRule(kind="Deployment", field="spec.replicas", action=TAKE),)
    ruled = plan_of(api, space, *wanted, conflicts=rules)
    for change in (forced, ruled):
        assert [(loss.manager, loss.live, loss.ours) for loss in change.taken] == [("kube-controller-manager", 5, 2)]
        assert change.yielded == ()
    deployed(api, space, *wanted, conflicts=rules)
    assert cluster.replicas == 2


def test_replicas_of_zero_that_git_set_do_not_stay_for_ever(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    deployed(api, space, web(space, replicas=0), autoscaler(space))
    deployed(api, space, web(space, replicas=2), autoscaler(space))
    assert cluster.replicas == 2


def test_without_an_autoscaler_the_scale_of_a_controller_is_a_conflict_that_says_so(
    api: HttpApi, cluster: Cluster
) -> None:
    space = cluster.namespace
    deployed(api, space, web(space))
    cluster.scale_as("kube-controller-manager", 5)
    with pytest.raises(RefusedError) as raised:
        prepare(api, space, web(space))
    (problem,) = raised.value.problems
    assert "no HorizontalPodAutoscaler and no ScaledObject scales it any more" in str(problem.hint)


def test_where_autoscalers_may_not_be_listed_the_plan_says_so(
    own_control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    cluster = Cluster(own_control_plane, namespace)
    deployed(api, namespace, web(namespace))
    user = f"deployer-{namespace}"
    verbs, resources = "--verb=get,list,create,patch", "--resource=deployments.apps,configmaps"
    kubectl("create", "role", user, verbs, resources, "-n", namespace)
    kubectl("create", "rolebinding", user, f"--role={user}", f"--user={user}", "-n", namespace)
    with connected(own_control_plane.new_user(user)) as narrow:
        change = plan_of(narrow, namespace, web(namespace, replicas=3))
        assert [format_field_path(field.path) for field in change.fields] == ["spec.replicas"]
        (warning,) = change.warnings
        assert "it cannot be seen whether" in warning
        assert "horizontalpodautoscalers.autoscaling" in warning
        assert "forbidden" in warning
        cluster.scale_as("kube-controller-manager", 5)
        with pytest.raises(RefusedError) as raised:
            plan_of(narrow, namespace, web(namespace))
        assert "horizontalpodautoscalers.autoscaling" in str(raised.value.problems[0].hint)


SCALED_OBJECTS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "scope": "Namespaced",
        "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}


def test_keda_scales_to_zero_and_back_without_a_change(own_control_plane: ControlPlane, namespace: str) -> None:
    cluster = Cluster(own_control_plane, namespace)
    scaler = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "queue", "namespace": namespace},
        "spec": {"scaleTargetRef": {"name": "web"}},
    }
    with connected(own_control_plane.kubeconfig) as api:
        deployed(api, namespace, SCALED_OBJECTS)
        deployed(api, namespace, SCALED_OBJECTS, web(namespace), scaler)
        for count in (4, 0, 1, 3):
            cluster.scale_as("keda", count)
            change = plan_of(api, namespace, SCALED_OBJECTS, web(namespace), scaler)
            # From 0 on the server records nobody: a Scale of 0 has no number.
            assert yielded(change) == {"spec.replicas": (count, 2, "keda" if count == 4 else "ScaledObject queue")}
            assert str(change.yielded[0].field.autoscaler) == "ScaledObject queue"
            assert_settled(api, namespace, SCALED_OBJECTS, web(namespace), scaler)
        # Not in the set any more, but still there: looked for beside the Deployment.
        change = plan_of(api, namespace, web(namespace), prune=PruneRules(enabled=False))
        assert yielded(change) == {"spec.replicas": (3, 2, "ScaledObject queue")}
    own_control_plane.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scaledobjects.keda.sh")


def test_yields_cost_one_more_dry_run_each_and_one_list_where_replicas_are_open(
    own_control_plane: ControlPlane, namespace: str
) -> None:
    cluster = Cluster(own_control_plane, namespace)
    rules = (ConflictRule(manager="image-updater", action=YIELD),)
    bodies = [config_map(f"c{i}") for i in range(5)]
    for body in bodies:
        body["metadata"]["namespace"] = namespace
    user = f"counted-{uuid.uuid4().hex[:6]}"
    with connected(own_control_plane.kubeconfig) as api:
        deployed(api, namespace, web(namespace), *bodies, conflicts=rules)

        def counts(act: Callable[[], object]) -> tuple[int, int]:
            kubeconfig = own_control_plane.new_user(user, ("system:masters",))
            request = prepare(api, namespace, web(namespace), *bodies, conflicts=rules)
            wanted = request_for(namespace, web(namespace), *bodies, environment=request.environment)
            act()
            cluster.calm_down()
            mark = own_control_plane.audit_mark()
            with connected(kubeconfig, read_only=True) as reader:
                make_plan(replace(wanted, inventory=request.inventory), reader)
            events = [event for event in own_control_plane.audit_events(mark) if event.user == user]
            return sum(e.is_dry_run for e in events), sum(e.verb == "list" for e in events)

        assert counts(lambda: None) == (6, 2)
        assert counts(lambda: cluster.set_image_as("image-updater", "web:9")) == (7, 2)
        own_control_plane.request(
            "POST",
            f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
            autoscaler(namespace),
        )
        assert counts(lambda: cluster.scale_as("kube-controller-manager", 5)) == (7, 3)


def test_an_object_that_is_created_anew_has_all_its_fields_again_and_the_replicas_of_its_autoscaler(
    api: HttpApi, cluster: Cluster
) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-updater", action=YIELD),)
    before = consenting(web(space, replicas=0))
    before["spec"]["template"]["metadata"]["labels"] = {"app": "web", "tier": "a"}
    deployed(api, space, before, autoscaler(space), conflicts=rules)
    cluster.set_image_as("image-updater", "web:9")
    cluster.scale_as("kube-controller-manager", 3)
    after = changed(before, ("spec", "selector", "matchLabels"), {"app": "web", "tier": "a"})
    done = deployed(api, space, after, autoscaler(space), conflicts=rules)
    change = change_of(done.plan, "web")
    assert (change.action, results(done)["web"]) == (Action.RECREATE, Result.DONE)
    assert yielded(change) == {"spec.replicas": (3, 0, "kube-controller-manager")}
    assert (cluster.image, cluster.replicas) == ("web:1", 3)
    assert_settled(api, space, after, autoscaler(space), conflicts=rules)


def test_a_deploy_goes_on_when_a_yielded_value_moves_meanwhile(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    wanted = (web(space), autoscaler(space))
    deployed(api, space, *wanted)
    cluster.scale_as("kube-controller-manager", 5)
    request = prepare(api, space, web(space, image="web:2"), autoscaler(space))
    cluster.scale_as("kube-controller-manager", 6)
    done = deploy(request, api)
    assert results(done)["web"] is Result.DONE
    assert (cluster.replicas, cluster.image) == (6, "web:2")


def test_a_field_whose_other_manager_gave_it_up_meanwhile_is_not_dropped(api: HttpApi, cluster: Cluster) -> None:
    space = cluster.namespace
    rules = (ConflictRule(manager="image-updater", action=YIELD),)
    deployed(api, space, web(space), conflicts=rules)
    cluster.set_image_as("image-updater", "web:1")
    request = prepare(api, space, web(space, image="web:2"), conflicts=rules)
    cluster.apply_as("image-updater", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
    done = deploy(request, api)
    assert results(done)["web"] is Result.FAILED
    assert "left to a manager that has given it up" in message(done, "web")
    assert cluster.image == "web:1"
