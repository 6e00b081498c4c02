"""One object on its way through the build: its body, and what it was called in the layers below.

Kustomize keeps earlier names, namespaces and kinds, because patches, generators and references may use any of them
(https://github.com/kubernetes-sigs/kustomize, api/resource). Here they are fields of the object, not annotations.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node, copy_tree, put, remove
from gitops_push.kustomize.fieldspecs import FieldSpecs
from gitops_push.kustomize.scopes import is_cluster_scoped
from gitops_push.kustomize.shared_places import SharedPlaces

NO_NAMESPACE: Final = "_non_namespaceable_"
"""Stands for the namespace of a kind that is known to be cluster-scoped."""

DEFAULT_NAMESPACE: Final = "default"


class ResourceId(NamedTuple):
    """What identifies an object within a build. `namespace` is "default" for none, NO_NAMESPACE for cluster scope."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return kustomize's own form: `Deployment.v1.apps/web.shop`, `ConfigMap.v1.[noGrp]/web.[noNs]`."""
        kind = shown_kind(self.group, self.version, self.kind)
        namespace = "[noNs]" if self.namespace in {NO_NAMESPACE, DEFAULT_NAMESPACE} else self.namespace
        return f"{kind}/{self.name or '[noName]'}.{namespace}"


class EarlierName(NamedTuple):
    """A name, namespace and kind that an object had; the group and version are always today's."""

    namespace: str
    name: str
    kind: str


class Resource:
    """An object that is being built. Mutable: transformers change `body` and the history in place.

    `origin` is where the object begins. An empty `body` means that a patch deleted it. `hashed` asks for a content hash
    at the end of the name; `unhashed_name` is the name without it, once it is there. `behavior` is that of a generator.
    `from_helm` says that a chart made it: `namespace` leaves it alone, the release has a namespace of its own.
    `shared` holds places that kustomize made with one value, and that change together. `rewritten` says that a JSON
    patch went over the object, so that nothing is left of how its scalars were written. `var_names` are the vars whose
    values are read from the object.
    """

    __slots__ = (
        "behavior",
        "body",
        "earlier",
        "from_helm",
        "hashed",
        "origin",
        "prefixes",
        "rewritten",
        "shared",
        "suffixes",
        "unhashed_name",
        "var_names",
    )

    def __init__(self, body: Fields, origin: Origin) -> None:
        self.body = body
        self.origin = origin
        self.earlier: list[EarlierName] = []
        self.prefixes: list[str] = []
        self.suffixes: list[str] = []
        self.behavior = ""
        self.hashed = False
        self.from_helm = False
        self.unhashed_name = ""
        self.rewritten = False
        self.shared = SharedPlaces()
        self.var_names: list[str] = []

    @property
    def kind(self) -> str:
        """Return the kind as text."""
        return text_of(self.body.get("kind"))

    @property
    def api_version(self) -> str:
        """Return the apiVersion as text: "apps/v1"."""
        return text_of(self.body.get("apiVersion"))

    @property
    def name(self) -> str:
        """Return metadata.name, "" if there is none."""
        return text_of(self.metadata.get("name"))

    @property
    def namespace(self) -> str:
        """Return metadata.namespace as written, "" if there is none."""
        return text_of(self.metadata.get("namespace"))

    @property
    def metadata(self) -> Fields:
        """Return the metadata, or an unattached empty mapping if there is none."""
        metadata = self.body.get("metadata")
        return metadata if isinstance(metadata, Fields) else Fields()

    def current_id(self) -> ResourceId:
        """Return the identity that the object has now."""
        api_version, kind, metadata = self.api_version, self.kind, self.metadata
        group, version = split_api_version(api_version)
        namespace = effective_namespace(api_version, kind, text_of(metadata.get("namespace")))
        return ResourceId(group, version, kind, namespace, text_of(metadata.get("name")))

    def earlier_ids(self) -> list[ResourceId]:
        """Return the identities that the object had in the layers below, oldest first."""
        if not self.earlier:
            return []
        group, version = split_api_version(self.api_version)
        return [ResourceId(group, version, past.kind, past.namespace, past.name) for past in self.earlier]

    def all_ids(self) -> list[ResourceId]:
        """Return the earlier identities, oldest first, and the current one."""
        return [*self.earlier_ids(), self.current_id()]

    def original_id(self) -> ResourceId:
        """Return the first identity that the object had."""
        ids = self.earlier_ids()
        return ids[0] if ids else self.current_id()

    def remember_id(self) -> None:
        """Add the current identity to the earlier ones; called before a name, namespace or kind changes."""
        now = self.current_id()
        self.earlier.append(EarlierName(now.namespace, now.name, now.kind))

    def set_name(self, name: str, origin: Origin) -> None:
        """Change metadata.name."""
        put(self._writable_metadata(origin), "name", name, origin)

    def set_namespace(self, namespace: str, origin: Origin) -> None:
        """Change metadata.namespace; "" removes it."""
        if namespace:
            put(self._writable_metadata(origin), "namespace", namespace, origin)
        else:
            remove(self.metadata, "namespace")

    def _writable_metadata(self, origin: Origin) -> Fields:
        metadata = self.body.get("metadata")
        if not isinstance(metadata, Fields):
            metadata = Fields(start=origin)
            put(self.body, "metadata", metadata, origin)
        return metadata

    def take_over(self, other: Resource) -> None:
        """Become another object: its body, its history, and what it asks for."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def selected(self, specs: FieldSpecs) -> FieldSpecs:
        """Return the specs that are for objects of this kind."""
        group, version = split_api_version(self.api_version)
        kind = self.kind
        return tuple(spec for spec in specs if spec.selects(group, version, kind))

    def copy(self) -> Resource:
        """Return a deep copy, history included."""
        other = Resource(copy_tree(self.body), self.origin)
        other.earlier = list(self.earlier)
        other.prefixes, other.suffixes = list(self.prefixes), list(self.suffixes)
        other.from_helm = self.from_helm
        other.behavior, other.hashed, other.unhashed_name = self.behavior, self.hashed, self.unhashed_name
        other.var_names = list(self.var_names)
        return other


def shown_kind(group: str, version: str, kind: str) -> str:
    """Return kustomize's own form of a kind: `Deployment.v1.apps`, `ConfigMap.v1.[noGrp]`."""
    return f"{kind or '[noKind]'}.{version or '[noVer]'}.{group or '[noGrp]'}"


def split_api_version(api_version: str) -> tuple[str, str]:
    """Return (group, version); the group is "" for the core group."""
    group, slash, version = api_version.partition("/")
    return (group, version) if slash else ("", api_version)


def effective_namespace(api_version: str, kind: str, namespace: str) -> str:
    """Return the namespace for comparing identities: none and "default" are the same."""
    if is_cluster_scoped(api_version, kind):
        return NO_NAMESPACE
    return namespace or DEFAULT_NAMESPACE


def text_of(value: Node) -> str:
    """Return a scalar as the text that YAML would read it from; "" for null and for containers."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case _:
            return ""
