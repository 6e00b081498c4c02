"""The cause of each drift, on the real API server: git moved, someone edited, or both, for each kind of field."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.drift import report_drift
from gitops_push.cluster.planner import PlanRequest
from gitops_push.core.drift import Cause, Deployed, DriftReport
from gitops_push.core.fieldpath import format_field_path
from tests.cluster.planning import apply_all, request_for
from tests.controlplane.kubectl import Kubectl
from tests.unit.cluster.plans import config_map, deployment

AHEAD, EDITED, BOTH, UNKNOWN = Cause.GIT_AHEAD, Cause.EDITED, Cause.BOTH, Cause.UNKNOWN
Body = dict[str, Any]


def web(namespace: str, image: str = "web:1", **spec: Any) -> Body:
    body = deployment(image=image, **spec)
    body["metadata"] |= {"namespace": namespace, "labels": {"team": "a"}, "annotations": {"note": "one"}}
    return body


def env(namespace: str, **data: str) -> Body:
    return {**config_map(**data), "metadata": {"name": "env", "namespace": namespace}}


def deployed_then_wanted(
    api: HttpApi, namespace: str, deployed: tuple[Body, ...], wanted: tuple[Body, ...]
) -> tuple[PlanRequest, Deployed]:
    """Apply one set, and return the request for another that git has moved to."""
    first = request_for(namespace, *deployed)
    owned = apply_all(first, api)
    then = replace(first.manifests, digest="deployed")
    return request_for(namespace, *wanted, owned=owned), Deployed(then, first.environment)


def causes(report: DriftReport) -> dict[str, Cause]:
    return {format_field_path(f.change.path): f.cause for drift in report.drifted for f in drift.fields}


Edit = Callable[[Kubectl, str], object]


def patch(kind: str, body: str, form: str = "strategic") -> Edit:
    name = "web" if kind == "deployment" else "env"
    return lambda kubectl, place: kubectl("patch", kind, name, "-n", place, f"--type={form}", "-p", body)


def applied_by(manager: str, manifest: str) -> Edit:
    def edit(kubectl: Kubectl, place: str) -> object:
        how = ("--server-side", f"--field-manager={manager}", "--force-conflicts")
        return kubectl("apply", *how, "-n", place, "-f", "-", stdin=manifest)

    return edit


def by_editor(kubectl: Kubectl, place: str) -> object:
    """Change the image as a person does in an editor."""
    return subprocess.run(
        [kubectl.program, "edit", "deployment", "web", "-n", place],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(kubectl.folder),
            "KUBECONFIG": str(kubectl.folder / "kubeconfig"),
            "KUBE_EDITOR": "sed -i s/web:1/web:9/",
        },
        capture_output=True,
        check=True,
    )


def by_replacing(kubectl: Kubectl, place: str) -> object:
    """Write the whole object anew, with another image."""
    live = kubectl.get("deployment", "web", "-n", place)
    del live["metadata"]["resourceVersion"]  # its controller writes the status all the time
    return kubectl("replace", "-f", "-", stdin=json.dumps(live).replace('"web:1"', '"web:9"'))


def pod(text: str) -> str:
    return f'{{"spec":{{"template":{{"spec":{text}}}}}}}'


IMAGE = "spec.template.spec.containers[name=web].image"
EDITS = {
    "a scalar": (patch("deployment", '{"spec":{"replicas":5}}'), "spec.replicas"),
    "a scalar, through the scale subresource": (
        lambda kubectl, place: kubectl("scale", "deployment", "web", "-n", place, "--replicas=5"),
        "spec.replicas",
    ),
    "a scalar in a list item": (patch("deployment", pod('{"containers":[{"name":"web","image":"web:9"}]}')), IMAGE),
    "an image, by kubectl edit": (by_editor, IMAGE),
    "an image, by kubectl replace": (by_replacing, IMAGE),
    "an image, by kubectl set": (
        lambda kubectl, place: kubectl("set", "image", "deployment/web", "web=web:9", "-n", place),
        IMAGE,
    ),
    "a list item added": (
        patch("deployment", pod('{"containers":[{"name":"side","image":"side:1"}]}')),
        "spec.template.spec.containers[name=side]",
    ),
    "a list item removed": (
        patch("deployment", '[{"op":"remove","path":"/spec/template/spec/containers/1"}]', "json"),
        "spec.template.spec.containers[name=log]",
    ),
    "an atomic list": (
        patch("deployment", pod('{"containers":[{"name":"web","args":["--debug"]}]}')),
        "spec.template.spec.containers[name=web].args",
    ),
    "a field removed": (
        patch("deployment", '[{"op":"remove","path":"/spec/minReadySeconds"}]', "json"),
        "spec.minReadySeconds",
    ),
    "a field removed that has a default": (
        patch("deployment", '[{"op":"remove","path":"/spec/replicas"}]', "json"),
        "spec.replicas",
    ),
    "a field that git never set": (patch("deployment", '{"spec":{"paused":true}}'), "spec.paused"),
    "a label": (
        lambda kubectl, place: kubectl("label", "deployment", "web", "-n", place, "team=b", "--overwrite"),
        "metadata.labels.team",
    ),
    "a label added": (
        lambda kubectl, place: kubectl("label", "deployment", "web", "-n", place, "by-hand=yes"),
        "metadata.labels.by-hand",
    ),
    "an annotation removed": (
        lambda kubectl, place: kubectl("annotate", "deployment", "web", "-n", place, "note-"),
        "metadata.annotations.note",
    ),
    "a map entry": (patch("configmap", '{"data":{"a":"9"}}', "merge"), "data.a"),
    "a map entry added": (patch("configmap", '{"data":{"new":"9"}}', "merge"), "data.new"),
    "a map entry removed": (patch("configmap", '{"data":{"a":null}}', "merge"), "data.a"),
    "a map entry, by another server-side apply": (
        applied_by("team-x", '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"env"},"data":{"a":"9"}}'),
        "data.a",
    ),
    "an image, by another server-side apply": (
        applied_by(
            "image-updater",
            '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"template":{"spec":'
            '{"containers":[{"name":"web","image":"web:9"}]}}}}',
        ),
        IMAGE,
    ),
}
"""What somebody does to the objects, and the one field in which they drift."""


def full_set(namespace: str, **changes: Any) -> tuple[Body, ...]:
    body = web(namespace, minReadySeconds=3, **changes)
    containers = body["spec"]["template"]["spec"]["containers"]
    containers[0]["args"] = ["--quiet"]
    containers.append({"name": "log", "image": "log:1"})
    return body, env(namespace, a="1", b="2")


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_an_edit_while_git_stands_still(
    name: str, api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    edit, field = EDITS[name]
    wanted, deployed = deployed_then_wanted(api, namespace, full_set(namespace), full_set(namespace))
    edit(kubectl, namespace)
    assert causes(report_drift(wanted, reader, deployed)) == {field: EDITED}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_told_from_what_git_changed_elsewhere_in_the_object(
    name: str, api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    edit, field = EDITS[name]
    moved = full_set(namespace, progressDeadlineSeconds=99)
    moved[1]["data"]["b"] = "3"
    wanted, deployed = deployed_then_wanted(api, namespace, full_set(namespace), moved)
    edit(kubectl, namespace)
    report = report_drift(wanted, reader, deployed)
    assert causes(report) == {field: EDITED, "spec.progressDeadlineSeconds": AHEAD, "data.b": AHEAD}
    edited = {"data": "env"}.get(field.partition(".")[0], "web")
    assert {drift.ref.name: drift.cause for drift in report.drifted} == {"web": AHEAD, "env": AHEAD, edited: BOTH}


def test_each_kind_of_move_in_git_is_git_ahead(api: HttpApi, reader: HttpApi, namespace: str) -> None:
    moved = full_set(namespace, image="web:2", replicas=4, paused=True)
    template = moved[0]["spec"]["template"]["spec"]
    del moved[0]["spec"]["minReadySeconds"]
    template["containers"][0]["args"] = ["--loud", "--new"]
    template["containers"][1] = {"name": "other", "image": "other:1"}
    moved[0]["metadata"] |= {"labels": {"team": "b", "tier": "x"}, "annotations": {}}
    moved[1]["data"] = {"b": "3", "c": "4"}
    wanted, deployed = deployed_then_wanted(api, namespace, full_set(namespace), moved)
    found = causes(report_drift(wanted, reader, deployed))
    assert set(found.values()) == {AHEAD}
    assert set(found) == {
        IMAGE,
        "data.a",
        "data.b",
        "data.c",
        "metadata.annotations.note",
        "metadata.labels.team",
        "metadata.labels.tier",
        "spec.minReadySeconds",
        "spec.paused",
        "spec.replicas",
        "spec.template.spec.containers[name=log]",
        "spec.template.spec.containers[name=other]",
        "spec.template.spec.containers[name=web].args",
    }


def test_a_field_that_both_changed_is_both(api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl) -> None:
    moved = full_set(namespace, replicas=4)
    wanted, deployed = deployed_then_wanted(api, namespace, full_set(namespace), moved)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    assert causes(report_drift(wanted, reader, deployed)) == {"spec.replicas": BOTH}


def test_what_git_and_the_cluster_changed_to_the_same_value_is_no_drift(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    wanted, deployed = deployed_then_wanted(api, namespace, full_set(namespace), full_set(namespace, replicas=5))
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    assert report_drift(wanted, reader, deployed).drifted == ()


def test_objects_that_came_went_or_were_deleted_have_the_cause_of_that(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    def named(name: str) -> Body:
        return {**config_map(a="1"), "metadata": {"name": name, "namespace": namespace}}

    before, after = [named(n) for n in ("stays", "gone", "removed")], [named(n) for n in ("stays", "gone", "new")]
    wanted, deployed = deployed_then_wanted(api, namespace, tuple(before), tuple(after))
    kubectl("delete", "configmap", "gone", "-n", namespace)
    report = report_drift(wanted, reader, deployed)
    assert {drift.ref.name: (drift.cause, drift.counts_as) for drift in report.drifted} == {
        "gone": (Cause.MISSING, Cause.MISSING),
        "new": (AHEAD, AHEAD),
        "removed": (Cause.EXTRA, AHEAD),
    }
    unknown = report_drift(wanted, reader, Deployed(unknown="the clone is shallow"))
    assert {drift.ref.name: drift.counts_as for drift in unknown.drifted} == {
        "gone": Cause.MISSING,
        "new": AHEAD,
        "removed": Cause.EXTRA,
    }


def test_without_the_deployed_set_an_edit_is_still_told_and_a_removal_is_not(
    api: HttpApi, reader: HttpApi, namespace: str, kubectl: Kubectl
) -> None:
    moved = full_set(namespace, image="web:2")
    wanted, _ = deployed_then_wanted(api, namespace, full_set(namespace), moved)
    kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
    kubectl("patch", "configmap", "env", "-n", namespace, "--type=merge", "-p", '{"data":{"a":null}}')
    report = report_drift(wanted, reader, Deployed(unknown="the clone is shallow"))
    assert causes(report) == {IMAGE: AHEAD, "spec.replicas": EDITED, "data.a": UNKNOWN}
    assert report.notes == ("causes are told by managedFields alone: the clone is shallow",)
