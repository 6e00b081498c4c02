"""Fixtures of the tests on the real API server: the program's own connections to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitops_push.cluster.http_api import HttpApi
from tests.cluster.connecting import connected
from tests.controlplane.cluster import ControlPlane


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[HttpApi]:
    with connected(control_plane.kubeconfig) as connection:
        yield connection


@pytest.fixture
def reader(control_plane: ControlPlane) -> Iterator[HttpApi]:
    with connected(control_plane.kubeconfig, read_only=True) as connection:
        yield connection
