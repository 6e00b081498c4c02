"""What a deployment does when the server, the network or somebody's rights fail in the middle of it."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.cluster.webhooks import Webhook, configured, denied, running
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import eventually
from tests.e2e.judging import PART_OF, inventory, labelled, recorded
from tests.e2e.program import Finished, Program, config, config_map, deployment
from tests.faults.actions import answering, calling, cutting, dripping, refusing, stalling, swallow
from tests.faults.proxy import Action, FaultProxy, Passage, Rule, fault_proxy
from tests.faults.warm import WarmProgram

MEMBER = r"/configmaps/(one|two|three|four)\?"
NAMES = ("one", "two", "three", "four")
APPLY = ("apply", "test", "--yes", "--concurrency", "1")


@pytest.fixture
def program(warm: WarmProgram, program: Program) -> Program:
    """Four ConfigMaps to create, where `settings` was deployed before (and is now to be pruned)."""
    done = warm(program, "apply", "test", "--yes")
    assert done.code == 0, done
    program.write("app/all.yaml", "---\n".join(map(config_map, NAMES)))
    program.commit()
    return program


@pytest.fixture
def run(warm: WarmProgram, program: Program, proxy: FaultProxy) -> Run:
    return Run(warm, program, proxy)


class Run:
    """Applies with rules, and again without."""

    def __init__(self, warm: WarmProgram, program: Program, proxy: FaultProxy) -> None:
        self.warm, self.program, self.proxy = warm, program, proxy

    def __call__(self, *rules: Rule, options: tuple[str, ...] = ()) -> Finished:
        self.proxy.begin(*rules)
        self.proxy.process = self.warm.start(self.program, *APPLY, *options)
        return self.warm.finish()


def member_writes(action: Action, nth: int = 1, times: int = 1) -> Rule:
    return Rule(action, nth, times, path=MEMBER, writes=True)


def live(kubectl: Kubectl, namespace: str) -> set[str]:
    return {name for _, name in labelled(kubectl, namespace, "configmaps")}


def outcome(done: Finished, name: str) -> str:
    (line,) = [line for line in done.out.splitlines() if line.endswith(f"/{name}") or f"/{name} " in line]
    return line


def assert_stopped_at(done: Finished, name: str, why: str) -> None:
    """That object failed for that reason; those before it are done, those after it were not reached."""
    assert done.code == 20, done
    order = sorted([*NAMES])
    position = order.index(name)
    assert outcome(done, name).startswith("failed"), done
    assert why in done.out, done
    assert all(outcome(done, before).startswith("done") for before in order[:position]), done
    assert all(outcome(done, after).startswith("not reached") for after in order[position + 1 :]), done
    assert outcome(done, "settings").startswith("not reached"), done


def assert_finishes(run: Run, kubectl: Kubectl, namespace: str) -> None:
    """The next run does the rest, prunes, and leaves an exact record."""
    done = run()
    assert done.code == 0, done
    assert live(kubectl, namespace) == set(NAMES) == {name for _, name in recorded(kubectl, namespace)}
    assert inventory(kubectl, namespace, namespace)["state"] == "done"


def may_write(kubectl: Kubectl, namespace: str) -> bool:
    account = f"system:serviceaccount:{namespace}:deployer"
    asked = kubectl.run("auth", "can-i", "patch", "configmaps", "-n", namespace, f"--as={account}")
    return asked.stdout.strip() == "yes"


def trial(kubectl: Kubectl, namespace: str) -> int:
    """Create a ConfigMap by dry run; the exit code."""
    return kubectl.run("create", "configmap", "trial", "-n", namespace, "--dry-run=server").returncode


def asked(webhook: Webhook, kubectl: Kubectl, namespace: str) -> None:
    """Wait until the API server knows of the webhook."""
    eventually(lambda: trial(kubectl, namespace) == 0 and bool(webhook.requests))


PASSING: dict[str, Rule] = {
    "429 with a Retry-After of a second": member_writes(answering(429, Retry_After="1"), times=2),
    "429 with one of the past": member_writes(answering(429, Retry_After="-1")),
    "429 with a date": member_writes(answering(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")),
    "429 with nonsense": member_writes(answering(429, Retry_After="soon")),
    "503 without a Retry-After": member_writes(answering(503), times=2),
    "a leader election in etcd": member_writes(refusing(500, "InternalError", "etcdserver: leader changed")),
    "a timeout of etcd": member_writes(refusing(500, "InternalError", "etcdserver: request timed out")),
    "a timeout of the server": member_writes(refusing(504, "Timeout", "request did not complete")),
    "a gateway without a server": member_writes(answering(502, b"<html>bad gateway</html>", "text/html")),
    "a webhook that cannot be called": member_writes(
        refusing(500, "InternalError", 'failed calling webhook "w.example.com": dial tcp: connection refused'), times=3
    ),
    "a quota that somebody else counted": member_writes(
        refusing(409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified')
    ),
    "half an answer": member_writes(cutting(30)),
    "a slow server": Rule(stalling(0.2), times=0, path=MEMBER),
    "an answer in drops": member_writes(dripping(0.001)),
    "a page of HTML": member_writes(answering(200, b"<html>please log in</html>", "text/html")),
}


def test_what_passes_is_survived_without_a_second_run(
    run: Run, program: Program, kubectl: Kubectl, namespace: str
) -> None:
    for value, (fault, rule) in enumerate(PASSING.items(), start=2):
        program.write("app/all.yaml", "---\n".join(config_map(name, str(value)) for name in NAMES))
        done = run(rule)
        assert done.code == 0, f"{fault}: {done}"
        found = kubectl.get("configmaps", "-n", namespace, "-l", PART_OF)["items"]
        assert {item["metadata"]["name"]: item["data"]["key"] for item in found} == dict.fromkeys(NAMES, str(value))
        assert inventory(kubectl, namespace, namespace)["state"] == "done", fault


def test_a_storm_of_429_costs_few_requests_and_the_deployment_goes_on_when_it_is_over(
    run: Run, proxy: FaultProxy, program: Program
) -> None:
    program.write("app/all.yaml", "---\n".join(config_map(f"item-{number:02}") for number in range(40)))
    calm = run(options=("--concurrency", "16", "--max-prune", "100%"))
    assert calm.code == 0, calm
    requests = len(proxy.requests)
    program.write("app/all.yaml", "---\n".join(config_map(f"item-{number:02}", "2") for number in range(40)))
    ends = threading.Event()
    threading.Timer(4.0, ends.set).start()

    def storm(passage: Passage) -> None:
        passage.pass_on() if ends.is_set() else answering(429, Retry_After="1")(passage)

    done = run(Rule(storm, times=0, path="/configmaps/item-"), options=("--concurrency", "16"))
    assert done.code == 0, done
    assert len(proxy.requests) <= requests * 1.5


def test_a_page_of_html_that_stays_is_told_as_such_and_leaves_the_write_unknown(
    run: Run, kubectl: Kubectl, namespace: str
) -> None:
    page = answering(200, b"<html>please log in</html>", "text/html")
    done = run(Rule(page, times=0, path=r"/configmaps/one\?"))
    assert done.code == 13, done
    assert "does not answer like a Kubernetes API server" in done.err, done
    done = run(Rule(page, nth=2, times=0, path=r"/configmaps/one(\?|$)"))
    assert done.code == 20, done
    assert outcome(done, "one").startswith("unknown"), done
    assert_finishes(run, kubectl, namespace)


def test_a_list_that_is_always_cut_short_is_no_list_and_nothing_is_pruned(
    run: Run, kubectl: Kubectl, namespace: str
) -> None:
    done = run(Rule(cutting(500), times=0, path=r"/configmaps\?.*limit="))
    assert done.code == 13, done
    assert "broke the connection off" in done.err, done
    assert live(kubectl, namespace) == {"settings"}
    assert_finishes(run, kubectl, namespace)


def test_another_certificate_in_the_middle_stops_the_run_and_nobody_else_gets_to_see_a_request(
    run: Run, proxy: FaultProxy, kubectl: Kubectl, namespace: str
) -> None:
    def become_another(passage: Passage) -> None:
        proxy.show_another_certificate()
        passage.reset()

    done = run(member_writes(become_another, nth=2))
    assert done.code == 20, done
    assert "certificate" in done.out + done.err, done
    last = proxy.requests[-1]
    assert (last.is_write, last.forwarded) == (True, False)
    assert live(kubectl, namespace) == {"four", "settings"}


@pytest.mark.prove
def test_a_watch_that_is_half_open_costs_a_minute_and_not_the_deployment(
    run: Run, program: Program, namespace: str
) -> None:
    program.write("gitops-push.yaml", config(namespace).replace("timeout: 30s", "timeout: 3m"))
    late = "gitops-push.test/ready-after: 3s"
    program.write("app/all.yaml", deployment("web", annotations=late))
    began = time.monotonic()
    done = run(Rule(swallow, path=r"/deployments\?watch"), options=("--max-prune", "100%"))
    assert done.code == 0, done
    assert 60 <= time.monotonic() - began < 120


def test_another_cluster_behind_the_same_name_gets_no_write(
    run: Run, proxy: FaultProxy, kubectl: Kubectl, namespace: str
) -> None:
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "another"}}
    page = answering(200, json.dumps(other).encode(), "application/json")
    done = run(Rule(page, nth=2, times=0, path="/namespaces/kube-system$"))
    assert done.code == 15, done
    assert "is another cluster than when the plan was made" in done.err, done
    assert proxy.writes == ()
    assert_finishes(run, kubectl, namespace)


def test_a_401_in_the_middle_stops_the_run_and_says_what_is_wrong_with_the_credential(
    run: Run, kubectl: Kubectl, namespace: str
) -> None:
    done = run(member_writes(refusing(401, "Unauthorized", "Unauthorized"), nth=2))
    assert_stopped_at(done, "one", "401 Unauthorized")
    assert_finishes(run, kubectl, namespace)


def test_rights_that_are_taken_away_in_the_middle_stop_the_run_before_it_prunes(
    own_control_plane: ControlPlane, warm: WarmProgram, program: Program, kubectl: Kubectl, namespace: str
) -> None:
    binding = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{namespace}"
    made = {
        "metadata": {"name": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "deployer"}],
    }
    own_control_plane.request("POST", binding.rpartition("/")[0], made)
    kubeconfig = own_control_plane.service_account_kubeconfig(namespace, "deployer")

    def take_away() -> None:
        own_control_plane.request("DELETE", binding)
        eventually(lambda: not may_write(kubectl, namespace))

    with fault_proxy(kubeconfig) as (proxy, through):
        run = Run(warm, Program(program.folder, {**program.environ, "KUBECONFIG_TEST": through}), proxy)
        done = run(member_writes(calling(take_away), nth=2))
        assert_stopped_at(done, "one", "forbidden")
        own_control_plane.request("POST", binding.rpartition("/")[0], made)
        eventually(lambda: may_write(kubectl, namespace))
        assert_finishes(run, kubectl, namespace)
    own_control_plane.request("DELETE", binding)


def test_a_quota_that_is_used_up_fails_the_object_that_is_too_much(
    run: Run, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    used = len(control_plane.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")["items"])
    quotas = f"/api/v1/namespaces/{namespace}/resourcequotas"
    hard = {"count/configmaps": str(used + 1)}
    control_plane.request("POST", quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    eventually(lambda: control_plane.request("GET", f"{quotas}/q").get("status", {}).get("used"))
    done = run()
    assert_stopped_at(done, "one", "exceeded quota: q")
    control_plane.request("DELETE", f"{quotas}/q")
    assert_finishes(run, kubectl, namespace)


def test_a_namespace_that_is_going_away_fails_at_once_with_the_cause(
    run: Run, control_plane: ControlPlane, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}"
    control_plane.request(
        "POST",
        f"{path}/configmaps",
        {"metadata": {"name": "stays", "finalizers": ["example.com/wait"]}},
    )
    try:
        began = time.monotonic()
        done = run(member_writes(calling(lambda: control_plane.request("DELETE", path)), nth=2))
        assert done.code == 20, done
        assert "is being terminated" in done.out, done
        done = run()
        assert done.code == 14, done
        assert "is being terminated" in done.err, done
        assert time.monotonic() - began < 60
    finally:
        patch = [{"op": "remove", "path": "/metadata/finalizers"}]
        control_plane.request("PATCH", f"{path}/configmaps/stays", patch, "application/json-patch+json")


def test_a_webhook_that_denies_a_write_stops_the_run_with_its_words(
    run: Run, own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    def deny(request: dict[str, Any]) -> dict[str, Any]:
        return denied("not on a Friday") if request["name"] == "one" and not request["dryRun"] else {"allowed": True}

    with running(deny) as webhook, configured(own_control_plane, namespace, webhook.client_config):
        asked(webhook, kubectl, namespace)
        assert_stopped_at(run(), "one", "not on a Friday")
    assert_finishes(run, kubectl, namespace)


def test_a_webhook_that_is_late_once_is_asked_again(
    run: Run, own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    late: list[str] = []

    def admit(request: dict[str, Any]) -> dict[str, Any]:
        if request["name"] in NAMES and not request["dryRun"] and not late:
            late.append(request["name"])
            time.sleep(1.5)
        return {"allowed": True}

    with (
        running(admit) as webhook,
        configured(own_control_plane, namespace, webhook.client_config, timeout_seconds=1),
    ):
        asked(webhook, kubectl, namespace)
        done = run()
    assert (done.code, len(late)) == (0, 1), done


def test_a_webhook_that_goes_down_and_stays_down_fails_the_write_with_its_name(
    run: Run, own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    down = {"url": "https://127.0.0.1:9/"}
    with (
        running(lambda request: {"allowed": True}) as webhook,
        configured(own_control_plane, namespace, webhook.client_config) as name,
    ):
        asked(webhook, kubectl, namespace)
        path = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{name}"
        patch = [{"op": "replace", "path": "/webhooks/0/clientConfig", "value": down}]

        def go_down() -> None:
            own_control_plane.request("PATCH", path, patch, "application/json-patch+json")
            eventually(lambda: trial(kubectl, namespace) != 0)

        done = run(member_writes(calling(go_down), nth=2))
        assert_stopped_at(done, "one", f'failed calling webhook "{name}"')
    assert_finishes(run, kubectl, namespace)
