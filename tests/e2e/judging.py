"""Judges what a run did by what the API server says: its audit log, and its objects."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.controlplane.audit import AuditEvent, AuditMark, writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, Finished

PART_OF: Final = "applyset.kubernetes.io/part-of"
WRITING: Final = frozenset({"create", "update", "update (ownership)", "delete"})

Place = tuple[str, str, str, str]
"""(group, resource, namespace, name)."""


def writes_since(plane: ControlPlane, mark: AuditMark) -> tuple[AuditEvent, ...]:
    """Return the writes that gitops-push sent, refused ones too; without those to its lock and its history."""
    sent = writes(plane.audit_events(mark), user_agent=USER_AGENT)
    return tuple(event for event in sent if not (event.resource == "leases" or is_history(event.name)))


def is_history(name: str) -> bool:
    """Return whether a ConfigMap is the history of an environment."""
    return name.startswith("gitops-push-") and name.endswith("-history")


def places(events: tuple[AuditEvent, ...]) -> set[Place]:
    """Return the objects that were written."""
    return {(event.group, event.resource, event.namespace, event.name) for event in events}


def place_of(item: dict[str, Any]) -> Place:
    """Return the object of a change or an outcome of a JSON report."""
    return (item["group"], resource_of(item["objectKind"]), item["namespace"], item["name"])


def resource_of(kind: str) -> str:
    """Return the plural of the kinds that these tests use, as discovery has it."""
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def planned_writes(applied: Finished) -> set[Place]:
    """Return the objects that the plan of `apply -o json` says will be written."""
    return {place_of(change) for change in applied.json["plan"]["changes"] if change["action"] in WRITING}


def inventory_place(project: str, namespace: str, environment: str = "test") -> Place:
    """Return where the inventory of an environment is."""
    return ("", "configmaps", namespace, f"gitops-push-{project}-{environment}")


def inventory(kubectl: Kubectl, project: str, namespace: str, environment: str = "test") -> dict[str, Any]:
    """Return the data of the inventory, `objects` parsed."""
    name = inventory_place(project, namespace, environment)[3]
    found: dict[str, Any] = kubectl.get("configmap", name, "-n", namespace)
    return {**found["data"], "objects": json.loads(found["data"]["objects"])}


def recorded(kubectl: Kubectl, namespace: str) -> set[tuple[str, str]]:
    """Return (kind, name) of each object of the inventory of the project that is named as its namespace."""
    return {(entry["kind"], entry["name"]) for entry in inventory(kubectl, namespace, namespace)["objects"]}


def labelled(kubectl: Kubectl, namespace: str, *kinds: str) -> set[tuple[str, str]]:
    """Return (kind, name) of each live object of these kinds that carries the label of an inventory."""
    listed = kubectl.get(",".join(kinds), "-n", namespace, "-l", PART_OF)["items"]
    return {(item["kind"], item["metadata"]["name"]) for item in listed}
