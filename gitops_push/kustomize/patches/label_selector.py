"""Label selectors as Kubernetes writes them: `app=web,tier in (a, b),!old,replicas>3`.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gitops_push.core.origin import Origin
from gitops_push.kustomize.errors import invalid

Matcher: TypeAlias = Callable[[Mapping[str, str]], bool]

_KEY: Final = r"(?P<key>[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?)"
_REQUIREMENT: Final = re.compile(
    rf"\s*(?:(?P<absent>!)\s*)?{_KEY}\s*"
    r"(?:(?P<operator>==|=|!=|<|>)\s*(?P<value>[\w.-]*)|(?P<set>\s(?:in|notin))\s*\((?P<values>[^()]*)\))?\s*(?:,|\Z)",
    re.ASCII,
)


def parse_label_selector(text: str, origin: Origin) -> Matcher:
    """Return a function that says whether labels match; an empty selector matches all. Raises `BuildError`."""
    requirements: list[Matcher] = []
    position = 0
    while position < len(text.rstrip()):
        found = _REQUIREMENT.match(text, position)
        if found is None or (found["absent"] and (found["operator"] or found["set"])):
            raise invalid(
                f"unable to parse the label selector {text!r} at {text[position:]!r}",
                origin,
                "write it as for `kubectl get -l`: app=web,tier in (a,b)",
            )
        requirements.append(_requirement(found, origin))
        position = found.end()
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(found: re.Match[str], origin: Origin) -> Matcher:
    key, operator = found["key"], found["operator"]
    if found["set"]:
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _is_in(key, values) if found["set"].strip() == "in" else _is_not_in(key, values)
    if operator in {"=", "=="}:
        return _is_in(key, frozenset((found["value"],)))
    if operator == "!=":
        return _is_not_in(key, frozenset((found["value"],)))
    if operator:
        return _compares(key, operator, found["value"], origin)
    absent = found["absent"] is not None
    return lambda labels: (key in labels) is not absent


def _is_in(key: str, values: frozenset[str]) -> Matcher:
    return lambda labels: key in labels and labels[key] in values


def _is_not_in(key: str, values: frozenset[str]) -> Matcher:
    return lambda labels: key not in labels or labels[key] not in values


def _compares(key: str, operator: str, value: str, origin: Origin) -> Matcher:
    if not re.fullmatch(r"[+-]?\d+", value, re.ASCII):
        raise invalid(f"for '>' and '<' in a label selector the value must be an integer, not {value!r}", origin)
    bound = int(value)

    def compare(labels: Mapping[str, str]) -> bool:
        text = labels.get(key, "")
        if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
            return False
        return int(text) > bound if operator == ">" else int(text) < bound

    return compare
