"""Which objects admission may change on their way to the store, by the rules of webhooks and policies.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.objects import Body

_ANY: Final = "*"
_EVERYTHING: Final[Mapping[str, Any]] = {"apiGroups": [_ANY], "resources": [_ANY], "operations": [_ANY]}


@dataclass(frozen=True, slots=True)
class Mutations:
    """The rules by which updates of objects may be changed."""

    rules: tuple[Mapping[str, Any], ...] = ()

    def may_change(self, group: str, resource: str) -> bool:
        """Return whether an update of objects of this resource may be changed.

        Selectors, match conditions and versions are not looked at, so the answer can be yes too often. A resource that
        is named counts in any group: a rule also matches the same objects in another group (matchPolicy Equivalent).
        """
        return any(_matches(rule, group, resource) for rule in self.rules)


def mutations_of(configurations: Iterable[Body]) -> Mutations:
    """Return the rules of MutatingWebhookConfigurations and MutatingAdmissionPolicies."""
    return Mutations(tuple(rule for body in configurations for rule in _rules(body)))


def _rules(body: Body) -> Iterator[Mapping[str, Any]]:
    if body.get("kind") == "MutatingWebhookConfiguration":
        for webhook in body.get("webhooks") or ():
            yield from webhook.get("rules") or ()
        return
    constraints = (body.get("spec") or {}).get("matchConstraints") or {}
    yield from constraints.get("resourceRules") or (_EVERYTHING,)


def _matches(rule: Mapping[str, Any], group: str, resource: str) -> bool:
    if not {_ANY, "UPDATE"} & set(rule.get("operations") or (_ANY,)):
        return False
    resources = {name.removesuffix("/*") for name in rule.get("resources") or (_ANY,)}
    in_group = {_ANY, group} & set(rule.get("apiGroups") or (_ANY,))
    return resource in resources or (_ANY in resources and bool(in_group))
