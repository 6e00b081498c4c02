"""Waves and hooks on a real API server; its audit log is the judge of the order."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gitops_push.cluster.api import ApiWriter
from gitops_push.cluster.authorization import USER_AGENT
from gitops_push.cluster.deployer import DeployOptions
from gitops_push.core.errors import PlanError, RefusedError
from gitops_push.core.hooks import HookRuns
from gitops_push.core.inventory import InventoryState
from gitops_push.core.plan import Action, HookState
from tests.cluster.deploying import message, stored
from tests.cluster.hooking import annotated, config, hooked, job, nameless, prepared, told, web
from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl


def written(control_plane: ControlPlane, mark: Any) -> list[str]:
    """The writes of the program since a mark, in the order in which the server answered them."""
    events = writes(control_plane.audit_events(mark), user_agent=USER_AGENT)
    return [f"{event.verb} {event.name}" for event in events if event.name != "gitops-push-shop-prod"]


def test_waves_are_sent_in_order_each_when_the_one_before_is_healthy(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    mark = own_control_plane.audit_mark()
    done = hooked(
        api,
        namespace,
        config(namespace, "last", sync_wave="2"),
        web(namespace, "middle", sync_wave="1"),
        config(namespace, "first", sync_wave="-1"),
        config(namespace, "main"),
    )
    assert set(told(done).values()) == {"done"}, told(done)
    assert written(own_control_plane, mark) == ["patch first", "patch main", "patch middle", "patch last"]
    available = kubectl.get("deployment", "middle", "-n", namespace)["status"]["conditions"]
    became = next(each["lastTransitionTime"] for each in available if each["type"] == "Available")
    assert kubectl.get("configmap", "last", "-n", namespace)["metadata"]["creationTimestamp"] >= became


def test_a_wave_that_does_not_get_healthy_stops_those_after_it(api: ApiWriter, namespace: str) -> None:
    done = hooked(api, namespace, web(namespace, "broken", "image-not-found"), config(namespace, "late", sync_wave="1"))
    assert (done.exit_code, told(done)) == (20, {"broken": "not ready", "late": "not reached"})
    assert stored(api, namespace).state is InventoryState.FAILED


def test_hooks_run_before_and_after_the_objects_and_not_again_without_need(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    every = (
        job(namespace, "smoke", hook="PostSync", hook_delete_policy="HookSucceeded"),
        web(namespace),
        job(namespace, "migrate", hook="PreSync"),
        job(namespace, "report", hook="SyncFail"),
    )
    mark = own_control_plane.audit_mark()
    done = hooked(api, namespace, *every)
    assert told(done) == {"web": "done", "migrate PreSync": "done", "smoke PostSync": "done"}
    assert (done.exit_code, done.note) == (0, "")
    order = ["patch migrate", "patch web", "patch smoke", "delete smoke"]
    assert written(own_control_plane, mark) == order
    migrate = kubectl.get("job", "migrate", "-n", namespace)
    assert migrate["status"]["conditions"][-1]["type"] == "Complete"
    assert (
        migrate["status"]["completionTime"]
        <= kubectl.get("deployment", "web", "-n", namespace)["metadata"]["creationTimestamp"]
    )
    found = stored(api, namespace)
    assert found.state is InventoryState.DONE
    assert [(entry.ref.name, entry.hook) for entry in found.entries] == [("web", ""), ("migrate", "migrate")]
    assert all(entry.uid for entry in found.entries)

    mark = own_control_plane.audit_mark()
    again = hooked(api, namespace, *every)
    assert (again.exit_code, again.wrote, told(again)) == (0, False, {"web": "done"})
    assert written(own_control_plane, mark) == []

    changed = hooked(api, namespace, config(namespace, "new"), *every)
    assert told(changed)["migrate PreSync"] == "done"
    assert kubectl.get("job", "migrate", "-n", namespace)["metadata"]["uid"] != migrate["metadata"]["uid"]


def test_a_failed_hook_stops_the_deployment_and_the_hooks_for_failure_run(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    every = (
        job(namespace, "migrate", "fail", hook="PreSync", hook_delete_policy="HookFailed"),
        job(namespace, "report", hook="SyncFail"),
        job(namespace, "smoke", hook="PostSync"),
        config(namespace, "env"),
    )
    done = hooked(api, namespace, *every)
    assert done.exit_code == 20
    assert told(done) == {
        "env": "not reached",
        "migrate PreSync": "failed",
        "smoke PostSync": "not reached",
        "report SyncFail": "done",
    }
    assert "ended with exit code 1" in message(done, "migrate")
    left = {each["metadata"]["name"] for each in kubectl.get("jobs", "-n", namespace)["items"]}
    assert left == {"report"}
    assert stored(api, namespace).state is InventoryState.FAILED
    mended = hooked(api, namespace, job(namespace, "migrate", hook="PreSync"), *every[1:])
    assert told(mended) == {"env": "done", "migrate PreSync": "done", "smoke PostSync": "done"}


def test_hooks_with_generated_names_are_made_anew_and_the_earlier_ones_go(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    migrate = nameless(job(namespace, "migrate", hook="PreSync,PostSync"))
    first = hooked(api, namespace, migrate, config(namespace, "env"))
    assert first.exit_code == 0
    before = {each["metadata"]["name"] for each in kubectl.get("jobs", "-n", namespace)["items"]}
    assert len(before) == 2
    assert all(name.startswith(("migrate-presync-", "migrate-postsync-")) for name in before)
    assert {entry.ref.name for entry in stored(api, namespace).entries if entry.hook == "migrate-"} == before
    assert hooked(api, namespace, migrate, config(namespace, "env")).wrote is False
    assert hooked(api, namespace, migrate, config(namespace, "env", "2")).exit_code == 0
    after = {each["metadata"]["name"] for each in kubectl.get("jobs", "-n", namespace)["items"]}
    assert len(after) == 2
    assert not before & after
    assert hooked(api, namespace, config(namespace, "env", "2")).exit_code == 0
    assert kubectl.get("jobs", "-n", namespace)["items"] == []


def test_a_namespace_and_a_definition_of_late_waves_come_before_the_hook_that_needs_them(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    home = f"late-{uuid.uuid4().hex[:8]}"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}
    late = config("", home, sync_wave="5")
    late = {**space, "metadata": {**late["metadata"], "name": home}}
    del late["metadata"]["namespace"]
    plan = prepared(api, namespace, job(home, "migrate", hook="PreSync"), late, config(namespace, "env")).plan
    assert [str(change.step) for change in plan.changes] == ["PreSync", ""]
    mark = own_control_plane.audit_mark()
    done = hooked(api, namespace, job(home, "migrate", hook="PreSync"), late, config(namespace, "env"))
    assert done.exit_code == 0, told(done)
    assert written(own_control_plane, mark) == [f"patch {home}", "patch migrate", "patch env"]
    kubectl("delete", "namespace", home, "--wait=false")


def test_hooks_of_helm_run_as_argo_cd_maps_them(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    cleaned = {"helm_hook_delete_policy": "before-hook-creation,hook-succeeded"}
    every = (
        config(namespace, "env"),
        config(namespace, "account", helm_hook="pre-install,pre-upgrade", helm_hook_weight="-5", **cleaned),
        job(namespace, "migrate", helm_hook="pre-install,pre-upgrade", helm_hook_weight="1", **cleaned),
        job(namespace, "notify", helm_hook="post-upgrade"),
        job(namespace, "tested", helm_hook="test"),
        job(namespace, "goodbye", helm_hook="pre-delete"),
    )
    mark = own_control_plane.audit_mark()
    done = hooked(api, namespace, *every)
    assert told(done) == {
        "env": "done",
        "account PreSync": "done",
        "migrate PreSync": "done",
        "notify PostSync": "done",
    }
    assert written(own_control_plane, mark)[:4] == ["patch account", "patch migrate", "patch env", "patch notify"]
    assert sorted(written(own_control_plane, mark)[4:]) == ["delete account", "delete migrate"]
    assert [entry.ref.name for entry in stored(api, namespace).entries] == ["env", "notify"]
    assert hooked(api, namespace, *every).wrote is False


def test_hooks_run_always_or_never_where_that_is_asked_for(api: ApiWriter, namespace: str, kubectl: Kubectl) -> None:
    every = (config(namespace, "env"), job(namespace, "migrate", hook="PreSync"))
    assert told(hooked(api, namespace, *every, hooks=HookRuns.NEVER)) == {"env": "done"}
    first = hooked(api, namespace, *every, hooks=HookRuns.ALWAYS)
    uid = kubectl.get("job", "migrate", "-n", namespace)["metadata"]["uid"]
    assert told(first) == {"env": "done", "migrate PreSync": "done"}
    assert hooked(api, namespace, *every, hooks=HookRuns.ALWAYS).exit_code == 0
    assert kubectl.get("job", "migrate", "-n", namespace)["metadata"]["uid"] != uid


def test_a_hook_in_several_phases_runs_in_each_of_them(api: ApiWriter, namespace: str, kubectl: Kubectl) -> None:
    every = (config(namespace, "env"), job(namespace, "check", hook="PreSync,PostSync"))
    done = hooked(api, namespace, *every)
    assert told(done) == {"env": "done", "check PreSync": "done", "check PostSync": "done"}
    marks = kubectl.get("job", "check", "-n", namespace)["metadata"]["annotations"]
    assert marks["gitops-push.dev/hook-attempt"].endswith("/PostSync")


def test_a_pod_as_a_hook_has_to_succeed_and_not_only_to_be_ready(
    control_plane: ControlPlane, api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    template = web(namespace)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "check"}, "spec": template["spec"]}
    hook = annotated(namespace, pod, hook="PostSync")
    done = hooked(api, namespace, config(namespace, "env"), hook, options=DeployOptions(timeout_seconds=4))
    assert (done.exit_code, told(done)) == (20, {"env": "done", "check PostSync": "failed"})
    assert kubectl.get("pod", "check", "-n", namespace)["status"]["phase"] == "Running"
    first = kubectl.get("pod", "check", "-n", namespace)["metadata"]["uid"]
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(hooked, api, namespace, config(namespace, "env"), hook)
        path = f"/api/v1/namespaces/{namespace}/pods/check/status"
        status = {"status": {"phase": "Succeeded"}}
        control_plane.request("PATCH", path, status, "application/merge-patch+json")
        assert again.result(60).exit_code == 0
    assert kubectl.get("pod", "check", "-n", namespace)["metadata"]["uid"] == first


def test_a_run_that_is_stopped_in_a_hook_leaves_it_to_the_next_one(
    api: ApiWriter, namespace: str, kubectl: Kubectl
) -> None:
    slow = job(namespace, "migrate", "never-completes", hook="PreSync", hook_delete_policy="HookSucceeded")
    begun = time.monotonic()
    options = DeployOptions(timeout_seconds=60, should_stop=lambda: time.monotonic() > begun + 4)
    stopped = hooked(api, namespace, config(namespace, "env"), slow, options=options)
    assert (stopped.exit_code, stopped.interrupted) == (20, True)
    assert told(stopped) == {"env": "not reached", "migrate PreSync": "not ready"}
    (hook,) = prepared(api, namespace, config(namespace, "env"), slow).plan.hooks
    assert hook.state is HookState.AWAITED
    uid = kubectl.get("job", "migrate", "-n", namespace)["metadata"]["uid"]
    assert hook.live_uid == uid


def test_a_hook_that_belongs_to_somebody_else_blocks_the_run(api: ApiWriter, namespace: str, kubectl: Kubectl) -> None:
    theirs = job(namespace, "migrate", tracking_id=f"shop:batch/Job:{namespace}/migrate")
    kubectl("apply", "-f", "-", stdin=json.dumps(theirs))
    plan = prepared(api, namespace, config(namespace, "env"), job(namespace, "migrate", hook="PreSync")).plan
    blocked = [change for change in plan.changes if change.action is Action.BLOCKED]
    assert [(change.ref.name, "Argo CD" in change.reason) for change in blocked] == [("migrate", True)]
    with pytest.raises(RefusedError):
        hooked(api, namespace, config(namespace, "env"), job(namespace, "migrate", hook="PreSync"))


def test_a_hook_that_the_server_rejects_is_a_problem_of_the_plan(api: ApiWriter, namespace: str) -> None:
    wrong = job(namespace, "migrate", hook="PreSync")
    wrong["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    with pytest.raises(PlanError, match="restartPolicy"):
        prepared(api, namespace, config(namespace, "env"), wrong)


def test_a_plan_with_hooks_costs_one_dry_run_a_hook_and_one_more_where_it_is_there(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str
) -> None:
    every = (config(namespace, "env"), job(namespace, "migrate", hook="PreSync"), job(namespace, "a", hook="SyncFail"))
    hooked(api, namespace, *every)

    def asked() -> list[str]:
        mark = own_control_plane.audit_mark()
        prepared(api, namespace, *every, hooks=HookRuns.ALWAYS)
        events = own_control_plane.audit_events(mark)
        ours = [event for event in events if event.user_agent.startswith(USER_AGENT.partition("/")[0])]
        return sorted(f"{event.verb} {event.resource}" for event in ours if event.resource in {"jobs", "configmaps"})

    assert asked() == [
        "delete jobs",
        "get configmaps",
        "list configmaps",
        "list jobs",
        "patch configmaps",
        "patch jobs",
        "patch jobs",
    ]


def test_waves_of_what_is_deleted_go_in_reverse(
    own_control_plane: ControlPlane, api: ApiWriter, namespace: str
) -> None:
    stays = config(namespace, "stays")
    gone = [
        config(namespace, "early", sync_wave="-1"),
        config(namespace, "last", sync_wave="9", sync_options="PruneLast=true"),
        config(namespace, "main"),
        config(namespace, "late", sync_wave="2"),
    ]
    assert hooked(api, namespace, stays, *gone).exit_code == 0
    mark = own_control_plane.audit_mark()
    assert hooked(api, namespace, stays).exit_code == 0
    deleted = [text for text in written(own_control_plane, mark) if text.startswith("delete")]
    assert deleted == ["delete late", "delete main", "delete early", "delete last"]
