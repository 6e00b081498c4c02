"""A tag of what an object asks for, without its status: equal tags mean that nothing but status has moved."""

from __future__ import annotations

from gitops_push.core.normalization import comparable
from gitops_push.core.objects import Body
from gitops_push.core.redaction import Redactor


def live_state(live: Body, redactor: Redactor) -> str:
    """Return the tag of a live object, keyed with the random key of this run: it tells nothing about a Secret."""
    return redactor.mask_value(comparable(live)).tag
