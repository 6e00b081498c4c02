"""Mutating admission policies: a real mutation by the server itself, without a webhook to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane

_ROOT = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolic"


@contextmanager
def mutated(control_plane: ControlPlane, namespace: str, resource: str, expression: str) -> Iterator[None]:
    """While it is open, the server merges what a CEL expression gives into objects of a namespace at every write.

    It takes the server a moment to heed it. A server without such policies skips the test.
    """
    name = f"{namespace}-{resource}"
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
    policy = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding = {
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": {"namespaceSelector": selector}},
    }
    try:
        control_plane.request("POST", f"{_ROOT}ies", policy)
    except RequestError as error:
        if error.status != 404:
            raise
        pytest.skip("this server has no mutating admission policies")
    control_plane.request("POST", f"{_ROOT}ybindings", binding)
    try:
        yield
    finally:
        control_plane.request("DELETE", f"{_ROOT}ybindings/{name}")
        control_plane.request("DELETE", f"{_ROOT}ies/{name}")
