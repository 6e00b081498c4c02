"""Who gives way where another manager of a live object has a field that the config repo sets too (cluster.md 1).

Decided for each manager, object and field: first by the flags, then by the first `conflicts:` rule that fits, else by
who the manager is. People's tools give way, except in a protected environment; an autoscaler keeps its replicas; any
other manager is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gitops_push.core.environment import ConflictAction, ConflictRule
from gitops_push.core.fieldpath import FieldPath, covers, parse_field_path
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.objects import ObjectRef
from gitops_push.core.ownership import NOTHING_FORCED, ForcedConflicts, is_peoples_tool
from gitops_push.core.rules import applies


@dataclass(frozen=True, slots=True)
class ObjectPolicy:
    """The policy for one object; `rules` are those that speak of it."""

    rules: tuple[ConflictRule, ...] = ()
    forced: bool = False
    protected: bool = False

    @property
    def may_yield(self) -> bool:
        """Return whether any rule leaves a field of this object to another manager."""
        return not self.forced and any(rule.action is ConflictAction.YIELD for rule in self.rules)

    def decide(self, manager: str, path: FieldPath, *, autoscaled: bool = False) -> ConflictAction:
        """Return what happens to a field that `manager` has ("": nobody else has it).

        `autoscaled` says that the field is the replicas of an object that an autoscaler scales.
        """
        if manager == FIELD_MANAGER or self.forced:
            return ConflictAction.TAKE
        if rule := self.rule_for(manager, path):
            return rule.action
        if is_peoples_tool(manager):
            return ConflictAction.FAIL if self.protected else ConflictAction.TAKE
        return ConflictAction.YIELD if autoscaled else ConflictAction.FAIL

    def rule_for(self, manager: str, path: FieldPath) -> ConflictRule | None:
        """Return the first rule that speaks of this manager and field."""
        return next((rule for rule in self.rules if _speaks_of(rule, manager, path)), None)


@dataclass(frozen=True, slots=True)
class ConflictPolicy:
    """The policy of a run: the rules of its environment in their order, and the flags, which beat them."""

    rules: tuple[ConflictRule, ...] = ()
    forced: ForcedConflicts = NOTHING_FORCED
    protected: bool = False

    def of(self, ref: ObjectRef) -> ObjectPolicy:
        """Return the policy for one object."""
        rules = tuple(rule for rule in self.rules if applies(rule, ref))
        return ObjectPolicy(rules, self.forced.allow(ref), self.protected)


def strictest(actions: Iterable[ConflictAction]) -> ConflictAction:
    """Return what happens to a field that several managers have: one that fails, fails it; one that keeps it, keeps it.

    Without any manager it is taken.
    """
    found = frozenset(actions)
    order = (ConflictAction.FAIL, ConflictAction.YIELD, ConflictAction.TAKE)
    return next((action for action in order if action in found), ConflictAction.TAKE)


def _speaks_of(rule: ConflictRule, manager: str, path: FieldPath) -> bool:
    if rule.manager and not fnmatchcase(manager, rule.manager):
        return False
    return not rule.field or covers(parse_field_path(rule.field), path)
