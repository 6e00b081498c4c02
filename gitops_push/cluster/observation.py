"""Follows live objects: one LIST and then a WATCH for each kind and namespace, or GETs where that is not allowed.

Objects without a namespace are always read one by one: a list of all definitions of a cluster has tens of megabytes.

Each source has a daemon thread that only reads and puts what it saw into one queue; whoever waits takes it out in its
own thread. A watch that ends is opened again where it ended, one that is too old (410) starts with a new LIST.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, Watch
from gitops_push.core.errors import CredentialError, GitopsPushError
from gitops_push.core.objects import Body

_WATCH_SECONDS: Final = 60.0
"""A half-open connection says nothing, like an object at rest: after so long it is asked again."""

_PAUSE_SECONDS: Final = 1.0
_FIRST_POLL_SECONDS: Final = 0.1
_LONGEST_POLL_SECONDS: Final = 2.0
_SHORT_WATCH_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Source:
    """Objects of one kind in one namespace ("" for all or none); `names` are those to GET if listing is forbidden."""

    kind: ServedKind
    namespace: str
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there: by name, None for what is gone. `complete` says that what is not named does not exist."""

    source: Source
    bodies: Mapping[str, Body | None] = field(repr=False)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Unseen:
    """A source cannot be read now. `forbidden`: never; `fatal`: nothing can be read any more."""

    source: Source
    reason: str
    forbidden: bool = False
    fatal: bool = False


News: TypeAlias = Seen | Unseen


class Observation:
    """The threads and their queue; to be used with `with`."""

    def __init__(
        self, reader: ApiReader, sources: Iterable[Source], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reader = reader
        self._sources = tuple(sources)
        self._clock = clock
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._watches: dict[Source, Watch] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        for source in self._sources:
            threading.Thread(target=self._follow, args=(source,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            watches = tuple(self._watches.values())
        for watch in watches:
            watch.close()

    def news(self, timeout_seconds: float) -> tuple[News, ...]:
        """Return what came in, waiting for the first piece of it at most so long; () if nothing came."""
        found: list[News] = []
        try:
            found.append(self._news.get(timeout=timeout_seconds))
            while True:
                found.append(self._news.get_nowait())
        except queue.Empty:
            return tuple(found)

    def _follow(self, source: Source) -> None:
        if not source.kind.namespaced:
            self._poll(source)
        while not self._ended.is_set():
            try:
                self._list_and_watch(source)
            except ApiFailure as failure:
                if failure.status == 403:
                    self._poll(source)
                    return
                if failure.status != 410:
                    self._trouble(source, failure.message)
            except GitopsPushError as error:
                self._trouble(source, str(error), fatal=isinstance(error, CredentialError))

    def _list_and_watch(self, source: Source) -> None:
        listed = self._reader.list(source.kind, source.namespace)
        self._news.put(Seen(source, {str(body["metadata"]["name"]): body for body in listed.items}, complete=True))
        version = listed.resource_version
        while not self._ended.is_set():
            began_at = self._clock()
            version = self._watch(source, version)
            if self._clock() - began_at < _SHORT_WATCH_SECONDS:
                self._ended.wait(_SHORT_WATCH_SECONDS)

    def _watch(self, source: Source, version: str) -> str:
        """Follow one watch to its end, and return the resourceVersion to go on from."""
        watch = self._reader.watch(source.kind, source.namespace, version, _WATCH_SECONDS)
        with self._lock:
            self._watches[source] = watch
        if self._ended.is_set():
            watch.close()
        for event in watch:
            if self._ended.is_set():
                break
            metadata = event.body.get("metadata") or {}
            version = str(metadata.get("resourceVersion") or version)
            if event.type != "BOOKMARK":
                body = None if event.type == "DELETED" else event.body
                self._news.put(Seen(source, {str(metadata.get("name")): body}))
        return version

    def _poll(self, source: Source) -> None:
        if not source.names:
            self._news.put(Unseen(source, "listing is not allowed", forbidden=True))
        pause = _FIRST_POLL_SECONDS
        while source.names and not self._ended.is_set():
            try:
                bodies = {name: self._reader.get(source.kind, source.namespace, name) for name in source.names}
                self._news.put(Seen(source, bodies))
            except ApiFailure as failure:
                self._news.put(Unseen(source, failure.message, forbidden=failure.status == 403))
            except GitopsPushError as error:
                self._trouble(source, str(error), fatal=isinstance(error, CredentialError))
            self._ended.wait(pause)
            pause = min(pause * 2, _LONGEST_POLL_SECONDS)

    def _trouble(self, source: Source, reason: str, *, fatal: bool = False) -> None:
        self._news.put(Unseen(source, reason, fatal=fatal))
        self._ended.wait(_PAUSE_SECONDS)
