"""The rules of Kubernetes for names, as pure checks that say what is wrong.

Source: "Object Names and IDs" and "Labels and Selectors" of the Kubernetes documentation; the rule of each kind is
that of its API validation.
"""

from __future__ import annotations

import re
from typing import Final

from gitops_push.core.kinds import BUILT_IN

_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_KEY_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_UNSAFE: Final = re.compile(r"[/%?#\\\s\x00-\x1f\x7f-\x9f]")

_LABEL_NAMED: Final = frozenset({("", "Namespace"), ("", "Service")})
_FREELY_NAMED: Final = frozenset(
    {
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IPAddress"),
    }
)


def unsafe_name(name: str) -> str | None:
    """Return why a name must never become part of a URL, or None. Holds for every kind, also unknown ones."""
    if not name:
        return "is empty"
    if name in {".", ".."}:
        return "must not be '.' or '..'"
    found = _UNSAFE.search(name)
    if found:
        return f"must not contain {found.group()!r}"
    return "is longer than 253 characters" if len(name) > 253 else None


def wrong_name(group: str, kind: str, name: str) -> str | None:
    """Return what is wrong with the name of an object, or None.

    Kinds that are not Kubernetes' own are checked for safety only: their server may have rules of its own.
    """
    unsafe = unsafe_name(name)
    if unsafe or (group, kind) in _FREELY_NAMED or (group, kind) not in BUILT_IN:
        return unsafe
    return wrong_label(name) if (group, kind) in _LABEL_NAMED else wrong_subdomain(name)


def wrong_label(name: str) -> str | None:
    """Return what is wrong with an RFC 1123 label, or None."""
    if len(name) > 63:
        return "is longer than 63 characters"
    if not _LABEL.fullmatch(name):
        return "must be lower-case letters, digits and '-', and begin and end with a letter or digit"
    return None


def wrong_subdomain(name: str) -> str | None:
    """Return what is wrong with an RFC 1123 subdomain, or None."""
    if len(name) > 253:
        return "is longer than 253 characters"
    if not _SUBDOMAIN.fullmatch(name):
        return "must be lower-case letters, digits, '-' and '.', and begin and end with a letter or digit"
    return None


def wrong_key(key: str) -> str | None:
    """Return what is wrong with the key of a label or annotation, or None."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or wrong_subdomain(prefix.lower())):
        return "has a prefix that is no domain name"
    if len(name) > 63:
        return "has a name longer than 63 characters"
    if not _KEY_NAME.fullmatch(name):
        return "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit"
    return None


def wrong_label_value(value: str) -> str | None:
    """Return what is wrong with the value of a label, or None."""
    if len(value) > 63:
        return "is longer than 63 characters"
    if value and not _KEY_NAME.fullmatch(value):
        return "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit"
    return None
