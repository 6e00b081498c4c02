"""A credential of two CI secrets: the token of a service account, and the CA of its cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from gitops_push.core.codes import Code
from gitops_push.core.environment import Cluster, CredentialSource
from gitops_push.core.errors import CredentialError, Problem
from gitops_push.credentials.kubeconfig_entry import KubeconfigText


def account_kubeconfig(cluster: Cluster, source: CredentialSource, environ: Mapping[str, str]) -> KubeconfigText:
    """Return the kubeconfig that these two variables stand for: one reader then checks all of it.

    Raises `CredentialError` where a variable is missing, or the cluster has no `server`.
    """
    missing = [name for name in (source.token_env, source.ca_env) if not environ.get(name, "").strip()]
    if missing:
        names = " and ".join(f"the variable {name}" for name in missing)
        text = f"no credential for cluster {cluster.name!r}: {names} of serviceAccountToken not set, or empty"
        hint = "a CI system gives no secrets to pull requests from forks, and none under another name"
        raise CredentialError(Problem(Code.CREDENTIAL_MISSING, text, hint=hint))
    if not cluster.server:
        text = f"cluster {cluster.name!r} has serviceAccountToken and no server"
        raise CredentialError(Problem(Code.CREDENTIAL_INVALID, text, hint="set `server` of the cluster to its URL"))
    place = f"the variables {source.token_env} and {source.ca_env}"
    ca = environ[source.ca_env].strip()
    data = base64.b64encode(ca.encode("utf-8", "surrogateescape")).decode() if "-----BEGIN" in ca else ca
    entries = {
        "clusters": [{"name": "cluster", "cluster": {"server": cluster.server, "certificate-authority-data": data}}],
        "users": [{"name": "account", "user": {"token": environ[source.token_env].strip()}}],
        "contexts": [{"name": "account", "context": {"cluster": "cluster", "user": "account"}}],
        "current-context": "account",
    }
    return KubeconfigText(json.dumps(entries).encode(), place)
