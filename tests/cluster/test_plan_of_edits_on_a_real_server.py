from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.deployer import DeployOptions, deploy
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import make_plan
from gitops_push.core.errors import PlanError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action
from gitops_push.core.scopes import ref_of
from gitops_push.documents.json_text import canonical_json
from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect
from tests.cluster.connecting import connected
from tests.cluster.deploying import prepare
from tests.cluster.many_kinds import many_kinds
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import change_of, config_map

Body = dict[str, Any]


def pod(body: Body) -> Body:
    spec: Body = body["spec"]["template"]["spec"]
    return spec


def web(body: Body) -> Body:
    container: Body = pod(body)["containers"][0]
    return container


WEB = "spec.template.spec.containers[name=web]"
EDITS: dict[str, tuple[Callable[[Body], object], set[str]]] = {
    "a new variable": (lambda b: web(b)["env"].append({"name": "C", "value": "3"}), {f"{WEB}.env[name=C]"}),
    "a removed variable": (lambda b: web(b)["env"].pop(1), {f"{WEB}.env[name=A]"}),
    "another order of variables": (lambda b: web(b)["env"].reverse(), {f"{WEB}.env"}),
    "a removed probe": (lambda b: web(b).pop("livenessProbe"), {f"{WEB}.livenessProbe"}),
    "another kind of probe": (
        lambda b: web(b)["readinessProbe"].update(httpGet=None, exec={"command": ["true"]}),
        {f"{WEB}.readinessProbe.exec", f"{WEB}.readinessProbe.httpGet"},
    ),
    "a sidecar before the container": (
        lambda b: pod(b)["containers"].insert(0, {"name": "side", "image": "side:1"}),
        {"spec.template.spec.containers[name=side]"},
    ),
    "a removed port": (lambda b: web(b)["ports"].pop(), {f"{WEB}.ports[containerPort=8080,protocol=UDP]"}),
    "another strategy": (
        lambda b: b["spec"].update(strategy={"type": "Recreate"}),
        {"spec.strategy.type", "spec.strategy.rollingUpdate"},
    ),
    "a removed limit": (lambda b: web(b)["resources"]["limits"].pop("cpu"), {f"{WEB}.resources.limits.cpu"}),
    "an empty map instead of limits": (
        lambda b: web(b)["resources"].update(limits={}),
        {f"{WEB}.resources.limits.{name}" for name in ("cpu", "memory", "ephemeral-storage")},
    ),
    "no replicas": (lambda b: b["spec"].pop("replicas"), {"spec.replicas"}),
    "a new annotation": (
        lambda b: b["metadata"].update(annotations={"a.b/c": "d"}),
        {'metadata.annotations["a.b/c"]'},
    ),
    "arguments": (lambda b: web(b).update(args=["--a", "--b"]), {f"{WEB}.args"}),
    "another volume source": (
        lambda b: pod(b)["volumes"].__setitem__(1, {"name": "tmp", "configMap": {"name": "env"}}),
        {"spec.template.spec.volumes[name=tmp].emptyDir", "spec.template.spec.volumes[name=tmp].configMap"},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_a_deployment_shows_its_fields_and_is_done_after_one_apply(
    edit: str, api: HttpApi, reader: HttpApi, namespace: str
) -> None:
    before = many_kinds(namespace)[0]
    apply_all(request_for(namespace, before), api)
    after = copy.deepcopy(before)
    change, expected = EDITS[edit]
    change(after)
    planned = change_of(make_plan(request_for(namespace, after), reader), "web")
    assert {format_field_path(field.path) for field in planned.fields} == expected
    apply_all(request_for(namespace, after), api)
    again = change_of(make_plan(request_for(namespace, after), reader), "web")
    assert (again.action, again.fields) == (Action.UNCHANGED, ())
    assert report_drift(request_for(namespace, after), reader).drifted == ()


def test_objects_that_kubectl_applied_are_taken_over_once_without_any_other_change(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    bodies = [body for body in many_kinds(namespace) if body["kind"] in {"Deployment", "Service", "ConfigMap"}]
    # kubectl leaves 0.581Gi as 623844000 there; the server reads the same number from us and spells it 623844k.
    web(bodies[0])["resources"]["limits"]["ephemeral-storage"] = "1G"
    for body in bodies:
        kubectl("apply", "-f", "-", stdin=canonical_json(body).decode())
    todo = prepare(api, namespace, *bodies, options=DeployOptions(wait=False))
    for change in todo.plan.changes:
        assert change.action is Action.TAKE_OVER
        assert {format_field_path(field.path) for field in change.fields} == {
            'metadata.labels["applyset.kubernetes.io/part-of"]'
        }
        assert change.taken == ()
        assert change.take_over is not None
        assert change.take_over.gone == ()
    assert deploy(todo, api).exit_code == 0
    wanted = request_for(namespace, *bodies)
    assert {change.action for change in make_plan(wanted, reader).changes} == {Action.UNCHANGED}
    assert report_drift(wanted, reader).drifted == ()


TYPO = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: {namespace}
spec:
  replicas: -3
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
        - name: side
          image: side
        - name: web
          image: web
          {line}
"""


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("ports: [{containerPort: 99999}]", {"web.yaml:7:13", "web.yaml:19:35"}),
        ("imagePullPolicy: Sometimes", {"web.yaml:7:13", "web.yaml:19:28"}),
        ("imagee: web", {"web.yaml:19:19"}),
        ("command: run", {"web.yaml:19:20"}),
    ],
    ids=["two invalid values", "an unknown word", "an unknown field", "a wrong type"],
)
def test_a_rejection_by_the_real_server_points_at_the_line(
    line: str, places: set[str], reader: HttpApi, namespace: str
) -> None:
    text = TYPO.format(namespace=namespace, line=line).encode()
    body: Any = read_one(text, "web.yaml", Dialect.KUBECTL).value
    manifest = Manifest(ref_of(body), body["apiVersion"], body, Origin("web.yaml", 1, 1))
    with pytest.raises(PlanError) as raised:
        make_plan(request_for(namespace, manifest), reader)
    assert {str(problem.origin) for problem in raised.value.problems} == places


def test_a_plan_asks_the_server_exactly_what_it_promises(own_control_plane: ControlPlane, namespace: str) -> None:
    user = f"counted-{uuid.uuid4().hex[:6]}"
    kubeconfig = own_control_plane.new_user(user, ("system:masters",))
    bodies = [{**config_map(f"c{i}"), "metadata": {"name": f"c{i}", "namespace": namespace}} for i in range(20)]
    mark = own_control_plane.audit_mark()
    with connected(kubeconfig, read_only=True) as connection:
        make_plan(request_for(namespace, *bodies, many_kinds(namespace)[0]), connection)
    events = [event for event in own_control_plane.audit_events(mark) if event.user == user]
    lists = [event for event in events if event.verb == "list"]
    dry_runs = [event for event in events if event.is_dry_run]
    discovery = [event for event in events if event.uri.split("?")[0] in {"/api", "/apis"}]
    assert (len(dry_runs), len(lists), len(discovery)) == (21, 2, 2)
    assert len(events) == 25
