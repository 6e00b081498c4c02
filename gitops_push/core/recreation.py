"""When an object has to be deleted and created again: which rejection says so, and where that is allowed.

A server refuses a *value*, or it refuses the *change* whatever the value is. Only the second is cured by creating the
object anew, so the words of each cause are read, behind the value that the server repeats; a cause that is not known
here is no reason to delete anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops_push.core.environment import FieldRule
from gitops_push.core.kinds import BUILT_IN, KEPT_KINDS
from gitops_push.core.objects import Body, Manifest, ObjectRef
from gitops_push.core.rules import applies

ANNOTATION: Final = "gitops-push.dev/recreate"
"""On a manifest: `enabled` lets the object be recreated, anything else forbids it."""

_BY_DEFAULT: Final = frozenset({("", "Pod"), ("batch", "Job")})
"""Kinds that run to an end and hold nothing: their templates can never be changed in place."""

_API_SAYS: Final = re.compile(
    r"field is immutable( .*)?"
    r"|may not change once set"
    r"|may not be changed in an update\."
    r"|updates to \w+ are forbidden\.?"
    r"|updates to \w+ spec for fields other than .*"
    r"|pod updates may not (change|add|remove) .*"
    r"|only deletion is allowed, but found new scheduling gate .*"
    r"|existing toleration can not be modified except its tolerationSeconds"
    r"|can only be modified in tandem with .*"
    r"|\S+ is immutable after creation.*"
    r"|cannot change roleRef",
    re.DOTALL,
)
"""What Kubernetes' own validation says of a change (pkg/apis/*/validation; each tried on a real API server, but
`updates to statefulset spec …` and `cannot change roleRef`, which older servers say)."""

_SOMEBODY_SAYS: Final = re.compile(
    r"\b(is|are|fields?|remains?) immutable\b(?!-)"
    r"|\bimmutable (field|once|after)\b"
    r"|\b(can(not| not|'t)|(may|must|should) not) (be )?(changed?|modified|updated|edited)\b"
    r"|\bself(?P<new>(?:\.\w+)*) == oldSelf(?P=new)(?![.\w])"
    r"|\boldSelf(?P<old>(?:\.\w+)*) == self(?P=old)(?![.\w])"
)
"""How rules of custom resources (CEL), admission webhooks and policies put it."""

_DENIED: Final = re.compile(r"(?:admission webhook \"[^\"]*\" denied the request|denied request)(?:: (.*))?", re.DOTALL)
_FIELD: Final = re.compile(r"is invalid: \[?([a-zA-Z][\w.\[\]]*): ")
_VALUE: Final = "Invalid value: "
_ABOUT_VALUES: Final = ("Duplicate value", "Not found", "Required value", "Too long", "Too many", "Unsupported value")


@dataclass(frozen=True, slots=True)
class ImmutableField:
    """A field that cannot be changed in place; `field` is spelled as the server does, "" where it names none.

    `words` are the server's, without the value. `by_api` says that Kubernetes' own validation says so. Otherwise it is
    read from the text of a rule or a webhook.
    """

    field: str
    words: str
    by_api: bool


def immutable_fields(
    ref: ObjectRef, message: str, causes: Iterable[tuple[str, str, str]]
) -> tuple[ImmutableField, ...]:
    """Return the fields whose change a rejected dry run complains of; () when it is about anything else.

    `causes` are (field, reason, message). Other complaints may stand beside: whether they are about the change, too,
    shows when the object is created on trial.
    """
    denied = _DENIED.search(message)
    by_api = (ref.group, ref.kind) in BUILT_IN and denied is None
    wording = _API_SAYS.fullmatch if by_api else _SOMEBODY_SAYS.search
    complaints = [(field, _complaint(text)) for field, _, text in causes]
    if denied is not None and not any(field for field, _ in complaints):
        said = denied[1] or ""
        named = _FIELD.search(said)
        complaints = [(named[1] if named else "", said)]
    found = {field: text for field, text in complaints if wording(text) and not field.startswith("metadata.")}
    return tuple(ImmutableField(field, text.partition("\n")[0], by_api) for field, text in found.items())


def why_not_recreated(manifest: Manifest, rules: Iterable[FieldRule], *, by_api: bool) -> str:
    """Return what to do instead, or to allow it, where an object may not be deleted and created again; "" if it may."""
    ref = manifest.ref
    if (ref.group, ref.kind) in KEPT_KINDS:
        return (
            f"a {ref.kind} is never deleted to be created again, whatever asks for it, as data goes with it: "
            "take the change back, or give the object a new name"
        )
    consent = _consent(manifest.body)
    default = by_api and (ref.group, ref.kind) in _BY_DEFAULT
    allowed = consent if consent is not None else default or any(applies(rule, ref) for rule in rules)
    if allowed:
        return ""
    return (
        f"to let it be deleted and created again, annotate it with {ANNOTATION}: enabled,\n"
        f"or write recreate: [{{kind: {ref.kind}, name: {ref.name}}}] into the environment; "
        "or give the object a new name"
    )


def trial_name(uid: str) -> str:
    """Return the name under which the creation of an object is tried: valid for every kind, and nobody else's."""
    return f"gitops-push-trial-{re.sub('[^0-9a-f]', '', uid)[:12]}"


def trial_body(ref: ObjectRef, body: Body, name: str, live: Body) -> dict[str, Any]:
    """Return the object under a temporary name, without what only one object can have and the live one has.

    A node port, an address or a node that the live object has not stays: it may be taken, or no such thing.
    """
    trial = {**body, "metadata": {**body["metadata"], "name": name}}
    match ref.group, ref.kind:
        case "", "Service":
            return _with_spec(trial, live, "clusterIP", "clusterIPs", "healthCheckNodePort", "loadBalancerIP")
        case "", "Pod":
            return _with_spec(trial, live, "nodeName")
        case "scheduling.k8s.io", "PriorityClass":
            return _without_same(trial, live, "globalDefault")
        case _:
            return trial


def _with_spec(body: dict[str, Any], live: Body, *names: str) -> dict[str, Any]:
    """Return the body without these fields of its spec, and without the node ports, that the live object has, too."""
    spec, old = body.get("spec"), live.get("spec")
    if not isinstance(spec, Mapping) or not isinstance(old, Mapping):
        return body
    headless = spec.get("clusterIP") == "None"
    tried = _without_same(spec, {} if headless else old, *names)
    ports = spec.get("ports")
    if isinstance(ports, list):
        taken = {port.get("nodePort") for port in old.get("ports") or ()}
        tried["ports"] = [_without_port(port, taken) for port in ports]
    return {**body, "spec": tried}


def _without_same(fields: Mapping[str, Any], live: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if k not in names or k not in live or v != live[k]}


def _without_port(port: Any, taken: Collection[Any]) -> Any:
    if not isinstance(port, Mapping) or port.get("nodePort") not in tuple(taken):
        return port
    return {key: value for key, value in port.items() if key != "nodePort"}


def _consent(body: Body) -> bool | None:
    """Return what the annotations of a manifest say, ours before those of Argo CD and Flux; None for nothing."""
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    ours = annotations.get(ANNOTATION)
    if ours is not None:
        return bool(ours == "enabled")
    options = {part.strip() for part in str(annotations.get("argocd.argoproj.io/sync-options") or "").split(",")}
    flux = str(annotations.get("kustomize.toolkit.fluxcd.io/force") or "").casefold() == "enabled"
    return True if flux or options >= {"Replace=true", "Force=true"} else None


def _complaint(message: str) -> str:
    """Return the words of a cause, without the value before them: that may say anything."""
    if message.startswith(_ABOUT_VALUES):
        return ""
    if not message.startswith(_VALUE):
        return message.removeprefix("Forbidden: ")
    rest = message[len(_VALUE) :]
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except (ValueError, RecursionError):  # cut, or in the syntax of Go: the words stand at the end
        return rest.rpartition(": ")[2]
    return rest[end:].removeprefix(": ")
