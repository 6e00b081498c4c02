from __future__ import annotations

import copy
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.authorization import USER_AGENT
from gitops_push.cluster.bookkeeping import Bookkeeping
from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.cluster.ledger import Ledger
from gitops_push.cluster.status import StatusRequest, read_status
from gitops_push.core.deployment import Result
from gitops_push.core.errors import NotNowError, PlanError
from gitops_push.core.inventory import PART_OF_LABEL, InventoryState
from gitops_push.core.redaction import Redactor
from gitops_push.core.status import Health
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed, message, prepare, results, stored
from tests.controlplane import workloads
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    api = connected(control_plane.kubeconfig)
    yield api
    api.close()


def config_map(namespace: str, name: str = "env", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def placed(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def test_a_first_deploy_creates_everything_and_waits_until_it_is_ready(api: ApiWriter, namespace: str) -> None:
    web = placed(namespace, workloads.deployment("web", replicas=2))
    done = deployed(api, namespace, config_map(namespace, A="1"), web)
    assert (done.exit_code, done.note) == (0, "")
    assert results(done) == {"env": Result.DONE, "web": Result.DONE}
    found = stored(api, namespace)
    assert found.state is InventoryState.DONE
    assert all(entry.uid for entry in found.entries)


def test_a_second_deploy_writes_nothing_at_all(own_control_plane: ControlPlane, api: ApiWriter, namespace: str) -> None:
    web = placed(namespace, workloads.deployment("web"))
    deployed(api, namespace, config_map(namespace, A="1"), web)
    before = own_control_plane.audit_mark()
    again = deployed(api, namespace, config_map(namespace, A="1"), web)
    assert (again.exit_code, again.wrote) == (0, False)
    assert writes(own_control_plane.audit_events(before), user_agent=USER_AGENT) == ()


def test_a_deploy_writes_nothing_but_its_objects_and_its_inventory(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str
) -> None:
    before = own_control_plane.audit_mark()
    deployed(api, namespace, config_map(namespace, A="1"), placed(namespace, workloads.deployment("web")))
    written = writes(own_control_plane.audit_events(before), user_agent=USER_AGENT)
    assert [(event.verb, event.resource, event.name, event.code) for event in written] == [
        ("create", "configmaps", "gitops-push-shop-prod", 201),
        ("patch", "configmaps", "env", 201),
        ("patch", "deployments", "web", 201),
        ("update", "configmaps", "gitops-push-shop-prod", 200),
    ]
    assert {event.namespace for event in written} == {namespace}


def test_what_left_the_config_is_deleted_and_nothing_else(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    keep, drop, web = (config_map(namespace, name, A="1") for name in ("keep", "drop-a", "drop-b"))
    kubectl("create", "configmap", "somebody-elses", "-n", namespace)
    deployed(api, namespace, keep, drop, web)
    before = own_control_plane.audit_mark()
    done = deployed(api, namespace, keep)
    deletes = [event for event in writes(own_control_plane.audit_events(before)) if event.verb == "delete"]
    assert sorted(event.name for event in deletes) == ["drop-a", "drop-b"]
    assert done.exit_code == 0
    names = {item["metadata"]["name"] for item in kubectl.get("configmaps", "-n", namespace)["items"]}
    assert names == {"keep", "somebody-elses", "kube-root-ca.crt", "gitops-push-shop-prod"}
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["keep"]


def test_an_object_that_somebody_recreated_is_not_deleted(api: ApiWriter, namespace: str, kubectl: Kubectl) -> None:
    keep, drop = config_map(namespace, "keep"), config_map(namespace, "drop", A="1")
    deployed(api, namespace, keep, drop)
    todo = prepare(api, namespace, keep)
    kubectl("delete", "configmap", "drop", "-n", namespace)
    kubectl("create", "configmap", "drop", "-n", namespace, "--from-literal=mine=yes")
    done = deploy(todo, api)
    assert done.exit_code == 0
    assert "recreated" in message(done, "drop")
    assert kubectl.get("configmap", "drop", "-n", namespace)["data"] == {"mine": "yes"}


CHANGES_SINCE_THE_PLAN = {
    "edited": (["patch", "configmap", "env", "-p", '{"data":{"A":"by hand"}}'], "somebody changed it"),
    "deleted": (["delete", "configmap", "env"], "somebody deleted it"),
    "recreated": (["replace", "--force", "-f", "-"], "deleted and recreated"),
}


@pytest.mark.parametrize(("arguments", "said"), CHANGES_SINCE_THE_PLAN.values(), ids=CHANGES_SINCE_THE_PLAN.keys())
def test_an_object_that_changed_since_the_plan_stays_as_it_is(
    api: ApiWriter, namespace: str, kubectl: Kubectl, arguments: list[str], said: str
) -> None:
    deployed(api, namespace, config_map(namespace, A="1"))
    todo = prepare(api, namespace, config_map(namespace, A="2"))
    kubectl(*arguments, "-n", namespace, stdin=json.dumps(config_map(namespace, A="theirs")))
    live = kubectl.get("configmap", "-n", namespace)["items"]
    done = deploy(todo, api)
    assert done.exit_code == 20
    assert said in message(done, "env")
    after = {item["metadata"]["name"]: item for item in kubectl.get("configmap", "-n", namespace)["items"]}
    assert [item.get("data") for item in live if item["metadata"]["name"] == "env"] == (
        [after["env"].get("data")] if "env" in after else []
    )


def test_what_others_set_since_the_plan_besides_our_fields_stops_nothing(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    deployed(api, namespace, config_map(namespace, A="1"))
    todo = prepare(api, namespace, config_map(namespace, A="2"))
    kubectl("patch", "configmap", "env", "-n", namespace, "-p", '{"data":{"B":"by hand"}}')
    assert deploy(todo, api).exit_code == 0
    assert kubectl.get("configmap", "env", "-n", namespace)["data"] == {"A": "2", "B": "by hand"}


def test_an_object_that_appeared_since_the_plan_is_not_taken_over(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    todo = prepare(api, namespace, config_map(namespace, A="1"))
    kubectl("create", "configmap", "env", "-n", namespace, "--from-literal=A=theirs")
    done = deploy(todo, api)
    assert (done.exit_code, "created it since" in message(done, "env")) == (20, True)
    assert kubectl.get("configmap", "env", "-n", namespace)["data"] == {"A": "theirs"}


def test_a_status_that_moved_since_the_plan_does_not_stop_the_deploy(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    web = placed(namespace, workloads.deployment("web"))
    deployed(api, namespace, web)
    changed = copy.deepcopy(web)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/app:2.0"
    todo = prepare(api, namespace, changed)
    condition = '{"status":{"conditions":[{"type":"Testing","status":"True"}]}}'
    kubectl("patch", "deployment", "web", "-n", namespace, "--subresource=status", "--type=merge", "-p", condition)
    done = deploy(todo, api)
    assert (done.exit_code, results(done)) == (0, {"web": Result.DONE})


def test_a_definition_its_resource_and_its_namespace_deploy_in_one_go(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    group = f"{namespace}.example.com"
    place = f"{namespace}-inside"
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    gear = {
        "apiVersion": f"{group}/v1",
        "kind": "Gear",
        "metadata": {"name": "small", "namespace": place},
        "spec": {"teeth": 12},
    }
    done = deployed(api, namespace, gear, definition(group), home, config_map(place))
    told = {place: Result.DONE, f"gears.{group}": Result.DONE, "env": Result.DONE, "small": Result.NOT_VERIFIED}
    assert (done.exit_code, results(done)) == (0, told)
    assert kubectl.get(f"gears.{group}", "small", "-n", place)["spec"] == {"teeth": 12}
    again = deployed(api, namespace, gear, definition(group), home, config_map(place))
    assert again.wrote is False
    kubectl("delete", "namespace", place, "--wait=false")
    kubectl("delete", "crd", f"gears.{group}")


def test_what_the_server_rejects_once_its_definition_is_there_stops_before_the_rest(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    group = f"{namespace}.example.com"
    gear = {
        "apiVersion": f"{group}/v1",
        "kind": "Gear",
        "metadata": {"name": "small", "namespace": namespace},
        "spec": {"teeth": 3},
    }
    done = deployed(api, namespace, gear, definition(group), config_map(namespace))
    assert done.exit_code == 20
    assert results(done)["small"] is Result.FAILED
    assert "spec.teeth" in message(done, "small")
    assert results(done)["env"] is Result.NOT_REACHED
    assert kubectl.run("get", "configmap", "env", "-n", namespace).returncode == 1
    assert stored(api, namespace).state is InventoryState.FAILED
    kubectl("delete", "crd", f"gears.{group}")


def test_the_inventorys_own_namespace_may_come_with_the_set(
    own_control_plane: ControlPlane, api: ApiWriter, kubectl: Kubectl
) -> None:
    name = f"test-{uuid.uuid4().hex[:10]}"
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    before = own_control_plane.audit_mark()
    done = deployed(api, name, config_map(name, A="1"), home, placed(name, workloads.deployment("web")))
    assert (done.exit_code, set(results(done).values())) == (0, {Result.DONE})
    written = writes(own_control_plane.audit_events(before), user_agent=USER_AGENT)
    assert [event.name for event in written][:2] == [name, "gitops-push-shop-prod"]
    kubectl("delete", "namespace", name, "--wait=false")


CHAOS = {
    "crash-loop": "CrashLoopBackOff, 5 restarts, last ended with exit code 1",
    "image-not-found": "not found",
}


@pytest.mark.parametrize(("chaos", "said"), CHAOS.items(), ids=CHAOS.keys())
def test_a_workload_that_will_never_run_ends_the_wait_early_and_says_why(
    api: ApiWriter, namespace: str, chaos: str, said: str
) -> None:
    web = placed(namespace, workloads.deployment("web", annotations={workloads.CHAOS_ANNOTATION: chaos}))
    began_at = time.monotonic()
    done = deployed(api, namespace, web, config_map(namespace), options=DeployOptions(timeout_seconds=120))
    assert time.monotonic() - began_at < 60
    assert (done.exit_code, results(done)) == (21, {"web": Result.NOT_READY, "env": Result.DONE})
    assert said in message(done, "web")
    assert stored(api, namespace).state is InventoryState.UNHEALTHY


def test_a_second_deploy_of_something_sick_stays_red_and_writes_nothing(api: ApiWriter, namespace: str) -> None:
    sick = placed(namespace, workloads.deployment("web", annotations={workloads.CHAOS_ANNOTATION: "crash-loop"}))
    deployed(api, namespace, sick)
    again = deployed(api, namespace, sick)
    assert (again.exit_code, again.wrote) == (21, False)


def test_nothing_is_deleted_while_something_is_not_healthy(api: ApiWriter, namespace: str, kubectl: Kubectl) -> None:
    web = placed(namespace, workloads.deployment("web"))
    deployed(api, namespace, web, config_map(namespace))
    sick = placed(namespace, workloads.deployment("web", annotations={workloads.CHAOS_ANNOTATION: "crash-loop"}))
    done = deployed(api, namespace, sick)
    assert done.exit_code == 21
    assert kubectl.get("configmap", "env", "-n", namespace)["metadata"]["name"] == "env"
    assert stored(api, namespace).state is InventoryState.PRUNE_PENDING
    healed = deployed(api, namespace, web)
    assert healed.exit_code == 0
    assert kubectl.run("get", "configmap", "env", "-n", namespace).returncode == 1


def test_a_run_that_was_killed_after_the_inventory_is_finished_by_the_next(api: ApiWriter, namespace: str) -> None:
    old, new = config_map(namespace, "old", A="1"), config_map(namespace, "new", A="1")
    deployed(api, namespace, old)
    todo = prepare(api, namespace, new)
    ledger = Ledger(todo.plan, todo.redactor, lambda outcome: None, todo.options.now())
    Bookkeeping(todo, api, ledger).open()
    left = stored(api, namespace)
    assert (left.state, [entry.ref.name for entry in left.entries]) == (InventoryState.APPLYING, ["new", "old"])
    done = deployed(api, namespace, new)
    assert (done.exit_code, results(done)) == (0, {"new": Result.DONE, "old": Result.DONE})
    found = stored(api, namespace)
    assert (found.state, [entry.ref.name for entry in found.entries]) == (InventoryState.DONE, ["new"])


def test_of_two_deploys_at_once_one_is_turned_away_before_it_writes(api: ApiWriter, namespace: str) -> None:
    first, second = (prepare(api, namespace, config_map(namespace, name)) for name in ("a", "b"))
    deploy(first, api)
    with pytest.raises(NotNowError):
        deploy(second, api)
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["a"]


def test_kubectl_recognises_the_set_and_refuses_to_touch_it(
    api: ApiWriter, namespace: str, kubectl: Kubectl, tmp_path: Path
) -> None:
    deployed(api, namespace, config_map(namespace, A="1"), placed(namespace, workloads.deployment("web")))
    manifest = tmp_path / "env.json"
    manifest.write_text(json.dumps(config_map(namespace, A="2")))
    arguments = ["--applyset=configmaps/gitops-push-shop-prod", "-n", namespace, "-f", str(manifest)]
    answer = subprocess.run(
        [str(kubectl.program), "apply", "--server-side", "--force-conflicts", "--prune", *arguments],
        env={"KUBECONFIG": str(kubectl.folder / "kubeconfig"), "KUBECTL_APPLYSET": "true", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert 'managed by tooling "gitops-push"' in answer.stderr
    assert kubectl.get("configmap", "env", "-n", namespace)["data"] == {"A": "1"}
    members = kubectl.get(
        "deployments,configmaps", "-n", namespace, "-l", f"{PART_OF_LABEL}={stored(api, namespace).id}"
    )
    assert {item["metadata"]["name"] for item in members["items"]} == {"env", "web"}


def test_a_missing_right_is_found_before_the_first_write(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    deployed(api, namespace, config_map(namespace, "a"), config_map(namespace, "b"))
    user = f"deployer-{namespace}"
    verbs = "--verb=get,list,watch,create,patch"
    kubectl("create", "role", user, verbs, "--resource=configmaps,leases", "-n", namespace)
    kubectl("create", "rolebinding", user, f"--role={user}", f"--user={user}", "-n", namespace)
    narrow = connected(own_control_plane.new_user(user))
    before = own_control_plane.audit_mark()
    with pytest.raises(PlanError) as caught:
        deployed(narrow, namespace, config_map(namespace, "a"))
    missing = sorted(problem.message for problem in caught.value.problems)
    assert missing == [
        f"the credential may not delete configmaps in namespace {namespace}: b",
        f"the credential may not update configmaps in namespace {namespace}: gitops-push-shop-prod",
        f"the credential may not update leases.coordination.k8s.io in namespace {namespace}: gitops-push-shop-prod",
    ]
    assert writes(own_control_plane.audit_events(before), user=user) == ()
    narrow.close()


def test_a_right_for_the_inventory_by_name_is_enough(
    own_control_plane: ControlPlane, namespace: str, kubectl: Kubectl
) -> None:
    user = f"deployer-{namespace}"
    kubectl("create", "role", user, "--verb=get,list,create,patch", "--resource=configmaps,leases", "-n", namespace)
    kubectl("create", "role", f"{user}-own", "--verb=get,update", "--resource=configmaps,leases", "-n", namespace,
            "--resource-name=gitops-push-shop-prod")  # fmt: skip
    kubectl("create", "rolebinding", user, f"--role={user}", f"--user={user}", "-n", namespace)
    kubectl("create", "rolebinding", f"{user}-own", f"--role={user}-own", f"--user={user}", "-n", namespace)
    narrow = connected(own_control_plane.new_user(user))
    assert deployed(narrow, namespace, config_map(namespace, "a")).exit_code == 0
    narrow.close()


def test_all_kinds_of_workloads_become_ready(api: ApiWriter, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "unused", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    template = workloads.pod_template("bare")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare", "namespace": namespace, "labels": {"app": "bare"}},
        "spec": template["spec"],
    }
    bodies = [workloads.deployment("web"), workloads.job("once"), workloads.daemon_set("agent")]
    done = deployed(api, namespace, pod, claim, *(placed(namespace, body) for body in bodies))
    assert (done.exit_code, set(results(done).values())) == (0, {Result.DONE})


def test_the_status_tells_the_health_of_everything_that_is_owned(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    sick = placed(namespace, workloads.deployment("sick", annotations={workloads.CHAOS_ANNOTATION: "crash-loop"}))
    deployed(api, namespace, config_map(namespace), config_map(namespace, "gone"), sick)
    kubectl("delete", "configmap", "gone", "-n", namespace)
    report = read_status(
        StatusRequest(stored(api, namespace), "cluster-1", Redactor(b"k" * 32), datetime.now(UTC)), api
    )
    found = {status.ref.name: status for status in report.objects}
    assert {name: status.health for name, status in found.items()} == {
        "env": Health.READY,
        "gone": Health.MISSING,
        "sick": Health.FAILED,
    }
    assert "CrashLoopBackOff" in found["sick"].reason


def definition(group: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"teeth": {"type": "integer"}},
                # Only the server evaluates CEL, so this is what it alone can reject.
                "x-kubernetes-validations": [{"rule": "self.teeth > 9", "message": "spec.teeth are too few"}],
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gears.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Gear", "plural": "gears", "singular": "gear", "listKind": "GearList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
