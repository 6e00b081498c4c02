from __future__ import annotations

import os
import uuid

import pytest

from gitops_push.cluster.api import ApiFailure, ServedKind
from gitops_push.cluster.http_api import HttpApi
from gitops_push.core.definition_check import check_set
from gitops_push.core.normalization import body_to_send
from tests.cluster.definition_judge import DEFINITIONS, definition_of, judge
from tests.cluster.planning import until
from tests.cluster.random_schemas import Case, random_case
from tests.controlplane.cluster import ControlPlane
from tests.format_texts import INVALID, VALID
from tests.unit.cluster.plans import manifest

SAMPLE = 25
CAMPAIGN = 150
OBJECTS = 16


def test_what_the_server_takes_is_never_refused_offline_and_what_it_refuses_mostly_is(
    control_plane: ControlPlane, api: HttpApi
) -> None:
    _check(control_plane, api, SAMPLE)


def test_each_format_of_a_text_is_judged_as_the_server_does(control_plane: ControlPlane, api: HttpApi) -> None:
    fields = {name: {"type": "string", "format": name} for name in VALID}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    texts = [(name, text) for name in VALID for text in (*VALID[name], *INVALID[name])]
    (pairs,) = (judge(control_plane, api, [Case(schema, tuple({"spec": {n: text}} for n, text in texts))]).pairs,)
    assert len(pairs) == len(texts) > 100
    assert [str(pair) for pair in pairs if pair.refused_wrongly or pair.missed] == []


@pytest.mark.parametrize("replicas", [0, 1, 2**31 - 1, 2**31, -1, "1", 1.5, 2.0, None])
def test_the_replicas_of_a_scale_subresource_are_judged_as_the_server_does(
    control_plane: ControlPlane, api: HttpApi, replicas: object
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = definition_of(group, {"type": "object", "properties": {"spec": spec}})
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    body["spec"]["versions"][0]["subresources"] = {"status": {}, "scale": paths}
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"replicas": replicas}}
    problems, _ = check_set([manifest(body), manifest(thing)])
    control_plane.request("POST", DEFINITIONS, body)
    kind = ServedKind(group, "v1", "Thing", "things", namespaced=False)
    until(lambda: api.served_kinds(refresh=True).find(group, "Thing") is not None)
    refused = False
    try:
        api.dry_run_apply(kind, "", "t", body_to_send(manifest(thing), ""))
    except ApiFailure:
        refused = True
    control_plane.request("DELETE", f"{DEFINITIONS}/things.{group}")
    assert bool(problems) is refused


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_the_offline_verdict_on_many_custom_resources_is_that_of_the_server(
    control_plane: ControlPlane, api: HttpApi
) -> None:
    _check(control_plane, api, CAMPAIGN)


def _check(control_plane: ControlPlane, api: HttpApi, schemas: int) -> None:
    first = int(os.environ.get("SEED", "0"))
    tally = judge(control_plane, api, (random_case(f"{first + n}", OBJECTS) for n in range(schemas)))
    print(tally.figures())
    assert not (wrong := [pair for pair in tally.pairs if pair.refused_wrongly]), "".join(map(str, wrong[:5]))
    assert not (missed := tally.missed.get("", ())), "".join(map(str, missed[:5]))
    assert 0.2 <= tally.refused_by_server / len(tally.pairs) <= 0.8
    named, found = tally.places()
    assert found >= 0.95 * named
    assert tally.refused_schemas.total() <= 0.1 * schemas, tally.refused_schemas
