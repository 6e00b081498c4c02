"""Whether an operator of a GitOps tool is active on its objects: then it would put them back within minutes.

One GET for each owner that objects are taken over from, or one LIST where the objects do not tell its namespace. What
cannot be read counts as active.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any, Final

from gitops_push.cluster.api import ApiFailure, ApiReader
from gitops_push.core.objects import Body, ObjectRef

_SKIP_RECONCILE: Final = "argocd.argoproj.io/skip-reconcile"


def active_operators(operators: Iterable[ObjectRef], reader: ApiReader) -> Mapping[ObjectRef, str]:
    """Return why each of these operators' objects stops a take over, and how that is ended; "" where it does not."""
    return {operator: _activity(operator, reader) for operator in dict.fromkeys(operators)}


def _activity(operator: ObjectRef, reader: ApiReader) -> str:
    served = reader.served_kinds()
    kind = served.find(operator.group, operator.kind)
    if kind is None and operator.group not in served.unavailable:
        return ""  # the operator is not installed any more
    try:
        if kind is None:
            return _unknown(operator, f"the API group {operator.group} does not answer")
        if operator.namespace:
            live = reader.get(kind, operator.namespace, operator.name)
            found = [live] if live else []
        else:
            found = [body for body in reader.list(kind).items if body["metadata"]["name"] == operator.name]
    except ApiFailure as failure:
        return _unknown(operator, failure.message)
    return next((why for body in found if (why := _why_active(operator, body))), "")


def _unknown(operator: ObjectRef, why: str) -> str:
    return (
        f"{operator.kind} {operator.name} cannot be read, and so counts as active ({why}); "
        f"let the credential get and list {operator.kind} of {operator.group}"
    )


def _why_active(operator: ObjectRef, body: Body) -> str:
    metadata = body["metadata"]
    named = f"{operator.kind} {metadata.get('namespace')}/{metadata.get('name')}"
    if metadata.get("deletionTimestamp"):
        return f"{named} is being deleted, maybe with its objects; wait until it has gone"
    spec = body.get("spec") or {}
    if operator.group == "argoproj.io":
        return _argocd(named, metadata, spec)
    if spec.get("suspend") is True:
        return ""
    name, namespace = quote(str(metadata.get("name"))), quote(str(metadata.get("namespace")))
    return f"{named} is active; suspend it first: flux suspend {operator.kind.lower()} {name} -n {namespace}"


def _argocd(named: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    automated = (spec.get("syncPolicy") or {}).get("automated")
    skipped = str((metadata.get("annotations") or {}).get(_SKIP_RECONCILE, "")).lower() == "true"
    if automated is None or automated.get("enabled") is False or skipped:
        return ""
    application = quote(f"{metadata.get('namespace')}/{metadata.get('name')}")
    return f"{named} syncs automatically; switch that off first: argocd app set {application} --sync-policy none"
