"""Who runs, by the variables of a CI system, or at a terminal by the user's name and the machine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitops_push.ci.detection import detect_ci
from gitops_push.core.run_identity import RunIdentity

_USER: Final = ("USER", "LOGNAME", "USERNAME")


def run_identity(environ: Mapping[str, str], host: str) -> RunIdentity:
    """Return who runs. `host` is the name of this machine; in CI that is a runner, named only where a URL lacks."""
    user = next((environ[name] for name in _USER if environ.get(name)), "")
    ci = detect_ci(environ)
    if ci is None:
        return RunIdentity(actor=user, host=host)
    return RunIdentity(ci.run_url, ci.actor, ci.commit, ci.branch, ci.system.value, host)
