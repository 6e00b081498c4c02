"""Which cluster the tests use, and what a test run says when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.controlplane.cluster import KUBECONFIG_VARIABLE, ControlPlane, open_control_plane, start_control_plane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.programs import find_programs

ROOT = Path(__file__).parents[2]
ONE_TEST = "tests/controlplane/test_rollouts.py::test_a_deployment_becomes_ready"
ONE_AUDIT_TEST = "tests/controlplane/test_judges.py::test_writes_are_told_apart_by_user"


def test_a_given_cluster_is_used_and_left_running(control_plane: ControlPlane, tmp_path: Path) -> None:
    given = open_control_plane({KUBECONFIG_VARIABLE: _written(tmp_path, control_plane)})
    assert given.own is None
    assert given.server_url == control_plane.server_url
    given.stop()
    assert control_plane.request("GET", "/readyz") == "ok"


def test_a_given_cluster_has_no_audit_log(control_plane: ControlPlane, tmp_path: Path) -> None:
    with open_control_plane({KUBECONFIG_VARIABLE: _written(tmp_path, control_plane)}) as given:
        assert given.audit_log is None
        with pytest.raises(ControlPlaneError, match=KUBECONFIG_VARIABLE):
            given.audit_mark()


def test_only_tests_of_the_audit_log_are_skipped_with_a_given_cluster(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    answer = _run_tests({KUBECONFIG_VARIABLE: _written(tmp_path, control_plane)}, ONE_TEST, ONE_AUDIT_TEST)
    assert "1 passed, 1 skipped" in answer.stdout
    assert "has no audit log" in answer.stdout


def test_a_test_without_a_control_plane_fails_with_the_reason(tmp_path: Path) -> None:
    answer = _run_tests({"KUBEBUILDER_ASSETS": str(tmp_path)}, ONE_TEST)
    assert answer.returncode == 1
    assert f"no control plane: KUBEBUILDER_ASSETS={tmp_path} has no etcd" in answer.stdout


def test_an_unreadable_kubeconfig_is_a_reason_too(tmp_path: Path) -> None:
    answer = _run_tests({KUBECONFIG_VARIABLE: str(tmp_path / "absent")}, ONE_TEST)
    assert answer.returncode == 1
    assert "absent" in answer.stdout


def test_a_flag_reaches_the_api_server(control_plane: ControlPlane) -> None:
    """The fixture is only there so that the build is cached before."""
    flags = {"disable-admission-plugins": "DefaultStorageClass"}
    with start_control_plane(find_programs(os.environ), nodes=1, api_server_flags=flags) as plane:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body = {"metadata": {"name": "data"}, "spec": spec}
        claim = plane.request("POST", "/api/v1/namespaces/default/persistentvolumeclaims", body)
        assert "storageClassName" not in claim["spec"]


def _written(folder: Path, control_plane: ControlPlane) -> str:
    path = folder / "given.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(control_plane.kubeconfig, encoding="utf-8")
    return str(path)


def _run_tests(settings: dict[str, str], *tests: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != KUBECONFIG_VARIABLE} | settings
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]
    with tempfile.TemporaryDirectory() as folder:  # sessions that share a folder clean up in each other's
        environment["PYTEST_DEBUG_TEMPROOT"] = folder
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
