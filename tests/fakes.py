"""An API server on a dictionary: what planner, deployer and waiter see of a cluster, for unit tests.

It implements `ApiWriter` as far as the contract suite (`tests/cluster/test_api_contract.py`) asks, which judges it and
a real API server alike. Beyond that a test can act as somebody else (`put`, `edit`, `set_status`, `remove`), make calls
fail (`fail`), let things happen while a watch waits (`later`), and read what was asked for (`requests`).
"""

from __future__ import annotations

import copy
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from gitops_push.cluster.api import (
    FIELD_MANAGER,
    AccessQuestion,
    Answer,
    ApiFailure,
    ObjectList,
    Precondition,
    ServedKind,
    ServedKinds,
    Watch,
    WatchEvent,
)
from gitops_push.core.objects import Body
from tests.field_sets import (
    MISSING,
    Paths,
    applied_paths,
    from_fields_v1,
    merge,
    paths_of,
    to_fields_v1,
    value_at,
    without,
)

ALL_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})
_Events: TypeAlias = Generator[WatchEvent, None, None]
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

KNOWN = """
v1 Namespace namespaces cluster; v1 ConfigMap configmaps; v1 Secret secrets; v1 Service services; v1 Pod pods
v1 ServiceAccount serviceaccounts; v1 PersistentVolumeClaim persistentvolumeclaims; v1 Event events
v1 PersistentVolume persistentvolumes cluster; v1 ResourceQuota resourcequotas; v1 LimitRange limitranges
apps/v1 Deployment deployments; apps/v1 StatefulSet statefulsets; apps/v1 DaemonSet daemonsets
apps/v1 ReplicaSet replicasets; batch/v1 Job jobs; batch/v1 CronJob cronjobs
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers
networking.k8s.io/v1 Ingress ingresses; networking.k8s.io/v1 NetworkPolicy networkpolicies
policy/v1 PodDisruptionBudget poddisruptionbudgets; coordination.k8s.io/v1 Lease leases
rbac.authorization.k8s.io/v1 Role roles; rbac.authorization.k8s.io/v1 RoleBinding rolebindings
rbac.authorization.k8s.io/v1 ClusterRole clusterroles cluster
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings cluster
storage.k8s.io/v1 StorageClass storageclasses cluster
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster
"""

IMMUTABLE: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "Deployment"): (("f:spec", "f:selector"),),
    ("apps", "DaemonSet"): (("f:spec", "f:selector"),),
    ("batch", "Job"): (("f:spec", "f:selector"), ("f:spec", "f:template")),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came in; `verb` is the method of `ApiWriter`."""

    verb: str
    kind: str
    namespace: str = ""
    name: str = ""

    @property
    def writes(self) -> bool:
        return self.verb in {"apply", "create", "replace", "delete"}


@dataclass(slots=True)
class _Failure:
    verb: str
    name: str
    error: Exception
    times: int


@dataclass(slots=True)
class FakeApiServer:
    """See the module. `mutate` is called with every body about to be stored or dry-run: defaulting, or a webhook."""

    mutate: Callable[[dict[str, Any]], None] = lambda body: None
    may: Callable[[AccessQuestion], bool] = lambda question: True
    unavailable: frozenset[str] = frozenset()
    objects: dict[tuple[str, str, str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    logs: dict[tuple[str, str, str, bool], str] = field(default_factory=dict)
    later: deque[Callable[[], None]] = field(default_factory=deque)
    _kinds: list[ServedKind] = field(default_factory=list)
    _failures: list[_Failure] = field(default_factory=list)
    _events: list[tuple[int, ServedKind, WatchEvent]] = field(default_factory=list)
    _version: int = 1000
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._kinds.extend(_known_kinds())
        for name in ("default", "kube-system"):
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    # What a test does to the cluster, unlogged.

    @property
    def writes(self) -> tuple[Request, ...]:
        """Return the writes that came in, failed ones included."""
        return tuple(request for request in self.requests if request.writes)

    def count(self) -> Counter[str]:
        """Return how often each verb was called."""
        return Counter(request.verb for request in self.requests)

    def serve(self, kind: ServedKind) -> None:
        """Serve one more kind, as a CRD would."""
        self._kinds.append(kind)

    def fail(self, verb: str, name: str, error: Exception, times: int = 1) -> None:
        """Raise `error` at the next `times` calls of `verb` for an object of this name ("" for any)."""
        self._failures.append(_Failure(verb, name, error, times))

    def live(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """Return a copy of an object by its kind; KeyError if it is not there."""
        return copy.deepcopy(self.objects[_key(self._kind_named(kind), namespace, name)])

    def put(self, body: Body, manager: str = "somebody") -> dict[str, Any]:
        """Create or overwrite an object as another manager, by an Update."""
        kind = self._kind_of(body)
        namespace = body["metadata"].get("namespace", "")
        key = _key(kind, namespace, body["metadata"]["name"])
        with self._lock:
            live = self.objects.get(key)
            after = {**copy.deepcopy(dict(body)), "metadata": {**(live or {}).get("metadata", {}), **body["metadata"]}}
            return self._store(kind, key, _tracked(live, after, manager, "", self._now()))

    def edit(
        self,
        kind: str,
        namespace: str,
        name: str,
        change: Callable[[dict[str, Any]], None],
        manager: str = "kubectl-edit",
    ) -> dict[str, Any]:
        """Change an object in place as another manager."""
        return self._edit(kind, namespace, name, change, manager, "")

    def set_status(
        self, kind: str, namespace: str, name: str, status: Body, manager: str = "kube-controller-manager"
    ) -> dict[str, Any]:
        """Write an object's status through its subresource."""
        return self._edit(
            kind, namespace, name, lambda body: body.__setitem__("status", dict(status)), manager, "status"
        )

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object at once, whatever its finalizers."""
        served = self._kind_named(kind)
        with self._lock:
            self._drop(served, _key(served, namespace, name))

    # ApiReader

    def served_kinds(self, *, refresh: bool = False) -> ServedKinds:
        self._enter("served_kinds", "")
        with self._lock:
            found: dict[tuple[str, str], tuple[ServedKind, ...]] = {}
            for kind in self._kinds:
                found[kind.group, kind.kind] = (*found.get((kind.group, kind.kind), ()), kind)
            return ServedKinds(found, self.unavailable)

    def get(self, kind: ServedKind, namespace: str, name: str) -> Body | None:
        self._enter("get", kind.kind, namespace, name)
        with self._lock:
            self._check_served(kind)
            return copy.deepcopy(self.objects.get(_key(kind, namespace, name)))

    def list(self, kind: ServedKind, namespace: str = "", label_selector: str = "") -> ObjectList:
        self._enter("list", kind.kind, namespace)
        with self._lock:
            self._check_served(kind)
            items = [
                copy.deepcopy(body)
                for (group, resource, place, _), body in sorted(self.objects.items())
                if (group, resource) == (kind.group, kind.resource)
                and namespace in {"", place}
                and _selected(body, label_selector)
            ]
            return ObjectList(tuple(items), str(self._version))

    def watch(self, kind: ServedKind, namespace: str, resource_version: str, seconds: float) -> Watch:
        self._enter("watch", kind.kind, namespace)
        return self._events_since(kind, namespace, resource_version)

    def _events_since(self, kind: ServedKind, namespace: str, resource_version: str) -> _Events:
        seen = int(resource_version)
        while True:
            with self._lock:
                events = [entry for entry in self._events if entry[0] > seen]
            for version, served, event in events:
                seen = version
                if served == kind and namespace in {"", event.body["metadata"].get("namespace", "")}:
                    yield WatchEvent(event.type, copy.deepcopy(event.body))
            if not events and not self.later:
                return
            if not events:
                self.later.popleft()()

    def dry_run_apply(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        self._enter("dry_run_apply", kind.kind, namespace, name)
        with self._lock:
            return self._apply(kind, namespace, name, body, dry_run=True)

    def may_i(self, question: AccessQuestion) -> bool:
        self._enter("may_i", question.resource, question.namespace, question.name)
        return self.may(question)

    def pod_log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        self._enter("pod_log", "Pod", namespace, pod)
        try:
            text = self.logs[namespace, pod, container, previous]
        except KeyError:
            raise ApiFailure(400, "BadRequest", f'container "{container}" in pod "{pod}" has no log') from None
        return "".join(text.splitlines(keepends=True)[-lines:])

    # ApiWriter

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        self._enter("apply", kind.kind, namespace, name)
        metadata = dict(body["metadata"])
        if precondition.uid:
            metadata["uid"] = precondition.uid
        if precondition.absent or precondition.resource_version:
            metadata["resourceVersion"] = "1" if precondition.absent else precondition.resource_version
        with self._lock:
            return self._apply(kind, namespace, name, {**body, "metadata": metadata}, dry_run=False)

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        metadata = dict(body["metadata"])
        name = metadata.get("name") or metadata["generateName"] + uuid.uuid4().hex[:5]
        self._enter("create", kind.kind, namespace, name)
        with self._lock:
            self._check_place(kind, namespace)
            key = _key(kind, namespace, name)
            if key in self.objects:
                raise ApiFailure(
                    409, "AlreadyExists", f'{_plural(kind)} "{name}" already exists', details_kind=kind.resource
                )
            metadata |= {"name": name, **({"namespace": namespace} if kind.namespaced else {})}
            after = _tracked(None, {**copy.deepcopy(dict(body)), "metadata": metadata}, FIELD_MANAGER, "", self._now())
            return Answer(self._store(kind, key, after), 201)

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        self._enter("replace", kind.kind, namespace, name)
        with self._lock:
            self._check_place(kind, namespace)
            live = self.objects.get(_key(kind, namespace, name))
            if live is None:
                raise _not_found(kind, name)
            _check_version(kind, name, live, body)
            server_set = {key: live["metadata"][key] for key in _SERVER_SET & live["metadata"].keys()}
            after = {**copy.deepcopy(dict(body)), "metadata": {**copy.deepcopy(body["metadata"]), **server_set}}
            tracked = _tracked(live, after, FIELD_MANAGER, "", self._now())
            return Answer(self._store(kind, _key(kind, namespace, name), tracked), 200)

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        self._enter("delete", kind.kind, namespace, name)
        with self._lock:
            self._check_served(kind)
            key = _key(kind, namespace, name)
            live = self.objects.get(key)
            if live is None:
                return
            _check_delete(kind, name, live["metadata"], precondition)
            if live["metadata"].get("finalizers"):
                stamped = copy.deepcopy(live)
                stamped["metadata"].setdefault("deletionTimestamp", self._now())
                self._store(kind, key, stamped)
                return
            self._drop(kind, key)

    # How it works inside.

    def _enter(self, verb: str, kind: str, namespace: str = "", name: str = "") -> None:
        with self._lock:
            self.requests.append(Request(verb, kind, namespace, name))
            for failure in self._failures:
                if failure.times and failure.verb == verb and failure.name in {"", name}:
                    failure.times -= 1
                    raise failure.error

    def _now(self) -> str:
        return (START + timedelta(seconds=self._version)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _kind_named(self, name: str) -> ServedKind:
        return next(kind for kind in self._kinds if kind.kind == name)

    def _kind_of(self, body: Body) -> ServedKind:
        wanted = (body["apiVersion"], body["kind"])
        return next(kind for kind in self._kinds if (kind.api_version, kind.kind) == wanted)

    def _check_served(self, kind: ServedKind) -> None:
        if not any((kind.api_version, kind.resource) == (known.api_version, known.resource) for known in self._kinds):
            raise ApiFailure(404, "NotFound", "the server could not find the requested resource")

    def _check_place(self, kind: ServedKind, namespace: str) -> None:
        self._check_served(kind)
        place = self.objects.get(("", "namespaces", "", namespace))
        if kind.namespaced and place is None:
            raise ApiFailure(404, "NotFound", f'namespaces "{namespace}" not found', details_kind="namespaces")

    def _apply(self, kind: ServedKind, namespace: str, name: str, body: Body, *, dry_run: bool) -> Answer:
        self._check_place(kind, namespace)
        key = _key(kind, namespace, name)
        live = self.objects.get(key)
        _check_apply(kind, name, live, body)
        after = _applied(live, copy.deepcopy(dict(body)), self._now())
        if live is None and kind.namespaced:
            after["metadata"]["namespace"] = namespace
        self.mutate(after)
        _check_immutable(kind, name, live, after)
        status = 201 if live is None else 200
        if live is not None and _same(live, after):
            return Answer(copy.deepcopy(live), status)
        if not dry_run:
            return Answer(self._store(kind, key, after), status)
        shown = self._stamped(kind, live, after)
        shown["metadata"].pop("resourceVersion", None)
        if live is not None:
            shown["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        return Answer(shown, status)

    def _edit(
        self,
        kind: str,
        namespace: str,
        name: str,
        change: Callable[[dict[str, Any]], None],
        manager: str,
        subresource: str,
    ) -> dict[str, Any]:
        served = self._kind_named(kind)
        key = _key(served, namespace, name)
        with self._lock:
            after = copy.deepcopy(self.objects[key])
            change(after)
            return self._store(served, key, _tracked(self.objects[key], after, manager, subresource, self._now()))

    def _stamped(self, kind: ServedKind, live: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
        stamped = copy.deepcopy(after)
        metadata = stamped["metadata"]
        metadata["uid"] = live["metadata"]["uid"] if live else str(uuid.uuid4())
        metadata.setdefault("creationTimestamp", self._now())
        if "spec" in stamped:
            changed = live is None or live.get("spec") != stamped["spec"]
            metadata["generation"] = (live or {"metadata": {}})["metadata"].get("generation", 0) + changed
        if live is None and kind.kind == "Namespace":
            stamped["status"] = {"phase": "Active"}
        if kind.kind == "CustomResourceDefinition":
            stamped.setdefault("status", {"conditions": [{"type": "Established", "status": "True"}]})
        return stamped

    def _store(self, kind: ServedKind, key: tuple[str, str, str, str], after: dict[str, Any]) -> dict[str, Any]:
        live = self.objects.get(key)
        self._version += 1
        stored = self._stamped(kind, live, after)
        stored["metadata"]["resourceVersion"] = str(self._version)
        self.objects[key] = stored
        if kind.kind == "CustomResourceDefinition" and live is None:
            self._kinds.extend(_kinds_of_crd(stored))
        self._events.append((self._version, kind, WatchEvent("MODIFIED" if live else "ADDED", copy.deepcopy(stored))))
        if live and stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
            self._drop(kind, key)
        return copy.deepcopy(stored)

    def _drop(self, kind: ServedKind, key: tuple[str, str, str, str]) -> None:
        gone = self.objects.pop(key)
        self._version += 1
        gone["metadata"]["resourceVersion"] = str(self._version)
        self._events.append((self._version, kind, WatchEvent("DELETED", gone)))
        if kind.kind == "Namespace":
            for inside in [other for other in self.objects if other[2] == key[3]]:
                self._drop(self._kind_of(self.objects[inside]), inside)


_SERVER_SET = frozenset({"uid", "creationTimestamp", "generation", "managedFields", "deletionTimestamp"})


def _known_kinds() -> Iterator[ServedKind]:
    for entry in KNOWN.replace("\n", ";").split(";"):
        match entry.split():
            case [api_version, kind, resource, *scope]:
                group, _, version = api_version.rpartition("/")
                yield ServedKind(group, version, kind, resource, not scope, ALL_VERBS)


def _kinds_of_crd(crd: Body) -> Iterator[ServedKind]:
    spec = crd["spec"]
    for version in spec["versions"]:
        names = spec["names"]
        namespaced = spec["scope"] == "Namespaced"
        yield ServedKind(spec["group"], version["name"], names["kind"], names["plural"], namespaced, ALL_VERBS)


def _key(kind: ServedKind, namespace: str, name: str) -> tuple[str, str, str, str]:
    return (kind.group, kind.resource, namespace if kind.namespaced else "", name)


def _plural(kind: ServedKind) -> str:
    return f"{kind.resource}.{kind.group}" if kind.group else kind.resource


def _not_found(kind: ServedKind, name: str) -> ApiFailure:
    return ApiFailure(404, "NotFound", f'{_plural(kind)} "{name}" not found', details_kind=kind.resource)


def _selected(body: Body, selector: str) -> bool:
    labels = body["metadata"].get("labels", {})
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def _check_version(kind: ServedKind, name: str, live: Body, body: Body) -> None:
    asked = body["metadata"].get("resourceVersion", "")
    if asked not in {"", "0", live["metadata"]["resourceVersion"]}:
        message = f'Operation cannot be fulfilled on {_plural(kind)} "{name}": the object has been modified'
        raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)


def _check_apply(kind: ServedKind, name: str, live: Body | None, body: Body) -> None:
    uid = body["metadata"].get("uid", "")
    if live is None:
        if uid:
            message = f'Operation cannot be fulfilled on {_plural(kind)} "{name}": uid mismatch: {uid}, ""'
            raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)
        return
    if uid and uid != live["metadata"]["uid"]:
        cause = ("metadata.uid", "FieldValueInvalid", f'Invalid value: "{uid}": field is immutable')
        raise ApiFailure(422, "Invalid", f"{kind.kind} {name} is invalid: field is immutable", causes=[cause])
    _check_version(kind, name, live, body)


def _check_immutable(kind: ServedKind, name: str, live: Body | None, after: Body) -> None:
    causes = [
        (".".join(part[2:] for part in path), "FieldValueInvalid", "Invalid value: field is immutable")
        for path in IMMUTABLE.get((kind.group, kind.kind), ())
        if live is not None and value_at(live, path) != value_at(after, path)
    ]
    if causes:
        raise ApiFailure(422, "Invalid", f'{kind.kind} "{name}" is invalid: field is immutable', causes=causes)


def _check_delete(kind: ServedKind, name: str, metadata: Body, precondition: Precondition) -> None:
    for asked, live in (
        (precondition.uid, metadata["uid"]),
        (precondition.resource_version, metadata["resourceVersion"]),
    ):
        if asked and asked != live:
            message = f'Operation cannot be fulfilled on {_plural(kind)} "{name}": Precondition failed'
            raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)


def _same(live: Body, after: Body) -> bool:
    def content(body: Body) -> Any:
        managed = [{**entry, "time": ""} for entry in body["metadata"].get("managedFields", ())]
        metadata = {
            key: value for key, value in body["metadata"].items() if key not in {"resourceVersion", "generation"}
        }
        return {**body, "metadata": {**metadata, "managedFields": managed}}

    return bool(content(live) == content(after))


def _entry(manager: str, operation: str, subresource: str, body: Body, paths: Paths, now: str) -> dict[str, Any]:
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": body["apiVersion"],
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(paths),
    }
    return {**entry, "subresource": subresource} if subresource else entry


def _who(entry: Body) -> tuple[str, str, str]:
    return entry["manager"], entry["operation"], entry.get("subresource", "")


def _shrunk(entries: list[dict[str, Any]], lost: Callable[[Paths], Paths]) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        paths = from_fields_v1(entry["fieldsV1"])
        left = paths - lost(paths)
        if left:
            kept.append({**entry, "fieldsV1": to_fields_v1(left)})
    return kept


def _applied(live: dict[str, Any] | None, wanted: dict[str, Any], now: str) -> dict[str, Any]:
    """Return what a forced server-side apply of ours makes of the live object."""
    wanted["metadata"].pop("managedFields", None)
    wanted["metadata"].pop("resourceVersion", None)
    wanted["metadata"].pop("uid", None)
    claimed = applied_paths(wanted)
    before = live or {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {}}
    entries = list(before["metadata"].get("managedFields", ()))
    me = (FIELD_MANAGER, "Apply", "")
    mine = next((entry for entry in entries if _who(entry) == me), None)
    others = [entry for entry in entries if _who(entry) != me]
    after = merge(before, wanted)
    owned_by_others = frozenset(path for entry in others for path in from_fields_v1(entry["fieldsV1"]))
    dropped = (from_fields_v1(mine["fieldsV1"]) if mine else frozenset()) - claimed
    for path in sorted(dropped, key=len, reverse=True):
        if not any(other[: len(path)] == path for other in owned_by_others):
            after = without(after, path)

    def lost(paths: Paths) -> Paths:
        taken = (path for path in paths & claimed if not path[-1].startswith("k:"))
        return frozenset(path for path in taken if value_at(before, path) != value_at(wanted, path))

    others = _shrunk(others, lost)
    new = _entry(*me, wanted, claimed, now)
    if mine and mine["fieldsV1"] == new["fieldsV1"]:
        new["time"] = mine["time"]
    after["metadata"]["managedFields"] = [*others, new]
    return dict(after)


def _tracked(
    before: dict[str, Any] | None, after: dict[str, Any], manager: str, subresource: str, now: str
) -> dict[str, Any]:
    """Return `after` with managedFields as an Update by `manager` leaves them."""
    old = applied_paths(before) if before else frozenset()
    new = applied_paths(after)
    changed = frozenset(path for path in new if path not in old or value_at(before, path) != value_at(after, path)) | (
        new - old
    )
    entries = list((before or {"metadata": {}})["metadata"].get("managedFields", ()))
    me = (manager, "Update", subresource)
    mine = next((from_fields_v1(entry["fieldsV1"]) for entry in entries if _who(entry) == me), frozenset())
    leaves = frozenset(path for path in changed if not path[-1].startswith("k:"))
    others = _shrunk([entry for entry in entries if _who(entry) != me], lambda paths: (paths & leaves) | (paths - new))
    owned = (mine & new) | changed
    result = {**after, "metadata": {**after["metadata"], "managedFields": others}}
    if owned:
        result["metadata"]["managedFields"] = [*others, _entry(*me, after, owned, now)]
    return result


__all__ = ["MISSING", "FakeApiServer", "Request", "paths_of"]
