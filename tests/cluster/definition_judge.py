"""Judges the offline verdict on custom resources by what a real API server says about the same ones."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gitops_push.cluster.api import ApiFailure, ServedKind
from gitops_push.cluster.http_api import HttpApi
from gitops_push.core.crd_schema import Findings, check_object
from tests.cluster.planning import until
from tests.cluster.random_schemas import Case, Schema
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane

_COMBINED = re.compile(r'"([^"]+)" must (?:not )?validate (?!all)')
"""For `allOf` the server also names the value around the wrong ones."""
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Pair:
    """A schema, an object, what the server says of it (None: it takes it), and what is found offline."""

    schema: Schema
    body: dict[str, Any]
    server: ApiFailure | None
    findings: Findings

    @property
    def refused_wrongly(self) -> bool:
        """Return whether the server takes what is refused offline."""
        return self.server is None and bool(self.findings.faults)

    @property
    def missed(self) -> bool:
        """Return whether the server refuses what is fine offline."""
        return self.server is not None and not self.findings.faults

    def __str__(self) -> str:
        return f"\nschema {self.schema}\nobject {self.body}\nserver {self.server}\nfaults {self.findings.faults}"


@dataclass
class Tally:
    """All pairs of a campaign; `refused_schemas` is how many schemas were none for the server."""

    pairs: list[Pair] = field(default_factory=list)
    refused_schemas: Counter[str] = field(default_factory=Counter)

    @property
    def missed(self) -> dict[str, list[Pair]]:
        """Return what only the server refuses, by the reason; "" is for no reason that is known."""
        found: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            if pair.missed:
                found.setdefault(_why_missed(pair), []).append(pair)
        return found

    @property
    def refused_by_server(self) -> int:
        """Return how many objects the server refuses."""
        return sum(pair.server is not None for pair in self.pairs)

    def places(self) -> tuple[int, int]:
        """Return how many wrong fields the server names, and how many of them are named offline, too."""
        both = [pair for pair in self.pairs if pair.server and pair.findings.faults]
        return sum(len(_paths(pair)) for pair in both), sum(len(_paths(pair) & _found_paths(pair)) for pair in both)

    def figures(self) -> str:
        """Return the figures for people."""
        named, found = self.places()
        missed = ", ".join(f"{len(pairs)} {why or 'for no known reason'}" for why, pairs in self.missed.items())
        return (
            f"{len(self.pairs)} custom resources for {len({id(p.schema) for p in self.pairs})} schemas: the server "
            f"refuses {self.refused_by_server}; refused offline, but taken by the server: "
            f"{sum(pair.refused_wrongly for pair in self.pairs)}; not refused offline, but by the server: "
            f"{missed or 'none'}; of {named} wrong fields that the server names {found} are named offline"
        )


def judge(control_plane: ControlPlane, api: HttpApi, cases: Iterable[Case]) -> Tally:
    """Return the verdicts on all objects of the cases; each case is a definition of its own while it is judged."""
    tally = Tally()
    for case in cases:
        group = f"g{uuid.uuid4().hex[:8]}.example.com"
        definition = definition_of(group, case.schema)
        try:
            control_plane.request("POST", DEFINITIONS, definition)
        except RequestError as error:
            tally.refused_schemas[str(error)] += 1
            continue
        kind = ServedKind(group, "v1", "Thing", "things", namespaced=False)
        until(lambda kind=kind: _is_served(control_plane, kind))
        tally.pairs += _judged(api, kind, case)
        control_plane.request("DELETE", f"{DEFINITIONS}/things.{group}")
    return tally


def definition_of(group: str, schema: Schema) -> dict[str, Any]:
    """Return a definition of kind Thing."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def _is_served(control_plane: ControlPlane, kind: ServedKind) -> bool:
    try:
        control_plane.request("GET", f"/apis/{kind.group}/v1/things")
    except RequestError:
        return False
    return True


def _judged(api: HttpApi, kind: ServedKind, case: Case) -> Iterator[Pair]:
    for number, content in enumerate(case.objects):
        name = f"t{number}"
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **content}
        failure = None
        try:
            api.dry_run_apply(kind, "", name, body)
        except ApiFailure as refused:
            failure = refused
        yield Pair(case.schema, body, failure, check_object(body, case.schema))


def _why_missed(pair: Pair) -> str:
    message, unchecked = pair.server.message if pair.server else "", " ".join(pair.findings.unchecked)
    if "failed rule" in message and "CEL" in unchecked:
        return "by rules in CEL"
    if "should match" in message and "pattern" in unchecked:
        return "by patterns with classes of scripts"
    return "by multipleOf with a fraction" if "factor MultipleOf declared" in message else ""


def _paths(pair: Pair) -> set[str]:
    """Return the fields that the server names; those of combinations stand in the message only."""
    causes = pair.server.causes if pair.server else ()
    named = {path.removeprefix(".") for path, _, _ in causes if path and path != "<nil>"}
    combined = {found[1] for path, _, text in causes if path == "<nil>" and (found := _COMBINED.search(text))}
    return named | combined


def _found_paths(pair: Pair) -> set[str]:
    return {_written(fault.path) for fault in pair.findings.faults}


def _written(path: tuple[str | int, ...]) -> str:
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")
