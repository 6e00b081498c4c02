"""Fixtures of the fault tests: the proxy, and the program in a config repo whose kubeconfig goes through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.e2e.program import Program, config, config_map, new_program
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.warm import WarmProgram, warm_program


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProgram]:
    """The command line without its start-up time."""
    with warm_program(tmp_path_factory.mktemp("warm")) as warm:
        yield warm


@pytest.fixture
def proxied(control_plane: ControlPlane) -> Iterator[tuple[FaultProxy, str]]:
    """A proxy before the control plane, and the kubeconfig that goes through it."""
    with fault_proxy(control_plane.kubeconfig) as made:
        yield made


@pytest.fixture
def proxy(proxied: tuple[FaultProxy, str]) -> FaultProxy:
    """The proxy."""
    return proxied[0]


@pytest.fixture
def program(proxied: tuple[FaultProxy, str], namespace: str, tmp_path: Path) -> Program:
    """The program in a committed config repo whose environment `test` is one ConfigMap; it goes through the proxy."""
    made = new_program(tmp_path / "repo", proxied[1])
    made.write("gitops-push.yaml", config(namespace))
    made.write("app/all.yaml", config_map("settings"))
    made.commit()
    return made
