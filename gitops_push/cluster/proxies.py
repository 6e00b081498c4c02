"""Which proxy leads to a server, by the rules of kubectl (Go's `httpproxy`): HTTPS_PROXY and NO_PROXY."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem


def proxy_for(host: str, port: int, environment: Mapping[str, str]) -> str:
    """Return the URL of the proxy for https://host:port, or "" for a direct connection.

    Upper case names win. Never for localhost and loopback addresses. NO_PROXY holds hosts (with their subdomains),
    `.domain` (subdomains only), addresses, networks, each with an optional port, or `*`.
    """
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    exceptions = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not proxy or _is_local(host) or _is_excepted(host, port, exceptions):
        return ""
    return proxy


def checked_proxy(proxy: str) -> str:
    """Return a proxy URL with its scheme (http if it names none); `ClusterError` for one that cannot be used."""
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if usable:
        return url
    message = "the proxy of HTTPS_PROXY or of the kubeconfig's proxy-url is not an http:// or https:// URL"
    raise ClusterError(Problem(Code.SERVER_UNREACHABLE, message, hint="correct it, or add the server to NO_PROXY"))


def _is_local(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    return any(_matches(host.lower(), port, entry.strip().lower()) for entry in exceptions.split(","))


def _matches(host: str, port: int, entry: str) -> bool:
    if entry in {"", "*"}:
        return entry == "*"
    network = _network(entry)
    address = _address(host)
    if network is not None:
        return address is not None and address in network
    name, _, entry_port = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
    if entry_port and int(entry_port) != port:
        return False
    name = name.removeprefix("*").strip("[]")
    if address is not None:
        return _address(name) == address
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None
