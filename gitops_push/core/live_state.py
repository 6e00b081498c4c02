"""What is remembered of a live object until it is written: by it the deployer tells what matters from what does not.

All of it are digests under the random key of the run: they tell nothing about a Secret.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops_push.core.comparison import Comparison
from gitops_push.core.fielddiff import ABSENT
from gitops_push.core.fieldpath import FieldPath, format_field_path, value_at
from gitops_push.core.managed_fields import our_leaves
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import without_fields


def live_state(live: Body, redactor: Redactor, but: Iterable[FieldPath] = ()) -> str:
    """Return the digest of what an object asks for: equal ones mean that nothing but status has moved.

    Fields that are left to other managers (`but`) may change without changing it.
    """
    return redactor.digest(without_fields(comparable(live), but))


def own_state(live: Body, redactor: Redactor) -> str:
    """Return the digest of the fields that we set: another one means that somebody took or removed some."""
    return redactor.digest([(format_field_path(path), value_at(path, live, ABSENT)) for path in our_leaves(live)])


def effect_of(compared: Comparison, redactor: Redactor) -> str:
    """Return the digest of what a request does to an object: values, and fields that change hands.

    An equal one at the time of the write means that exactly what was planned happens, whatever else has moved.
    """
    values = [(format_field_path(d.path), d.before, d.after) for d in compared.ours]
    lost = [(format_field_path(loss.path), loss.owner.manager, loss.owner.operation) for loss in compared.lost]
    hands = [list(map(format_field_path, paths)) for paths in (compared.gained, compared.released)]
    return redactor.digest([values, lost, hands])
