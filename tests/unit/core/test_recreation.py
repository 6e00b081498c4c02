"""Which rejections are about the change and not about the value, and where an object may be recreated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.environment import FieldRule
from gitops_push.core.objects import ObjectRef
from gitops_push.core.recreation import (
    ANNOTATION,
    immutable_fields,
    trial_body,
    trial_name,
    why_not_recreated,
)
from tests.unit.cluster.plans import manifest

DEPLOYMENT = ObjectRef("apps", "Deployment", "shop", "web")
WIDGET = ObjectRef("example.com", "Widget", "shop", "w")
UID = "e8f32276-f268-48bd-badf-c7be17e1d07d"


def about(ref: ObjectRef, *causes: tuple[str, str], message: str = "is invalid") -> list[str]:
    found = immutable_fields(ref, message, [(field, "FieldValueInvalid", text) for field, text in causes])
    return [immutable.field for immutable in found]


OF_THE_API = [
    ("spec.selector", 'Invalid value: {"matchLabels":{"app":"x"}}: field is immutable'),
    ("spec.completions", "Invalid value: 3: field is immutable"),
    ("addressType", "Invalid value: null: field is immutable"),
    ("spec.template", 'Invalid value: {"labels":{"a":"b"},"Spec":{"Vol […]: field is immutable'),
    ("spec.template", 'Invalid value: core.PodTemplateSpec{Labels:map[string]string{"a":"b"}}: field is immutable'),
    ("data", "Forbidden: field is immutable when `immutable` is set"),
    ("spec.clusterIPs[0]", 'Invalid value: ["10.0.0.77"]: may not change once set'),
    ("value", "Forbidden: may not be changed in an update."),
    ("parameters", "Forbidden: updates to parameters are forbidden."),
    ("spec", "Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden"),
    ("spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`\n@@ -1 +1 @@\n-a\n+b"),
    ("spec.containers", "Forbidden: pod updates may not add or remove containers"),
    ("spec", "Forbidden: spec is immutable after creation except resources.requests\n@@ -1 +1 @@"),
    ("roleRef", 'Invalid value: {"Name":"edit"}: cannot change roleRef'),
    ("spec.completions", "Invalid value: 5: can only be modified in tandem with spec.parallelism"),
]


@pytest.mark.parametrize(("field", "text"), OF_THE_API, ids=range(len(OF_THE_API)))
def test_the_words_of_the_api_for_a_forbidden_change_are_known(field: str, text: str) -> None:
    assert about(DEPLOYMENT, (field, text)) == [field]


OF_OTHERS = [
    'Invalid value: "b": failed rule: self == oldSelf',
    'Invalid value: {"zone":"b"}: failed rule: !has(oldSelf.zone) || self.zone == oldSelf.zone',
    'Invalid value: "b": failed rule: oldSelf == self',
    'Invalid value: "b": Value is immutable',
    'Invalid value: "b": zone cannot be changed',
    'Invalid value: "b": zone can\'t be modified after creation',
    "Forbidden: immutable field",
    "Invalid value: 3: field is immutable",
]


@pytest.mark.parametrize("text", OF_OTHERS)
def test_rules_of_custom_resources_have_words_of_their_own_which_need_consent(text: str) -> None:
    (found,) = immutable_fields(WIDGET, "is invalid", [("spec.zone", "FieldValueInvalid", text)])
    assert (found.field, found.by_api) == ("spec.zone", False)


DENIALS = {
    'admission webhook "w.example.com" denied the request: Widget.example.com "w" is invalid: '
    "spec.zone: Forbidden: field is immutable": "spec.zone",
    'admission webhook "w.example.com" denied the request: spec.zone is immutable': "",
    "w is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: tier cannot be changed": "",
}


@pytest.mark.parametrize(("message", "field"), DENIALS.items(), ids=range(len(DENIALS)))
@pytest.mark.parametrize("ref", [WIDGET, DEPLOYMENT, ObjectRef("batch", "Job", "shop", "job")])
def test_a_denial_by_a_webhook_or_a_policy_counts_as_somebody_elses_word(
    ref: ObjectRef, message: str, field: str
) -> None:
    (found,) = immutable_fields(ref, message, [])
    assert (found.field, found.by_api) == (field, False)


ABOUT_THE_VALUE = [
    ("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
    ("spec.externalName", "Required value"),
    ("spec.type", 'Unsupported value: "field is immutable": supported values: "a", "b"'),
    ("metadata.name", 'Invalid value: "x: field is immutable": a lowercase RFC 1123 subdomain must consist of'),
    ("metadata.uid", 'Invalid value: "1": field is immutable'),
    ("spec.ports[1].name", 'Duplicate value: "field is immutable"'),
    ("spec.loadBalancerClass", "Forbidden: may only be used when `type` is 'LoadBalancer'"),
    ("data[x]", 'Invalid value: "Forbidden: field is immutable": must be valid base64'),
    ("", "field is mutable"),
    ("spec", "Too long: may not be longer than 3"),
]


@pytest.mark.parametrize(("field", "text"), ABOUT_THE_VALUE, ids=range(len(ABOUT_THE_VALUE)))
@pytest.mark.parametrize("ref", [DEPLOYMENT, WIDGET])
def test_a_complaint_about_a_value_is_none(ref: ObjectRef, field: str, text: str) -> None:
    assert about(ref, (field, text)) == []


@pytest.mark.parametrize(
    "message",
    [
        'deployments.apps is forbidden: User "x" cannot patch resource: the field is immutable',
        "Operation cannot be fulfilled: the object has been modified; field is immutable",
        'pods "x" is forbidden: exceeded quota: immutable, requested: pods=1',
        'admission webhook "field-is-immutable" denied the request',
        'admission webhook "w" denied the request: the image is not signed',
    ],
)
@pytest.mark.parametrize("ref", [DEPLOYMENT, WIDGET])
def test_a_refusal_without_causes_is_none(ref: ObjectRef, message: str) -> None:
    assert about(ref, message=message) == []


@given(value=st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_whatever_the_value_says_only_the_words_behind_it_count(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert about(DEPLOYMENT, ("spec.x", f"Invalid value: {text}: field is immutable")) == ["spec.x"]
    assert about(DEPLOYMENT, ("spec.x", f"Invalid value: {text}: must be something else")) == []
    assert about(WIDGET, ("spec.x", f"Invalid value: {text}: must be something else")) == []


@given(words=st.sampled_from([text for _, text in OF_THE_API] + OF_OTHERS))
def test_words_inside_of_a_value_never_count(words: str) -> None:
    text = f"Invalid value: {json.dumps(words)}: must be something else"
    assert about(DEPLOYMENT, ("spec.x", text)) == []
    assert about(WIDGET, ("spec.x", text)) == []


def test_a_value_that_cannot_be_read_to_its_end_breaks_nothing() -> None:
    assert about(WIDGET, ("spec.x", "Invalid value: " + "[" * 4000)) == []
    assert about(WIDGET, ("spec.x", "Invalid value: ")) == []


def test_a_field_beside_which_another_is_wrong_is_told() -> None:
    causes = (
        ("spec.podReplacementPolicy", 'Unsupported value: "TerminatingOrFailed": supported values: "Failed"'),
        ("spec.podFailurePolicy", 'Invalid value: {"Rules":[]}: field is immutable'),
    )
    assert about(DEPLOYMENT, *causes) == ["spec.podFailurePolicy"]


def wanted(kind: str = "Deployment", api_version: str = "apps/v1", **annotations: str) -> Any:
    metadata = {"name": "web", "namespace": "shop", "annotations": annotations}
    return manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata})


RULE = (FieldRule(kind="Deployment", name="w*"),)
ALLOWED: dict[str, tuple[Any, tuple[FieldRule, ...], bool]] = {
    "nothing": (wanted(), (), False),
    "our annotation": (wanted(**{ANNOTATION: "enabled"}), (), True),
    "our annotation with another word": (wanted(**{ANNOTATION: "true"}), (), False),
    "our annotation forbids what a rule allows": (wanted(**{ANNOTATION: "disabled"}), RULE, False),
    "a rule": (wanted(), RULE, True),
    "a rule for another": (wanted(), (FieldRule(kind="StatefulSet"),), False),
    "Argo CD": (wanted(**{"argocd.argoproj.io/sync-options": "Prune=false, Force=true,Replace=true"}), (), True),
    "Argo CD, replace only": (wanted(**{"argocd.argoproj.io/sync-options": "Replace=true"}), (), False),
    "Argo CD, force only": (wanted(**{"argocd.argoproj.io/sync-options": "Force=true"}), (), False),
    "Flux": (wanted(**{"kustomize.toolkit.fluxcd.io/force": "Enabled"}), (), True),
    "Flux, but ours says no": (wanted(**{"kustomize.toolkit.fluxcd.io/force": "enabled", ANNOTATION: ""}), (), False),
    "a Job": (wanted("Job", "batch/v1"), (), True),
    "a Job that says no": (wanted("Job", "batch/v1", **{ANNOTATION: "disabled"}), (), False),
    "a Pod": (wanted("Pod", "v1"), (), True),
    "a Job of somebody else's group": (wanted("Job", "batch.volcano.sh/v1alpha1"), (), False),
}


@pytest.mark.parametrize(("manifest", "rules", "allowed"), ALLOWED.values(), ids=ALLOWED.keys())
def test_who_may_be_recreated(manifest: Any, rules: tuple[FieldRule, ...], allowed: bool) -> None:
    assert (why_not_recreated(manifest, rules, by_api=True) == "") is allowed


def test_the_word_of_a_webhook_is_no_reason_to_recreate_even_a_job_unasked() -> None:
    job = wanted("Job", "batch/v1")
    assert why_not_recreated(job, (), by_api=False)
    assert why_not_recreated(job, (FieldRule(kind="Job"),), by_api=False) == ""


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("Namespace", "v1"),
        ("PersistentVolume", "v1"),
        ("PersistentVolumeClaim", "v1"),
        ("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    ],
)
def test_kinds_that_hold_data_are_never_recreated(kind: str, api_version: str) -> None:
    asked_for = wanted(kind, api_version, **{ANNOTATION: "enabled"})
    assert "never" in why_not_recreated(asked_for, (FieldRule(),), by_api=True)


def test_a_refusal_says_what_to_write() -> None:
    remedy = why_not_recreated(wanted(), (), by_api=True)
    assert f"{ANNOTATION}: enabled" in remedy
    assert "recreate: [{kind: Deployment, name: web}]" in remedy


SERVICE = ObjectRef("", "Service", "shop", "web")
ADDRESSES = {
    "clusterIP": "10.0.0.7",
    "clusterIPs": ["10.0.0.7"],
    "loadBalancerIP": "1.2.3.4",
    "healthCheckNodePort": 30001,
}


def service(*node_ports: Any, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80 + number, "nodePort": port} for number, port in enumerate(node_ports)]
    metadata = {"name": "web", "labels": {"a": "b"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def test_a_service_is_tried_without_the_addresses_of_the_live_one() -> None:
    wanted = service(30000, type="LoadBalancer", **ADDRESSES)
    tried = trial_body(SERVICE, wanted, "t", service(30000, 30002, **ADDRESSES))
    assert tried["metadata"] == {"name": "t", "labels": {"a": "b"}}
    assert tried["spec"] == {"type": "LoadBalancer", "ports": [{"port": 80}]}
    assert wanted["spec"]["ports"] == [{"port": 80, "nodePort": 30000}]


def test_a_new_address_is_tried_as_it_may_be_taken_or_wrong() -> None:
    wanted = service(30009, [], **{**ADDRESSES, "clusterIP": "10.0.0.8", "clusterIPs": ["10.0.0.8"]})
    tried = trial_body(SERVICE, wanted, "t", service(30000, **ADDRESSES))["spec"]
    assert tried == {"ports": wanted["spec"]["ports"], "clusterIP": "10.0.0.8", "clusterIPs": ["10.0.0.8"]}


def test_a_headless_service_stays_headless() -> None:
    body = service(clusterIP="None", clusterIPs=["None"])
    assert trial_body(SERVICE, body, "t", body)["spec"] == body["spec"]


def test_a_kind_of_another_group_is_tried_as_it_is() -> None:
    body = {**service(clusterIP="10.0.0.7"), "apiVersion": "x.io/v1"}
    assert trial_body(ObjectRef("x.io", "Service", "shop", "a"), body, "t", body)["spec"] == body["spec"]


def test_a_pod_is_tried_without_the_node_that_it_is_on() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"nodeName": "n1"}}
    ref = ObjectRef("", "Pod", "shop", "x")
    assert trial_body(ref, pod, "t", pod)["spec"] == {}
    assert trial_body(ref, pod, "t", {"spec": {"nodeName": "n2"}})["spec"] == {"nodeName": "n1"}


@pytest.mark.parametrize("spec", [None, [], "x", {"ports": "x"}, {"ports": [None, [], {"nodePort": {}}]}])
def test_a_spec_of_an_odd_shape_is_tried_as_it_is(spec: Any) -> None:
    body = {**service(), "spec": spec}
    assert trial_body(SERVICE, body, "t", service(30000))["spec"] == spec


@pytest.mark.parametrize("uid", [UID, "", "../../x", "é" * 300])
def test_the_temporary_name_is_a_label_whatever_the_uid_is(uid: str) -> None:
    name = trial_name(uid)
    assert name.startswith("gitops-push-trial-")
    assert len(name) < 63
    assert name.isascii()
