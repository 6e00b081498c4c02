"""Merge keys (`<<`), as each dialect resolves them.

Where several mappings are merged the first one wins. Against the mapping's own keys the dialects differ: for kustomize
own keys always win; for kubectl whatever is written later wins, so a `<<` overrides the keys above it.
"""

from __future__ import annotations

from typing import Final

from gitops_push.core.tree import Fields, Items, Node
from gitops_push.documents.scalars import Dialect

MERGE: Final = "<<"


def apply_merge(fields: Fields, dialect: Dialect) -> bool:
    """Replace the `<<` entry by the keys it stands for; False (and no change) if its value holds anything else."""
    sources = _sources(fields[MERGE])
    if sources is None:
        return False
    own = list(fields)
    before = own[: own.index(MERGE)] if dialect is Dialect.KUBECTL else []
    kept = set(own) - set(before)
    kept.discard(MERGE)
    _forget(fields, MERGE)
    for source in reversed(sources):
        for key in source:
            if key not in kept:
                _take(fields, source, key)
    return True


def _sources(value: Node) -> list[Fields] | None:
    if isinstance(value, Fields):
        return [value]
    if isinstance(value, Items) and all(isinstance(item, Fields) for item in value):
        return list(value)
    return None


def _take(fields: Fields, source: Fields, key: str) -> None:
    fields[key] = source[key]
    fields.marks[key] = source.marks[key]
    if fields.key_marks is not None and source.key_marks is not None:
        fields.key_marks[key] = source.key_marks[key]


def _forget(fields: Fields, key: str) -> None:
    del fields[key]
    del fields.marks[key]
    if fields.key_marks is not None:
        del fields.key_marks[key]
