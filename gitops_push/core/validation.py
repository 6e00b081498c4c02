"""Checks a built set without a server: what is provably wrong, all of it at once.

Two steps: `object_problems` looks at one object before anything is known of the others, `set_problems` at the whole
set. Whatever only a server can know (schemas, quotas, whether a namespace exists) is left to the plan.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.environment import Environment
from gitops_push.core.errors import Problem
from gitops_push.core.hooks import is_hook, role_of
from gitops_push.core.kinds import split_api_version
from gitops_push.core.names import unsafe_name, wrong_key, wrong_label, wrong_label_value, wrong_name
from gitops_push.core.objects import Manifest, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.scopes import name_of
from gitops_push.core.sizes import size_problems
from gitops_push.core.suggestion import did_you_mean
from gitops_push.core.tree import Node, origin_at

_API_VERSION: Final = re.compile(r"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_ALWAYS_THERE: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
_TEMPLATE: Final = ("spec", "template", "spec")
_POD_SPECS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}
_STRING_MAPS: Final = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}


def object_problems(body: Node, origin: Origin) -> tuple[Problem, ...]:
    """Return all that is wrong with one object on its own; `origin` is where it begins."""
    if not isinstance(body, dict):
        return (Problem(Code.MANIFEST_INVALID, f"an object must be a mapping, this is {_noun(body)}", origin),)
    return tuple(_checks(body, origin))


def set_problems(manifests: Sequence[Manifest], environment: Environment) -> tuple[Problem, ...]:
    """Return all that is wrong with the objects together: none at all, the same one twice, unknown namespaces."""
    if not any(role_of(manifest).is_applied for manifest in manifests):
        only_hooks = " but hooks" if manifests else ""
        message = f"environment {environment.name} has no objects{only_hooks}"
        hint = "an empty set would delete all that was deployed; to keep nothing, delete it with kubectl"
        return (Problem(Code.EMPTY_SET, message, environment.origin, hint=hint),)
    unknown = unknown_namespaces(manifests, environment) if environment.declared else ()
    return (*duplicate_problems(manifests), *unknown)


def duplicate_problems(manifests: Sequence[Manifest]) -> tuple[Problem, ...]:
    """Return a problem for each object that is in the set more than once, at its later place."""
    first: dict[ObjectRef, Manifest] = {}
    problems = []
    for manifest in manifests:
        earlier = first.setdefault(manifest.ref, manifest)
        if earlier is not manifest:
            message = f"{manifest.ref} is in the set twice: first at {earlier.origin}, again at {manifest.origin}"
            hint = "remove one of the two, or give them different names or namespaces"
            problems.append(Problem(Code.DUPLICATE_OBJECT, message, manifest.origin, manifest.ref, hint))
    return tuple(problems)


def unknown_namespaces(manifests: Sequence[Manifest], environment: Environment) -> tuple[Problem, ...]:
    """Return a problem for each namespace that neither the set, nor the environment, nor Kubernetes itself brings."""
    found = first_in_unknown_namespaces(manifests, environment)
    known = _known_namespaces(manifests, environment) if found else frozenset()
    return tuple(_unknown_namespace(manifest, known) for manifest in found)


def first_in_unknown_namespaces(manifests: Sequence[Manifest], environment: Environment) -> tuple[Manifest, ...]:
    """Return the first manifest in each namespace that is not known; see `unknown_namespaces`."""
    known = _known_namespaces(manifests, environment)
    first: dict[str, Manifest] = {}
    for manifest in manifests:
        if manifest.ref.namespace and manifest.ref.namespace not in known:
            first.setdefault(manifest.ref.namespace, manifest)
    return tuple(first.values())


def _known_namespaces(manifests: Sequence[Manifest], environment: Environment) -> frozenset[str]:
    refs = [*(manifest.ref for manifest in manifests), *environment.external]
    named = {ref.name for ref in refs if (ref.group, ref.kind) == ("", "Namespace")}
    return frozenset({environment.namespace, *named}) | _ALWAYS_THERE


def _unknown_namespace(manifest: Manifest, known: Collection[str]) -> Problem:
    name = manifest.ref.namespace
    message = f"{manifest.ref} is in namespace {name!r}, which is not in the set{did_you_mean(name, known)}"
    hint = f"add the Namespace to the set, or, if it exists already, add v1/Namespace/{name} to 'external'"
    origin = manifest.origin_at(("metadata", "namespace"))
    return Problem(Code.UNKNOWN_NAMESPACE, message, origin, manifest.ref, hint)


def _checks(body: dict[str, Any], origin: Origin) -> Iterator[Problem]:
    """Yield the problems of one object. One that cannot be identified gets no further checks."""
    unidentified = tuple(_identity_problems(body, origin))
    if unidentified:
        yield from unidentified
        return
    group, _ = split_api_version(body["apiVersion"])
    metadata = body["metadata"]
    namespace = metadata.get("namespace") or ""
    ref = ObjectRef(group, body["kind"], namespace, name_of(metadata))
    yield from _name_problems(body, ref, origin)
    for name in ("labels", "annotations"):
        yield from _string_map_problems(body, ref, ("metadata", name), origin)
    yield from _key_problems(body, ref, origin)
    for name in _STRING_MAPS.get(ref.kind, ()) if not group else ():
        yield from _string_map_problems(body, ref, (name,), origin)
    yield from _variable_problems(body, ref, origin)
    yield from size_problems(body, ref, origin)


def _identity_problems(body: dict[str, Any], origin: Origin) -> Iterator[Problem]:
    kind = body.get("kind")
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        yield _wrong_identity(body, ("kind",), "kind", origin)
    version = body.get("apiVersion")
    if not (isinstance(version, str) and _API_VERSION.fullmatch(version)):
        yield _wrong_identity(body, ("apiVersion",), "apiVersion", origin)
    if isinstance(kind, str) and kind.endswith("List") and isinstance(body.get("items"), list):
        yield Problem(Code.MANIFEST_INVALID, f"a {kind} cannot be deployed; write its items as objects", origin)
        return
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        yield _wrong_identity(body, ("metadata",), "metadata", origin, "a mapping")
        return
    if "name" not in metadata and "generateName" in metadata:
        yield from _generated_name_problems(body, metadata, origin)
    elif not (isinstance(metadata.get("name"), str) and metadata["name"]):
        yield _wrong_identity(body, ("metadata", "name"), "metadata.name", origin)
    if not isinstance(metadata.get("namespace") or "", str):
        yield _wrong_identity(body, ("metadata", "namespace"), "metadata.namespace", origin)


def _generated_name_problems(body: dict[str, Any], metadata: dict[str, Any], origin: Origin) -> Iterator[Problem]:
    """A name that is new in each run is for hooks, which are made anew in each run."""
    place = origin_at(body, ("metadata", "generateName")) or origin
    if not is_hook(body):
        message = f"{_called(body)} has generateName and no name: every run would create another one"
        hint = "give it a name; an object whose name the server makes up cannot be compared with the cluster"
        yield Problem(Code.MANIFEST_INVALID, message, place, hint=hint)
    elif not (isinstance(metadata["generateName"], str) and metadata["generateName"]):
        yield _wrong_identity(body, ("metadata", "generateName"), "metadata.generateName", origin)


def _wrong_identity(
    body: dict[str, Any], path: tuple[str, ...], name: str, origin: Origin, wanted: str = "a text"
) -> Problem:
    value = _value_at(body, path)
    place = origin_at(body, path) or origin
    if value is None or value == "":
        return Problem(Code.MANIFEST_INVALID, f"{_called(body)} has no {name}", place)
    if isinstance(value, str):
        return Problem(Code.MANIFEST_INVALID, f"{_called(body)}: {name} {value!r} is not possible", place)
    return Problem(
        Code.MANIFEST_INVALID,
        f"{_called(body)}: {name} must be {wanted}, this is {_noun(value)}",
        place,
        hint=_quoted(value),
    )


def _name_problems(body: dict[str, Any], ref: ObjectRef, origin: Origin) -> Iterator[Problem]:
    is_generated = "name" not in body["metadata"]
    wrong = wrong_name(ref.group, ref.kind, f"{ref.name}0" if is_generated else ref.name)
    if wrong:
        place = origin_at(body, ("metadata", "generateName" if is_generated else "name")) or origin
        yield Problem(Code.MANIFEST_INVALID, f"{ref}: the name {ref.name!r} {wrong}", place, ref)
    wrong = ref.namespace and (unsafe_name(ref.namespace) or wrong_label(ref.namespace))
    if wrong:
        place = origin_at(body, ("metadata", "namespace")) or origin
        yield Problem(Code.MANIFEST_INVALID, f"{ref}: the namespace {ref.namespace!r} {wrong}", place, ref)


def _string_map_problems(
    body: dict[str, Any], ref: ObjectRef, path: tuple[str, ...], origin: Origin
) -> Iterator[Problem]:
    """Yield the values that are no strings: `true` and `8080` without quotes, which the server refuses."""
    values = _value_at(body, path)
    where = ".".join(path)
    if values is not None and not isinstance(values, dict):
        place = origin_at(body, path) or origin
        yield Problem(Code.MANIFEST_INVALID, f"{ref}: {where} must be a mapping, this is {_noun(values)}", place, ref)
        return
    for key, value in (values or {}).items():
        if value is not None and not isinstance(value, str):
            place = origin_at(body, (*path, key)) or origin
            secret = ref.kind == "Secret" and path[0] != "metadata"
            message = f"{ref}: {where}[{key}] must be a text, this is {_noun(value)}"
            hint = 'put it in quotes: "…"' if secret else _quoted(value)  # no value of a Secret is ever printed
            yield Problem(Code.MANIFEST_INVALID, message, place, ref, hint)


def _variable_problems(body: dict[str, Any], ref: ObjectRef, origin: Origin) -> Iterator[Problem]:
    """Yield the variables of containers whose value is no text, the most frequent slip in a workload."""
    pod = _POD_SPECS.get((ref.group, ref.kind))
    spec = _value_at(body, pod) if pod else None
    for kind in ("containers", "initContainers") if isinstance(spec, dict) else ():
        for index, container in enumerate(_list_at(spec, kind)):
            for position, variable in enumerate(_list_at(container, "env")):
                value = variable.get("value") if isinstance(variable, dict) else None
                if isinstance(value, (bool, int, float)):
                    path = (*(pod or ()), kind, index, "env", position, "value")
                    message = f"{ref}: the variable {variable.get('name')!r} must be a text, this is {_noun(value)}"
                    place = origin_at(body, path) or origin
                    yield Problem(Code.MANIFEST_INVALID, message, place, ref, _quoted(value))


def _list_at(node: Node, key: str) -> list[Any]:
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, list) else []


def _key_problems(body: dict[str, Any], ref: ObjectRef, origin: Origin) -> Iterator[Problem]:
    for name in ("labels", "annotations"):
        values = body["metadata"].get(name)
        for key, value in values.items() if isinstance(values, dict) else ():
            wrong = wrong_key(key if name == "labels" else key.lower())
            if wrong:
                place = origin_at(body, ("metadata", name, key)) or origin
                yield Problem(Code.MANIFEST_INVALID, f"{ref}: the key {key!r} of {name} {wrong}", place, ref)
            elif name == "labels" and isinstance(value, str) and (wrong := wrong_label_value(value)):
                place = origin_at(body, ("metadata", name, key)) or origin
                yield Problem(Code.MANIFEST_INVALID, f"{ref}: the value of label {key!r} {wrong}", place, ref)


def _called(body: dict[str, Any]) -> str:
    kind, name = body.get("kind"), _value_at(body, ("metadata", "name"))
    if isinstance(kind, str) and kind:
        return f"{kind} {name!r}" if isinstance(name, str) and name else f"a {kind}"
    return f"the object named {name!r}" if isinstance(name, str) and name else "an object"


def _value_at(body: Node, path: Sequence[str]) -> Node:
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _quoted(value: object) -> str | None:
    """Return the fix for a scalar that lost its quotes. YAML's own spelling of the value may have been another one."""
    match value:
        case bool():
            return f'put it in quotes: "{str(value).lower()}"'
        case int() | float():
            return f'put it in quotes: "{value}"'
        case _:
            return None


def _noun(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"
