"""What happened to an object since our last apply: random edits by people's tools, other tools and controllers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from tests.cluster.exactness.kinds import Body, Kind
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane

EDITORS: Final = ("kubectl-edit", "kubectl-patch", "k9s", "some-operator", "Go-http-client")
APPLIERS: Final = ("other-tool", "argocd-controller")
_STALE: Final = 409
_INVALID: Final = frozenset({400, 403, 404, 422, 500})


@dataclass(frozen=True)
class Place:
    """Where an object is, on which server."""

    control_plane: ControlPlane
    path: str
    kind: Kind

    def live(self) -> Body:
        """The object as it is."""
        found: Body = self.control_plane.request("GET", self.path)
        return found

    def write(self, method: str, body: Any, content_type: str, subresource: str = "", **query: str) -> bool:
        """Whether the server took it; a random edit may be one that it refuses, or one that comes too late."""
        path = f"{self.path}{subresource and '/'}{subresource}?{urlencode(query)}"
        try:
            self.control_plane.request(method, path, body, content_type)
        except RequestError as error:
            if error.status != _STALE and error.status not in _INVALID:
                raise
            return False
        return True


Event = Callable[[Random, Place], bool]


def happen(rng: Random, place: Place, most: int = 3) -> tuple[str, ...]:
    """Let a random history happen; writes. Returns the names of what the server took."""
    events: Sequence[Event] = (_edit, _edit, _apply, _write_status, *((_scale,) if place.kind.scale else ()))
    chosen = [rng.choice(events) for _ in range(rng.randint(0, most))]
    return tuple(event.__name__.strip("_") for event in chosen if event(rng, place))


def _edit(rng: Random, place: Place) -> bool:
    """Replace the whole object, as an editor does that sends back what it has read, changed."""
    live = place.live()
    varied = place.kind.shape.vary(rng, _content(live))
    return place.write(
        "PUT", {**live, **varied, **_identified(live, varied)}, "application/json", fieldManager=rng.choice(EDITORS)
    )


def _apply(rng: Random, place: Place) -> bool:
    """Apply a part of a variation server-side, by force, as another tool."""
    live = place.live()
    varied = place.kind.shape.vary(rng, _content(live))
    part = dict(_part(rng, varied))
    named = {"name": live["metadata"]["name"], **dict(_part(rng, varied.get("metadata") or {}))}
    body = {**part, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": named}
    query = {"fieldManager": rng.choice(APPLIERS), "force": "true"}
    return place.write("PATCH", body, "application/apply-patch+yaml", **query)


def _write_status(rng: Random, place: Place) -> bool:
    patch = {"status": {"observedGeneration": rng.randint(1, 5)}}
    return place.write("PATCH", patch, "application/merge-patch+json", "status", fieldManager="a-controller")


def _scale(rng: Random, place: Place) -> bool:
    """Set the replicas by the scale subresource: to 0 again, mostly, as pods only cost time."""
    patch = {"spec": {"replicas": rng.choice((0, 0, 0, 1))}}
    manager = rng.choice(("kubectl", "kube-controller-manager"))
    return place.write("PATCH", patch, "application/merge-patch+json", "scale", fieldManager=manager)


def _content(live: Body) -> Body:
    metadata = {name: live["metadata"].get(name) or {} for name in ("labels", "annotations")}
    rest = {key: value for key, value in live.items() if key not in {"apiVersion", "kind", "status", "metadata"}}
    return copy.deepcopy({**rest, "metadata": metadata})


def _identified(live: Body, varied: Body) -> Body:
    return {"metadata": {**live["metadata"], **varied.get("metadata", {})}}


def _part(rng: Random, body: Body) -> Iterator[tuple[str, Any]]:
    """Yield some fields of an object, and some of the fields of its spec."""
    for key, value in body.items():
        if key == "metadata" or rng.random() < 0.3:
            continue
        yield key, {k: v for k, v in value.items() if rng.random() < 0.5} if key == "spec" else value
