"""A set with everything it stands on, from nothing in one apply; and an object that will not go."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import inventory, recorded, writes_since
from tests.e2e.program import Program, config, config_map, deployment

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: GROUP}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: PLURAL, singular: SINGULAR, kind: KIND}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {size: {type: integer}}}
"""


@pytest.fixture
def own_place(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """The name of a namespace that is not there yet, and is removed at the end with its definition."""
    name = f"{namespace}-own"
    yield name
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")
    kubectl("delete", "crd", f"{plural(name)}.example.com", "--ignore-not-found", "--wait=false")


def plural(place: str) -> str:
    return place.replace("-", "") + "s"


def test_a_namespace_a_definition_its_resource_and_an_app_deploy_from_nothing_in_one_apply(
    program: Program, own_control_plane: ControlPlane, kubectl: Kubectl, own_place: str
) -> None:
    kind = plural(own_place).capitalize()[:-1]
    definition = DEFINITION.replace("GROUP", f"{plural(own_place)}.example.com").replace("PLURAL", plural(own_place))
    files = {
        "a-widget": f"apiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: one}}\nspec: {{size: 3}}\n",
        "b-web": deployment("web"),
        "c-definition": definition.replace("SINGULAR", plural(own_place)[:-1]).replace("KIND", kind),
        "d-namespace": f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {own_place}}}\n",
    }
    program.write("gitops-push.yaml", config(own_place))
    for name, text in files.items():
        program.write(f"app/{name}.yaml", text)
    planned = program("diff", "test", "-o", "json")
    assert planned.code == 0, planned
    assert planned.json["counts"] == {"create": 5}
    mark = own_control_plane.audit_mark()
    applied = program("apply", "test", "--yes")
    assert applied.code == 0, applied
    written = writes_since(own_control_plane, mark)
    assert not [event for event in written if event.code >= 400]
    first = [event.resource for event in written][:3]
    assert first[0] == "namespaces", "the inventory has no other place"
    assert kubectl.get(plural(own_place), "one", "-n", own_place)["spec"] == {"size": 3}
    assert recorded(kubectl, own_place) == {
        ("Namespace", own_place),
        ("CustomResourceDefinition", f"{plural(own_place)}.example.com"),
        (kind, "one"),
        ("Deployment", "web"),
        ("ConfigMap", "settings"),
    }
    assert program("diff", "test", "--exit-code").code == 0
    program.write("app/a-widget.yaml", files["a-widget"].replace("one", "two"))
    assert program("apply", "test", "--yes").code == 0
    assert [item["metadata"]["name"] for item in kubectl.get(plural(own_place), "-n", own_place)["items"]] == ["two"]


def test_an_object_whose_finalizer_is_stuck_is_named_and_stays_in_the_inventory_until_it_is_gone(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/stuck.yaml", config_map("stuck"))
    program.write("app/free.yaml", config_map("free"))
    assert program("apply", "test", "--yes").code == 0
    patch = json.dumps({"metadata": {"finalizers": ["example.com/never"]}})
    kubectl("patch", "configmap", "stuck", "-n", namespace, "--type=merge", "-p", patch)
    for name in ("stuck", "free"):
        (program.folder / f"app/{name}.yaml").unlink()
    done = program("apply", "test", "--yes", "--timeout", "3s")
    assert done.code == 20, done
    (line,) = (line for line in done.out.splitlines() if "/stuck" in line)
    assert "example.com/never" in line
    assert recorded(kubectl, namespace) == {("ConfigMap", "settings"), ("ConfigMap", "stuck")}
    assert inventory(kubectl, namespace, namespace)["state"] != "done"
    assert "stuck" in program("drift", "test").out
    kubectl("patch", "configmap", "stuck", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    again = program("apply", "test", "--yes")
    assert again.code == 0, again
    assert recorded(kubectl, namespace) == {("ConfigMap", "settings")}
    assert inventory(kubectl, namespace, namespace)["state"] == "done"
