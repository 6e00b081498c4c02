"""When a hook has done its part: it has come to an end, where objects of its kind have one."""

from __future__ import annotations

from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.readiness import Progressing, Readiness, Ready, readiness


def hook_readiness(ref: ObjectRef, body: Body) -> Readiness:
    """Return whether a hook is done."""
    return at_its_end(ref, body, readiness(ref, body))


def at_its_end(ref: ObjectRef, body: Body, found: Readiness) -> Readiness:
    """Return the readiness of a hook: a pod that is ready has still to succeed, and a suspended Job still to run."""
    if not isinstance(found, Ready):
        return found
    if (ref.group, ref.kind) == ("", "Pod") and (body.get("status") or {}).get("phase") != "Succeeded":
        return Progressing("it runs")
    suspended = (ref.group, ref.kind) == ("batch", "Job") and (body.get("spec") or {}).get("suspend") is True
    return Progressing("it is suspended") if suspended else found
