"""A set of fields, as managedFields have them: what it holds is asked once for each field of an object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gitops_push.core.fieldpath import FieldPath, prefixes


class FieldSet(frozenset[FieldPath]):
    """Paths of fields. A member without members below it stands for a whole value, one with some only for itself."""

    @cached_property
    def _inner(self) -> frozenset[FieldPath]:
        """All paths that lead to members."""
        return frozenset(ancestor for path in self for ancestor in prefixes(path))

    def tops(self) -> Iterator[FieldPath]:
        """Yield the members without a member around them: a list item is one field, not one for each in it."""
        return (path for path in self if not any(ancestor in self for ancestor in prefixes(path)))

    def has_below(self, path: FieldPath) -> bool:
        """Return whether there is a member below `path`."""
        return path in self._inner if path else bool(self)

    def sets_value(self, path: FieldPath) -> bool:
        """Return whether the value at `path` is held: itself, or by an atomic value around it."""
        if path in self:
            return True
        around = next((ancestor for ancestor in prefixes(path) if ancestor in self), None)
        return around is not None and around not in self._inner

    def covers(self, path: FieldPath) -> bool:
        """Return whether `path`, something below it, or an atomic value around it is held."""
        return self.sets_value(path) or self.has_below(path)
