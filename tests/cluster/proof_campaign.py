"""The campaign on the proof of no change: random histories on the real server, every proven pair checked by dry run."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gitops_push.cluster.api import ApiFailure, Precondition, ServedKind
from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.paths import object_path
from gitops_push.core.fielddiff import diff_fields
from gitops_push.core.kinds import BUILT_IN
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.mutation import Mutations
from gitops_push.core.normalization import body_to_send
from gitops_push.core.proof import doubt_about
from tests.cluster.random_histories import copied, edited, forgetful, near_misses, part_of
from tests.controlplane.access import Access, RequestError
from tests.unit.cluster.plans import manifest

Body = dict[str, Any]

UPDATERS = ("kubectl-edit", "kubectl-patch", "web-ui", "some-controller")
APPLIERS = ("other-tool", "kubectl")
THREADS = 16
WORKLOADS = frozenset({"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"})
ONLY_COUNTED = 0.7
"""So many of the doubted pairs are not put to the server; the others tell which share is proven."""

REFUSED = frozenset({400, 404, 409, 422, 500})
"""How the server refuses a bad object; 404 where a kind has no status, 500 for a value of another type."""

MERGE_PATCH, APPLY_PATCH = "application/merge-patch+json", "application/apply-patch+yaml"


@dataclass(slots=True)
class Figures:
    """What a campaign found. `wrong` are pairs that were called unchanged and that the server would change."""

    pairs: int = 0
    proven: int = 0
    held_back: int = 0
    held_back_rightly: int = 0
    asked: int = 0
    unchanged_of_asked: int = 0
    near_misses_unchanged: int = 0
    wrong: list[str] = field(default_factory=list)
    doubts: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_new(self, live: Body, body: Body) -> bool:
        """Return whether this pair comes for the first time."""
        pair = (live["metadata"]["uid"], live["metadata"]["resourceVersion"], json.dumps(body))
        with self._lock:
            if pair in self._seen:
                return False
            self._seen.add(pair)
            self.pairs += 1
            return True

    def count(self, **changes: int) -> None:
        """Add to the counters."""
        with self._lock:
            for name, number in changes.items():
                setattr(self, name, getattr(self, name) + number)

    def lines(self) -> Iterable[str]:
        """Yield the figures for people."""
        missed = self.unchanged_of_asked / (1 - ONLY_COUNTED)
        yield f"pairs {self.pairs}, called unchanged and checked by dry run {self.proven}, wrong {len(self.wrong)}"
        yield (
            f"of {self.asked} others that the server was asked about, it would leave {self.unchanged_of_asked} as they "
            f"are: about {self.proven / max(self.proven + missed, 1):.0%} of all unchanged ones are proven"
        )
        yield f"held back for a mutating policy {self.held_back}, of which it would change {self.held_back_rightly}"
        yield f"doubts: {dict(self.doubts.most_common())}"
        yield f"unchanged and not proven: {dict(self.missed.most_common())}"
        yield f"proven by kind: {dict(self.kinds.most_common())}"


def _copies(body: Body, copies: int) -> int:
    """Return how many copies an object gets: what its controllers do costs most of the time."""
    return copies if body["kind"] not in WORKLOADS else max(copies // 4, 1)


@dataclass(frozen=True, slots=True)
class Campaign:
    """Where a campaign runs, and what it counts."""

    api: HttpApi
    access: Access
    mutations: Mutations
    figures: Figures

    def run(self, seeds: Iterable[Body], copies: int, steps: int, seed: int, until: int) -> None:
        """Give copies of each seed a history; stop when `until` pairs are proven."""
        jobs = [
            (number, {**body, "metadata": {**body["metadata"], "name": f"{body['metadata']['name']}-{number}"}})
            for number, body in enumerate(body for body in seeds for _ in range(_copies(body, copies)))
        ]
        random.Random(seed).shuffle(jobs)
        served = self.api.served_kinds(refresh=True)

        def live_through(job: tuple[int, Body]) -> None:
            number, body = job
            group, _, version = body["apiVersion"].rpartition("/")
            kind = served.find(group, body["kind"], version)
            assert kind is not None, body["kind"]
            if self.figures.proven < until:
                _History(self, kind, body, random.Random(f"{seed} {number}")).live(steps, until)

        for ended, _ in enumerate(in_parallel(live_through, jobs, THREADS)):
            if ended % 200 == 0:
                print(f"{self.figures.proven} pairs proven, {len(self.figures.wrong)} wrong", flush=True)


class _History:
    """The life of one object, each state of it a question."""

    def __init__(self, campaign: Campaign, kind: ServedKind, seed: Body, rng: random.Random) -> None:
        self._campaign = campaign
        self._kind = kind
        self._rng = rng
        self._place = (seed["metadata"].get("namespace", ""), seed["metadata"]["name"])
        self._path = object_path(kind, *self._place)
        self._custom = (kind.group, kind.kind) not in BUILT_IN
        self._manifest = seed
        self._body = body_to_send(manifest(seed), "applyset-campaign")
        self._live: Body = {}

    def live(self, steps: int, until: int) -> None:
        self._apply(self._manifest)
        for _ in range(steps):
            if self._campaign.figures.proven >= until:
                return
            self._judge()
            try:
                self._rng.choices(*zip(*self._deeds(), strict=True))[0]()
            except (RequestError, ApiFailure) as refusal:
                if refusal.status not in REFUSED:
                    raise
        self._send("DELETE", self._path, {})

    def _deeds(self) -> list[tuple[Any, int]]:
        """Return what may happen next: something to an object in its place; most others are applied again first."""
        is_proven = doubt_about(self._live, self._body, custom=self._custom) is None
        return [
            (lambda: self._apply(edited(self._rng, self._manifest)), 15),
            (lambda: self._apply(self._manifest), 0 if is_proven else 150),
            (self._other_update, 50),
            (self._other_apply, 12),
            (self._there_and_back, 5),
            (self._write_status, 6),
            (self._forget, 3),
        ]

    def _apply(self, wanted: Body) -> None:
        body = body_to_send(manifest(wanted), "applyset-campaign")
        self._live = dict(self._campaign.api.apply(self._kind, *self._place, body, Precondition()).body)
        self._manifest, self._body = wanted, body

    def _other_update(self) -> None:
        self._put(edited(self._rng, self._live), self._rng.choice(UPDATERS))

    def _other_apply(self) -> None:
        body = part_of(self._rng, self._body if self._rng.random() < 0.7 else self._without_server_fields())
        manager = self._rng.choice(APPLIERS)
        path = self._path
        if self._custom and self._rng.random() < 0.3:
            body["apiVersion"] = body["apiVersion"].replace("/v1", "/v1beta1")
            path = path.replace("/v1/", "/v1beta1/")
        force = self._rng.choice(("true", "true", "false"))
        made = self._send("PATCH", f"{path}?fieldManager={manager}&force={force}", body, APPLY_PATCH)
        if path == self._path:
            self._live = made
        else:
            self._read()

    def _there_and_back(self) -> None:
        """Set something and set it back: the value is as before, but not the owner."""
        before = copied(self._live)
        self._put(edited(self._rng, self._live), self._rng.choice(UPDATERS))
        now = self._live["metadata"]
        restored = {**before["metadata"], **{key: now[key] for key in ("resourceVersion", "managedFields")}}
        self._put({**before, "metadata": restored}, self._rng.choice(UPDATERS))

    def _write_status(self) -> None:
        status = {"status": {"observedGeneration": self._rng.randrange(1000)}}
        path = f"{self._path}/status?fieldManager=some-controller"
        self._live = self._send("PATCH", path, status, MERGE_PATCH)

    def _forget(self) -> None:
        self._put(forgetful(self._rng, self._live, FIELD_MANAGER), "kubectl-edit")

    def _without_server_fields(self) -> Body:
        return {key: value for key, value in self._live.items() if key != "status"}

    def _put(self, body: Body, manager: str) -> None:
        try:
            self._live = self._send("PUT", f"{self._path}?fieldManager={manager}", body)
        except RequestError as refusal:
            if refusal.status != 409:
                raise
            self._read()

    def _send(self, method: str, path: str, body: Body, content_type: str = "application/json") -> Body:
        answer: Body = self._campaign.access.request(method, path, body, content_type)
        return answer

    def _read(self) -> None:
        found = self._campaign.api.get(self._kind, *self._place)
        assert found is not None
        self._live = dict(found)

    def _judge(self) -> None:
        figures = self._campaign.figures
        self._ask(self._body, ours=True)
        for body in near_misses(self._rng, self._body, self._live):
            if figures.is_new(self._live, body) and doubt_about(self._live, body, custom=self._custom) is None:
                figures.count(near_misses_unchanged=1)
                self._ask(body, ours=False)

    def _ask(self, body: Body, *, ours: bool) -> None:
        """Ask the server about a pair that is called unchanged, and about some of the others."""
        figures = self._campaign.figures
        if ours and not figures.is_new(self._live, body):
            return
        doubt = doubt_about(self._live, body, custom=self._custom)
        held_back = self._campaign.mutations.may_change(self._kind.group, self._kind.resource)
        if doubt is not None:
            figures.doubts[doubt.name] += 1
            if ours and self._rng.random() < ONLY_COUNTED:
                return
        answer = self._dry_run(body)
        if answer is None:
            return
        unchanged = _content(answer) == _content(self._live)
        if doubt is None and not held_back:
            figures.count(proven=1)
            figures.kinds[self._kind.kind] += 1
            if not unchanged:
                differences = diff_fields(_content(self._live), _content(answer))
                example = {"differences": str(differences), "live": self._live, "body": body}
                print(json.dumps(example), flush=True)
                figures.wrong.append(json.dumps(example))
        elif doubt is None:
            figures.count(held_back=1, held_back_rightly=not unchanged)
        elif ours:
            figures.count(asked=1, unchanged_of_asked=unchanged)
            if unchanged:
                figures.missed[f"{doubt.name} {self._kind.kind}"] += 1

    def _dry_run(self, body: Body) -> Body | None:
        """Return what the server would make of the object ({}: it refuses); None if the object moved meanwhile."""
        try:
            answer = self._campaign.api.dry_run_apply(self._kind, *self._place, body).body
        except ApiFailure as failure:
            if failure.status not in REFUSED:
                raise
            return {}
        if answer["metadata"].get("resourceVersion") != self._live["metadata"]["resourceVersion"]:
            self._read()
            return None
        return dict(answer)


def _content(body: Body) -> Body:
    """Return an object without the times in managedFields, and without the order that follows from them.

    An apply of the same may write anew when it was, and nothing else.
    """
    metadata = body.get("metadata", {})
    entries = [{**entry, "time": ""} for entry in metadata.get("managedFields", ())]
    entries.sort(key=json.dumps)
    return {**body, "metadata": {**metadata, "managedFields": entries}}
