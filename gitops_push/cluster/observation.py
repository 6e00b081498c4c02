"""Follows live objects: a LIST and then a WATCH for each source, or reads again and again where that is not allowed.

A source is all objects of a kind in one namespace. Of objects without a namespace a few are followed one by one, by
name, and more than that as a list of all; but definitions are then read one by one, whose list has tens of megabytes.

A source has a daemon thread that only reads and puts what it saw into one queue; whoever waits takes it out in its own
thread. A watch that ends is opened again where it ended, one that is too old (410) starts with a new LIST, and a server
that does not answer is asked again until somebody ends the observation. Beyond `MOST_WATCHES` sources there are no more
threads: a few of them list the rest in turn.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias, TypeVar

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind, Watch
from gitops_push.core.errors import CredentialError, GitopsPushError
from gitops_push.core.objects import Body, ObjectRef

T = TypeVar("T")

MOST_WATCHES: Final = 64
_LISTERS: Final = 4
_MOST_BY_NAME: Final = 3
_NEVER_LISTED: Final = frozenset({("apiextensions.k8s.io", "CustomResourceDefinition")})
_WATCH_SECONDS: Final = 60.0
"""A half-open connection says nothing, like an object at rest: after so long it is asked again."""
_PAUSE_SECONDS: Final = 1.0
_FIRST_POLL_SECONDS: Final = 0.1
_LONGEST_POLL_SECONDS: Final = 2.0
_SHORT_WATCH_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Source:
    """Objects of one kind in one namespace ("" for all or none); `names` are those to GET if listing is forbidden.

    `only` is the one object to follow, "" for all. `listed` False: the objects are read one by one from the start.
    """

    kind: ServedKind
    namespace: str
    names: frozenset[str] = frozenset()
    only: str = ""
    listed: bool = True

    @property
    def selector(self) -> str:
        """Return the field selector of its requests, "" for none."""
        return f"metadata.name={self.only}" if self.only else ""


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


def sources_of(targets: Mapping[ObjectRef, ServedKind]) -> tuple[Source, ...]:
    """Return the fewest sources that show all of these objects."""
    names: dict[tuple[ServedKind, str], set[str]] = {}
    for ref, kind in targets.items():
        names.setdefault((kind, ref.namespace), set()).add(ref.name)
    return tuple(
        source
        for (kind, namespace), found in sorted(names.items())
        for source in _sources(kind, namespace, frozenset(found))
    )


def _sources(kind: ServedKind, namespace: str, names: frozenset[str]) -> Iterable[Source]:
    if namespace or (len(names) > _MOST_BY_NAME and (kind.group, kind.kind) not in _NEVER_LISTED):
        return (Source(kind, namespace, names),)
    if len(names) > _MOST_BY_NAME:
        return (Source(kind, namespace, names, listed=False),)
    return (Source(kind, namespace, frozenset({name}), only=name) for name in sorted(names))


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
        watched, rest = self._sources[:MOST_WATCHES], self._sources[MOST_WATCHES:]
        for source in watched:
            self._start(self._follow, source)
        for turn in range(min(_LISTERS, len(rest))):
            self._start(self._list_in_turn, rest[turn::_LISTERS])
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

    def _start(self, work: Callable[[T], None], task: T) -> None:
        threading.Thread(target=work, args=(task,), daemon=True).start()

    def _follow(self, source: Source) -> None:
        if not source.listed:
            self._poll(source)
        while not self._ended.is_set():
            try:
                version = self._list(source)
            except ApiFailure as failure:
                if failure.status == 403:
                    self._poll(source)
                    return
                self._trouble(source, failure.message)
                continue
            except GitopsPushError as error:
                self._trouble(source, str(error), fatal=isinstance(error, CredentialError))
                continue
            if not self._watch_on(source, version):
                self._list_in_turn((source,))
                return

    def _list(self, source: Source) -> str:
        """Tell what is there, and return the resourceVersion to watch from."""
        listed = self._reader.list(source.kind, source.namespace, field_selector=source.selector)
        bodies: dict[str, Body | None] = {name: body for body in listed.items if (name := _text(body, "name"))}
        self._news.put(Seen(source, bodies, complete=True))
        return listed.resource_version

    def _watch_on(self, source: Source, version: str) -> bool:
        """Watch until a new list is needed; return False where watching is not allowed."""
        while not self._ended.is_set():
            began_at = self._clock()
            try:
                version = self._watch(source, version)
            except ApiFailure as failure:
                if failure.status not in {403, 410}:
                    self._trouble(source, failure.message)
                return failure.status != 403
            except GitopsPushError as error:
                self._trouble(source, str(error), fatal=isinstance(error, CredentialError))
                return True
            if self._clock() - began_at < _SHORT_WATCH_SECONDS:
                self._ended.wait(_SHORT_WATCH_SECONDS)
        return True

    def _list_in_turn(self, sources: Iterable[Source]) -> None:
        """List sources again and again; those that may not be listed are read one by one."""
        every = tuple(sources)
        while not self._ended.is_set():
            for source in every:
                if self._ended.is_set():
                    return
                try:
                    self._read_all(source) if source.listed else self._read_each(source)
                except GitopsPushError as error:
                    self._trouble(source, str(error), fatal=isinstance(error, CredentialError))
            self._ended.wait(_LONGEST_POLL_SECONDS)

    def _read_all(self, source: Source) -> None:
        try:
            self._list(source)
        except ApiFailure as failure:
            if failure.status == 403:
                self._read_each(source)
            else:
                self._trouble(source, failure.message)

    def _watch(self, source: Source, version: str) -> str:
        """Follow one watch to its end, and return the resourceVersion to go on from."""
        watch = self._reader.watch(source.kind, source.namespace, version, _WATCH_SECONDS, source.selector)
        with self._lock:
            self._watches[source] = watch
        if self._ended.is_set():
            watch.close()
        for event in watch:
            if self._ended.is_set():
                break
            version = _text(event.body, "resourceVersion") or version
            name = _text(event.body, "name")
            if name and event.type != "BOOKMARK":
                self._news.put(Seen(source, {name: None if event.type == "DELETED" else event.body}))
        return version

    def _poll(self, source: Source) -> None:
        pause = _FIRST_POLL_SECONDS
        while not self._ended.is_set():
            try:
                self._read_each(source)
            except GitopsPushError as error:
                self._trouble(source, str(error), fatal=isinstance(error, CredentialError))
            if not source.names:
                return
            self._ended.wait(pause)
            pause = min(pause * 2, _LONGEST_POLL_SECONDS)

    def _read_each(self, source: Source) -> None:
        if not source.names:
            self._news.put(Unseen(source, "listing is not allowed", forbidden=True))
        for name in source.names:
            try:
                self._news.put(Seen(source, {name: self._reader.get(source.kind, source.namespace, name)}))
            except ApiFailure as failure:
                self._news.put(Unseen(source, failure.message, forbidden=failure.status == 403))

    def _trouble(self, source: Source, reason: str, *, fatal: bool = False) -> None:
        self._news.put(Unseen(source, reason, fatal=fatal))
        self._ended.wait(_PAUSE_SECONDS)


def _text(body: Body, key: str) -> str:
    metadata = body.get("metadata")
    return str(metadata.get(key) or "") if isinstance(metadata, dict) else ""
