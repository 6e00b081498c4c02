"""The least that a credential may do to deploy, plan or compare an environment, as rules of Kubernetes roles.

What a run asks of the server is in `cluster/rights.py`, which checks it before the first write; a test takes each rule
away in turn and sees that it is missed. Secrets and objects of the whole cluster are given by name, but for their
creation, which no server can limit to a name, and for Secrets whose names end in a hash and are others after each
change. What is never pruned may not be deleted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gitops_push.core.crd_schema import definitions_of
from gitops_push.core.history import history_of
from gitops_push.core.inventory import RecordName
from gitops_push.core.kinds import BUILT_IN, KEPT_KINDS
from gitops_push.core.objects import Manifest, ObjectRef

RBAC: Final = "rbac.authorization.k8s.io"
_POD_OWNERS: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
        ("", "ReplicationController"),
    }
)
_NAMELESS: Final = frozenset({"create", "list", "watch"})
_ROLES: Final = frozenset({"Role", "ClusterRole"})
_BINDINGS: Final = frozenset({"RoleBinding", "ClusterRoleBinding"})


class Purpose(StrEnum):
    """What the credential is for. A plan of `diff` dry-runs, for which the server asks the rights of real writes."""

    DEPLOY = "deploy"
    DIFF = "diff"
    DRIFT = "drift"


_VERBS: Final[Mapping[Purpose, tuple[str, ...]]] = {
    Purpose.DEPLOY: ("get", "list", "watch", "create", "patch", "delete"),
    Purpose.DIFF: ("get", "list", "create", "patch", "delete"),
    Purpose.DRIFT: ("get", "list"),
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A rule of a role. `namespace` "" is the cluster; without `names` it is about all objects of the resource."""

    namespace: str
    group: str
    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who gets the rights: a ServiceAccount."""

    namespace: str
    name: str

    @property
    def user(self) -> str:
        """Return its name as the server sees it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True)
class Rights:
    """All rules, sorted; `guessed` are kinds that nothing in the set defines: their resources are guesses."""

    grants: tuple[Grant, ...]
    guessed: tuple[str, ...] = ()


def rights_for(
    purpose: Purpose, manifests: Iterable[Manifest], record: RecordName, pruned_kinds: Iterable[str] = ()
) -> Rights:
    """Return what a run for this purpose needs, with the objects of a set and the record of its environment.

    `pruned_kinds` are kinds whose objects may be deleted though deleting them takes data with it.
    """
    kept = {(group, kind) for group, kind in KEPT_KINDS if kind not in set(pruned_kinds)}
    found = tuple(manifests)
    definitions = definitions_of(found)
    by_resource: dict[tuple[str, str, str], list[Manifest]] = {}
    guessed: list[str] = []
    for manifest in found:
        ref = manifest.ref
        definition = definitions.get((ref.group, ref.kind))
        if definition is None and (ref.group, ref.kind) not in BUILT_IN:
            guessed.append(f"{ref.group}/{ref.kind}" if ref.group else ref.kind)
        resource = definition.resource if definition else plural(ref.kind)
        by_resource.setdefault((ref.namespace, ref.group, resource), []).append(manifest)
    grants = [
        *(grant for place, several in by_resource.items() for grant in _object_grants(purpose, place, several, kept)),
        *_record_grants(purpose, record),
        *(_evidence_grants(found) if purpose is Purpose.DEPLOY else ()),
        *_reading_grants(found),
    ]
    return Rights(tuple(_joined(grants)), tuple(dict.fromkeys(guessed)))


def plural(kind: str) -> str:
    """Return the resource of a kind by Kubernetes' own rule (apimachinery, `UnsafeGuessKindToResource`)."""
    word = kind.lower()
    if word == "endpoints":
        return word
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def role_documents(rights: Rights, who: Identity, name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the ServiceAccount, a Role with its binding for each namespace, and those of the cluster."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": who.name, "namespace": who.namespace},
    }
    documents: list[Mapping[str, Any]] = [account]
    for namespace in dict.fromkeys(grant.namespace for grant in rights.grants):
        prefix = "" if namespace else "Cluster"
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        rules = [_rule(grant) for grant in rights.grants if grant.namespace == namespace]
        documents += [
            {"apiVersion": f"{RBAC}/v1", "kind": f"{prefix}Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": f"{prefix}RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": RBAC, "kind": f"{prefix}Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": who.name, "namespace": who.namespace}],
            },
        ]
    return tuple(documents)


def dry_run_only(who: Identity, name: str) -> tuple[Mapping[str, Any], ...]:
    """Return a policy by which the server denies this identity every write that is no dry run (Kubernetes 1.30).

    Access reviews persist nothing, and are no writes.
    """
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["*"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
                        "resources": ["*/*"],
                        "scope": "*",
                    }
                ],
                "excludeResourceRules": [
                    {
                        "apiGroups": ["authorization.k8s.io", "authentication.k8s.io"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE"],
                        "resources": ["*"],
                        "scope": "*",
                    }
                ],
            },
            "matchConditions": [{"name": "this-identity", "expression": f'request.userInfo.username == "{who.user}"'}],
            "validations": [
                {
                    "expression": "has(request.dryRun) && request.dryRun",
                    "message": f"{who.user} may dry-run, and write nothing",
                    "reason": "Forbidden",
                }
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    return policy, binding


def _object_grants(
    purpose: Purpose, place: tuple[str, str, str], several: list[Manifest], kept: Container[tuple[str, str]]
) -> Iterator[Grant]:
    namespace, group, resource = place
    first = several[0].ref
    verbs = [verb for verb in _VERBS[purpose] if verb != "delete" or (first.group, first.kind) not in kept]
    names = tuple(sorted(manifest.ref.name for manifest in several))
    is_secret = (group, first.kind) == ("", "Secret")
    if (is_secret and not any(manifest.unhashed_name for manifest in several)) or not namespace:
        yield Grant(namespace, group, resource, tuple(verb for verb in verbs if verb not in _NAMELESS), names)
        verbs = [verb for verb in verbs if verb == "create" or (verb in _NAMELESS and not is_secret)]
    if verbs:
        yield Grant(namespace, group, resource, tuple(verbs))
    if group == RBAC and purpose is not Purpose.DRIFT:
        if first.kind in _ROLES:  # else the server lets nobody give rights that they do not have
            yield Grant(namespace, group, resource, ("escalate",), names)
        if first.kind in _BINDINGS:
            yield from _bind_grants(several)


def _bind_grants(bindings: Iterable[Manifest]) -> Iterator[Grant]:
    for binding in bindings:
        role = binding.body.get("roleRef")
        if isinstance(role, Mapping):
            kind, name = str(role.get("kind")), str(role.get("name"))
            namespace = binding.ref.namespace if kind == "Role" else ""
            yield Grant(namespace, RBAC, plural(kind), ("bind",), (name,))


def _record_grants(purpose: Purpose, record: RecordName) -> Iterator[Grant]:
    """Yield what the inventory, the history and the lock need; shards of a large inventory come on top."""
    names = (record.name, history_of(record).name)
    if purpose is not Purpose.DEPLOY:
        yield Grant(record.namespace, "", "configmaps", ("get",), names)
        if purpose is Purpose.DIFF:  # the first inventory is dry-run as well
            yield Grant(record.namespace, "", "configmaps", ("create",))
        return
    yield Grant(record.namespace, "", "configmaps", ("create",))
    yield Grant(record.namespace, "", "configmaps", ("get", "update"), names)
    yield Grant(record.namespace, "coordination.k8s.io", "leases", ("create",))
    yield Grant(record.namespace, "coordination.k8s.io", "leases", ("get", "update"), (record.name,))


def _evidence_grants(manifests: Iterable[Manifest]) -> Iterator[Grant]:
    """Yield what tells why a workload does not get ready."""
    for namespace in sorted({ref.namespace for ref in _workloads(manifests)}):
        yield Grant(namespace, "", "pods", ("list", "watch"))
        yield Grant(namespace, "", "pods/log", ("get",))
        yield Grant(namespace, "", "events", ("list",))
        yield Grant(namespace, "apps", "replicasets", ("get",))


def _reading_grants(manifests: Iterable[Manifest]) -> Iterator[Grant]:
    """Yield what every plan reads besides its objects: which cluster it is, and who scales its workloads."""
    yield Grant("", "", "namespaces", ("get",), ("kube-system",))
    for namespace in sorted({ref.namespace for ref in _workloads(manifests)}):
        yield Grant(namespace, "autoscaling", "horizontalpodautoscalers", ("list",))


def _workloads(manifests: Iterable[Manifest]) -> Iterator[ObjectRef]:
    return (manifest.ref for manifest in manifests if (manifest.ref.group, manifest.ref.kind) in _POD_OWNERS)


def _joined(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Join the verbs of rules about the same objects, and leave out what a wider rule gives already."""
    verbs: dict[tuple[str, str, str, tuple[str, ...]], dict[str, None]] = {}
    for grant in grants:
        subject = (grant.namespace, grant.group, grant.resource, grant.names)
        verbs.setdefault(subject, {}).update(dict.fromkeys(grant.verbs))
    for (namespace, group, resource, names), wanted in sorted(verbs.items()):
        wider = verbs.get((namespace, group, resource, ()), {}) if names else {}
        left = tuple(verb for verb in wanted if verb not in wider)
        if left:
            yield Grant(namespace, group, resource, left, names)


def _rule(grant: Grant) -> Mapping[str, Any]:
    names = {"resourceNames": list(grant.names)} if grant.names else {}
    return {"apiGroups": [grant.group], "resources": [grant.resource], **names, "verbs": list(grant.verbs)}
