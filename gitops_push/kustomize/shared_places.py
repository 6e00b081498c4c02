"""Places of one object that hold one value, as a label that a transformer put into metadata, selector and template.

Kustomize makes such places with a single node of its tree, so a later change of one of them, by a patch or by
`labels`, changes all (5.8.2; seen with `commonLabels` in a base and a patch of metadata.labels in the overlay). A JSON
patch ends it.
"""

from __future__ import annotations

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node
from gitops_push.kustomize.marks import set_at


class SharedPlaces:
    """Groups of (mapping, key) with one value each."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str], list[tuple[Fields, str]]] = {}

    def add(self, places: list[tuple[Fields, str]]) -> None:
        """Make the places one group; a single one is none."""
        if len(places) > 1:
            self._groups.update({(id(fields), key): places for fields, key in places})

    def set(self, fields: Fields, key: str, value: Node, origin: Origin) -> None:
        """Set a value, here and at the places that share it."""
        for other, other_key in self._groups.get((id(fields), key), ()):
            if other is not fields and other_key in other and (id(other), other_key) in self._groups:
                set_at(other, other_key, value, origin)
        set_at(fields, key, value, origin)

    def leave(self, fields: Fields, key: str) -> None:
        """Take a place out of its group, when its value is removed."""
        self._groups.pop((id(fields), key), None)

    def clear(self) -> None:
        """Forget all groups."""
        self._groups.clear()
