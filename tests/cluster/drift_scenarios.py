"""Random drift whose causes are known: a set as deployed, what git makes of it, and what others do in the cluster.

Each scenario takes some fields of a catalogue that has every kind of field, and decides for each what happens to it on
either side. The expected causes follow from that decision alone, never from what the program says.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from gitops_push.core.drift import Cause

Body: TypeAlias = dict[str, Any]
Step: TypeAlias = str | int | tuple[str, str]
"""A key, an index of an atomic list, or the item of a list with this merge key."""

GONE: Final = "<gone>"
PEOPLE: Final = ("kubectl-edit", "kubectl-patch", "k9s")
OTHERS: Final = ("acme-operator",)


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its value as deployed (GONE: not set), and one that git and one that others set.

    `stays` names a field that cannot be removed.
    """

    kind: str
    path: tuple[Step, ...]
    deployed: Any
    in_git: Any
    by_hand: Any
    stays: bool = False
    default: Any = GONE

    @property
    def text(self) -> str:
        """Return the path as a report writes it."""
        return "".join(_written(step) for step in self.path).removeprefix(".")


POD: Final[tuple[Step, ...]] = ("spec", "template", "spec")
WEB: Final[tuple[Step, ...]] = (*POD, "containers", ("name", "web"))


def _item(name: str, **fields: Any) -> Body:
    return {"name": name, **fields}


TOLERATIONS: Final = [{"key": key, "operator": "Exists"} for key in ("one", "two")]

CATALOGUE: Final = (
    Field("Deployment", ("spec", "replicas"), 3, 4, 5, default=1),
    Field("Deployment", ("spec", "minReadySeconds"), 3, 4, 5),
    Field("Deployment", ("spec", "revisionHistoryLimit"), GONE, 4, 5, default=10),
    Field("Deployment", ("spec", "strategy", "rollingUpdate", "maxSurge"), 1, 2, 3, stays=True),
    Field("Deployment", ("metadata", "labels", "team"), "a", "b", "c"),
    Field("Deployment", ("metadata", "labels", "tier"), GONE, "b", "c"),
    Field("Deployment", ("metadata", "annotations", "example.com/note"), "a", "b", "c"),
    Field("Deployment", ("spec", "template", "metadata", "annotations", "note"), "a", "b", "c"),
    Field("Deployment", (*WEB, "image"), "web:1", "web:2", "web:3", stays=True),
    Field("Deployment", (*WEB, "args"), ["--a"], ["--a", "--b"], ["--c"]),
    Field("Deployment", (*WEB, "workingDir"), GONE, "/git", "/hand"),
    Field("Deployment", (*WEB, "env", ("name", "MODE"), "value"), "a", "b", "c", stays=True),
    Field("Deployment", (*WEB, "env", ("name", "MORE")), GONE, _item("MORE", value="b"), _item("MORE", value="c")),
    Field("Deployment", (*WEB, "resources", "limits", "memory"), "128Mi", "256Mi", "512Mi"),
    Field("Deployment", (*WEB, "readinessProbe", "periodSeconds"), 5, 6, 7, stays=True),
    Field("Deployment", (*POD, "terminationGracePeriodSeconds"), 20, 40, 50, default=30),
    Field("Deployment", (*POD, "nodeSelector", "disk"), "ssd", "hdd", "tape"),
    Field("Deployment", (*POD, "tolerations"), GONE, TOLERATIONS, TOLERATIONS[:1]),
    Field("ConfigMap", ("data", "a"), "1", "2", "3"),
    Field("ConfigMap", ("data", "key.with.dots"), "1", "2", "3"),
    Field("ConfigMap", ("data", "new"), GONE, "2", "3"),
    Field("ConfigMap", ("data", "text"), "one\ntwo\n", "one\n2\n", "1\ntwo\n"),
    Field("ConfigMap", ("metadata", "annotations", "owner"), "a", "b", "c"),
    Field("Secret", ("data", "password"), "deployed", "in-git", "by-hand"),
    Field("Secret", ("data", "token"), GONE, "in-git", "by-hand"),
    Field("Service", ("spec", "ports", ("port", "80"), "targetPort"), 8080, 8081, 8082, stays=True),
    Field("Service", ("spec", "selector", "app"), "web", "two", "three", stays=True),
    Field("Service", ("spec", "sessionAffinity"), "ClientIP", "None", "None", stays=True),
    Field("Ingress", ("spec", "rules", 0, "host"), "a.example.com", "b.example.com", "c.example.com", stays=True),
    Field("Ingress", ("spec", "ingressClassName"), "one", "two", "three"),
    Field("Role", ("rules", 0, "verbs"), ["get"], ["get", "list"], ["get", "watch"], stays=True),
    Field("ServiceAccount", ("automountServiceAccountToken",), False, True, GONE),
    Field("CronJob", ("spec", "schedule"), "1 * * * *", "2 * * * *", "3 * * * *", stays=True),
    Field("CronJob", ("spec", "suspend"), True, False, False, stays=True),
    Field("ResourceQuota", ("spec", "hard", "cpu"), "1", "2", "3"),
    Field("ResourceQuota", ("spec", "hard", "pods"), GONE, "20", "30"),
    Field("PodDisruptionBudget", ("spec", "minAvailable"), 1, 2, 3, stays=True),
)


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to one field: its value in git and in the cluster, and who set that."""

    field: Field
    in_git: Any
    live: Any
    manager: str

    @property
    def place(self) -> tuple[str, str]:
        """Return the kind and the path that a report names: of an item on both sides the field that differs."""
        inside = ".value" if isinstance(self.in_git, dict) and isinstance(self.live, dict) else ""
        return self.field.kind, f"{self.field.text}{inside}"

    @property
    def cause(self) -> Cause | None:
        """Return the cause by the definition, or None where nothing drifted."""
        field = self.field
        taken_out = self.in_git == self.live == GONE != field.deployed
        defaulted = taken_out and field.default != GONE and self.manager in PEOPLE
        if not defaulted and _effective(field, self.live) == _effective(field, self.in_git):
            return None  # who takes out a field with a default sets that default: it is then theirs, beside git
        git_moved, edited = self.in_git != field.deployed, self.live != field.deployed
        if edited and self.in_git == GONE and self.live != GONE and self.manager not in PEOPLE:
            return None  # a field that git does not set is left to controllers
        return Cause.BOTH if git_moved and edited else Cause.GIT_AHEAD if git_moved else Cause.EDITED


@dataclass(frozen=True, slots=True)
class Scenario:
    """One set in its two versions, and the edits. `suffix` keeps its objects apart from those of others."""

    namespace: str
    suffix: str
    moves: tuple[Move, ...]

    def deployed(self) -> list[Body]:
        """Return the bodies as they were deployed."""
        return self._bodies([(move.field, move.field.deployed) for move in self.moves])

    def desired(self) -> list[Body]:
        """Return the bodies as git has them now."""
        return self._bodies([(move.field, move.in_git) for move in self.moves])

    def edits(self) -> Iterator[Move]:
        """Yield what others do."""
        return (move for move in self.moves if move.live != move.field.deployed)

    def expected(self) -> dict[tuple[str, str], Cause]:
        """Return the cause of each field that drifted."""
        return {m.place: cause for m in self.moves if (cause := m.cause) is not None}

    def _bodies(self, values: Sequence[tuple[Field, Any]]) -> list[Body]:
        bodies = {body["kind"]: body for body in base_set()}
        for kind, body in bodies.items():
            body["metadata"] |= {"name": f"{kind.lower()}-{self.suffix}", "namespace": self.namespace}
        for field, value in values:
            put(bodies[field.kind], field.path, encoded(field, value))
        return list(bodies.values())


def random_scenario(random: Random, namespace: str, suffix: str) -> Scenario:
    """Return a scenario of about eight fields, no two of them in the same atomic list or item."""
    chosen = random.sample(CATALOGUE, 8)
    return Scenario(namespace, suffix, tuple(_random_move(random, field) for field in chosen))


def _random_move(random: Random, field: Field) -> Move:
    removed = [] if field.stays or field.deployed == GONE else [GONE]
    in_git = random.choice([field.deployed, field.deployed, field.in_git, *removed])
    live = random.choice([field.deployed, field.by_hand, field.by_hand, *removed])
    return Move(field, in_git, live, random.choice((*PEOPLE, *PEOPLE, *OTHERS)))


def _effective(field: Field, value: Any) -> Any:
    return field.default if value == GONE else value


def patch_of(live: Body, move: Move) -> str:
    """Return the JSON patch that makes this edit in a live object."""
    value = encoded(move.field, move.live)
    pointer, missing = _pointer(live, move.field.path)
    if value == GONE:
        return json.dumps([{"op": "remove", "path": pointer}])
    for step in reversed(missing):  # the containers that are not there yet
        value = [value] if isinstance(step, tuple) else {step: value}
    return json.dumps([{"op": "add", "path": pointer, "value": value}])


def _pointer(node: Any, path: tuple[Step, ...]) -> tuple[str, tuple[Step, ...]]:
    """Return the pointer to a field, or to where it begins to be missing, and what is missing below that."""
    parts: list[str] = []
    for at, step in enumerate(path):
        found = _find(node, step)
        if found is None:
            parts.append("-" if isinstance(step, tuple) else str(step))
            rest = path[at + 1 :]
            return _joined(parts), rest
        parts.append(str(found))
        node = node[found]
    return _joined(parts), ()


def _joined(parts: list[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _find(node: Any, step: Step) -> str | int | None:
    if isinstance(step, tuple):
        name, value = step
        return next((i for i, item in enumerate(node) if str(item.get(name)) == value), None)
    if isinstance(step, int):
        return step
    return step if step in node else None


def put(node: Any, path: tuple[Step, ...], value: Any) -> None:
    """Set a field of a manifest, or take it out."""
    *ways, last = path
    for way, following in zip(ways, path[1:], strict=True):
        found = _find(node, way)
        if found is None:
            node[way] = [] if isinstance(following, tuple) else {}
            found = str(way)
        node = node[found]
    found = _find(node, last)
    if value == GONE:
        if found is not None:
            del node[found]
    elif isinstance(last, tuple):
        if found is None:
            node.append(copy.deepcopy(value))
        else:
            node[found] = copy.deepcopy(value)
    else:
        node[last] = copy.deepcopy(value)


def encoded(field: Field, value: Any) -> Any:
    """Return the value as it stands in a body."""
    return base64.b64encode(str(value).encode()).decode() if field.kind == "Secret" and value != GONE else value


def _written(step: Step) -> str:
    match step:
        case (str(name), str(value)):
            return "[port=80,protocol=TCP]" if name == "port" else f"[{name}={value}]"
        case int():
            return f"[{step}]"
        case _:
            return f".{step}" if "." not in str(step) else f'["{step}"]'


def base_set() -> list[Body]:
    """Return one object of each kind, without the fields of the catalogue that are not always there."""
    labels = {"app": "web"}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"labels": {"app": "web"}, "annotations": {"kept": "yes"}},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
                "template": {
                    "metadata": {"labels": labels, "annotations": {"kept": "yes"}},
                    "spec": {
                        "nodeSelector": {"kubernetes.io/os": "linux"},
                        "containers": [
                            {
                                "name": "web",
                                "image": "web:1",
                                "env": [{"name": "MODE", "value": "a"}, {"name": "KEPT", "value": "1"}],
                                "resources": {"limits": {"cpu": "500m"}},
                                "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5},
                            },
                            {"name": "log", "image": "log:1"},
                        ],
                    },
                },
            },
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": {"kept": "1"}}, "data": {"kept": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"kept": "a2VwdA=="}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {},
            "spec": {
                "selector": {"app": "web"},
                "sessionAffinity": "ClientIP",
                "ports": [{"port": 80, "name": "web", "targetPort": 8080}],
            },
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {},
            "spec": {
                "rules": [
                    {
                        "host": "a.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {}, "automountServiceAccountToken": False},
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {},
            "spec": {
                "schedule": "1 * * * *",
                "suspend": True,
                "jobTemplate": {
                    "spec": {
                        "template": {
                            "spec": {"restartPolicy": "Never", "containers": [{"name": "job", "image": "job:1"}]}
                        }
                    }
                },
            },
        },
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {}, "spec": {"hard": {"memory": "8Gi"}}},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
        },
    ]
