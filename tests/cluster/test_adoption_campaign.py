"""Random objects that kubectl applied and people edited become ours as the plan said, and are as if made anew."""

from __future__ import annotations

import pytest

from gitops_push.cluster.http_api import HttpApi
from tests.cluster.exactness.adopting import play
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl


def test_a_sample_of_what_kubectl_applied_becomes_ours_as_planned(
    control_plane: ControlPlane, api: HttpApi, kubectl: Kubectl, namespace: str, group: str
) -> None:
    adopted = play(control_plane, api, kubectl, namespace, group, "adopt-1", 40)
    assert adopted.wrong == [], "\n".join(adopted.lines())
    assert sum(adopted.judged.values()) >= 50


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(6))
def test_six_hundred_objects_of_kubectl_become_ours_as_planned(
    control_plane: ControlPlane,
    api: HttpApi,
    kubectl: Kubectl,
    namespace: str,
    group: str,
    seed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    adopted = play(control_plane, api, kubectl, namespace, group, f"many-{seed}", 100)
    with capsys.disabled():
        print("\n" + "\n".join(adopted.lines()))
    assert adopted.wrong == [], "\n".join(adopted.lines())
    assert len(adopted.emptied) <= sum(adopted.judged.values()) / 50
