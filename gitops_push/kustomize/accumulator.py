"""The objects of a layer, in order, found by any identity they ever had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.resource import Resource, ResourceId


class ResourceSet:
    """An ordered set of objects; no two have the same current identity when they are added.

    The index is made when it is first needed. It may hold identities that an object lost: each find checks them. After
    a change of an object's identity call `note_change`, after a change of many `forget_index`.
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: list[Resource] = []
        self._by_id: dict[ResourceId, list[Resource]] | None = None
        self._by_name: dict[str, list[Resource]] | None = None
        for resource in resources:
            self.append(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def append(self, resource: Resource) -> None:
        """Add an object at the end. Raises when its current identity is taken."""
        identity = resource.current_id()
        taken = next((other for other in self.with_any_id(identity) if other.current_id() == identity), None)
        if taken is not None:
            raise duplicate(identity, taken.origin, resource.origin)
        self._resources.append(resource)
        identities = {*resource.earlier_ids(), identity}
        self._index_by_id(resource, identities)
        if self._by_name is not None:
            for name in {one.name for one in identities}:
                self._by_name.setdefault(name, []).append(resource)

    def drop_deleted(self) -> None:
        """Drop the objects that patches deleted."""
        if not all(resource.body for resource in self._resources):
            self._resources = [resource for resource in self._resources if resource.body]
            self.forget_index()

    def keep(self, kept: Collection[Resource]) -> None:
        """Drop all objects but these, and take in the identities that they have now."""
        self._resources = [resource for resource in self._resources if resource in kept]
        self.forget_index()

    def with_any_id(self, identity: ResourceId) -> list[Resource]:
        """Return the objects that have or had this identity, in order."""
        if self._by_id is None:
            self._by_id = {}
            for resource in self._resources:
                for one in set(resource.all_ids()):
                    self._by_id.setdefault(one, []).append(resource)
        return [found for found in self._by_id.get(identity, ()) if found.body and identity in found.all_ids()]

    def with_any_name(self, name: str) -> list[Resource]:
        """Return the objects that have or had this name, in order."""
        if self._by_name is None:
            self._by_name = {}
            for resource in self._resources:
                for one in {identity.name for identity in resource.all_ids()}:
                    self._by_name.setdefault(one, []).append(resource)
        return [
            found
            for found in self._by_name.get(name, ())
            if found.body and any(identity.name == name for identity in found.all_ids())
        ]

    def note_change(self, resource: Resource) -> None:
        """Take in the identities of an object that was added or got another one."""
        identities = set(resource.all_ids())
        self._index_by_id(resource, identities)
        by_name = self._by_name
        if by_name is not None and any(resource not in by_name.get(one.name, ()) for one in identities):
            self._by_name = None  # it must be found in its place among those of the new name

    def _index_by_id(self, resource: Resource, identities: set[ResourceId]) -> None:
        if self._by_id is not None:
            for identity in identities:
                known = self._by_id.setdefault(identity, [])
                if resource not in known:
                    known.append(resource)

    def forget_index(self) -> None:
        """Forget all identities, after many objects changed theirs."""
        self._by_id = None
        self._by_name = None

    def require_unique(self, what: str, origin: Origin) -> None:
        """Raise when two objects have the same identity now; `what` caused it."""
        seen: dict[ResourceId, Resource] = {}
        for resource in self._resources:
            identity = resource.current_id()
            other = seen.setdefault(identity, resource)
            if other is not resource:
                raise invalid(
                    f"{what} produces ID conflict: {identity} comes from {other.origin} and from {resource.origin}",
                    origin,
                    "rename one of the two, or put them into different kustomizations",
                )


def duplicate(identity: ResourceId, first: Origin, second: Origin) -> BuildError:
    """Return the error that an object is there twice."""
    return invalid(
        f"may not add resource with an already registered id: {identity}, first defined in {first}",
        second,
        "remove one of the two, or patch the first instead of defining it again",
    )
