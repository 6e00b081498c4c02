from __future__ import annotations

from typing import Any

import pytest

from gitops_push.core.autoscaling import replicas_of, scaled_by
from gitops_push.core.objects import ObjectRef

WEB = ObjectRef("apps", "Deployment", "shop", "web")


def autoscaler(api_version: str, kind: str, /, **target: Any) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "scaler", "namespace": "shop"},
        "spec": {"scaleTargetRef": target},
    }


@pytest.mark.parametrize(
    "body",
    [
        autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", apiVersion="apps/v1", kind="Deployment", name="web"),
        autoscaler(
            "autoscaling/v1", "HorizontalPodAutoscaler", apiVersion="apps/v1beta1", kind="Deployment", name="web"
        ),
        autoscaler("keda.sh/v1alpha1", "ScaledObject", name="web"),
        autoscaler("keda.sh/v1alpha1", "ScaledObject", apiVersion="apps/v1", kind="Deployment", name="web"),
    ],
    ids=["v2", "v1, and an old version of the target", "keda by its defaults", "keda with a kind"],
)
def test_an_autoscaler_names_what_it_scales(body: dict[str, Any]) -> None:
    (scaled, found), *more = scaled_by([body]).items()
    assert (scaled, str(found), more) == (WEB, f"{body['kind']} scaler", [])


@pytest.mark.parametrize(
    "body",
    [
        autoscaler("example.com/v1", "HorizontalPodAutoscaler", apiVersion="apps/v1", kind="Deployment", name="web"),
        autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", apiVersion="apps/v1", kind="Deployment", name="api"),
        autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", apiVersion="apps/v1", kind="StatefulSet", name="web"),
        autoscaler(
            "autoscaling/v2", "HorizontalPodAutoscaler", apiVersion="example.com/v1", kind="Deployment", name="web"
        ),
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "x"}, "spec": None},
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "x"}, "spec": {}},
    ],
    ids=["another group", "another name", "another kind", "a kind of another group", "no spec", "no target"],
)
def test_other_objects_do_not_scale_it(body: dict[str, Any]) -> None:
    assert WEB not in scaled_by([body])


def test_an_autoscaler_of_another_namespace_scales_nothing_here() -> None:
    body = autoscaler("keda.sh/v1alpha1", "ScaledObject", name="web")
    body["metadata"]["namespace"] = "other"
    assert scaled_by([body]).keys() == {ObjectRef("apps", "Deployment", "other", "web")}


@pytest.mark.parametrize(
    ("body", "count"),
    [({"spec": {"replicas": 0}}, 0), ({"spec": {}}, None), ({}, None), ({"spec": {"replicas": True}}, None)],
)
def test_replicas_are_a_number_or_not_there(body: dict[str, Any], count: int | None) -> None:
    assert replicas_of(body) == count
