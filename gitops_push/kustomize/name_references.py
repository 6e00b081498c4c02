"""Follows renamed objects: every field that held an earlier name of an object gets its last one.

A rule says which fields hold names of which kind. Among the objects that once had the name and the kind, those count
that the referrer can reach (its namespace, or cluster scope) and that share its prefixes and suffixes, and no two with
other names may be left (kustomize's api/filters/nameref). Objects are found by an index, so the work grows with the
fields, not with their product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node
from gitops_push.kustomize.accumulator import ResourceSet
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.field_walk import visit_fields
from gitops_push.kustomize.fieldspecs import FieldSpec
from gitops_push.kustomize.marks import Container, place_of, set_at
from gitops_push.kustomize.name_reference_table import ReferenceRule
from gitops_push.kustomize.resource import NO_NAMESPACE, Resource, split_api_version, text_of


def fix_references(resources: ResourceSet, all_rules: tuple[ReferenceRule, ...]) -> None:
    """Update all fields that refer to objects by an earlier name. Raises where it is not clear which is meant."""
    for resource in resources:
        _account_namespaces(resource)  # refuses a blank one, also where no reference changes
    renamed = _RenamedObjects(resources)
    rules: dict[tuple[str, str, str], list[tuple[ReferenceRule, FieldSpec]]] = {}
    for resource in resources:
        original = resource.original_id()
        kind = (original.group, original.version, original.kind)
        if kind not in rules:
            rules[kind] = [(rule, spec) for rule in all_rules for spec in rule.fields if spec.selects(*kind)]
        if rules[kind]:
            referrer = _Referrer(resource, renamed)
            for rule, spec in rules[kind]:
                referrer.update(rule, spec)


class _RenamedObjects:
    """The objects with a history, by an earlier name and an earlier kind."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._found: dict[tuple[str, str], list[Resource]] = {}
        self._namespaces: dict[str, set[tuple[str, str]]] = {}
        for resource in resources:
            now = (resource.current_id().namespace, resource.namespace)
            self._namespaces.setdefault(resource.original_id().namespace, set()).add(now)
            kinds = {past.kind for past in resource.earlier}
            for name in {past.name for past in resource.earlier}:
                for kind in kinds:
                    self._found.setdefault((name, kind), []).append(resource)

    def has_original(self, namespace: str, is_reachable: Callable[[str, str], bool]) -> bool:
        """Return whether a reachable object, of any kind, was in this namespace at first."""
        return any(is_reachable(*now) for now in self._namespaces.get(namespace, ()))

    def find(self, name: str, rule: ReferenceRule) -> list[Resource]:
        """Return the objects of the rule's kind that once had the name."""
        return [found for found in self._found.get((name, rule.kind), ()) if _is_of(found, rule.group, rule.version)]


def _is_of(resource: Resource, group: str, version: str) -> bool:
    own_group, own_version = split_api_version(resource.api_version)
    return group in {"", own_group} and version in {"", own_version}


class _Referrer:
    """One object whose fields are updated."""

    def __init__(self, resource: Resource, renamed: _RenamedObjects) -> None:
        self.resource = resource
        self.renamed = renamed
        self._namespace = resource.current_id().namespace
        self._account_namespaces = _account_namespaces(resource)

    def update(self, rule: ReferenceRule, spec: FieldSpec) -> None:
        """Update the fields of one rule at one path."""

        def on_field(container: Container, key: str | int) -> None:
            value: Node = container[key]  # type: ignore[index]
            if isinstance(value, Items):
                for index in range(len(value)):
                    self._update_one(value, index, rule, spec)
            else:
                self._update_one(container, key, rule, spec)

        visit_fields(self.resource.body, spec, on_field)

    def _update_one(self, container: Container, key: str | int, rule: ReferenceRule, spec: FieldSpec) -> None:
        value: Node = container[key]  # type: ignore[index]
        if value is None:
            return
        if isinstance(value, Fields):
            self._update_mapping(value, rule, spec)
        elif not isinstance(value, Items):
            name = text_of(value)
            referral = self._referral(name, self._reachable(name, rule), spec, with_namespace=False)
            if referral is not None and referral.name != name:
                set_at(container, key, referral.name, _origin(referral, "name"))

    def _update_mapping(self, fields: Fields, rule: ReferenceRule, spec: FieldSpec) -> None:
        """Update the name and the namespace of a mapping such as a subject of a RoleBinding."""
        if "name" not in fields:
            raise invalid(
                f"path config error; no 'name' field in node: {spec.path} of {self.resource.current_id()}",
                place_of(self.resource.body, "metadata") or self.resource.origin,
            )
        name = text_of(fields["name"])
        candidates = self._reachable(name, rule)
        if "namespace" in fields:
            candidates = self._in_namespace(candidates, text_of(fields["namespace"]))
        referral = self._referral(name, candidates, spec, with_namespace=True)
        if referral is None:
            return
        if referral.name != name:
            set_at(fields, "name", referral.name, _origin(referral, "name"))
        if referral.namespace and referral.namespace != fields.get("namespace"):
            set_at(fields, "namespace", referral.namespace, _origin(referral, "namespace"))

    def _is_reachable(self, effective: str, written: str) -> bool:
        """Return whether an object in this namespace, by its effective and its written name, may be referred to."""
        return (
            self._namespace == NO_NAMESPACE
            or effective in {NO_NAMESPACE, self._namespace}
            or written in self._account_namespaces
        )

    def _reachable(self, name: str, rule: ReferenceRule) -> list[Resource]:
        return [
            found
            for found in self.renamed.find(name, rule)
            if self._is_reachable(found.current_id().namespace, found.namespace)
        ]

    def _in_namespace(self, candidates: list[Resource], namespace: str) -> list[Resource]:
        """Return the candidates of a namespace: their first one if any object was there, else their current one."""
        if namespace == NO_NAMESPACE:
            return []
        if self.renamed.has_original(namespace, self._is_reachable):
            return [found for found in candidates if found.original_id().namespace == namespace]
        return [found for found in candidates if found.current_id().namespace == namespace]

    def _referral(
        self, name: str, candidates: list[Resource], spec: FieldSpec, *, with_namespace: bool
    ) -> Resource | None:
        """Return the one object that is meant, None if there is none. Raises when several with other names are left."""
        if spec.path.endswith("roleRef/name"):
            candidates = _of_role_ref(candidates, self.resource.body.get("roleRef"))
        candidates = [found for found in candidates if self._shares_namespace(found)]
        if len(candidates) == 1:
            return candidates[0]
        candidates = [found for found in candidates if _same_affixes(found, self.resource, allow_empty=True)]
        if len(candidates) > 1:
            candidates = [found for found in candidates if _same_affixes(found, self.resource, allow_empty=False)]
        if not candidates:
            return None
        if len({(found.name, found.namespace if with_namespace else "") for found in candidates}) > 1:
            raise self._ambiguous(name, candidates, spec)
        return candidates[0]

    def _shares_namespace(self, found: Resource) -> bool:
        if self._namespace == NO_NAMESPACE or found.kind == "ServiceAccount":
            return True
        return found.current_id().namespace in {NO_NAMESPACE, self._namespace}

    def _ambiguous(self, name: str, candidates: list[Resource], spec: FieldSpec) -> BuildError:
        found = ", ".join(f"{candidate.current_id()} ({candidate.origin})" for candidate in candidates)
        return invalid(
            f"found multiple possible referrals for {name!r} in {spec.path} of {self.resource.current_id()}: {found}",
            self.resource.origin,
            "give the objects different names, or refer to the final name",
        )


def _account_namespaces(resource: Resource) -> frozenset[str]:
    """Return the namespaces of the ServiceAccounts that a RoleBinding names."""
    subjects = resource.body.get("subjects") if resource.kind == "RoleBinding" else None
    if not isinstance(subjects, Items):
        return frozenset()
    accounts = [one for one in subjects if isinstance(one, Fields) and one.get("kind") == "ServiceAccount"]
    for account in accounts:
        if "namespace" in account and not isinstance(account["namespace"], str):
            raise invalid(
                f"Invalid Input: namespace is blank for resource {resource.current_id()}",
                place_of(account, "namespace") or resource.origin,
                "write the namespace of the ServiceAccount, or leave the field out",
            )
    return frozenset(account["namespace"] for account in accounts if "namespace" in account)


def _of_role_ref(candidates: list[Resource], role_ref: Node) -> list[Resource]:
    if not isinstance(role_ref, Fields) or role_ref.get("apiGroup") is None or role_ref.get("kind") is None:
        return candidates
    group, kind = text_of(role_ref["apiGroup"]), text_of(role_ref["kind"])
    return [
        found
        for found in candidates
        if _is_of(found, group, "") and (not kind or any(past.kind == kind for past in found.earlier))
    ]


def _same_affixes(one: Resource, other: Resource, *, allow_empty: bool) -> bool:
    return _same_ending(one.prefixes, other.prefixes, allow_empty=allow_empty) and _same_ending(
        one.suffixes, other.suffixes, allow_empty=allow_empty
    )


def _same_ending(one: list[str], other: list[str], *, allow_empty: bool) -> bool:
    if not one or not other:
        return allow_empty or len(one) == len(other)
    size = min(len(one), len(other))
    return one[-size:] == other[-size:]


def _origin(referral: Resource, field: str) -> Origin:
    """Return the place of what gave the referral its name or namespace, with all places that led to it as the trail."""
    place = place_of(referral.metadata, field) or referral.origin
    return Origin(place.file, place.line, place.column, "name reference", (*place.trail, place.without_trail()))
