"""The API server behind HTTP: `ApiWriter` on raw JSON, with every request built here."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, Self, TypeAlias

from gitops_push.cluster import discovery
from gitops_push.cluster.answers import (
    failure_of,
    is_missing_object,
    not_kubernetes,
    parse_object,
    warnings_of,
)
from gitops_push.cluster.api import (
    AccessQuestion,
    Answer,
    ApiFailure,
    ObjectList,
    Precondition,
    ServedKind,
    ServedKinds,
    Watch,
)
from gitops_push.cluster.exchange import Exchange
from gitops_push.cluster.paths import collection_path, object_path, query, segment
from gitops_push.cluster.reply import Reply, ReplyTooLarge
from gitops_push.cluster.request import (
    APPLY_PATCH,
    DRY_RUN,
    JSON,
    JSON_PATCH,
    LIST_LIMIT_BYTES,
    Effect,
    Request,
    trial_deletion,
)
from gitops_push.cluster.watching import open_watch
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.objects import Body
from gitops_push.core.retry_counts import RetryCounts

_WRITE_QUERY: Final = f"fieldManager={FIELD_MANAGER}&fieldValidation=Strict"
_APPLY_QUERY: Final = f"?{_WRITE_QUERY}&force=true"
_DRY_RUN_QUERY: Final = f"{_APPLY_QUERY}&{DRY_RUN}"
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_LOG_LIMIT_BYTES: Final = 64 * 1024
_PAGE_SIZES: Final = (5000, 500, 50)
"""A page of 5,000 makes one request of nearly every list; smaller ones only when a page does not fit its limit."""

Selectors: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters that choose objects, and their values."""

_LISTS: Final = 3
"""How often a list of many pages is begun: the server keeps what the pages are taken from for five minutes."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_UNLIKE_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""The server reads an apply patch as YAML, where these raw characters are an error, or a line break and become a space
(go-yaml, `is_printable` and `is_break`); escaped they are themselves in both languages."""


class HttpApi:
    """Implements `ApiWriter`; made by `cluster.client.connect`, used by many threads, ended by `close` or `with`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._served: ServedKinds | None = None
        self._discovering = threading.Lock()

    @property
    def retry_counts(self) -> RetryCounts:
        """Return how many requests were sent, and how many of them were repetitions."""
        return self._exchange.retries.counts

    def as_writer(self, guard: Callable[[], None] = lambda: None, *, call_seconds: float | None = None) -> HttpApi:
        """Return the same connections for one that may write; what is known of the server need not be asked again.

        `guard` is asked before each write, and raises where it may not be sent. `call_seconds`: for how long a call may
        be repeated, None for as long as before.
        """
        made = HttpApi(self._exchange.allowing_writes(guard, call_seconds))
        made._served = self._served
        return made

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Let every call in this block end so many seconds from now at the latest: the deadline of a phase."""
        return self._exchange.within(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._exchange.wire.close()

    def served_kinds(self, *, refresh: bool = False) -> ServedKinds:
        """See `ApiReader`."""
        with self._discovering:
            if self._served is None or refresh:
                self._served = discovery.discover(self._discovery_document)
            return self._served

    def get(self, kind: ServedKind, namespace: str, name: str) -> Body | None:
        """See `ApiReader`."""
        reply = self._exchange.call(Request("GET", object_path(kind, namespace, name), Effect.READ))
        if reply.status == 404 and is_missing_object(reply, name):
            return None
        return self._object(reply)

    def list(
        self, kind: ServedKind, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> ObjectList:
        """See `ApiReader`. A list that does not fit into 64 MiB a page is asked for again in smaller pages."""
        path = collection_path(kind, namespace)
        selectors = (("labelSelector", label_selector), ("fieldSelector", field_selector))
        for page_size in _PAGE_SIZES:
            try:
                return self._one_list(kind, path, selectors, page_size)
            except ReplyTooLarge:
                continue
        message = (
            f"the list of {kind.resource} is larger than {LIST_LIMIT_BYTES >> 20} MiB for {_PAGE_SIZES[-1]} objects"
        )
        raise ClusterError(Problem(Code.SERVER_ERROR, message))

    def watch(
        self, kind: ServedKind, namespace: str, resource_version: str, seconds: float, field_selector: str = ""
    ) -> Watch:
        """See `ApiReader`. The request is sent here, not at the first event."""
        path = collection_path(kind, namespace)
        return open_watch(self._exchange, path, resource_version, seconds, field_selector)

    def dry_run_apply(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        """See `ApiReader`."""
        target = object_path(kind, namespace, name) + _DRY_RUN_QUERY
        return self._answer(Request("PATCH", target, Effect.DRY_RUN, _encoded(body), APPLY_PATCH))

    def dry_run_json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        """See `ApiReader`."""
        target = f"{object_path(kind, namespace, name)}?{_WRITE_QUERY}&{DRY_RUN}"
        return self._answer(Request("PATCH", target, Effect.DRY_RUN, _encoded(patch), JSON_PATCH))

    def dry_run_delete(self, kind: ServedKind, namespace: str, name: str, uid: str) -> None:
        """See `ApiReader`."""
        target = f"{object_path(kind, namespace, name)}?{DRY_RUN}"
        self._object(self._exchange.call(Request("DELETE", target, Effect.DRY_RUN, trial_deletion(uid), JSON)))

    def may_i(self, question: AccessQuestion) -> bool:
        """See `ApiReader`."""
        attributes = {
            "verb": question.verb,
            "group": question.group,
            "resource": question.resource,
            "namespace": question.namespace,
            "name": question.name,
            "subresource": question.subresource,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        answer = self._answer(Request("POST", _REVIEWS, Effect.READ, _encoded(review), JSON))
        status = answer.body.get("status")
        return isinstance(status, dict) and status.get("allowed") is True

    def pod_log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """See `ApiReader`. The text is the program's own: it goes through the output gate before it is shown."""
        path = f"/api/v1/namespaces/{segment(namespace)}/pods/{segment(pod)}/log"
        wanted = query(
            (
                ("container", container),
                ("previous", "true" if previous else ""),
                ("tailLines", str(lines)),
                ("limitBytes", str(_LOG_LIMIT_BYTES)),
            )
        )
        request = Request("GET", path + wanted, Effect.READ, accept=f"text/plain, {JSON}")
        reply = self._exchange.call(request)
        if not 200 <= reply.status < 300:
            raise failure_of(reply, self._exchange.server)
        if reply.content_type.startswith("text/html"):
            raise not_kubernetes(reply, self._exchange.server)
        return reply.body[:_LOG_LIMIT_BYTES].decode("utf-8", "replace")

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        """See `ApiWriter`."""
        target = object_path(kind, namespace, name) + _APPLY_QUERY
        guarded = {**body, "metadata": {**body["metadata"], **_guards(precondition)}}
        return self._answer(Request("PATCH", target, Effect.APPLY, _encoded(guarded), APPLY_PATCH))

    def json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        """See `ApiWriter`."""
        target = f"{object_path(kind, namespace, name)}?{_WRITE_QUERY}"
        return self._answer(Request("PATCH", target, Effect.PATCH, _encoded(patch), JSON_PATCH))

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        """See `ApiWriter`."""
        target = f"{collection_path(kind, namespace)}?{_WRITE_QUERY}"
        return self._answer(Request("POST", target, Effect.CREATE, _encoded(body), JSON))

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        """See `ApiWriter`."""
        if body["metadata"].get("resourceVersion", "") in {"", "0"}:
            raise ValueError("a replacement must say which resourceVersion it replaces")
        target = f"{object_path(kind, namespace, name)}?{_WRITE_QUERY}"
        return self._answer(Request("PUT", target, Effect.REPLACE, _encoded(body), JSON))

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        """See `ApiWriter`."""
        checked = (("uid", precondition.uid), ("resourceVersion", precondition.resource_version))
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {key: value for key, value in checked if value},
        }
        request = Request("DELETE", object_path(kind, namespace, name), Effect.DELETE, _encoded(options), JSON)
        reply = self._exchange.call(request)
        if not 200 <= reply.status < 300 and not (reply.status == 404 and is_missing_object(reply, name)):
            raise failure_of(reply, self._exchange.server)

    def _discovery_document(self, path: str) -> dict[str, Any]:
        request = Request("GET", path, Effect.READ, accept=discovery.ACCEPT, gzip=True)
        return self._object(self._exchange.call(request))

    def _one_list(self, kind: ServedKind, path: str, selectors: Selectors, page_size: int) -> ObjectList:
        """Return all pages of one list: when the server forgets it half-way (410), another one is begun."""
        for _ in range(_LISTS - 1):
            try:
                return self._pages(kind, path, selectors, page_size)
            except ApiFailure as failure:
                if failure.status != 410:
                    raise
        return self._pages(kind, path, selectors, page_size)

    def _pages(self, kind: ServedKind, path: str, selectors: Selectors, page_size: int) -> ObjectList:
        items: list[Body] = []
        following = ""
        while True:
            pairs = (*selectors, ("limit", str(page_size)), ("continue", following))
            request = Request("GET", path + query(pairs), Effect.READ, limit_bytes=LIST_LIMIT_BYTES, gzip=True)
            document = self._object(self._exchange.call(request, can_ask_for_less=True))
            items.extend(_whole(item, kind) for item in document.get("items") or ())
            metadata = document.get("metadata") or {}
            following = metadata.get("continue") or ""
            if not following:
                return ObjectList(tuple(items), str(metadata.get("resourceVersion", "")))

    def _answer(self, request: Request) -> Answer:
        reply = self._exchange.call(request)
        return Answer(self._object(reply), reply.status, warnings_of(reply))

    def _object(self, reply: Reply) -> dict[str, Any]:
        if not 200 <= reply.status < 300:
            raise failure_of(reply, self._exchange.server)
        return parse_object(reply, self._exchange.server)


def _encoded(body: Mapping[str, Any] | Iterable[Body]) -> bytes:
    plain = body if isinstance(body, Mapping) else list(body)
    return _UNLIKE_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", _ENCODER.encode(plain)).encode()


def _whole(item: dict[str, Any], kind: ServedKind) -> dict[str, Any]:
    """Fill in what a LIST leaves out of its items; the item is new and ours."""
    item["apiVersion"] = kind.api_version
    item["kind"] = kind.kind
    return item


def _guards(precondition: Precondition) -> dict[str, str]:
    """Return the metadata that carries a precondition; ValueError for one that the server would not check.

    An apply with resourceVersion "" or "0" is not checked, and one of an absent object with a resourceVersion but no
    uid creates it; so a resourceVersion never goes alone. "1" is one that no object has: etcd's revisions are higher.
    """
    if precondition.absent:
        if precondition.uid or precondition.resource_version:
            raise ValueError("an object that must not exist has neither uid nor resourceVersion")
        return {"resourceVersion": "1"}
    if precondition.resource_version and (precondition.resource_version == "0" or not precondition.uid):
        raise ValueError("a resourceVersion is only checked if it is not 0, and goes with a uid")
    guards = {"uid": precondition.uid, "resourceVersion": precondition.resource_version}
    return {key: value for key, value in guards.items() if value}
