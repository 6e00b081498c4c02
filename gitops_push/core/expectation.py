"""What a deployment expects of one object: whether it waits for it, for how long, and how its health is read.

Rules of the config say it for many objects, annotations on a manifest for that object; the annotation goes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops_push.core.environment import WaitRule
from gitops_push.core.field_check import FieldCheck
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import is_waited_for
from gitops_push.core.rules import applies
from gitops_push.core.wait_annotations import annotated_timeout, is_skipped


def waits_for(ref: ObjectRef, manifest: Body, rules: Iterable[WaitRule]) -> bool:
    """Return whether a deployment waits for an object; a rule that says how its health is read makes it wait."""
    if is_skipped(manifest):
        return False
    fitting = [rule for rule in rules if applies(rule, ref)]
    if next((rule.skip for rule in fitting if rule.skip is not None), False):
        return False
    return any(rule.checks for rule in fitting) or is_waited_for(ref, manifest)


def timeout_seconds(ref: ObjectRef, manifest: Body, rules: Iterable[WaitRule], default: float) -> float:
    """Return how long an object is waited for."""
    annotated = annotated_timeout(manifest)
    ruled = (rule.timeout_seconds for rule in rules if rule.timeout_seconds is not None and applies(rule, ref))
    return annotated if annotated is not None else next(ruled, default)


def checks_for(ref: ObjectRef, rules: Iterable[WaitRule]) -> tuple[FieldCheck, ...]:
    """Return the checks of the first rule that has some for this object."""
    return next((rule.checks for rule in rules if rule.checks and applies(rule, ref)), ())
