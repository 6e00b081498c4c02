"""An inventory that somebody deleted or damaged: nothing is deleted or forgotten, and one command makes it anew."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from gitops_push.cluster.lock import Lock, LockOptions
from gitops_push.core.lease import LockHolder
from gitops_push.core.run_identity import RunIdentity
from tests.cluster.connecting import connected
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import is_history
from tests.e2e.program import Finished, Program, config, config_map

PART_OF = "applyset.kubernetes.io/part-of"


@pytest.fixture
def deployed(program: Program, namespace: str) -> Program:
    """An environment of two objects, of which one has left the config since."""
    program.write("app/gone.yaml", config_map("gone"))
    done = program("apply", "test", "--yes")
    assert done.code == 0, done
    (program.folder / "app/gone.yaml").unlink()
    return program


def record(kubectl: Kubectl, namespace: str) -> str:
    items = kubectl.get("configmaps", "-n", namespace, "-l", "applyset.kubernetes.io/id")["items"]
    return str(items[0]["metadata"]["name"]) if items else ""


def names(kubectl: Kubectl, namespace: str) -> set[str]:
    items = kubectl.get("configmaps", "-n", namespace)["items"]
    found = {item["metadata"]["name"] for item in items} - {"kube-root-ca.crt"}
    return {name for name in found if not is_history(name)}


def lose(kubectl: Kubectl, namespace: str, how: str) -> None:
    name = record(kubectl, namespace)
    if how == "deleted":
        kubectl("delete", "configmap", name, "-n", namespace)
    else:
        kubectl("patch", "configmap", name, "-n", namespace, "-p", json.dumps({"data": {"objects": "[{"}}))


def copy_of(kubectl: Kubectl, namespace: str, copied: str, **owner: str) -> None:
    """Make an object as a controller would that copies labels to its children."""
    labels = kubectl.get("configmap", "settings", "-n", namespace)["metadata"]["labels"]
    metadata: dict[str, object] = {"name": copied, "namespace": namespace, "labels": labels}
    if owner:
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "controller": True, **owner}
        metadata["ownerReferences"] = [reference]
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))


@pytest.mark.parametrize(("how", "code"), [("deleted", "GP0321"), ("damaged", "GP0320")])
def test_a_lost_inventory_is_refused_and_adopted_with_consent_and_then_prunes_what_left_the_config(
    deployed: Program, kubectl: Kubectl, namespace: str, how: str, code: str
) -> None:
    copy_of(kubectl, namespace, "copied")
    settings = kubectl.get("configmap", "settings", "-n", namespace)["metadata"]
    copy_of(kubectl, namespace, "child", name="settings", uid=settings["uid"])
    lose(kubectl, namespace, how)
    before = names(kubectl, namespace)
    for command in (("diff", "test"), ("apply", "test", "--yes")):
        refused = deployed(*command)
        assert (refused.code, code in refused.err) == (15, True), refused
        assert "inventory adopt" in refused.err
    assert names(kubectl, namespace) == before

    assert deployed("inventory", "adopt", "test").code == 2, "there is nobody to ask"
    adopted = deployed("inventory", "adopt", "test", "--yes", "-o", "json")
    assert adopted.code == 0, adopted
    data = adopted.json
    assert [item["name"] for item in data["adopted"]] == ["gone", "settings"]
    assert {item["name"]: item["sign"] for item in data["leftOut"]} == {
        "copied": "carries the label only",
        "child": "made by a controller",
    }
    assert deployed("inventory", "adopt", "test", "--yes").out.startswith("NOTHING TO ADOPT")

    done = deployed("apply", "test", "--yes")
    assert done.code == 0, done
    assert names(kubectl, namespace) == {"settings", "copied", "child", record(kubectl, namespace)}
    assert "copied" in done.err, "the plan tells of labelled objects that no list names"


def test_no_record_is_made_anew_while_a_run_writes_the_environment(
    deployed: Program, kubectl: Kubectl, control_plane: ControlPlane, namespace: str
) -> None:
    place = record(kubectl, namespace)
    lose(kubectl, namespace, "deleted")
    with closing(connected(control_plane.kubeconfig)) as api:
        running = Lock(api, namespace, place, LockHolder("run", RunIdentity(actor="ann")), LockOptions(3))
        assert running.take()
        refused = deployed("inventory", "adopt", "test", "--yes")
        assert (refused.code, "being deployed by ann" in refused.err) == (16, True), refused
        assert record(kubectl, namespace) == ""
        running.release()
    assert deployed("inventory", "adopt", "test", "--yes").code == 0
    assert record(kubectl, namespace) == place


def test_what_only_carries_the_label_is_adopted_when_it_is_named(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    copy_of(kubectl, namespace, "copied")
    lose(kubectl, namespace, "deleted")
    assert deployed("inventory", "adopt", "test", "--yes", "--include", "ConfigMap/nowhere").code == 2
    assert deployed("inventory", "adopt", "test", "--yes", "--include", "configmap/copied").code == 0
    assert deployed("apply", "test", "--yes").code == 0
    assert names(kubectl, namespace) == {"settings", record(kubectl, namespace)}


def test_a_first_deploy_that_brings_its_namespace_and_was_killed_after_it_is_no_lost_inventory(
    program: Program, kubectl: Kubectl, control_plane: ControlPlane, namespace: str
) -> None:
    home = f"{namespace}-own"
    program.write("gitops-push.yaml", config(home))
    program.write("app/home.yaml", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {home}}}\n")
    assert program("apply", "test", "--yes").code == 0
    kubectl("delete", "configmap", record(kubectl, home), "settings", "-n", home)
    done = program("apply", "test", "--yes")
    assert done.code == 0, done
    kubectl("delete", "namespace", home, "--wait=false")


def test_the_inventories_of_the_cluster_are_listed_and_those_whose_environment_has_gone(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    listed = deployed("inventory", "list", "-o", "json")
    assert listed.code == 0, listed
    (mine,) = (found for found in listed.json["inventories"] if found["namespace"] == namespace)
    assert (mine["project"], mine["environment"], mine["objects"], mine["state"]) == (namespace, "test", 2, "done")
    place = f"{namespace}/{record(kubectl, namespace)}"
    assert place in deployed("inventory", "list").out
    assert orphans(deployed("inventory", "list", "--orphaned", "-o", "name")) == []
    deployed.write("gitops-push.yaml", config(namespace, environment="renamed"))
    assert orphans(deployed("inventory", "list", "--orphaned", "-o", "name")) == [place]
    lose(kubectl, namespace, "damaged")
    assert "damaged" in deployed("inventory", "list", "renamed").out


def orphans(finished: Finished) -> list[str]:
    assert finished.code == 0, finished
    return finished.out.split()


def test_who_may_look_into_one_namespace_only_lists_and_adopts_there(
    deployed: Program, kubectl: Kubectl, control_plane: ControlPlane, namespace: str
) -> None:
    user = f"deployer-{namespace}"
    kubectl("create", "role", user, "-n", namespace, "--verb=*", "--resource=*.*")
    kubectl("create", "rolebinding", user, "-n", namespace, f"--role={user}", f"--user={user}")
    narrow = deployed.having(KUBECONFIG_TEST=control_plane.new_user(user))
    listed = narrow("inventory", "list", "-o", "json")
    assert [found["namespace"] for found in listed.json["inventories"]] == [namespace], listed
    assert "not all namespaces" in listed.json["notes"][0]
    lose(kubectl, namespace, "deleted")
    adopted = narrow("inventory", "adopt", "test", "--yes", "-o", "json")
    assert [item["name"] for item in adopted.json["adopted"]] == ["gone", "settings"], adopted
    assert narrow("apply", "test", "--yes").code == 0
    assert names(kubectl, namespace) == {"settings", record(kubectl, namespace)}
