"""The rules of the fake API server: its kinds, its preconditions, its managedFields. Pure functions on bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitops_push.cluster.api import ApiFailure, Precondition, ServedKind
from gitops_push.core.managed_fields import FIELD_MANAGER
from gitops_push.core.objects import Body
from tests.field_sets import Paths, applied_paths, from_fields_v1, is_key_field, merge, to_fields_v1, value_at, without

ALL_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})

KNOWN = """
v1 Namespace namespaces cluster; v1 ConfigMap configmaps; v1 Secret secrets; v1 Service services; v1 Pod pods
v1 ServiceAccount serviceaccounts; v1 PersistentVolumeClaim persistentvolumeclaims; v1 Event events
v1 PersistentVolume persistentvolumes cluster; v1 ResourceQuota resourcequotas; v1 LimitRange limitranges
apps/v1 Deployment deployments; apps/v1 StatefulSet statefulsets; apps/v1 DaemonSet daemonsets
apps/v1 ReplicaSet replicasets; batch/v1 Job jobs; batch/v1 CronJob cronjobs
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers
networking.k8s.io/v1 Ingress ingresses; networking.k8s.io/v1 NetworkPolicy networkpolicies
policy/v1 PodDisruptionBudget poddisruptionbudgets; coordination.k8s.io/v1 Lease leases
rbac.authorization.k8s.io/v1 Role roles; rbac.authorization.k8s.io/v1 RoleBinding rolebindings
rbac.authorization.k8s.io/v1 ClusterRole clusterroles cluster
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings cluster
storage.k8s.io/v1 StorageClass storageclasses cluster
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster
"""

IMMUTABLE: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "Deployment"): (("f:spec", "f:selector"),),
    ("apps", "DaemonSet"): (("f:spec", "f:selector"),),
    ("batch", "Job"): (("f:spec", "f:selector"), ("f:spec", "f:template")),
}


SERVER_SET = frozenset({"uid", "creationTimestamp", "generation", "managedFields", "deletionTimestamp"})


def known_kinds() -> Iterator[ServedKind]:
    for entry in KNOWN.replace("\n", ";").split(";"):
        match entry.split():
            case [api_version, kind, resource, *scope]:
                group, _, version = api_version.rpartition("/")
                yield ServedKind(group, version, kind, resource, not scope, ALL_VERBS)


def kinds_of_crd(crd: Body) -> Iterator[ServedKind]:
    spec = crd["spec"]
    for version in spec["versions"]:
        names = spec["names"]
        namespaced = spec["scope"] == "Namespaced"
        place = (spec["group"], version["name"], names["kind"], names["plural"], namespaced)
        yield ServedKind(*place, ALL_VERBS, has_status="status" in version.get("subresources", {}))


def object_key(kind: ServedKind, namespace: str, name: str) -> tuple[str, str, str, str]:
    return (kind.group, kind.resource, namespace if kind.namespaced else "", name)


def plural_of(kind: ServedKind) -> str:
    return f"{kind.resource}.{kind.group}" if kind.group else kind.resource


def not_found(kind: ServedKind, name: str) -> ApiFailure:
    return ApiFailure(404, "NotFound", f'{plural_of(kind)} "{name}" not found', details_kind=kind.resource)


def is_selected(body: Body, selector: str) -> bool:
    labels = body["metadata"].get("labels", {})
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def is_named(body: Body, selector: str) -> bool:
    """Return whether a field selector leaves an object; names only."""
    return not selector or selector == f"metadata.name={body['metadata'].get('name')}"


def check_version(kind: ServedKind, name: str, live: Body, body: Body) -> None:
    asked = body["metadata"].get("resourceVersion", "")
    if asked not in {"", "0", live["metadata"]["resourceVersion"]}:
        message = f'Operation cannot be fulfilled on {plural_of(kind)} "{name}": the object has been modified'
        raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)


def check_apply(kind: ServedKind, name: str, live: Body | None, body: Body) -> None:
    uid = body["metadata"].get("uid", "")
    if live is None:
        if uid:
            message = f'Operation cannot be fulfilled on {plural_of(kind)} "{name}": uid mismatch: {uid}, ""'
            raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)
        return
    if uid and uid != live["metadata"]["uid"]:
        cause = ("metadata.uid", "FieldValueInvalid", f'Invalid value: "{uid}": field is immutable')
        raise ApiFailure(422, "Invalid", f"{kind.kind} {name} is invalid: field is immutable", causes=[cause])
    check_version(kind, name, live, body)


def check_immutable(kind: ServedKind, name: str, live: Body | None, after: Body) -> None:
    causes = [
        (".".join(part[2:] for part in path), "FieldValueInvalid", "Invalid value: null: field is immutable")
        for path in IMMUTABLE.get((kind.group, kind.kind), ())
        if live is not None and value_at(live, path) != value_at(after, path)
    ]
    if causes:
        raise ApiFailure(422, "Invalid", f'{kind.kind} "{name}" is invalid: field is immutable', causes=causes)


def check_delete(kind: ServedKind, name: str, metadata: Body, precondition: Precondition) -> None:
    for asked, live in (
        (precondition.uid, metadata["uid"]),
        (precondition.resource_version, metadata["resourceVersion"]),
    ):
        if asked and asked != live:
            message = f'Operation cannot be fulfilled on {plural_of(kind)} "{name}": Precondition failed'
            raise ApiFailure(409, "Conflict", message, details_kind=kind.resource)


def is_same(live: Body, after: Body) -> bool:
    def content(body: Body) -> Any:
        managed = [{**entry, "time": ""} for entry in body["metadata"].get("managedFields", ())]
        metadata = {
            key: value for key, value in body["metadata"].items() if key not in {"resourceVersion", "generation"}
        }
        return {**body, "metadata": {**metadata, "managedFields": managed}}

    return bool(content(live) == content(after))


def _entry(manager: str, operation: str, subresource: str, body: Body, paths: Paths, now: str) -> dict[str, Any]:
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": body["apiVersion"],
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(paths),
    }
    return {**entry, "subresource": subresource} if subresource else entry


def _who(entry: Body) -> tuple[str, str, str]:
    return entry["manager"], entry["operation"], entry.get("subresource", "")


def _shrunk(entries: list[dict[str, Any]], lost: Callable[[Paths], Paths]) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        paths = from_fields_v1(entry["fieldsV1"])
        left = paths - lost(paths)
        if left:
            kept.append({**entry, "fieldsV1": to_fields_v1(left)})
    return kept


def applied(live: dict[str, Any] | None, wanted: dict[str, Any], now: str) -> dict[str, Any]:
    """Return what a forced server-side apply of ours makes of the live object."""
    wanted["metadata"].pop("managedFields", None)
    wanted["metadata"].pop("resourceVersion", None)
    wanted["metadata"].pop("uid", None)
    claimed = applied_paths(wanted)
    before = live or {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {}}
    entries = list(before["metadata"].get("managedFields", ()))
    me = (FIELD_MANAGER, "Apply", "")
    mine = next((entry for entry in entries if _who(entry) == me), None)
    others = [entry for entry in entries if _who(entry) != me]
    after = merge(before, wanted)
    owned_by_others = frozenset(path for entry in others for path in from_fields_v1(entry["fieldsV1"]))
    dropped = (from_fields_v1(mine["fieldsV1"]) if mine else frozenset()) - claimed
    for path in sorted(dropped, key=len):  # an item before its fields: without its key it could not be found
        if not is_key_field(path) and not any(other[: len(path)] == path for other in owned_by_others):
            after = without(after, path)

    def lost(paths: Paths) -> Paths:
        taken = (path for path in paths & claimed if not path[-1].startswith("k:"))
        return frozenset(path for path in taken if value_at(before, path) != value_at(wanted, path))

    others = _shrunk(others, lost)
    new = _entry(*me, wanted, claimed, now)
    if mine and mine["fieldsV1"] == new["fieldsV1"]:
        new["time"] = mine["time"]
    after["metadata"]["managedFields"] = [*others, new]
    return dict(after)


def tracked(
    before: dict[str, Any] | None, after: dict[str, Any], manager: str, subresource: str, now: str
) -> dict[str, Any]:
    """Return `after` with managedFields as an Update by `manager` leaves them."""
    old = applied_paths(before) if before else frozenset()
    new = applied_paths(after)
    changed = frozenset(path for path in new if path not in old or value_at(before, path) != value_at(after, path)) | (
        new - old
    )
    entries = list((before or {"metadata": {}})["metadata"].get("managedFields", ()))
    me = (manager, "Update", subresource)
    mine = next((from_fields_v1(entry["fieldsV1"]) for entry in entries if _who(entry) == me), frozenset())
    leaves = frozenset(path for path in changed if not path[-1].startswith("k:"))
    others = _shrunk([entry for entry in entries if _who(entry) != me], lambda paths: (paths & leaves) | (paths - new))
    owned = (mine & new) | changed
    result = {**after, "metadata": {**after["metadata"], "managedFields": others}}
    if owned:
        result["metadata"]["managedFields"] = [*others, _entry(*me, after, owned, now)]
    return result
