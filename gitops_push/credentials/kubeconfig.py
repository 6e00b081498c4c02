"""Reads kubeconfigs and makes a credential of one context.

A reader of our own, because the one of the Python client runs programs, reads any file, trusts mistyped booleans and
prints whole user entries in its errors. Format: Kubernetes documentation, "kubeconfig (v1)".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import CredentialError, DocumentError, Problem
from gitops_push.core.suggestion import did_you_mean
from gitops_push.credentials.cluster_entry import read_cluster
from gitops_push.credentials.exec_plugin import NO_PLUGINS, PluginRules
from gitops_push.credentials.kubeconfig_entry import Entry, KubeconfigText
from gitops_push.credentials.user_entry import read_user
from gitops_push.documents.reader import Dialect, read_one

_CONTEXT_FIELDS: Final = ("cluster", "user", "namespace", "extensions")
_NAMES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The entries of one kubeconfig, or of several merged ones, by name."""

    place: str
    current_context: str
    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]


def read_kubeconfig(text: KubeconfigText) -> Kubeconfig:
    """Return the entries of a kubeconfig. Raises `CredentialError`, which never quotes the text."""
    root = _root(text)
    current = root.get("current-context")
    if current is not None and not isinstance(current, str):
        raise _invalid(text.place, "current-context must be text (in quotes)")
    return Kubeconfig(
        text.place,
        current or "",
        _entries(root, "context", text),
        _entries(root, "cluster", text),
        _entries(root, "user", text),
    )


def merge_kubeconfigs(configs: Sequence[Kubeconfig]) -> Kubeconfig:
    """Return one kubeconfig of all, as kubectl does for a list in KUBECONFIG: the first to name something wins."""
    return Kubeconfig(
        ", ".join(config.place for config in configs),
        next((config.current_context for config in configs if config.current_context), ""),
        _first_wins(config.contexts for config in configs),
        _first_wins(config.clusters for config in configs),
        _first_wins(config.users for config in configs),
    )


def credential_of(
    config: Kubeconfig, context_name: str, rules: PluginRules = NO_PLUGINS, *, system_ca: bool = False
) -> Credential:
    """Return the credential of a context ("": the current one).

    `rules` say which credential plugins may run, and what time it is. Raises `CredentialError` for a missing entry, a
    feature that is refused, or a value that cannot be right.
    """
    context = _context(config, context_name)
    context.check_fields(_CONTEXT_FIELDS, {})
    cluster = read_cluster(_referenced(config.clusters, context, "cluster"), system_ca=system_ca)
    user = read_user(_referenced(config.users, context, "user"), rules)
    return Credential(
        server=cluster.server,
        found_in=config.place,
        context=context.name,
        namespace=context.text("namespace"),
        ca_pem=cluster.ca_pem,
        system_ca=system_ca,
        tls_server_name=cluster.tls_server_name,
        client_certificate=user.client_certificate,
        token=user.token,
        impersonate_user=user.impersonate_user,
        impersonate_groups=user.impersonate_groups,
        expires_at=user.expires_at,
        secrets=user.secrets,
    )


def _root(text: KubeconfigText) -> Mapping[str, Any]:
    try:
        root = read_one(text.content, text.place, Dialect.KUBECTL).value
    except DocumentError as error:
        raise CredentialError(_unreadable(text.place, error)) from None  # its own words may quote the text
    if not isinstance(root, Mapping):
        raise _invalid(text.place, "this is no kubeconfig: it is no mapping")
    kind = root.get("kind")
    if kind not in (None, "Config") or root.get("apiVersion") not in (None, "v1"):
        raise _invalid(text.place, "this is no kubeconfig: its kind must be Config and its apiVersion v1")
    if not any(key in root for key in ("clusters", "users", "contexts")):
        raise _invalid(text.place, "this is no kubeconfig: it has no clusters, users or contexts")
    return root


def _unreadable(place: str, error: DocumentError) -> tuple[Problem, ...]:
    def at(problem: Problem) -> str:
        origin = problem.origin
        return f" (line {origin.line}, column {origin.column})" if origin and origin.line else ""

    return tuple(
        Problem(Code.CREDENTIAL_INVALID, f"{place}: this is no kubeconfig: its YAML cannot be read{at(problem)}")
        for problem in error.problems
    )


def _entries(root: Mapping[str, Any], kind: str, text: KubeconfigText) -> Mapping[str, Entry]:
    """Return `clusters: [{name, cluster: {…}}]` by name; a name that comes twice is an error, as in client-go."""
    items = root.get(f"{kind}s") or ()
    if not isinstance(items, list | tuple):
        raise _invalid(text.place, f"{kind}s must be a list")
    found: dict[str, Entry] = {}
    for number, item in enumerate(items):
        name = item.get("name") if isinstance(item, Mapping) else None
        fields = (item.get(kind) or {}) if isinstance(item, Mapping) else None
        if not isinstance(name, str) or not isinstance(fields, Mapping):
            raise _invalid(text.place, f"{kind}s[{number}] must have a name and a {kind}")
        if name in found:
            raise _invalid(text.place, f"{kind} {name!r:.100} is there twice")
        found[name] = Entry(kind, name, fields, text)
    return found


def _first_wins(parts: Iterable[Mapping[str, Entry]]) -> Mapping[str, Entry]:
    merged: dict[str, Entry] = {}
    for part in parts:
        merged = {**part, **merged}
    return merged


def _context(config: Kubeconfig, name: str) -> Entry:
    wanted = name or config.current_context
    known = ", ".join(sorted(config.contexts)[:_NAMES_SHOWN]) or "none"
    if not wanted:
        raise _invalid(config.place, "it has no current-context", f"choose one with --context; it has: {known}")
    if wanted not in config.contexts:
        raise _invalid(
            config.place,
            f"it has no context {wanted!r:.100}{did_you_mean(wanted, config.contexts)}",
            f"choose another with --context; it has: {known}",
        )
    return config.contexts[wanted]


def _referenced(entries: Mapping[str, Entry], context: Entry, kind: str) -> Entry:
    name = context.text(kind)
    if not name:
        raise context.invalid(f"it names no {kind}")
    if name not in entries:
        raise context.invalid(f"there is no {kind} {name!r:.100}{did_you_mean(name, entries)}")
    return entries[name]


def _invalid(place: str, what: str, hint: str | None = None) -> CredentialError:
    return CredentialError(Problem(Code.CREDENTIAL_INVALID, f"{place}: {what}", hint=hint))
