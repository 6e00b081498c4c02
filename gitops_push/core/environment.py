"""An environment of a config repo: where it goes, what it is built from, and the rules that hold for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gitops_push.core.build_options import KUSTOMIZE_DEFAULTS, BuildOptions
from gitops_push.core.field_check import FieldCheck
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin


@dataclass(frozen=True, slots=True)
class KustomizeSource:
    """A directory with a kustomization, relative to the repo root. `builder` is a program's name, "" for our own."""

    path: str
    origin: Origin
    options: BuildOptions = KUSTOMIZE_DEFAULTS
    builder: str = ""


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """A directory (or one file) of plain manifests, read as kubectl reads it."""

    path: str
    origin: Origin
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class HelmSource:
    """A chart in the repo, a directory or an archive, that helm renders. Nothing is fetched, no cluster is asked.

    `values` are files of the repo, later ones winning, and `inline` (JSON, "" for none) wins over all of them.
    `namespace` "" is the environment's. Without `tests` the chart's test hooks are left out.
    """

    path: str
    origin: Origin
    release_name: str
    namespace: str = ""
    values: tuple[str, ...] = ()
    inline: str = field(default="", repr=False)
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    crds: bool = True
    hooks: bool = True
    tests: bool = False


Source: TypeAlias = KustomizeSource | DirectorySource | HelmSource


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """Where a cluster's credential is looked for: exactly one of the fields but `ca_env` and `exec` is set.

    `env` and `file` hold or name a kubeconfig (`file` may be absolute), `keyring` is the name under which a developer
    stored one. `token_env` and `ca_env` are variables with the token of a service account and the CA of the cluster,
    whose `server` must be pinned. `exec` names the credential plugins that a kubeconfig may run.
    """

    env: str = ""
    file: str = ""
    keyring: str = ""
    token_env: str = ""
    ca_env: str = ""
    in_cluster: bool = False
    exec: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A target cluster and its pins; an empty pin is not checked. `context` "" is the kubeconfig's current one."""

    name: str
    server: str = ""
    cluster_id: str = ""
    context: str = ""
    credentials: CredentialSource | None = None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The one shape of all rules: each part optional (""), globs allowed; `field` like `spec.containers[*].image`."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    manager: str = ""
    field: str = ""


class ConflictAction(StrEnum):
    """What happens to a field that another manager has: it becomes ours, stays theirs, or the run is refused."""

    TAKE = "take"
    YIELD = "yield"
    FAIL = "fail"


class CommitOrder(StrEnum):
    """Whether a commit may only be deployed over one that comes before it."""

    ANCESTOR = "ancestor"
    OFF = "off"


class AddedFields(StrEnum):
    """What happens to fields that people added to an object of ours, and that the config repo never set."""

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ConflictRule(FieldRule):
    """What to do about the fields of other managers that the rule speaks of."""

    action: ConflictAction = ConflictAction.FAIL


@dataclass(frozen=True, slots=True)
class PruneRules:
    """Whether and how much may be pruned in one run.

    `max_count` and `max_percent`: exactly one is set in the config (default 20 %); the floor of three objects always
    holds. `kinds` names kinds that are otherwise never pruned (Namespace, CustomResourceDefinition, …).
    """

    enabled: bool = True
    max_count: int | None = None
    max_percent: int | None = 20
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitRule(FieldRule):
    """How the health of some objects is read, how long it is waited for, and whether at all.

    Without `checks`, `timeout_seconds` or `skip` (None) the rule says nothing about that.
    """

    checks: tuple[FieldCheck, ...] = ()
    timeout_seconds: float | None = None
    skip: bool | None = None


@dataclass(frozen=True, slots=True)
class WaitRules:
    """How long to wait for health, and how long it must last before anything is pruned; in seconds."""

    timeout_seconds: float = 300.0
    soak_seconds: float = 0.0
    rules: tuple[WaitRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Dependency:
    """The name of an environment that must be deployed before, and the line that says so."""

    name: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class FormerName:
    """What an environment was called before; what is "" has not changed."""

    environment: str = ""
    project: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment, complete: defaults applied, patterns expanded.

    `project` and `name` together identify the inventory. `namespace` is for namespaced objects that name none, and
    holds the inventory; `namespace_origin` is the line that says so, None where it was not written in a file.
    `external` objects must exist in the cluster and are never written. `declared` is False for a path that is used as
    an environment: nobody could say which other namespaces it may use. `takeover` names the owners that
    objects are taken over from (`core.takeovers`). `fills_namespace` is False for a path
    without `--namespace`: its build leaves objects as they are written, as kustomize does, and only the planner puts
    them into `namespace`. `recreate` names objects that may be deleted and created again to change an immutable field.
    `renamed_from` is whose inventory it takes over.
    """

    name: str
    project: str
    cluster: Cluster
    namespace: str
    sources: tuple[Source, ...]
    origin: Origin
    external: tuple[ObjectRef, ...] = ()
    protected: bool = False
    commit_order: CommitOrder = CommitOrder.ANCESTOR
    prune: PruneRules = PruneRules()
    wait: WaitRules = WaitRules()
    added_fields: AddedFields = AddedFields.KEEP
    ignore: tuple[FieldRule, ...] = ()
    takeover: tuple[str, ...] = ()
    sensitive: tuple[FieldRule, ...] = ()
    conflicts: tuple[ConflictRule, ...] = ()
    recreate: tuple[FieldRule, ...] = ()
    namespace_origin: Origin | None = None
    declared: bool = True
    fills_namespace: bool = True
    depends_on: tuple[Dependency, ...] = ()
    renamed_from: FormerName | None = None
