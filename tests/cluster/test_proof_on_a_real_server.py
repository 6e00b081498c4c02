"""The proof of no change without a dry run, tried on the real API server before anything relies on it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gitops_push.cluster.client import HttpApi
from gitops_push.core.mutation import Mutations, mutations_of
from gitops_push.core.proof import ATOMIC_MAPS
from tests.cluster.planning import until
from tests.cluster.proof_campaign import Campaign, Figures
from tests.cluster.proof_objects import builtin_seeds, gadget_definition, gadgets, stamping_policy
from tests.controlplane.access import Access, RequestError
from tests.controlplane.cluster import ControlPlane

Body = dict[str, Any]

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def group(control_plane: ControlPlane, api: HttpApi) -> str:
    """The API group of two kinds with lists and maps of every type; a policy changes every write to one of them."""
    name = f"g{uuid.uuid4().hex[:8]}.example.com"
    control_plane.request("POST", DEFINITIONS, gadget_definition(name, "gadgets", "Gadget"))
    control_plane.request("POST", DEFINITIONS, gadget_definition(name, "stampeds", "Stamped"))
    until(lambda: api.served_kinds(refresh=True).find(name, "Stamped") is not None)
    return name


@pytest.fixture
def mutations(control_plane: ControlPlane, group: str, namespace: str) -> Iterator[Mutations]:
    """Two policies in force: one for all writes of a custom kind, one for the creation of configmaps."""
    policies = [stamping_policy(group, "stampeds", ["CREATE", "UPDATE"]), stamping_policy("", "configmaps", ["CREATE"])]
    for policy, binding in policies:
        control_plane.request("POST", f"{ADMISSION}/mutatingadmissionpolicies", policy)
        control_plane.request("POST", f"{ADMISSION}/mutatingadmissionpolicybindings", binding)
    probe = f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All"
    until(lambda: _is_stamped(control_plane, probe, {"metadata": {"name": "probe"}}))
    probe = f"/apis/{group}/v1/namespaces/{namespace}/stampeds?dryRun=All"
    thing = gadgets(group, "Stamped", namespace)[2]
    until(lambda: _is_stamped(control_plane, probe, thing), seconds=90)
    yield mutations_of([policy for policy, _ in policies])
    for policy, _ in policies:
        for resource in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
            control_plane.request("DELETE", f"{ADMISSION}/{resource}/{policy['metadata']['name']}")


def _is_stamped(control_plane: ControlPlane, path: str, body: Body) -> bool:
    """Return whether a policy is in force; policies learn of a new kind some time after the server serves it."""
    try:
        made = control_plane.request("POST", path, body)
    except RequestError as refusal:
        if refusal.status != 503:
            raise
        return False
    return "example.com/stamp" in (made["metadata"].get("annotations") or {})


@dataclass(frozen=True, slots=True)
class World:
    """Where a campaign takes place."""

    api: HttpApi
    access: Access
    namespace: str
    group: str
    mutations: Mutations


@pytest.fixture
def world(control_plane: ControlPlane, api: HttpApi, namespace: str, group: str, mutations: Mutations) -> World:
    return World(api, control_plane.access, namespace, group, mutations)


@pytest.mark.parametrize(
    ("proven", "copies", "steps"),
    [(300, 1, 40), pytest.param(30_000, 100, 60, marks=[pytest.mark.prove, pytest.mark.timeout(4 * 3600)])],
)
def test_what_is_called_unchanged_is_unchanged_by_the_servers_word(
    world: World, proven: int, copies: int, steps: int
) -> None:
    figures = Figures()
    campaign = Campaign(world.api, world.access, world.mutations, figures)
    builtin = builtin_seeds(world.namespace)
    custom = gadgets(world.group, "Gadget", world.namespace) * 2
    stamped = gadgets(world.group, "Stamped", world.namespace)[1:3]
    campaign.run([*builtin, *custom, *stamped], copies, steps, seed=20261, until=proven)
    print("", *figures.lines(), sep="\n")
    assert figures.wrong == []
    assert figures.proven >= proven
    assert figures.kinds["Gadget"] > proven // 50
    assert figures.kinds["Stamped"] == 0
    assert figures.held_back_rightly > 0, "the policies that hold proofs back change nothing: they prove nothing"


def test_the_maps_that_are_called_atomic_are_so_in_every_kind_of_the_server(control_plane: ControlPlane) -> None:
    found = set()
    for schemas in _schemas(control_plane):
        for owner, schema in schemas.items():
            for name, field in (schema.get("properties") or {}).items():
                if name not in ATOMIC_MAPS or "AccessReview" in owner or owner.endswith(".ResourceAttributes"):
                    continue
                resolved = _resolved(field, schemas)
                if resolved.get("type") == "object":
                    assert resolved.get("x-kubernetes-map-type") == "atomic", (owner, name)
                    found.add(name)
    assert found == ATOMIC_MAPS


def _schemas(control_plane: ControlPlane) -> Iterator[Body]:
    for path in _document(control_plane, "")["paths"]:
        if path.startswith("api/") or path.rpartition("/")[0].endswith(".k8s.io") or path.count(".") == 0:
            yield _document(control_plane, f"/{path}").get("components", {}).get("schemas", {})


def _document(control_plane: ControlPlane, path: str) -> Body:
    answer = control_plane.request("GET", f"/openapi/v3{path}")
    found: Body = json.loads(answer) if isinstance(answer, str) else answer
    return found


def _resolved(field: Body, schemas: Body) -> Body:
    found = dict(field)
    for part in (field, *field.get("allOf", ())):
        if "$ref" in part:
            found.update(schemas[part["$ref"].rpartition("/")[2]])
    return found
