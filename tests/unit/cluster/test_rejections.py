from __future__ import annotations

from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure, ServedKind
from gitops_push.cluster.rejections import Refusal, kind_of_refusal, problems_of, server_field_path
from gitops_push.cluster.targets import Target
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import ref_of
from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect

TEXT = b"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: -1
  template:
    spec:
      containers:
        - name: side
          image: side
        - name: web
          imagee: web
          ports:
            - containerPort: 99999
"""


ORIGIN = Origin("web.yaml", 1, 1)


def target(text: bytes = TEXT, kind: str = "Deployment") -> Target:
    body: Any = read_one(text, "web.yaml", Dialect.KUBECTL).value
    manifest = Manifest(ref_of(body), body["apiVersion"], body, ORIGIN)
    served = ServedKind(manifest.ref.group, manifest.version, kind, f"{kind.lower()}s", namespaced=True)
    return Target(manifest, served, dict(body))


def failure(status: int, message: str, *causes: tuple[str, str], details_kind: str = "") -> ApiFailure:
    return ApiFailure(
        status, "x", message, causes=[(field, "reason", text) for field, text in causes], details_kind=details_kind
    )


CASES = {
    "a cause with an index": (
        failure(422, "is invalid", ("spec.template.spec.containers[1].ports[0].containerPort", "Invalid value: 99999")),
        "web.yaml:16:30",
    ),
    "a cause at the top": (failure(422, "is invalid", ("spec.replicas", "Invalid value: -1")), "web.yaml:7:13"),
    "a missing field points at the mapping that lacks it": (
        failure(422, "is invalid", ("spec.template.spec.containers[1].image", "Required value")),
        "web.yaml:13:11",
    ),
    "an unknown field of strict decoding": (
        failure(400, 'strict decoding error: unknown field "spec.template.spec.containers[1].imagee"'),
        "web.yaml:14:19",
    ),
    "a typed patch with merge keys": (
        failure(
            500,
            "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): "
            '.spec.template.spec.containers[name="web"].imagee: field not declared in schema',
        ),
        "web.yaml:14:19",
    ),
    "no field at all": (failure(400, "something else"), "web.yaml:1:1"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rejection_points_at_the_line_of_its_field(case: str) -> None:
    problem_failure, place = CASES[case]
    (problem,) = problems_of(target(), problem_failure)
    assert str(problem.origin) == place
    assert problem.code is Code.DRY_RUN_REJECTED
    assert str(problem.ref) in problem.message


def test_each_cause_is_a_problem_of_its_own() -> None:
    causes = (("spec.replicas", "Invalid value: -1"), ("spec.selector", "Required value"))
    messages = [problem.message for problem in problems_of(target(), failure(422, "is invalid", *causes))]
    assert messages == [
        "apps/Deployment shop/web: spec.replicas: Invalid value: -1",
        "apps/Deployment shop/web: spec.selector: Required value",
    ]


@pytest.mark.parametrize(
    "message",
    [
        "field is immutable",
        "Invalid value: x: may not change once set",
        "updates to statefulset spec for fields other than 'replicas' are forbidden",
    ],
)
def test_immutable_fields_are_told_apart(message: str) -> None:
    (problem,) = problems_of(target(), failure(422, "is invalid", ("spec.selector", message)))
    assert problem.code is Code.IMMUTABLE_FIELD
    assert problem.hint is not None


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (failure(400, 'admission webhook "w" does not support dry run'), Refusal.NO_DRY_RUN),
        (failure(500, 'Internal: admission webhook "w" does not support dry run'), Refusal.NO_DRY_RUN),
        (
            failure(403, 'is forbidden: User "x" cannot patch resource "deployments"'),
            Refusal.FORBIDDEN,
        ),
        (failure(403, "pods is forbidden: exceeded quota: q"), Refusal.REJECTED),
        (failure(404, 'namespaces "shop" not found', details_kind="namespaces"), Refusal.NO_NAMESPACE),
        (failure(500, "failed calling webhook"), Refusal.WEBHOOK_DOWN),
        (failure(400, 'admission webhook "w" denied the request: dry run is not supported'), Refusal.NO_DRY_RUN),
        (failure(400, 'admission webhook "w" denied the request: does not support dry-run'), Refusal.NO_DRY_RUN),
        (failure(400, 'admission webhook "w" denied the request: no dry bread'), Refusal.REJECTED),
    ],
)
def test_refusals_are_told_apart_by_what_they_say(error: ApiFailure, refusal: Refusal) -> None:
    assert kind_of_refusal(error) is refusal


def test_no_answer_is_the_end_of_the_run() -> None:
    with pytest.raises(ClusterError):
        kind_of_refusal(failure(0, "reset"))


def test_a_forbidden_dry_run_names_verb_resource_and_namespace() -> None:
    error = failure(403, 'deployments.apps "web" is forbidden: User "ci" cannot create resource "deployments" in …')
    (problem,) = problems_of(target(), error)
    assert "may not create deployments.apps in namespace shop" in problem.message
    assert problem.code is Code.SERVER_FORBIDS


def test_the_data_of_a_secret_points_at_its_string_data() -> None:
    text = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  namespace: shop\nstringData:\n  a.b: x\n"
    (problem,) = problems_of(target(text, "Secret"), failure(422, "is invalid", ("data[a.b]", "Invalid value")))
    assert str(problem.origin) == "web.yaml:7:8"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.ports[0].port", "spec.ports[0].port"),
        ('.spec.env[name="a.b"].value', "spec.env[name=a.b].value"),
        (
            'spec.ports[containerPort=80,protocol="TCP"]',
            "spec.ports[containerPort=80,protocol=TCP]",
        ),
        ("data[a.b]", 'data["a.b"]'),
        ("resources.limits[cpu]", "resources.limits.cpu"),
        ("", ""),
    ],
)
def test_the_servers_ways_of_writing_fields_are_read(text: str, path: str) -> None:
    assert format_field_path(server_field_path(text)) == path


def test_a_webhook_that_does_not_answer_is_named_with_what_runs_it() -> None:
    url = 'failed calling webhook "w": failed to call webhook: Post "https://hook.shop.svc:443/x?timeout=10s": refused'
    (problem,) = problems_of(target(), failure(500, url))
    assert problem.hint == "an admission webhook does not answer: is its workload behind v1/Service shop/hook running?"
    (problem,) = problems_of(target(), failure(500, url), {ObjectRef("", "Service", "shop", "hook")})
    assert "v1/Service shop/hook of this set" in str(problem.hint)
    (problem,) = problems_of(target(), failure(500, 'failed calling webhook "w": Post "https://1.2.3.4/": refused'))
    assert problem.hint == "an admission webhook does not answer: is its workload running?"


def test_what_combines_schemas_is_told_at_the_field_that_only_the_message_names() -> None:
    combined = 'Invalid value: "": "spec.replicas" must validate one and only one schema (oneOf). Found none valid'
    rest = "Invalid value: null: some validation rules were not checked because the object was invalid"
    (problem,) = problems_of(target(), failure(422, "is invalid", ("<nil>", combined), ("<nil>", rest)))
    assert "spec.replicas" in problem.message
    assert "<nil>" not in problem.message


@pytest.mark.parametrize(
    "error",
    [
        failure(413, "Request entity too large: limit is 3145728"),
        failure(500, "etcdserver: request is too large"),
        failure(500, "rpc error: code = ResourceExhausted desc = trying to send: request is too large"),
    ],
)
def test_what_is_too_large_for_the_server_says_what_to_do(error: ApiFailure) -> None:
    (problem,) = problems_of(target(), error)
    assert "split it" in str(problem.hint)
