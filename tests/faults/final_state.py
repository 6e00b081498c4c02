"""What there is after a deployment, told so that two deployments in two namespaces can be compared."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.inventory_store import read_inventory
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.e2e.judging import PART_OF
from tests.faults.scenarios import VANISHING, group_of

_OWN_PREFIX: Final = "gitops-push-"
"""Names of what the tool keeps for itself: inventory, history, lock."""

_ATTEMPT: Final = "gitops-push.dev/hook-attempt"
_UID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VOLATILE: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
_KINDS: Final = {
    "ConfigMap": "/api/v1/namespaces/{0}/configmaps",
    "Secret": "/api/v1/namespaces/{0}/secrets",
    "Deployment": "/apis/apps/v1/namespaces/{0}/deployments",
    "Job": "/apis/batch/v1/namespaces/{0}/jobs",
    "Part": "/apis/{1}/v1/namespaces/{0}/parts",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?labelSelector=" + PART_OF,
    "Namespace": "/api/v1/namespaces?labelSelector=" + PART_OF,
}
_LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/{0}/leases"


def final_state(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """Return the objects that a case is about, by kind and name, without uids, times and the name of its namespace."""
    return {
        f"{kind} {body['metadata']['name']}".replace(namespace, "NS"): _told(body, namespace)
        for kind, body in _live(plane, namespace)
        if not body["metadata"]["name"].startswith(_OWN_PREFIX)
    }


def faults_of_record(plane: ControlPlane, api: HttpApi, namespace: str, *, done: bool) -> list[str]:
    """Return what is wrong with the inventory: objects nobody would find again; with `done`, anything not exact."""
    record = read_inventory(api, namespace, "test", namespace)
    recorded = {(entry.ref.kind, entry.ref.name): entry.uid for entry in record.entries}
    live = {
        (kind, body["metadata"]["name"]): body["metadata"]["uid"]
        for kind, body in _live(plane, namespace)
        if PART_OF in (body["metadata"].get("labels") or {}) and not body["metadata"].get("ownerReferences")
    }
    # Its own namespace comes before the inventory, and is on record with the first thing in it.
    own_place = frozenset() if record.resource_version else {("Namespace", namespace)}
    faults = [f"orphaned: {place}" for place in sorted(live.keys() - recorded.keys() - own_place)]
    # A hook that is deleted when it has succeeded may have gone when its run was stopped: its entry names nothing then.
    exact = {place: uid for place, uid in recorded.items() if place in live or place not in VANISHING}
    if done and exact != live:
        faults.append(f"recorded {sorted(recorded.items())}, live {sorted(live.items())}")
    if done and str(record.state) != "done":
        faults.append(f"the record says {record.state}")
    return faults


def held_locks(plane: ControlPlane, namespace: str) -> list[str]:
    """Return the Leases of a namespace that do not end by themselves.

    That of a run which was killed after its last write is still there if the next run had nothing to write; it has
    run out, or does so within its duration, and whoever deploys next takes it over.
    """
    leases: list[dict[str, Any]] = []
    with suppress(RequestError):
        leases = plane.request("GET", _LEASES.format(namespace))["items"]
    now = dt.datetime.now(dt.UTC)
    return [lease["metadata"]["name"] for lease in leases if lease["spec"].get("holderIdentity") and _runs(lease, now)]


def _runs(lease: dict[str, Any], now: dt.datetime) -> bool:
    renewed = dt.datetime.fromisoformat(lease["spec"]["renewTime"])
    return now - renewed < dt.timedelta(seconds=lease["spec"]["leaseDurationSeconds"])


def _live(plane: ControlPlane, namespace: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, path in _KINDS.items():
        with suppress(RequestError):  # the kind of a definition that is not there
            for body in plane.request("GET", path.format(namespace, group_of(namespace)))["items"]:
                metadata = body["metadata"]
                of_case = namespace in (metadata.get("namespace"), metadata["name"])
                if of_case or metadata["name"].endswith(group_of(namespace)):
                    yield kind, body


def _told(body: dict[str, Any], namespace: str) -> str:
    metadata = {key: value for key, value in body["metadata"].items() if key not in _VOLATILE}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != _ATTEMPT}
    managers = sorted(
        [entry["manager"], entry["operation"], json.dumps(entry.get("fieldsV1"), sort_keys=True)]
        for entry in body["metadata"].get("managedFields", ())
        if "subresource" not in entry and entry["manager"] not in {"kube-controller-manager", "kube-apiserver"}
    )
    status = body.get("status") or {}
    told = {
        **body,
        "metadata": {**metadata, "annotations": annotations, "managers": managers},
        "status": status.get("readyReplicas"),
    }
    text = json.dumps(told, sort_keys=True).replace(namespace, "NS")
    # The label of membership is a hash over the names of inventory and namespace.
    return _UID.sub("UID", re.sub(r"applyset-[\w-]+?-v1", "MEMBERSHIP", text))
