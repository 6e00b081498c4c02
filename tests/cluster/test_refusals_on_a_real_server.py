"""Refusals that look like the server's whim: each is told at its line, or with what is behind it and the way out."""

from __future__ import annotations

import shlex
import uuid
from typing import Any

import pytest

from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.planner import make_plan
from gitops_push.core.errors import PlanError, Problem
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action
from gitops_push.core.scopes import ref_of
from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect
from tests.cluster.gadgets import gadget_definition
from tests.cluster.planning import apply_all, request_for, until
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import change_of

Body = dict[str, Any]

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - {name: A, value: "1"}
            - {name: B, value: "2"}
            - {name: A, value: "3"}
          ports:
            - {containerPort: 80}
            - {containerPort: 80, protocol: TCP}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NAMESPACE}
spec:
  ports:
    - {name: http, port: 80}
"""


def manifest(text: str, namespace: str) -> Manifest:
    body: Any = read_one(text.replace("NAMESPACE", namespace).encode(), "web.yaml", Dialect.KUBECTL).value
    return Manifest(ref_of(body), body["apiVersion"], body, Origin("web.yaml", 1, 1))


def problems(api: HttpApi, namespace: str, *wanted: Manifest | Body) -> tuple[Problem, ...]:
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, *wanted), api)
    return raised.value.problems


def test_an_item_that_is_there_twice_is_told_at_its_second_line(reader: HttpApi, namespace: str) -> None:
    found = problems(reader, namespace, manifest(WEB, namespace))
    assert {str(problem.origin) for problem in found} == {"web.yaml:15:15", "web.yaml:18:15"}
    assert sum('duplicate entries for key [name="A"]' in problem.message for problem in found) == 1


def test_a_container_that_is_there_twice_is_told_at_its_second_line(reader: HttpApi, namespace: str) -> None:
    twice = WEB.replace('            - {name: A, value: "3"}\n', "").replace(", protocol: TCP", ", protocol: UDP")
    (problem,) = problems(reader, namespace, manifest(f"{twice}        - name: web\n          image: a\n", namespace))
    assert str(problem.origin) == "web.yaml:18:11"
    assert 'duplicate entries for key [name="web"]' in problem.message


def test_a_member_of_a_set_that_is_there_twice_is_told(api: HttpApi, namespace: str) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    apply_all(request_for("default", gadget_definition(group)), api)
    until(lambda: api.served_kinds(refresh=True).find(group, "Gadget") is not None)
    text = f"apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: web, namespace: NAMESPACE}}\nspec:\n  tags:\n"
    (problem,) = problems(api, namespace, manifest(f"{text}    - a\n    - b\n    - a\n", namespace))
    assert str(problem.origin) == "web.yaml:8:7"


def test_a_port_whose_old_number_another_manager_keeps_names_the_manager_and_the_old_port(
    control_plane: ControlPlane, api: HttpApi, namespace: str
) -> None:
    apply_all(request_for(namespace, manifest(SERVICE, namespace)), api)
    same = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    }
    path = f"/api/v1/namespaces/{namespace}/services/web?fieldManager=some-operator&force=true"
    control_plane.request("PATCH", path, same, "application/apply-patch+yaml")
    (problem,) = problems(api, namespace, manifest(SERVICE.replace("port: 80", "port: 81"), namespace))
    assert "Duplicate value" in problem.message
    assert str(problem.hint).startswith(
        'spec.ports[port=80,protocol=TCP] stays beside it, because "some-operator" (Apply) set it, too'
    )


def versions(group: str, *names: str, served: str = "") -> Body:
    """The definition of Gadget with these versions, of which the last is stored."""
    definition = gadget_definition(group)
    (version,) = definition["spec"]["versions"]
    definition["spec"]["versions"] = [
        {**version, "name": name, "storage": name == names[-1], "served": name != served} for name in names
    ]
    return definition


def test_managed_fields_of_a_version_that_is_gone_come_with_the_command_that_mends_them(
    control_plane: ControlPlane, api: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"

    def gadget(version: str, text: str) -> Body:
        identity = {"name": "web", "namespace": namespace}
        return {"apiVersion": f"{group}/{version}", "kind": "Gadget", "metadata": identity, "spec": {"text": text}}

    def define(*names: str) -> None:
        apply_all(request_for("default", versions(group, *names)), api)
        until(lambda: api.served_kinds(refresh=True).find(group, "Gadget", names[-1]) is not None)

    define("v1alpha1")
    apply_all(request_for(namespace, gadget("v1alpha1", "one")), api)
    define("v1alpha1", "v1")
    place = f"/apis/{group}/v1/namespaces/{namespace}/gadgets/web"
    stored = {"metadata": {"annotations": {"written": "by a migration of the storage"}}}
    control_plane.request("PATCH", f"{place}?fieldManager=migrator", stored, "application/merge-patch+json")
    crd = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{group}"
    definition = control_plane.request("GET", crd)
    definition["status"]["storedVersions"] = ["v1"]
    control_plane.request("PUT", f"{crd}/status", definition)
    define("v1")
    until(lambda: api.served_kinds(refresh=True).find(group, "Gadget", "v1alpha1") is None)
    wanted = request_for(namespace, gadget("v1", "two"))

    def hint() -> str:
        try:
            make_plan(wanted, api)
        except PlanError as error:
            (problem,) = error.problems
            return problem.hint or ""
        return ""

    until(hint)
    said, _, command = hint().partition("\n")
    assert said == f"its managedFields are of {group}/v1alpha1, which its definition has no more; rewrite them once:"
    program, *arguments = shlex.split(command)
    assert program == "kubectl"
    kubectl(*arguments)
    change = change_of(make_plan(wanted, api), "web")
    assert change.action is Action.UPDATE
    assert [format_field_path(field.path) for field in change.fields] == ["spec.text"]
    apply_all(wanted, api)
    assert change_of(make_plan(wanted, api), "web").action is Action.UNCHANGED
