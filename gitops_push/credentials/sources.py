"""Finds the credential for a cluster: the explicit places first, then the usual ones.

Order: `--kubeconfig`; `credentials:` of the cluster in the config; the variable KUBECONFIG; and, not in CI,
`~/.kube/config`. In CI a place that the config names is the only one: falling back to another kubeconfig, which
happens to lie on a shared runner, could deploy to another cluster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.environment import Cluster, CredentialSource
from gitops_push.core.errors import CredentialError, Problem, RefusedError
from gitops_push.core.secret_text import SecretText
from gitops_push.credentials.cluster_entry import normal_server
from gitops_push.credentials.exec_plugin import PluginRules
from gitops_push.credentials.in_cluster import pod_account
from gitops_push.credentials.kubeconfig import credential_of, merge_kubeconfigs, read_kubeconfig
from gitops_push.credentials.kubeconfig_entry import KubeconfigText
from gitops_push.credentials.service_account import account_kubeconfig
from gitops_push.credentials.variable import HeldText, read_variable

_VARIABLE: Final = "KUBECONFIG"
_LIMIT_BYTES: Final = 4 * 1024 * 1024
_SOON: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What the command line and the surroundings say.

    `kubeconfig` and `context` are the flags, "" when not given. `checkout_root` is the config repo, against which a
    relative `credentials.file` is read; `is_tracked` says whether git tracks a file in it. `now` tells the time, with
    a zone. `allow_exec` names the credential plugins that may run besides those that the config names.
    """

    now: Callable[[], datetime]
    kubeconfig: str = ""
    context: str = ""
    in_ci: bool = False
    system_ca: bool = False
    allow_exec: tuple[str, ...] = ()
    checkout_root: Path | None = None
    is_tracked: Callable[[Path], bool] = lambda _: False


def find_credential(cluster: Cluster, options: CredentialOptions, environ: Mapping[str, str]) -> Credential:
    """Return the credential for a cluster. Reads files and variables, writes nothing; runs an allowed plugin.

    Raises `CredentialError` when there is none (the places looked at are listed) or it cannot be used, `RefusedError`
    when it is for another server than the config pins. `Credential.warnings` are for the reader of the log.
    """
    if cluster.credentials is not None and cluster.credentials.in_cluster and not options.kubeconfig:
        credential = _of_pod(environ)
    else:
        credential = _of_kubeconfig(cluster, options, environ)
    _check_pin(cluster, credential)
    return replace(credential, warnings=(*credential.warnings, *_expiry_warnings(credential, options.now())))


def _of_kubeconfig(cluster: Cluster, options: CredentialOptions, environ: Mapping[str, str]) -> Credential:
    search = _Search(options, environ)
    texts = search.run(cluster)
    warnings = (*search.warnings, *(warning for text in texts for warning in _checkout_warnings(text, options)))
    config = merge_kubeconfigs([read_kubeconfig(text) for text in texts])
    context = options.context or cluster.context
    named = cluster.credentials.exec if cluster.credentials else ()
    allowed = frozenset((*options.allow_exec, *named))
    rules = PluginRules(allowed, environ, options.checkout_root, options.now)
    credential = credential_of(config, context, rules, system_ca=options.system_ca)
    held = tuple(SecretText(text.content.decode("utf-8", "replace")) for text in texts if text.file is None)
    return replace(credential, warnings=warnings, secrets=(*credential.secrets, *held))


def _of_pod(environ: Mapping[str, str]) -> Credential:
    account = pod_account(environ)
    return Credential(
        server=account.server,
        found_in="the service account of this pod",
        namespace=account.namespace,
        ca_pem=account.ca_pem,
        token=account.token,
        secrets=(account.token(False),),
    )


def _expiry_warnings(credential: Credential, now: datetime) -> tuple[str, ...]:
    """A deployment waits for minutes: a token that ends before would stop it half way."""
    expiry = credential.expires_at
    if expiry is None or expiry - now > _SOON:
        return ()
    minutes = max(0, int((expiry - now).total_seconds() // 60))
    return (f"the token of {credential.found_in} expires in {minutes} minutes, at {expiry:%H:%M} UTC",)


def credential_variables(cluster: Cluster) -> tuple[str, ...]:
    """Return the names of the variables that may hold this cluster's credential, to be forgotten once it is read."""
    source = cluster.credentials
    configured = (source.env, source.token_env, source.ca_env) if source else ()
    return (*filter(None, configured), _VARIABLE)


class _Search:
    """Looks at one place after the other and remembers where it looked."""

    def __init__(self, options: CredentialOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._looked: list[str] = []
        self.warnings: tuple[str, ...] = ()

    def run(self, cluster: Cluster) -> tuple[KubeconfigText, ...]:
        """Return the first kubeconfig, or the several of a list."""
        if self._options.kubeconfig:
            return (self._file(_path_given(self._options.kubeconfig), "--kubeconfig"),)
        if cluster.credentials is not None:
            found = self._configured(cluster, cluster.credentials)
            if found or self._options.in_ci:
                return found or self._missing(cluster)
        texts = self._variable(_VARIABLE) or self._home() or self._missing(cluster)
        if cluster.credentials is not None:  # a developer's own kubeconfig may be for quite another cluster
            looked = self._looked[0]
            self.warnings = (f"for cluster {cluster.name!r} the kubeconfig of {texts[0].place} is used ({looked})",)
        return texts

    def _configured(self, cluster: Cluster, source: CredentialSource) -> tuple[KubeconfigText, ...]:
        if source.env:
            return self._variable(source.env)
        if source.token_env:
            return (account_kubeconfig(cluster, source, self._environ),)
        if source.keyring:
            return self._keyring(source.keyring)
        path = self._expanded(source.file)
        if not _exists(path):
            self._looked.append(f"{path}: no such file")
            return ()
        return (self._file(path, "credentials.file"),)

    def _keyring(self, name: str) -> tuple[KubeconfigText, ...]:
        from gitops_push.credentials.keyring_store import open_store

        if self._options.in_ci:
            self._looked.append(f"keyring {name}: not used in CI")
            return ()
        content = open_store(in_ci=False).read(name)
        if content is None:
            self._looked.append(f"keyring: no kubeconfig {name!r} in it (gitops-push credentials set {name})")
            return ()
        return (KubeconfigText(content, f"the keyring ({name})"),)

    def _variable(self, name: str) -> tuple[KubeconfigText, ...]:
        value = self._environ.get(name)
        if value is None:
            self._looked.append(f"variable {name}: not set")
            return ()
        held = read_variable(f"the variable {name}", value)
        if isinstance(held, HeldText):
            return (KubeconfigText(held.content, f"the variable {name}"),)
        paths = [Path(path) for path in held.path.split(os.pathsep) if path]
        found = tuple(self._file(path, f"the variable {name}") for path in paths if _exists(path))
        if not found:
            self._looked.append(f"variable {name}: neither a kubeconfig, nor base64 of one, nor the path of a file")
        return found

    def _home(self) -> tuple[KubeconfigText, ...]:
        path = self._home_file()
        if self._options.in_ci or path is None:
            self._looked.append("~/.kube/config: not used in CI" if self._options.in_ci else "HOME: not set")
            return ()
        if not _exists(path):
            self._looked.append(f"{path}: no such file")
            return ()
        return (self._file(path, "the home directory"),)

    def _file(self, path: Path, named_by: str) -> KubeconfigText:
        """Read a kubeconfig that someone named. A pipe is fine: `--kubeconfig <(…)` keeps it off the disk."""
        try:
            with path.open("rb") as file:
                content = file.read(_LIMIT_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
            raise _unusable(f"the kubeconfig {path} ({named_by}) cannot be read: {reason.lower()}") from None
        if len(content) > _LIMIT_BYTES:
            raise _unusable(f"the kubeconfig {path} ({named_by}) is larger than 4 MiB")
        real = path.resolve()
        home = self._home_file()
        own = not self._options.in_ci and home is not None and real == home.resolve()
        return KubeconfigText(content, str(path), real, any_file=own)

    def _home_file(self) -> Path | None:
        home = self._environ.get("HOME", "")
        return Path(home, ".kube", "config") if home.startswith("/") else None

    def _expanded(self, file: str) -> Path:
        if file.startswith("~/"):
            return Path(self._environ.get("HOME", ""), file[2:])
        return Path(self._options.checkout_root or "", file)

    def _missing(self, cluster: Cluster) -> tuple[KubeconfigText, ...]:
        hint = "set one of them, or give --kubeconfig FILE"
        raise CredentialError(
            Problem(
                Code.CREDENTIAL_MISSING,
                f"no kubeconfig for cluster {cluster.name!r}; looked at {'; '.join(self._looked)}",
                hint=hint,
            )
        )


def _path_given(text: str) -> Path:
    """Return the path of --kubeconfig. A kubeconfig in its place is refused, and not quoted as the name of a file."""
    if isinstance(read_variable("--kubeconfig", text), HeldText):
        hint = "put the kubeconfig into a variable and name that: credentials: {env: NAME} in gitops-push.yaml"
        raise _unusable("--kubeconfig takes the path of a file, and was given a kubeconfig itself", hint)
    return Path(text)


def _exists(path: Path) -> bool:
    """Return whether there is such a file. What is no path at all, a token for example, is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _check_pin(cluster: Cluster, credential: Credential) -> None:
    if cluster.server and normal_server(cluster.server) != normal_server(credential.server):
        message = (
            f"{credential.found_in}: context {credential.context!r:.100} points to {credential.server}, but cluster "
            f"{cluster.name!r} is pinned to {cluster.server}"
        )
        hint = "choose another kubeconfig or --context, or correct `server` of the cluster in gitops-push.yaml"
        raise RefusedError(Problem(Code.WRONG_CLUSTER, message, hint=hint))


def _checkout_warnings(text: KubeconfigText, options: CredentialOptions) -> tuple[str, ...]:
    """Return a warning for a kubeconfig that lies in the config repo; one that git tracks is refused."""
    if text.file is None or options.checkout_root is None:
        return ()
    if not text.file.is_relative_to(options.checkout_root.resolve()):
        return ()
    if options.is_tracked(text.file):
        hint = "remove it from git, and replace its credential: everybody with the repo has it"
        raise _unusable(f"the kubeconfig {text.place} is committed to the config repo", hint)
    return (f"the kubeconfig {text.place} lies in the config repo; keep it outside, so that it is never committed",)


def _unusable(message: str, hint: str | None = None) -> CredentialError:
    return CredentialError(Problem(Code.CREDENTIAL_INVALID, message, hint=hint))
