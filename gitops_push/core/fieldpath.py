"""Paths to fields, as people write them: `spec.template.spec.containers[name=web].image`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """The item of a list whose merge keys have these values: (("name", "web"),), or (("containerPort", 80), …)."""

    keys: tuple[tuple[str, str | int | bool], ...]


@dataclass(frozen=True, slots=True, order=True)
class ItemValue:
    """The item of a list used as a set, by its value: `metadata.finalizers["example.com/a"]`."""

    value: str | int | float | bool


Segment: TypeAlias = str | int | ItemKey | ItemValue
"""A mapping key, an index of an atomic list, or an item of a keyed list or a set."""

FieldPath: TypeAlias = tuple[Segment, ...]
