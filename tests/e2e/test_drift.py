"""`drift` as a user runs it: the cause of each difference, from a real git history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Program, config, config_map


def edit(kubectl: Kubectl, namespace: str, key: str, value: str) -> None:
    patch = f'{{"data":{{"{key}":"{value}"}}}}'
    kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", patch)


def causes(program: Program, *arguments: str) -> dict[str, str]:
    done = program("drift", *(arguments or ("test",)), "-o", "json")
    assert done.code == 0, done
    return {item["name"]: item["cause"] for item in done.json["drifted"]}


@pytest.fixture
def deployed(program: Program) -> Program:
    done = program("apply", "test", "--yes")
    assert done.code == 0, done
    return program


def test_git_that_moved_on_is_told_from_an_edit(deployed: Program, kubectl: Kubectl, namespace: str) -> None:
    deployed.write("app/settings.yaml", config_map("settings", "2"))
    deployed.write("app/new.yaml", config_map("new"))
    assert causes(deployed) == {"settings": "git ahead", "new": "git ahead"}
    deployed.commit()
    assert causes(deployed) == {"settings": "git ahead", "new": "git ahead"}
    assert deployed("drift", "test", "--exit-code").code == 0
    assert deployed("drift", "test", "--exit-code", "--fail-on", "git-ahead").code == 3
    edit(kubectl, namespace, "key", "by hand")
    assert causes(deployed) == {"settings": "both", "new": "git ahead"}
    assert deployed("drift", "test", "--exit-code").code == 3


def test_the_deployed_commit_is_built_as_its_own_config_says(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    for old in ("app/settings.yaml",):
        (deployed.folder / old).unlink()
    deployed.write("moved/settings.yaml", config_map("settings", "2"))
    deployed.write("gitops-push.yaml", config(namespace).replace("directory: app", "directory: moved"))
    deployed.commit()
    assert causes(deployed) == {"settings": "git ahead"}


def test_the_working_tree_is_not_touched_and_nothing_is_left(
    deployed: Program, kubectl: Kubectl, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    deployed.write("app/settings.yaml", config_map("settings", "2"))
    temporary = tmp_path_factory.mktemp("tmp")
    before = {path: path.stat().st_mtime_ns for path in deployed.folder.rglob("*")}
    assert causes(deployed.having(TMPDIR=str(temporary))) == {"settings": "git ahead"}
    assert {path: path.stat().st_mtime_ns for path in deployed.folder.rglob("*")} == before
    assert list(temporary.iterdir()) == []


def test_a_deploy_of_uncommitted_changes_leaves_the_cause_to_managed_fields(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/settings.yaml", config_map("settings", "uncommitted"))
    assert program("apply", "test", "--yes").code == 0
    program.write("app/settings.yaml", config_map("settings", "2"))
    done = program("drift", "test", "-o", "json")
    (note,) = done.json["notes"]
    assert "changes that were not committed" in note
    assert causes(program) == {"settings": "git ahead"}
    edit(kubectl, namespace, "key", "by hand")
    assert causes(program) == {"settings": "edited"}


def test_a_path_is_built_again_as_the_path_at_that_commit(program: Program, kubectl: Kubectl, namespace: str) -> None:
    (program.folder / "gitops-push.yaml").unlink()
    program.commit()
    variables = program.having(KUBECONFIG=str(program.write("../kubeconfig", program.environ["KUBECONFIG_TEST"])))
    place = ("./app", "-n", namespace)
    done = variables("apply", *place, "--yes")
    assert done.code == 0, done
    variables.write("app/settings.yaml", config_map("settings", "2"))
    assert causes(variables, *place) == {"settings": "git ahead"}
    assert causes(variables, str(program.folder / "app"), "-n", namespace) == {"settings": "git ahead"}


def test_a_schedule_hears_nothing_while_all_is_well(deployed: Program) -> None:
    assert deployed("drift", "test", "--exit-code").out == "IN SYNC test: 1 object\n"
    done = deployed("drift", "test", "--exit-code", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_two_reports_of_one_state_are_the_same(deployed: Program, kubectl: Kubectl, namespace: str) -> None:
    edit(kubectl, namespace, "key", "by hand")
    edit(kubectl, namespace, "other", "by hand")
    first, second = (deployed("drift", "test") for _ in range(2))
    assert first.out == second.out
    assert "DRIFT test: 1 edited, 0 in sync" in first.out


def test_one_environment_that_fails_does_not_stop_the_others_and_the_highest_code_wins(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    more = f"""\
  a-broken: {{cluster: plane, namespace: {namespace}, sources: [{{directory: nowhere}}]}}
  z-new: {{cluster: plane, namespace: {namespace}, sources: [{{directory: app}}]}}
"""
    deployed.write("gitops-push.yaml", config(namespace, more))
    edit(kubectl, namespace, "key", "by hand")
    done = deployed("drift", "--all", "--exit-code", "-o", "json")
    assert done.code == 10, done
    items = {item["environment"]: item for item in done.json["items"]}
    assert {name: item["exitCode"] for name, item in items.items()} == {"a-broken": 10, "test": 3, "z-new": 3}
    assert "problems" in items["a-broken"]
    assert deployed("drift", "test", "z-new", "--exit-code").code == 3


def test_unmanaged_objects_are_listed_on_demand(deployed: Program, kubectl: Kubectl, namespace: str) -> None:
    label = kubectl("get", "configmap", "settings", "-n", namespace, "-o", "jsonpath={.metadata.labels}")
    kubectl("create", "configmap", "stray", "-n", namespace)
    part_of = label.partition('"applyset.kubernetes.io/part-of":"')[2].partition('"')[0]
    kubectl("label", "configmap", "stray", "-n", namespace, f"applyset.kubernetes.io/part-of={part_of}")
    assert "stray" not in deployed("drift", "test").out
    done = deployed("drift", "test", "--unmanaged", "-o", "json", "--exit-code")
    assert done.code == 0, done
    assert [item["name"] for item in done.json["unmanaged"]] == ["stray"]
    assert "unmanaged  v1/ConfigMap" in deployed("drift", "test", "--unmanaged", "-q").out


def test_a_shallow_clone_says_what_to_fetch_and_tells_by_managed_fields(
    deployed: Program, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    deployed.write("app/settings.yaml", config_map("settings", "2"))
    deployed.commit()
    clone = ["git", "clone", "-q", "--depth=1", f"file://{deployed.folder}", str(tmp_path / "shallow")]
    subprocess.run(clone, check=True, stdin=subprocess.DEVNULL)
    shallow = Program(tmp_path / "shallow", deployed.environ)
    (note,) = shallow("drift", "test", "-o", "json").json["notes"]
    assert "which is shallow" in note
    assert "fetch-depth: 0" in note
    assert causes(shallow) == {"settings": "git ahead"}
    edit(kubectl, namespace, "key", "by hand")
    assert causes(shallow) == {"settings": "edited"}
    assert causes(deployed) == {"settings": "both"}
