"""How to talk to an API server, as far as a run decides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops_push.cluster.retries import RetryRules


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """`read_only` makes the transport refuse every write; that is the default, a deploy asks for more.

    `environment` is where HTTPS_PROXY and NO_PROXY are looked up (`use_proxy` False ignores them and the kubeconfig's
    proxy). Times in seconds: to connect, for one read, for one request, for a call with its retries, and for the whole
    run (None: no limit). The API server itself ends a request after 34 s.
    """

    read_only: bool = True
    concurrency: int = 16
    environment: Mapping[str, str] = field(default_factory=dict)
    use_proxy: bool = True
    connect_seconds: float = 5.0
    read_seconds: float = 40.0
    request_seconds: float = 60.0
    call_seconds: float = 120.0
    run_seconds: float | None = None
    retries: RetryRules = field(default_factory=RetryRules)
