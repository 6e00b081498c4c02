"""What a server serves, read from its discovery documents.

Aggregated discovery needs two requests (`/api` and `/apis`, Kubernetes 1.27 and later, KEP-3352); older servers answer
the same requests with the plain lists, and each group version is then asked for on its own. A group whose server does
not answer is neither served nor absent: it is `unavailable`, and nothing may be concluded about its kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from gitops_push.cluster.api import ApiFailure, ServedKind, ServedKinds

ACCEPT: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
AGGREGATED: Final = "APIGroupDiscoveryList"


def discover(fetch: Callable[[str], dict[str, Any]]) -> ServedKinds:
    """Return all served kinds; `fetch` gets a discovery path and returns its document, or raises `ApiFailure`."""
    documents = [fetch("/api"), fetch("/apis")]
    if all(document.get("kind") == AGGREGATED for document in documents):
        return served_kinds(documents)
    return _plain_discovery(documents[0], documents[1], fetch)


def served_kinds(documents: Iterable[dict[str, Any]]) -> ServedKinds:
    """Return the kinds of aggregated discovery documents; groups with a stale version are unavailable."""
    kinds: list[ServedKind] = []
    stale: set[str] = set()
    for group in (item for document in documents for item in document.get("items", ())):
        name = group.get("metadata", {}).get("name", "")
        for version in group.get("versions", ()):
            if version.get("freshness", "Current") != "Current":
                stale.add(name)
            kinds.extend(_aggregated_kinds(name, version))
    return _collected(kinds, stale)


def _aggregated_kinds(group: str, version: dict[str, Any]) -> Iterator[ServedKind]:
    for resource in version.get("resources", ()):
        kind = resource.get("responseKind", {}).get("kind", "")
        scope, verbs = resource.get("scope"), frozenset(resource.get("verbs", ()))
        has_status = any(sub.get("subresource") == "status" for sub in resource.get("subresources", ()))
        if kind:
            name, namespaced = resource["resource"], scope == "Namespaced"
            yield ServedKind(group, version["version"], kind, name, namespaced, verbs, has_status)


def _plain_discovery(
    core: dict[str, Any], groups: dict[str, Any], fetch: Callable[[str], dict[str, Any]]
) -> ServedKinds:
    kinds: list[ServedKind] = []
    unavailable: set[str] = set()
    for group, version in (*(("", version) for version in core.get("versions", ())), *_group_versions(groups)):
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            kinds.extend(_plain_kinds(group, version, fetch(path)))
        except ApiFailure:
            unavailable.add(group)
    return _collected(kinds, unavailable)


def _group_versions(groups: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for group in groups.get("groups", ()):
        preferred = group.get("preferredVersion", {}).get("version", "")
        versions = [version["version"] for version in group.get("versions", ())]
        for version in sorted(versions, key=lambda version: version != preferred):
            yield group["name"], version


def _plain_kinds(group: str, version: str, document: dict[str, Any]) -> Iterator[ServedKind]:
    resources = document.get("resources", ())
    names = {resource["name"] for resource in resources}
    for resource in resources:
        name = resource["name"]
        if "/" not in name:
            verbs, has_status = frozenset(resource.get("verbs", ())), f"{name}/status" in names
            yield ServedKind(group, version, resource["kind"], name, bool(resource["namespaced"]), verbs, has_status)


def _collected(kinds: Iterable[ServedKind], unavailable: Iterable[str]) -> ServedKinds:
    found: dict[tuple[str, str], tuple[ServedKind, ...]] = {}
    for kind in kinds:
        found[kind.group, kind.kind] = (*found.get((kind.group, kind.kind), ()), kind)
    return ServedKinds(found, frozenset(unavailable))
