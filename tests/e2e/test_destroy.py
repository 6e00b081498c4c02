"""The end of an environment, on the real API server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, VARIABLE, Program, config, config_map, deployment

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def left(kubectl: Kubectl, namespace: str) -> set[str]:
    kinds = "configmaps,deployments,persistentvolumeclaims,leases,secrets"
    found = kubectl.get(kinds, "-n", namespace)["items"]
    return {f"{each['kind']}/{each['metadata']['name']}" for each in found} - {"ConfigMap/kube-root-ca.crt"}


def wave(text: str, number: str) -> str:
    return text.replace("metadata: {", f"metadata: {{annotations: {{argocd.argoproj.io/sync-wave: '{number}'}}, ", 1)


def test_everything_goes_in_reverse_order_and_the_records_last(
    program: Program, kubectl: Kubectl, own_control_plane: ControlPlane, namespace: str
) -> None:
    program.write("app/first.yaml", wave(config_map("first"), "-1"))
    program.write("app/last.yaml", wave(deployment("last"), "1"))
    program.commit()
    assert program("apply", "test", "--yes").code == 0
    assert program("destroy", "test").code == 2, "somebody has to say yes"
    mark = own_control_plane.audit_mark()
    done = program("destroy", "test", "--yes")
    assert done.code == 0, done
    assert "DESTROYED test: nothing is left of it" in done.out
    sent = writes(own_control_plane.audit_events(mark), user_agent=USER_AGENT)
    gone = [event.name for event in sent if event.verb == "delete" and event.resource != "leases"]
    record = f"gitops-push-{namespace}-test"
    assert gone == ["last", "settings", "first", f"{record}-history", record]
    assert left(kubectl, namespace) == set()
    again = program("destroy", "test", "--yes")
    assert (again.code, "NOT DEPLOYED test" in again.out) == (0, True), again
    assert program("apply", "test", "--yes").code == 0


def test_what_holds_data_stays_unless_its_kind_is_named_and_what_opts_out_stays(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/data.yaml", CLAIM)
    kept = config_map("kept").replace("metadata: {", "metadata: {annotations: {helm.sh/resource-policy: keep}, ")
    program.write("app/kept.yaml", kept)
    program.commit()
    assert program("apply", "test", "--yes", "--no-wait").code == 0
    done = program("destroy", "test", "--yes")
    assert (done.code, "NOT ALL DESTROYED test: 2 objects kept" in done.out) == (0, True), done
    record = f"ConfigMap/gitops-push-{namespace}-test"
    assert {"PersistentVolumeClaim/data", "ConfigMap/kept", record} <= left(kubectl, namespace)
    kubectl("annotate", "configmap", "kept", "-n", namespace, "helm.sh/resource-policy-")
    kubectl("patch", "pvc", "data", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    done = program("destroy", "test", "--yes", "--include-kind", "PersistentVolumeClaim")
    assert (done.code, "DESTROYED test" in done.out) == (0, True), done
    assert left(kubectl, namespace) == set()


def test_an_inventory_goes_without_its_config_and_nothing_that_is_not_in_it(
    program: Program, kubectl: Kubectl, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    assert program("apply", "test", "--yes").code == 0
    kubectl("create", "configmap", "of-others", "-n", namespace)
    empty = tmp_path / "empty"
    empty.mkdir()
    elsewhere = Program(empty, {"KUBECONFIG": control_plane.kubeconfig})
    missing = elsewhere("destroy", "--inventory", f"{namespace}/nope", "--yes")
    assert (missing.code, "there is no inventory" in missing.err) == (10, True), missing
    assert elsewhere("destroy", "--inventory", "nope", "--yes").code == 2
    assert elsewhere("destroy").code == 2
    done = elsewhere("destroy", "--inventory", f"{namespace}/gitops-push-{namespace}-test", "--yes", "-o", "json")
    assert done.code == 0, done
    assert {each["name"] for each in done.json["outcomes"]} == {"settings"}
    assert left(kubectl, namespace) == {"ConfigMap/of-others"}


def test_protection_and_a_hold_stand_before_a_destruction(program: Program, kubectl: Kubectl, namespace: str) -> None:
    program.write("gitops-push.yaml", config(namespace, "    protected: true\n"))
    program.commit()
    assert program("apply", "test", "--yes", "--confirm", "test").code == 0
    assert program("destroy", "test", "--yes").code == 15
    assert program("hold", "test", "--reason", "an incident").code == 0
    held = program("destroy", "test", "--yes", "--confirm", "test")
    assert (held.code, "an incident" in held.err) == (16, True), held
    assert program("resume", "test").code == 0
    assert program("destroy", "test", "--yes", "--confirm", "test").code == 0
    assert left(kubectl, namespace) == set()


def test_a_destruction_that_is_stuck_names_what_holds_it_and_goes_on_later(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    assert program("apply", "test", "--yes").code == 0
    patch = json.dumps({"metadata": {"finalizers": ["example.com/wait"]}})
    kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", patch)
    stuck = program("destroy", "test", "--yes", "--timeout", "2s")
    assert stuck.code == 20, stuck
    assert "example.com/wait" in stuck.out
    assert "run the same command again" in stuck.out
    kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert program.having(**{VARIABLE: program.environ[VARIABLE]})("destroy", "test", "--yes").code == 0
    assert left(kubectl, namespace) == set()
