from __future__ import annotations

from collections.abc import Iterator

from gitops_push.core.kinds import BUILT_IN, split_api_version
from tests.controlplane.cluster import ControlPlane


def served_scopes(control_plane: ControlPlane) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yields the kinds that the server serves by itself, with their scopes, read the plain way."""
    groups = control_plane.request("GET", "/apis")["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    for version in ("v1", *versions):
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for resource in control_plane.request("GET", path)["resources"]:
            if "/" not in resource["name"]:
                yield (split_api_version(version)[0], resource["kind"]), resource["namespaced"]


def test_the_table_of_kinds_is_that_of_the_server(control_plane: ControlPlane) -> None:
    own = {key: scope for key, scope in served_scopes(control_plane) if not is_custom(key[0])}
    assert len(own) > 50
    assert {key: BUILT_IN.get(key) for key in own} == own


def is_custom(group: str) -> bool:
    """Tells whether a group is another test's: Kubernetes' own have no dot or end in k8s.io."""
    return "." in group and not group.endswith(".k8s.io")
