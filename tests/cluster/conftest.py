"""Fixtures of the tests on the real API server: the program's own connections to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from gitops_push.cluster.http_api import HttpApi
from tests.cluster.connecting import connected
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
