"""Config repositories of others, deployed by the real program on the real API server; kubectl and the audit log judge.

The repositories are read in place from ../shared/real-repos and copied into a git repository of the test.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import (
    Place,
    inventory_place,
    place_of,
    places,
    planned_writes,
    recorded,
    writes_since,
)
from tests.e2e.program import Program, new_program

REAL_REPOS = Path(__file__).parents[3] / "shared" / "real-repos"

BOUTIQUE_OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../kustomize/base]
components:
  - ../kustomize/components/cymbal-branding
  - ../kustomize/components/network-policies
  - ../kustomize/components/non-public-frontend
  - ../kustomize/components/single-shared-session
  - ../kustomize/components/without-loadgenerator
  - ../kustomize/components/container-images-tag
  - ../kustomize/components/container-images-registry
"""


@dataclass(frozen=True)
class RealRepo:
    """A folder of a repository, the kustomization to deploy, and a file of it to remove with the objects it brings."""

    folder: str
    kustomization: str
    removed_file: str
    removed_from: str
    removed: frozenset[tuple[str, str]]
    deployment: str
    added: dict[str, str] = field(default_factory=dict)


REPOS = {
    "podinfo": RealRepo(
        folder="podinfo/kustomize",
        kustomization="kustomize",
        removed_file="service.yaml",
        removed_from="kustomize/kustomization.yaml",
        removed=frozenset({("Service", "podinfo")}),
        deployment="podinfo",
    ),
    "microservices-demo manifests": RealRepo(
        folder="microservices-demo/kubernetes-manifests",
        kustomization="kubernetes-manifests",
        removed_file="emailservice.yaml",
        removed_from="kubernetes-manifests/kustomization.yaml",
        removed=frozenset({(kind, "emailservice") for kind in ("Deployment", "Service", "ServiceAccount")}),
        deployment="frontend",
    ),
    "microservices-demo with seven components": RealRepo(
        folder="microservices-demo/kustomize",
        kustomization="overlay",
        removed_file="network-policy-adservice.yaml",
        removed_from="kustomize/components/network-policies/kustomization.yaml",
        removed=frozenset({("NetworkPolicy", "adservice")}),
        deployment="frontend",
        added={"overlay/kustomization.yaml": BOUTIQUE_OVERLAY},
    ),
}


@dataclass(frozen=True)
class Case:
    """A real repository in a git repository of the test, and its namespace."""

    repo: RealRepo
    program: Program
    namespace: str

    def inventory(self) -> Place:
        return inventory_place(self.namespace, self.namespace)

    def remove_a_file(self) -> None:
        """Take a file out of its kustomization, and out of the repository."""
        kustomization = self.program.folder / self.repo.removed_from
        kept = re.sub(rf"(?m)^ *- {re.escape(self.repo.removed_file)}\n", "", kustomization.read_text())
        assert kept != kustomization.read_text()
        kustomization.write_text(kept)
        (kustomization.parent / self.repo.removed_file).unlink()
        self.program.commit("Remove a file")


@pytest.fixture(params=REPOS)
def case(request: pytest.FixtureRequest, control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Case:
    repo = REPOS[request.param]
    if not (REAL_REPOS / repo.folder).is_dir():
        pytest.skip(f"there is no ../shared/real-repos/{repo.folder} beside the project")
    program = new_program(tmp_path / "repo", control_plane.kubeconfig)
    shutil.copytree(REAL_REPOS / repo.folder, program.folder / Path(repo.folder).name)
    for path, text in repo.added.items():
        program.write(path, text)
    program.write("gitops-push.yaml", config(namespace, repo.kustomization))
    program.commit()
    return Case(repo, program, namespace)


def config(namespace: str, kustomization: str) -> str:
    return f"""\
version: 1
project: {namespace}
clusters:
  plane: {{credentials: {{env: KUBECONFIG_TEST}}}}
environments:
  test:
    cluster: plane
    namespace: {namespace}
    wait: {{timeout: 2m, rules: [{{kind: Service, skip: true}}]}}  # nobody here makes load balancers
    sources: [{{kustomize: {kustomization}}}]
"""


def test_a_real_repo_deploys_stays_in_sync_shows_its_drift_and_prunes_exactly_what_was_removed(
    case: Case, own_control_plane: ControlPlane, kubectl: Kubectl
) -> None:
    everything_becomes_ready_and_nothing_outside_the_plan_is_written(case, own_control_plane, kubectl)
    kubectl_sees_what_kubectl_would_have_made(case, kubectl)
    a_second_diff_is_empty_and_a_second_apply_writes_nothing(case, own_control_plane)
    edits_show_as_drift_with_field_manager_and_time(case, kubectl)
    the_next_apply_writes_only_what_was_edited(case, own_control_plane)
    removing_a_file_prunes_exactly_its_objects(case, own_control_plane, kubectl)


def everything_becomes_ready_and_nothing_outside_the_plan_is_written(
    case: Case, plane: ControlPlane, kubectl: Kubectl
) -> None:
    mark = plane.audit_mark()
    applied = case.program("apply", "test", "--yes", "-o", "json", timeout_seconds=180)
    assert applied.code == 0, applied
    written = writes_since(plane, mark)
    assert places(written) == planned_writes(applied) | {case.inventory()}
    assert not [event for event in written if event.code >= 400]
    deployments = kubectl.get("deployments", "-n", case.namespace)["items"]
    wanted = {c["name"] for c in applied.json["plan"]["changes"] if c["objectKind"] == "Deployment"}
    assert {item["metadata"]["name"] for item in deployments if is_ready(item)} == wanted != set()


def is_ready(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    up_to_date = bool(status.get("observedGeneration") == deployment["metadata"]["generation"])
    return up_to_date and (status.get("readyReplicas"), status.get("updatedReplicas")) == (wanted, wanted)


def kubectl_sees_what_kubectl_would_have_made(case: Case, kubectl: Kubectl) -> None:
    """Built by kubectl and compared by kubectl, under a name of its own: no code of ours decides."""
    built = kubectl("kustomize", str(case.program.folder / case.repo.kustomization))
    made, live = kubectl_would_make(case, kubectl, built), kubectl_gets(case, kubectl, built)
    if made != live:  # once more: the autoscaler of podinfo may have scaled between the two reads
        made, live = kubectl_would_make(case, kubectl, built), kubectl_gets(case, kubectl, built)
    assert live == made
    assert set(made) == recorded(kubectl, case.namespace)


Contents = dict[tuple[str, str], dict[str, Any]]


def kubectl_would_make(case: Case, kubectl: Kubectl, built: str) -> Contents:
    flags = ("--server-side", "--dry-run=server", "--force-conflicts", "--field-manager=judge", "-o", "json")
    answer = json.loads(kubectl("apply", *flags, "-n", case.namespace, "-f", "-", stdin=built))
    return by_name(answer["items"])


def kubectl_gets(case: Case, kubectl: Kubectl, built: str) -> Contents:
    return by_name(json.loads(kubectl("get", "-f", "-", "-o", "json", "-n", case.namespace, stdin=built))["items"])


def by_name(items: list[dict[str, Any]]) -> Contents:
    return {(item["kind"], item["metadata"]["name"]): contents(item) for item in items}


def contents(item: dict[str, Any]) -> dict[str, Any]:
    """The object without what changes with every write and status: who set what, versions, status."""
    unstable = {"managedFields", "resourceVersion", "generation"}
    metadata = {key: value for key, value in item["metadata"].items() if key not in unstable}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def a_second_diff_is_empty_and_a_second_apply_writes_nothing(case: Case, plane: ControlPlane) -> None:
    compared = case.program("diff", "test", "--exit-code")
    assert compared.code == 0, compared
    assert "IN SYNC" in compared.out
    mark = plane.audit_mark()
    again = case.program("apply", "test", "--yes")
    assert again.code == 0, again
    assert not writes_since(plane, mark)


def edits_show_as_drift_with_field_manager_and_time(case: Case, kubectl: Kubectl) -> None:
    """An edit of the manifest in an editor, without the editor: kubectl sends the same PATCH."""
    name = case.repo.deployment
    container = kubectl.get("deployment", name, "-n", case.namespace)["spec"]["template"]["spec"]["containers"][0]
    image = f"{container['name']}=registry.example.com/hotfix:1"
    kubectl("set", "image", f"deployment/{name}", image, "-n", case.namespace, "--field-manager=kubectl-edit")
    drift = case.program("drift", "test", "--exit-code", "-o", "json")
    assert drift.code == 3, drift
    (drifted,) = drift.json["drifted"]
    (edited,) = drifted["fields"]
    assert (drifted["objectKind"], drifted["name"], drifted["cause"]) == ("Deployment", name, "edited")
    assert edited["path"] == f"spec.template.spec.containers[name={container['name']}].image"
    assert (edited["before"], edited["after"]) == ("registry.example.com/hotfix:1", container["image"])
    assert (edited["owner"]["manager"], edited["owner"]["operation"]) == ("kubectl-edit", "Update")
    assert edited["owner"]["at"] in {
        entry["time"]
        for entry in kubectl.get("deployment", name, "-n", case.namespace, "--show-managed-fields")["metadata"][
            "managedFields"
        ]
        if entry["manager"] == "kubectl-edit"
    }
    told = case.program("drift", "test").out
    assert "kubectl-edit" in told
    assert edited["path"] in told


def the_next_apply_writes_only_what_was_edited(case: Case, plane: ControlPlane) -> None:
    mark = plane.audit_mark()
    applied = case.program("apply", "test", "--yes", "-o", "json", timeout_seconds=180)
    assert applied.code == 0, applied
    assert places(writes_since(plane, mark)) == planned_writes(applied) | {case.inventory()}
    assert {place[1:] for place in planned_writes(applied)} == {("deployments", case.namespace, case.repo.deployment)}


def removing_a_file_prunes_exactly_its_objects(case: Case, plane: ControlPlane, kubectl: Kubectl) -> None:
    before = recorded(kubectl, case.namespace)
    uids = {kubectl.get(kind, name, "-n", case.namespace)["metadata"]["uid"] for kind, name in case.repo.removed}
    case.remove_a_file()
    mark = plane.audit_mark()
    applied = case.program("apply", "test", "--yes", "-o", "json")
    assert applied.code == 0, applied
    written = writes_since(plane, mark)
    deletions = [event for event in written if event.verb == "delete"]
    pruned = {place_of(change) for change in applied.json["plan"]["changes"] if change["action"] == "delete"}
    assert places(tuple(deletions)) == pruned
    assert len(deletions) == len(case.repo.removed)
    assert {event.demanded_uid for event in deletions} == uids
    assert places(written) == pruned | {case.inventory()}
    assert recorded(kubectl, case.namespace) == before - case.repo.removed
    for kind, name in case.repo.removed:
        assert not kubectl("get", kind, name, "-n", case.namespace, "--ignore-not-found", "-o", "name")
