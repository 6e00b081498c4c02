"""An environment that gets another name, namespace or project keeps what it owns: by the config, or by a command."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Program, config, config_map

PART_OF = "applyset.kubernetes.io/part-of"
SET_ID = "applyset.kubernetes.io/id"


@pytest.fixture
def deployed(program: Program, namespace: str) -> Program:
    """The environment `production` with three objects, of which one leaves the config and one asks to stay."""
    program.write("gitops-push.yaml", config(namespace, environment="production"))
    program.write("app/gone.yaml", config_map("gone"))
    keep = "annotations: {helm.sh/resource-policy: keep}"
    program.write("app/kept.yaml", config_map("kept").replace("{name: kept}", f"{{name: kept, {keep}}}"))
    done = program("apply", "production", "--yes")
    assert done.code == 0, done
    (program.folder / "app/gone.yaml").unlink()
    (program.folder / "app/kept.yaml").unlink()
    return program


def rename(program: Program, home: str, renamed_from: str = "", environment: str = "prod", project: str = "") -> None:
    """Write the config of one environment; its project is the namespace, unless another one is given."""
    more = f"    renamedFrom: {renamed_from}\n" if renamed_from else ""
    text = config(home, more, environment=environment)
    program.write("gitops-push.yaml", text.replace(f"project: {home}", f"project: {project or home}"))


def world(kubectl: Kubectl, namespace: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels of the objects by name, and the ids of the records by the environment."""
    items: list[dict[str, Any]] = kubectl.get("configmaps", "-n", namespace)["items"]
    members = {i["metadata"]["name"]: i["metadata"].get("labels", {}).get(PART_OF, "") for i in items}
    records = {
        i["data"]["environment"]: i["metadata"]["labels"][SET_ID]
        for i in items
        if SET_ID in i["metadata"].get("labels", {})
    }
    return {name: label for name, label in members.items() if label}, records


def test_renamed_from_moves_every_object_to_the_new_inventory_and_the_old_record_goes_last(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    old = world(kubectl, namespace)[1]["production"]
    rename(deployed, namespace, "production")
    shown = deployed("diff", "prod")
    assert shown.code == 0, shown
    assert f"takes over the inventory {namespace}/" in shown.out
    assert world(kubectl, namespace)[1] == {"production": old}

    done = deployed("apply", "prod", "--yes")
    assert done.code == 0, done
    members, records = world(kubectl, namespace)
    assert list(records) == ["prod"]
    assert members == dict.fromkeys(("settings", "kept"), records["prod"])
    status = json.loads(deployed("status", "prod", "-o", "json").out)
    assert [found["name"] for found in status["objects"]] == ["kept", "settings"]
    again = deployed("apply", "prod", "--yes", "-o", "json")
    assert (again.code, again.json["wrote"]) == (0, False)


def test_a_namespace_that_changed_is_told_and_renamed_from_takes_what_is_in_the_old_one(
    deployed: Program, kubectl: Kubectl, namespace: str
) -> None:
    home = f"{namespace}-b"
    kubectl("create", "namespace", home)
    rename(deployed, home, "", "production", namespace)
    assert "renamedFrom: {namespace:" in deployed("diff", "production").err
    rename(deployed, home, f"{{namespace: {namespace}}}", "production", namespace)
    done = deployed("apply", "production", "--yes")
    assert done.code == 0, done
    left, records = world(kubectl, namespace)
    assert (set(left), records) == ({"kept"}, {})
    members, records = world(kubectl, home)
    assert set(members) == {"settings"}
    assert {*left.values(), *members.values()} == {records["production"]}
    kubectl("delete", "namespace", home, "--wait=false")


def test_an_earlier_name_that_lives_on_its_own_is_refused(deployed: Program, kubectl: Kubectl, namespace: str) -> None:
    rename(deployed, namespace, "")
    deployed.write("app/settings.yaml", config_map("other"))
    assert deployed("apply", "prod", "--yes").code == 0
    rename(deployed, namespace, "production")
    refused = deployed("apply", "prod", "--yes")
    assert (refused.code, "GP0307" in refused.err, "inventory move" in refused.err) == (15, True, True), refused
    assert set(world(kubectl, namespace)[1]) == {"prod", "production"}


@pytest.mark.parametrize("by", ["name", "place"])
def test_move_joins_an_inventory_to_another_and_the_next_apply_finishes(
    deployed: Program, kubectl: Kubectl, namespace: str, by: str
) -> None:
    rename(deployed, namespace)
    place = f"{namespace}/gitops-push-{namespace}-production"
    source = "production" if by == "name" else place
    assert deployed("inventory", "move", source, "prod").code == 2
    assert deployed("inventory", "move", "nowhere", "prod", "--yes").code == 15
    moved = deployed("inventory", "move", source, "prod", "--yes", "-o", "json")
    assert moved.code == 0, moved
    assert (moved.json["movedFrom"], moved.json["objects"]) == (place, 3)
    members, records = world(kubectl, namespace)
    assert (set(members), set(records)) == ({"settings", "gone", "kept"}, {"prod"})
    assert deployed("inventory", "move", source, "prod", "--yes").code == 0, "run again, it is done"

    done = deployed("apply", "prod", "--yes")
    assert done.code == 0, done
    members, records = world(kubectl, namespace)
    assert members == dict.fromkeys(("settings", "kept"), records["prod"])
    assert deployed("inventory", "move", source, "prod", "--yes").code == 15
    again = deployed("apply", "prod", "--yes", "-o", "json")
    assert (again.code, again.json["wrote"]) == (0, False)


def test_what_an_environment_was_called_must_differ_from_what_it_is_called(program: Program, namespace: str) -> None:
    program.write("gitops-push.yaml", config(namespace, "    renamedFrom: test\n"))
    refused = program("diff", "test")
    assert (refused.code, "what it is called now" in refused.err) == (10, True), refused
