"""Fixtures of the whole suite: a control plane a session, a namespace a test, and kubectl as a judge.

The control plane is found or built when the collected tests are known, before the first of them and outside its time
limit. A test that needs one fails with the reason when there is none; nothing is skipped silently.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.controlplane.access import RequestError
from tests.controlplane.cluster import KUBECONFIG_VARIABLE, ControlPlane, open_control_plane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.kubectl import Kubectl, make_kubectl

# A run of the suite is repeatable, and does not fail because its machine is busy.
settings.register_profile("suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

FIXTURE = "control_plane"
NAMESPACE_SECONDS = 20.0
_OPENED = pytest.StashKey[ControlPlane | ControlPlaneError]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Opens the control plane when a collected test asks for it: its build takes longer than a test may."""
    wanted = any(FIXTURE in getattr(item, "fixturenames", ()) for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():  # a build shows how far it is
        session.config.stash[_OPENED] = _open_control_plane()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the control plane at the end of the session, also when it was interrupted."""
    opened = config.stash.get(_OPENED, None)
    if isinstance(opened, ControlPlane):
        opened.stop()


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> ControlPlane:
    """The control plane of this session. Its objects without a namespace are shared by all tests."""
    opened = pytestconfig.stash.get(_OPENED, None)
    if isinstance(opened, ControlPlane):
        return opened
    pytest.fail(f"no control plane: {opened or 'it was not opened at collection'}", pytrace=False)


@pytest.fixture
def own_control_plane(control_plane: ControlPlane) -> ControlPlane:
    """The control plane, for tests that need its audit log or its certificate authority."""
    if control_plane.own is None:
        pytest.skip(f"the cluster of {KUBECONFIG_VARIABLE} has no audit log and no authority that the tests could use")
    return control_plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A fresh namespace in which pods can be made; it is deleted at the end without waiting."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    _wait_for_default_account(control_plane, name)
    yield name
    control_plane.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def kubectl(control_plane: ControlPlane, tmp_path: Path) -> Kubectl:
    """The real kubectl as administrator of the control plane."""
    folder = tmp_path / "kubectl"
    folder.mkdir()
    return make_kubectl(folder, control_plane.kubeconfig)


def _open_control_plane() -> ControlPlane | ControlPlaneError:
    try:
        return open_control_plane(os.environ)
    except ControlPlaneError as error:
        return error


def _wait_for_default_account(control_plane: ControlPlane, namespace: str) -> None:
    """A pod is refused until a controller has made the namespace's default service account."""
    deadline = time.monotonic() + NAMESPACE_SECONDS
    while True:
        try:
            control_plane.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
            return
        except RequestError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
        time.sleep(0.01)
