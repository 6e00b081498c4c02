"""Random objects that two managers share, and what must come of it: a model that knows nothing of managedFields.

Each field has few values, so that the managers often agree. What the other manager has is left to it or taken, field
by field, as the rules of the object say.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from gitops_push.core.environment import ConflictAction, ConflictRule
from gitops_push.core.fieldpath import FieldPath, ItemKey, format_field_path, parse_field_path, resolve, value_at

Body = dict[str, Any]
Values = dict[FieldPath, Any]
OTHER: Final = "other-operator"

_POD: Final = "spec.template.spec"
_FIELDS: Final[dict[str, dict[str, list[Any]]]] = {
    "ConfigMap": {
        **{f"data.{key}": ["1", "2", "3"] for key in "abc"},
        'data["app.conf"]': ["x=1\n", "x=2\n"],
        "metadata.labels.tier": ["a", "b"],
        'metadata.annotations["example.com/note"]': ["a", "b"],
    },
    "Service": {
        **{f"spec.ports[port={port},protocol=TCP].targetPort": [8080, 8081, "web"] for port in (80, 443)},
        "spec.ports[port=443,protocol=TCP].appProtocol": ["https", "http"],
        "spec.selector": [{"app": "a"}, {"app": "b"}],
        'metadata.annotations["example.com/note"]': ["a", "b"],
        "metadata.labels.tier": ["a", "b"],
    },
    "Deployment": {
        "spec.replicas": [0, 2, 3],
        "spec.minReadySeconds": [1, 2],
        "spec.revisionHistoryLimit": [3, 4],
        'spec.template.metadata.annotations["example.com/note"]': ["a", "b"],
        "spec.template.metadata.labels.tier": ["a", "b"],
        f"{_POD}.terminationGracePeriodSeconds": [10, 20],
        f"{_POD}.nodeSelector": [{"disk": "ssd"}, {"disk": "hdd"}],
        f"{_POD}.tolerations": [[{"operator": "Exists"}], [{"key": "a", "operator": "Exists"}]],
        f"{_POD}.volumes[name=tmp].emptyDir.sizeLimit": ["1Gi", "2Gi"],
        **{f"{_POD}.containers[name={name}].image": ["web:1", "web:2", "web:3"] for name in ("web", "side")},
        **{f"{_POD}.containers[name=web].env[name={name}].value": ["1", "2"] for name in "AB"},
        f"{_POD}.containers[name=web].args": [["-v"], ["-v", "-x"]],
        f"{_POD}.containers[name=web].ports[containerPort=80,protocol=TCP].name": ["http", "web"],
        f"{_POD}.containers[name=side].resources.limits.cpu": ["1", "2"],
        f"{_POD}.containers[name=side].imagePullPolicy": ["Always", "Never"],
    },
}
_ALWAYS: Final = {f"{_POD}.containers[name={name}].image" for name in ("web", "side")}
"""Without these an object is not valid, so git always has them."""


@dataclass(frozen=True, slots=True)
class SharedObject:
    """An object as git has it at first and later, what the other manager sets in between, and the rules for it."""

    base: Body
    first: Values
    others: Values
    by_apply: bool
    later: Values
    rules: tuple[ConflictRule, ...]
    yields: frozenset[FieldPath]

    @property
    def kind(self) -> str:
        return str(self.base["kind"])

    @property
    def name(self) -> str:
        return str(self.base["metadata"]["name"])

    def in_git(self, values: Values) -> Body:
        """Return the manifest with these values."""
        return with_values(self.base, values)

    def of_other(self) -> Body:
        """Return what the other manager sends."""
        bare = {"apiVersion": self.base["apiVersion"], "kind": self.kind, "metadata": {"name": self.name}}
        return with_values(bare, self.others)

    def held(self) -> Values:
        """Return what the other manager has: an Update owns only what it changes, an apply all of it."""
        return {path: value for path, value in self.others.items() if self.by_apply or self.first.get(path) != value}

    def expected(self) -> Values:
        """Return the values after git's later manifest was deployed."""
        left = {path: value for path, value in self.held().items() if path not in self.later or path in self.yields}
        return {**self.later, **left}

    def must_be_yielded(self) -> frozenset[FieldPath]:
        """Return the fields in which the two differ and which a rule leaves to the other."""
        held = self.held()
        return frozenset(p for p in self.yields if p in held and p in self.later and self.later[p] != held[p])

    def may_be_yielded(self) -> frozenset[FieldPath]:
        """Return these, and those in which the two agree."""
        return self.yields & self.held().keys() & self.later.keys()


def shared_object(seed: int, namespace: str) -> SharedObject:
    """Return the object of a seed."""
    draw = random.Random(seed)
    kind = draw.choice(sorted(_FIELDS))
    fields = {parse_field_path(text): values for text, values in _FIELDS[kind].items()}
    always = {parse_field_path(text) for text in _ALWAYS} & fields.keys()
    others = _some(draw, fields, 0.5) or _some(draw, fields, 1.0)
    yields = frozenset(path for path in others if draw.random() < 0.6)
    name = f"{kind.lower()}-{seed}"
    by_apply = draw.random() < 0.5
    return SharedObject(
        base=_base(kind, name, namespace),
        first=_some(draw, fields, 0.7, always),
        others=others,
        by_apply=by_apply,
        later=_some(draw, fields, 0.7, always if by_apply else always | _in_items(others)),
        rules=_rules(draw, kind, name, others, yields),
        yields=yields,
    )


def with_values(body: Body, values: Values) -> Body:
    """Return a copy with these values; maps and list items that lead to them are made."""
    made = copy.deepcopy(body)
    for path, value in values.items():
        _set(made, path, value)
    return made


def differing(live: Body, expected: Values) -> dict[str, tuple[Any, Any]]:
    """Return the fields whose live value is not the expected one, with both."""
    pairs = {path: (value_at(path, live), value) for path, value in expected.items()}
    return {format_field_path(path): pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _some(
    draw: random.Random, fields: dict[FieldPath, list[Any]], share: float, always: AbstractSet[FieldPath] = frozenset()
) -> Values:
    return {path: draw.choice(values) for path, values in fields.items() if path in always or draw.random() < share}


def _in_items(values: Values) -> set[FieldPath]:
    """Return the fields of list items: should git drop an item that only it made, all in it would go."""
    return {path for path in values if any(isinstance(segment, ItemKey) for segment in path)}


def _rules(
    draw: random.Random, kind: str, name: str, others: Values, yields: frozenset[FieldPath]
) -> tuple[ConflictRule, ...]:
    """Return a rule for each field in any order, or one for all that are left and one for the rest."""
    actions = {path: ConflictAction.YIELD if path in yields else ConflictAction.TAKE for path in others}
    if len(set(actions.values())) == 1:
        return (ConflictRule(kind=kind, name=name, manager=OTHER, action=next(iter(actions.values()))),)
    rules = [ConflictRule(kind=kind, name=name, field=format_field_path(p), action=a) for p, a in actions.items()]
    draw.shuffle(rules)
    return tuple(rules)


def _set(node: Any, path: FieldPath, value: Any) -> None:
    for segment, following in pairwise(path):
        if isinstance(segment, ItemKey):
            if not resolve((segment,), node):
                node.append(dict(segment.keys))
            node = node[resolve((segment,), node)[0]]
        else:
            node = node.setdefault(segment, [] if isinstance(following, ItemKey) else {})
    node[path[-1]] = value


def _base(kind: str, name: str, namespace: str) -> Body:
    metadata = {"name": name, "namespace": namespace}
    match kind:
        case "ConfigMap":
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata}
        case "Service":
            ports = [{"name": f"p{port}", "port": port, "protocol": "TCP"} for port in (80, 443)]
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": {"ports": ports}}
        case _:
            labels = {"app": name}
            template = {"metadata": {"labels": dict(labels)}, "spec": {}}
            spec = {"paused": True, "selector": {"matchLabels": labels}, "template": template}
            return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
