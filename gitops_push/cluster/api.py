"""What the phases see of an API server: two small protocols, and the values that go through them.

`cluster.client` implements them on HTTP; tests implement them on a dictionary. One contract suite runs on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gitops_push.core.objects import Body, ObjectRef


@dataclass(frozen=True, slots=True, order=True)
class ServedKind:
    """A kind as the server serves it; `resource` is the plural that stands in URLs, `verbs` what may be done to it.

    `has_status` says that its status is written by a request of its own (the subresource): by its controller.
    """

    group: str
    version: str
    kind: str
    resource: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    has_status: bool = field(default=False, compare=False)

    @property
    def api_version(self) -> str:
        """Return "apps/v1", or "v1" for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class ServedKinds:
    """All kinds of the server, in its order of preference; `unavailable` are groups whose server does not answer."""

    kinds: Mapping[tuple[str, str], tuple[ServedKind, ...]]
    unavailable: frozenset[str] = frozenset()

    def find(self, group: str, kind: str, version: str = "") -> ServedKind | None:
        """Return the kind at this version, or at the preferred one for version ""; None if it is not served."""
        for served in self.kinds.get((group, kind), ()):
            if not version or served.version == version:
                return served
        return None


@dataclass(frozen=True, slots=True)
class ObjectList:
    """The answer of a LIST: whole objects with apiVersion and kind filled in, at one resourceVersion."""

    items: tuple[Body, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An object that the server answered, with the HTTP status (200, or 201 for created) and its Warning headers."""

    body: Body
    status: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch; `type` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    body: Body


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must be true of the live object for a write to happen. "" means not checked; `absent` asks for creation.

    `absent` is sent as resourceVersion "1": the server answers 409 when the object exists, even to a forced apply.
    """

    uid: str = ""
    resource_version: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """May we do this? For a SelfSubjectAccessReview."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


class ApiFailure(Exception):  # noqa: N818 - a failure of one call, not an error of the run
    """The server said no, or nothing. Translated to an outcome or to an error with an exit code by who called.

    `status` is the HTTP status, or 0 when no answer came; `reason` and `message` are the server's, cut and cleaned,
    but not masked; `causes` are (field, reason, message). `ambiguous` says that the request may have been carried out.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        causes: Iterable[tuple[str, str, str]] = (),
        details_kind: str = "",
        ambiguous: bool = False,
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = tuple(causes)
        self.details_kind = details_kind
        self.ambiguous = ambiguous
        super().__init__(f"{status} {reason}: {message}")


class Watch(Protocol):
    """An iterator of events that any thread may end: after `close` a waiting iteration stops, without an error."""

    def __iter__(self) -> Iterator[WatchEvent]: ...

    def __next__(self) -> WatchEvent: ...

    def close(self) -> None:
        """End the watch; does nothing when it has ended."""
        ...


class ApiReader(Protocol):
    """Reads and dry-runs. An object of this type cannot write: its transport refuses to.

    Every method raises `ApiFailure`; unreachable servers, rejected credentials and replies that are not Kubernetes
    raise `ClusterError` or `CredentialError` (see `cluster.client`). A 404 is None from `get`, else a failure.
    """

    def served_kinds(self, *, refresh: bool = False) -> ServedKinds:
        """Return what the server serves, by aggregated discovery; asked once, then remembered, unless `refresh`."""
        ...

    def get(self, kind: ServedKind, namespace: str, name: str) -> Body | None:
        """Return a live object, or None if it does not exist (not: if it may not be read)."""
        ...

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        """Return all objects of a kind in a namespace, or in all for "", that the selectors leave."""
        ...

    def watch(
        self, kind: ServedKind, namespace: str, resource_version: str, seconds: float, field_selector: str = ""
    ) -> Watch:
        """Yield events since `resource_version` until the server or `seconds` ends it. 410 is an `ApiFailure`."""
        ...

    def dry_run_apply(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        """Return what a forced server-side apply would make of the object (`dryRun=All`, strict field validation)."""
        ...

    def dry_run_json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        """Return what a JSON patch (RFC 6902) would make of an existing object (`dryRun=All`)."""
        ...

    def dry_run_delete(self, kind: ServedKind, namespace: str, name: str, uid: str) -> None:
        """Ask whether this very object could be deleted (`dryRun=All`). 409 for another uid, 404 for no object."""
        ...

    def may_i(self, question: AccessQuestion) -> bool:
        """Return the answer of a SelfSubjectAccessReview."""
        ...

    def pod_log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """Return the last lines of a container's log, at most 64 KiB."""
        ...


class ApiWriter(ApiReader, Protocol):
    """Also writes. Held by the deployer and the inventory store only."""

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        """Apply server-side, forced, with the precondition; writes. 409 when the precondition does not hold."""
        ...

    def json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        """Patch an existing object by RFC 6902; writes. The patch carries its own preconditions.

        404 when the object is gone, 422 when a `test` fails, 409 when it replaces a resourceVersion that moved on.
        """
        ...

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        """POST an object; writes. 409 when it exists."""
        ...

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        """PUT an object whose body carries the resourceVersion it replaces (compare-and-swap); writes."""
        ...

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        """DELETE with `preconditions`; writes. An object that is already gone is no failure."""
        ...


def describe(kind: ServedKind, namespace: str, name: str) -> ObjectRef:
    """Return the ref of an object of a served kind."""
    return ObjectRef(kind.group, kind.kind, namespace if kind.namespaced else "", name)
