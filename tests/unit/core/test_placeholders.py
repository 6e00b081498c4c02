from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.placeholders import remove_placeholders

Body = dict[str, Any]


def hook(**config: str) -> Body:
    kind = "MutatingWebhookConfiguration"
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "webhooks": [{"clientConfig": config}]}


def definition(**config: str) -> Body:
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": config}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"conversion": conversion},
    }


def spec(api_version: str, kind: str, **fields: str) -> Body:
    return {"apiVersion": api_version, "kind": kind, "spec": fields}


CASES = {
    "an empty bundle of a webhook": (hook(url="u", caBundle=""), hook(url="u")),
    "a line end as the bundle of a webhook": (hook(caBundle="Cg=="), hook()),
    "a bundle of a webhook": (hook(caBundle="TUlJ"), hook(caBundle="TUlJ")),
    "an empty bundle of a definition": (definition(caBundle="\n"), definition()),
    "an empty bundle of an APIService": (
        spec("apiregistration.k8s.io/v1", "APIService", caBundle=""),
        spec("apiregistration.k8s.io/v1", "APIService"),
    ),
    "no volume of a claim": (spec("v1", "PersistentVolumeClaim", volumeName=""), spec("v1", "PersistentVolumeClaim")),
    "a volume of a claim": (
        spec("v1", "PersistentVolumeClaim", volumeName="a"),
        spec("v1", "PersistentVolumeClaim", volumeName="a"),
    ),
    "a custom resource": (spec("example.com/v1", "APIService", caBundle=""),) * 2,
    "what is no object at all": ({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": 1},) * 2,
}


@pytest.mark.parametrize(("written", "sent"), CASES.values(), ids=CASES)
def test_only_what_stands_for_what_others_fill_in_is_left_out(written: Body, sent: Body) -> None:
    remove_placeholders(written)
    assert written == sent
