"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.e2e.program import Program, config, config_map, new_program


@pytest.fixture
def program(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Program:
    """The program in a committed config repo whose environment `test` is one ConfigMap in the test's namespace."""
    made = new_program(tmp_path / "repo", control_plane.kubeconfig)
    made.write("gitops-push.yaml", config(namespace))
    made.write("app/settings.yaml", config_map("settings"))
    made.commit()
    return made
