"""How many pods a live workload has."""

from __future__ import annotations

from typing import Final

from gitops_push.core.objects import Body

RUNNING_KINDS: Final = (("apps", "DaemonSet"), ("apps", "Deployment"), ("apps", "StatefulSet"))
"""Kinds whose pods run until they are replaced."""


def pod_count(live: Body) -> int:
    """Return the pods that a workload is to have now; 0 for a kind that has none, or does not say."""
    if live.get("kind") == "DaemonSet":
        return int((live.get("status") or {}).get("desiredNumberScheduled") or 0)
    return int((live.get("spec") or {}).get("replicas") or 0)
