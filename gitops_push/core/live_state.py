"""A tag of what an object asks for, without its status: equal tags mean that nothing but status has moved."""

from __future__ import annotations

from collections.abc import Iterable

from gitops_push.core.fieldpath import FieldPath
from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import without_fields


def live_state(live: Body, redactor: Redactor, but: Iterable[FieldPath] = ()) -> str:
    """Return the tag of a live object, keyed with the random key of this run: it tells nothing about a Secret.

    Fields that are left to other managers (`but`) may change without changing the tag.
    """
    return redactor.mask_value(without_fields(comparable(live), but)).tag
