"""The random worlds of the prune model, made on the real API server, and the faults that meet a run there.

A case speaks of the namespaces `shop` and `team`; `placed` gives it namespaces of its own. Owners and people write with
the credential of an administrator, by plain requests.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gitops_push.cluster.api import Answer, ApiFailure, ObjectList, Precondition, ServedKind
from gitops_push.cluster.http_api import HttpApi
from gitops_push.core.inventory import InventoryEntry, applyset_id, inventory_name
from gitops_push.core.objects import Body, ObjectRef
from tests.cluster.planning import until
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane
from tests.unit.cluster.plans import deployment
from tests.unit.cluster.prune_model import HOME, KINDS, LABEL, Case, Thing, body_of, listed, marks_of

_SPECS: Final[dict[str, dict[str, Any]]] = {
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "PersistentVolumeClaim": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "nobody-provides",
            "resources": {"requests": {"storage": "1Gi"}},
        }
    },
    "PersistentVolume": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "nobody-claims",
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
        }
    },
}
_MERGE: Final = "application/merge-patch+json"


def placed(case: Case, home: str, other: str) -> Case:
    """Return the case in two namespaces of its own; what has no namespace gets a name of its own."""

    def settled(thing: Thing) -> Thing:
        if thing.namespace:
            return replace(thing, namespace=home if thing.namespace == HOME else other)
        if thing.kind != "Namespace":
            return replace(thing, name=f"{home}-{thing.name}")
        # One that goes takes along, at its own pace, what the case says that lives: nobody but the run deletes it.
        since = "" if thing.since in {"gone", "recreated"} else thing.since
        return replace(thing, name=other, since=since, deleting=False)

    # A record that cannot be read is another story: there is no run then.
    unreadable = "" if case.unreadable == "ConfigMap" else case.unreadable
    return replace(case, things=[settled(thing) for thing in case.things], unreadable=unreadable)


def sent_body(thing: Thing, value: str = "1") -> dict[str, Any]:
    """Return the manifest of a thing, with what the real API demands of it."""
    return body_of(thing, value) | _SPECS.get(thing.kind, {})


def workload(namespace: str, *, sick: bool) -> dict[str, Any]:
    """Return the Deployment of the set: without pods, or with one that no node takes."""
    body = deployment(replicas=int(sick))
    body["metadata"]["namespace"] = namespace
    body["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "nowhere"}
    return body


@dataclass(slots=True)
class People:
    """Whoever else writes to the cluster: other tools, controllers, people at their keyboards."""

    plane: ControlPlane
    our_id: str

    def mark(self, thing: Thing) -> None:
        """Put the marks of its owners on a live thing, and our label where the case says so."""
        marks = marks_of(thing, self.our_id)
        if thing.deleting:
            self.patch(thing, {"finalizers": marks["finalizers"]})
            self.request("DELETE", thing)
        rest = {key: value for key, value in marks.items() if key not in {"deletionTimestamp", "finalizers"}}
        self.patch(thing, {**rest, "labels": {LABEL: None, **marks["labels"]}})

    def disturb(self, thing: Thing) -> None:
        """Do to a thing what the case says that happens between plan and deletion; nothing if it is gone already."""
        with suppress(RequestError):
            match thing.since:
                case "unlabelled":
                    self.patch(thing, {"labels": {LABEL: None}})
                case "relabelled":
                    self.patch(thing, {"labels": {LABEL: "applyset-of-another-v1"}})
                case "opted out":
                    self.patch(thing, {"annotations": {"helm.sh/resource-policy": "keep"}})
                case "edited":
                    self.patch(thing, {"annotations": {"example.com/note": "by hand"}})
                case "gone" | "recreated":
                    self._remove(thing)

    def _remove(self, thing: Thing) -> None:
        self.request("DELETE", thing)
        until(lambda: not self.uid_of(thing))
        if thing.since == "recreated":
            self.plane.request("POST", self.path(thing).rpartition("/")[0], sent_body(thing, "theirs"))

    def patch(self, thing: Thing, metadata: dict[str, Any]) -> None:
        """Merge this into the metadata of a thing."""
        self.plane.request("PATCH", self.path(thing), {"metadata": metadata}, _MERGE)

    def request(self, method: str, thing: Thing) -> Any:
        """Send a request without a body to a thing."""
        return self.plane.request(method, self.path(thing))

    def uid_of(self, thing: Thing) -> str:
        """Return the uid of what lives under the name of a thing, "" for nothing."""
        try:
            return str(self.request("GET", thing)["metadata"]["uid"])
        except RequestError as error:
            if error.status != 404:
                raise
            return ""

    def path(self, thing: Thing) -> str:
        """Return where a thing is on the server."""
        version = KINDS[thing.kind][0]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        place = f"/namespaces/{thing.namespace}" if thing.namespace else ""
        return f"{base}{place}/{thing.kind.lower()}s/{thing.name}"


def people_of(plane: ControlPlane, home: str) -> People:
    """Return the people around the environment of a namespace."""
    return People(plane, applyset_id(inventory_name("shop", "prod"), home))


def bring(api: HttpApi, people: People, case: Case) -> tuple[dict[ObjectRef, str], tuple[InventoryEntry, ...]]:
    """Create everything that lives; returns the uids, and the list of the inventory."""
    served = api.served_kinds()
    for thing in case.things:
        if thing.alive:
            _bring(api, people, thing, served.kinds[thing.ref.group, thing.kind][0])
    uids = {thing.ref: people.uid_of(thing) for thing in case.things if thing.alive}
    return uids, listed(case, uids)


def _bring(api: HttpApi, people: People, thing: Thing, kind: ServedKind) -> None:
    body = sent_body(thing, "0")
    if thing.applied:
        mine = {**body, "metadata": {**body["metadata"], "labels": {LABEL: people.our_id}}}
        api.apply(kind, thing.namespace, thing.name, mine, Precondition())
    elif thing.kind != "Namespace":  # that is there already
        people.plane.request("POST", people.path(thing).rpartition("/")[0], body)
    people.mark(thing)


def let_go(people: People, case: Case) -> None:
    """Remove what would hold up the end of the namespaces, and what is in none."""
    for thing in case.things:
        with suppress(RequestError):
            if thing.deleting:
                people.patch(thing, {"finalizers": None})
            if thing.kind == "PersistentVolume":
                people.request("DELETE", thing)


@dataclass
class Interference:
    """What a run meets on its way; `late` are things that somebody changes in the moment before their deletion."""

    case: Case
    people: People
    late: dict[ObjectRef, Thing] = field(default_factory=dict)
    writes: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stops(self) -> bool:
        """Return whether somebody has asked the run to stop."""
        return 0 <= self.case.stop_after <= self.writes


class DisturbedApi(HttpApi):
    """The real connection, with the faults of a case."""

    def __init__(self, api: HttpApi, meets: Interference) -> None:
        super().__init__(api._exchange)
        self._meets = meets

    def get(self, kind: ServedKind, namespace: str, name: str) -> Body | None:
        self._may_read(kind)
        return super().get(kind, namespace, name)

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        self._may_read(kind)
        return super().list(kind, namespace, label_selector, field_selector)

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self._write("apply", name)
        return super().apply(kind, namespace, name, body, precondition)

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        self._write("delete", name)
        thing = self._meets.late.pop(ObjectRef(kind.group, kind.kind, namespace, name), None)
        if thing:
            self._meets.people.disturb(thing)
        super().delete(kind, namespace, name, precondition, propagation)

    def _may_read(self, kind: ServedKind) -> None:
        if kind.kind == self._meets.case.unreadable:
            raise ApiFailure(403, "Forbidden", f"cannot read {kind.resource}")

    def _write(self, verb: str, name: str) -> None:
        with self._meets.counting:
            self._meets.writes += 1
        if self._meets.case.fails and self._meets.case.fails[:2] == (verb, name):
            raise ApiFailure(self._meets.case.fails[2], "Refused", "no")
