"""Fixtures of the tests on the real API server: the program's own connections to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from gitops_push.cluster.http_api import HttpApi
from tests.cluster.connecting import connected
from tests.cluster.gadgets import gadget_definition, sprocket_definition
from tests.cluster.planning import apply_all, request_for, until
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    with connected(control_plane.kubeconfig) as connection:
        yield connection


@pytest.fixture
def reader(control_plane: ControlPlane) -> Iterator[HttpApi]:
    with connected(control_plane.kubeconfig, read_only=True) as connection:
        yield connection


@pytest.fixture
def viewer(control_plane: ControlPlane, namespace: str, kubectl: Kubectl) -> Iterator[HttpApi]:
    """A connection that may get and list in its namespace, and nothing else."""
    name = f"viewer-{uuid.uuid4().hex[:6]}"
    kubectl("create", "role", name, "-n", namespace, "--verb=get,list", "--resource=*.*")
    kubectl("create", "rolebinding", name, "-n", namespace, f"--role={name}", f"--user={name}")
    with connected(control_plane.new_user(name), read_only=True) as connection:
        yield connection


@pytest.fixture
def group(control_plane: ControlPlane, api: HttpApi) -> Iterator[str]:
    """The API group of our two definitions, which are established."""
    name = f"g{uuid.uuid4().hex[:8]}.example.com"
    apply_all(request_for("default", gadget_definition(name), sprocket_definition(name)), api)
    for kind in ("Gadget", "Sprocket"):
        until(lambda kind=kind: api.served_kinds(refresh=True).find(name, kind) is not None)
    yield name
    for resource in ("gadgets", "sprockets"):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{resource}.{name}"
        control_plane.request("DELETE", path)
