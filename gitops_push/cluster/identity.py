"""Which cluster this is, whatever its URL: so that a run cannot mistake one for another."""

from __future__ import annotations

import hashlib
from typing import Final

from gitops_push.cluster.api import ApiFailure, ApiReader, ServedKind
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem
from gitops_push.core.objects import Body

NAMESPACE: Final = ServedKind("", "v1", "Namespace", "namespaces", namespaced=False)
CONFIG_MAP: Final = ServedKind("", "v1", "ConfigMap", "configmaps", namespaced=True)
ROOT_CA: Final = "kube-root-ca.crt"


def cluster_identity(reader: ApiReader, server: str, namespace: str) -> str:
    """Return the uid of the kube-system Namespace, or where that may not be read a digest "sha256:…".

    The digest is over the server's URL and the CA that the cluster publishes in every namespace as `kube-root-ca.crt`;
    it is looked for in `namespace`, then in `default`. `ClusterError` SERVER_FORBIDS if none of the three can be read.
    """
    system = _get_or_none(reader, NAMESPACE, "", "kube-system")
    if system is not None:
        return str(system["metadata"]["uid"])
    for place in dict.fromkeys((namespace, "default")):
        config_map = _get_or_none(reader, CONFIG_MAP, place, ROOT_CA) if place else None
        certificate = (config_map or {}).get("data", {}).get("ca.crt", "")
        if certificate:
            digest = hashlib.sha256(f"{server}\n{certificate.strip()}\n".encode()).hexdigest()
            return f"sha256:{digest}"
    message = f"cannot tell which cluster {server} is"
    hint = f"allow `get` of the Namespace kube-system, or of the ConfigMap {ROOT_CA} in {namespace}"
    raise ClusterError(Problem(Code.SERVER_FORBIDS, message, hint=hint))


def _get_or_none(reader: ApiReader, kind: ServedKind, namespace: str, name: str) -> Body | None:
    try:
        return reader.get(kind, namespace, name)
    except ApiFailure as failure:
        if failure.status == 403:
            return None
        raise
