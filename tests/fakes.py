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
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import jsonpatch

from gitops_push.cluster.api import (
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
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.objects import Body
from tests.fake_rules import (
    SERVER_SET,
    applied,
    check_apply,
    check_delete,
    check_immutable,
    check_version,
    is_named,
    is_same,
    is_selected,
    kinds_of_crd,
    known_kinds,
    not_found,
    object_key,
    plural_of,
    tracked,
)

_Events: TypeAlias = Generator[WatchEvent, None, None]
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came in; `verb` is the method of `ApiWriter`."""

    verb: str
    kind: str
    namespace: str = ""
    name: str = ""

    @property
    def writes(self) -> bool:
        return self.verb in {"apply", "json_patch", "create", "replace", "delete"}


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
        self._kinds.extend(known_kinds())
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
        return copy.deepcopy(self.objects[object_key(self._kind_named(kind), namespace, name)])

    def put(self, body: Body, manager: str = "somebody") -> dict[str, Any]:
        """Create or overwrite an object as another manager, by an Update."""
        kind = self._kind_of(body)
        namespace = body["metadata"].get("namespace", "")
        key = object_key(kind, namespace, body["metadata"]["name"])
        with self._lock:
            live = self.objects.get(key)
            after = {**copy.deepcopy(dict(body)), "metadata": {**(live or {}).get("metadata", {}), **body["metadata"]}}
            return self._store(kind, key, tracked(live, after, manager, "", self._now()))

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
            self._drop(served, object_key(served, namespace, name))

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
            return copy.deepcopy(self.objects.get(object_key(kind, namespace, name)))

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        self._enter("list", kind.kind, namespace)
        with self._lock:
            self._check_served(kind)
            items = [
                copy.deepcopy(body)
                for (group, resource, place, _), body in sorted(self.objects.items())
                if (group, resource) == (kind.group, kind.resource)
                and namespace in {"", place}
                and is_selected(body, label_selector)
                and is_named(body, field_selector)
            ]
            return ObjectList(tuple(items), str(self._version))

    def watch(
        self, kind: ServedKind, namespace: str, resource_version: str, seconds: float, field_selector: str = ""
    ) -> Watch:
        self._enter("watch", kind.kind, namespace)
        events = self._events_since(kind, namespace, resource_version)
        return _FakeWatch(event for event in events if is_named(event.body, field_selector))

    def _events_since(self, kind: ServedKind, namespace: str, resource_version: str) -> _Events:
        seen = int(resource_version)
        while True:
            with self._lock:
                events = [entry for entry in self._events if entry[0] > seen]
            for version, served, event in events:
                seen = version
                same = (served.group, served.resource) == (kind.group, kind.resource)
                if same and namespace in {"", event.body["metadata"].get("namespace", "")}:
                    yield WatchEvent(event.type, copy.deepcopy(event.body))
            if not events:
                with self._lock:
                    happening = self.later.popleft() if self.later else None
                if happening is None:
                    return
                happening()

    def dry_run_apply(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        self._enter("dry_run_apply", kind.kind, namespace, name)
        with self._lock:
            return self._apply(kind, namespace, name, body, dry_run=True)

    def dry_run_json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        self._enter("dry_run_json_patch", kind.kind, namespace, name)
        with self._lock:
            live, after = self._patched(kind, namespace, name, patch)
            shown = self._stamped(kind, live, after)
            shown["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            return Answer(shown, 200)

    def dry_run_delete(self, kind: ServedKind, namespace: str, name: str, uid: str) -> None:
        self._enter("dry_run_delete", kind.kind, namespace, name)
        with self._lock:
            live = self.objects.get(object_key(kind, namespace, name))
            if live is None:
                raise not_found(kind, name)
            check_delete(kind, name, live["metadata"], Precondition(uid=uid))

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

    def json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        self._enter("json_patch", kind.kind, namespace, name)
        with self._lock:
            _, after = self._patched(kind, namespace, name, patch)
            return Answer(self._store(kind, object_key(kind, namespace, name), after), 200)

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        metadata = dict(body["metadata"])
        name = metadata.get("name") or metadata["generateName"] + uuid.uuid4().hex[:5]
        self._enter("create", kind.kind, namespace, name)
        with self._lock:
            self._check_place(kind, namespace)
            key = object_key(kind, namespace, name)
            if key in self.objects:
                raise ApiFailure(
                    409, "AlreadyExists", f'{plural_of(kind)} "{name}" already exists', details_kind=kind.resource
                )
            metadata |= {"name": name, **({"namespace": namespace} if kind.namespaced else {})}
            after = tracked(None, {**copy.deepcopy(dict(body)), "metadata": metadata}, FIELD_MANAGER, "", self._now())
            return Answer(self._store(kind, key, after), 201)

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        self._enter("replace", kind.kind, namespace, name)
        with self._lock:
            self._check_place(kind, namespace)
            live = self.objects.get(object_key(kind, namespace, name))
            if live is None:
                raise not_found(kind, name)
            check_version(kind, name, live, body)
            server_set = {key: live["metadata"][key] for key in SERVER_SET & live["metadata"].keys()}
            after = {**copy.deepcopy(dict(body)), "metadata": {**copy.deepcopy(body["metadata"]), **server_set}}
            stored = tracked(live, after, FIELD_MANAGER, "", self._now())
            return Answer(self._store(kind, object_key(kind, namespace, name), stored), 200)

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        self._enter("delete", kind.kind, namespace, name)
        with self._lock:
            self._check_served(kind)
            key = object_key(kind, namespace, name)
            live = self.objects.get(key)
            if live is None:
                return
            check_delete(kind, name, live["metadata"], precondition)
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
        key = object_key(kind, namespace, name)
        live = self.objects.get(key)
        check_apply(kind, name, live, body)
        after = applied(live, copy.deepcopy(dict(body)), self._now())
        if live is None and kind.namespaced:
            after["metadata"]["namespace"] = namespace
        self.mutate(after)
        check_immutable(kind, name, live, after)
        status = 201 if live is None else 200
        if live is not None and is_same(live, after):
            return Answer(copy.deepcopy(live), status)
        if not dry_run:
            return Answer(self._store(kind, key, after), status)
        shown = self._stamped(kind, live, after)
        shown["metadata"].pop("resourceVersion", None)
        if live is not None:
            shown["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        return Answer(shown, status)

    def _patched(
        self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live object and what a JSON patch makes of it; patched managedFields are what changes count by."""
        self._check_place(kind, namespace)
        live = self.objects.get(object_key(kind, namespace, name))
        if live is None:
            raise not_found(kind, name)
        try:
            after = jsonpatch.apply_patch(live, list(patch))
        except jsonpatch.JsonPatchTestFailed as failed:
            message = "the server rejected our request due to an error in our request"
            raise ApiFailure(422, "Invalid", message) from failed
        check_version(kind, name, live, after)
        for part in ("labels", "annotations"):
            if after["metadata"].get(part) == {}:
                del after["metadata"][part]
        metadata = {**live["metadata"], "managedFields": after["metadata"].get("managedFields", [])}
        tracked_after = tracked({**live, "metadata": metadata}, after, FIELD_MANAGER, "", self._now())
        self.mutate(tracked_after)
        check_immutable(kind, name, live, tracked_after)
        return live, tracked_after

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
        key = object_key(served, namespace, name)
        with self._lock:
            after = copy.deepcopy(self.objects[key])
            change(after)
            return self._store(served, key, tracked(self.objects[key], after, manager, subresource, self._now()))

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
            self._kinds.extend(kinds_of_crd(stored))
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


class _FakeWatch:
    """Ends at `close`, also when another thread is waiting for an event of it (a generator would refuse that)."""

    def __init__(self, events: Iterator[WatchEvent]) -> None:
        self._events = events
        self._closed = False

    def __iter__(self) -> Iterator[WatchEvent]:
        return self

    def __next__(self) -> WatchEvent:
        if self._closed:
            raise StopIteration
        return next(self._events)

    def close(self) -> None:
        self._closed = True
