"""A cluster that changes under a diff and the apply of its plan: an API that mutates right before its k-th request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from gitops_push.cluster.http_api import HttpApi
from gitops_push.core.inventory import PART_OF_LABEL
from tests.controlplane.access import RequestError
from tests.controlplane.cluster import ControlPlane

GROUP: Final = "moving.example.com"
WRITES: Final = frozenset({"apply", "delete", "create", "replace", "json_patch"})
REQUESTS: Final = WRITES | {"get", "list", "watch", "dry_run_apply", "may_i", "served_kinds"}
MERGE: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"


@dataclass
class MovingApi:
    """Hands every request on; right before number `at` it lets the cluster change. Counts, and remembers the writes.

    `written` holds the names of the objects written after the change, `written_before` of those before.
    """

    api: HttpApi
    at: int = -1
    change: Callable[[], None] = lambda: None
    count: int = 0
    fired: bool = False
    written: list[str] = field(default_factory=list)
    written_before: list[str] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self.api, verb)
        if verb not in REQUESTS:
            return found

        def counted(*arguments: Any, **more: Any) -> Any:
            with self._lock:
                self.count += 1
                if self.count == self.at:
                    self.change()
                    self.fired = True
                after = self.fired
            answer = found(*arguments, **more)
            if verb in WRITES:
                body = arguments[2]
                name = str(body["metadata"]["name"]) if verb == "create" else str(body)
                (self.written if after else self.written_before).append(name)
            return answer

        return counted


def definition() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"sizes.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": "sizes", "singular": "size", "kind": "Size"},
            "versions": [version],
        },
    }


@dataclass(frozen=True)
class Stage:
    """One set of objects, their names with a prefix of their own, and how others change them."""

    plane: ControlPlane
    namespace: str
    prefix: str

    def config_map(self, name: str, **data: str) -> dict[str, Any]:
        metadata = {"name": f"{self.prefix}-{name}", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    def quota(self, pods: str) -> dict[str, Any]:
        metadata = {"name": f"{self.prefix}-quota", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": pods}}}

    def size(self, size: int) -> dict[str, Any]:
        metadata = {"name": f"{self.prefix}-size", "namespace": self.namespace}
        return {"apiVersion": f"{GROUP}/v1", "kind": "Size", "metadata": metadata, "spec": {"size": size}}

    def first(self) -> tuple[dict[str, Any], ...]:
        env, same, old = (self.config_map(name, a="1", b="1") for name in ("env", "same", "old"))
        return env, same, old, self.quota("10"), self.size(1)

    def second(self) -> tuple[dict[str, Any], ...]:
        env = self.config_map("env", a="2", b="1")
        return (
            env,
            self.config_map("same", a="1", b="1"),
            self.config_map("fresh", a="1"),
            self.quota("20"),
            self.size(2),
        )

    def path(self, name: str, plural: str = "configmaps") -> str:
        root = f"/apis/{GROUP}/v1" if plural == "sizes" else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}/{self.prefix}-{name}"

    def patch(
        self, name: str, body: dict[str, Any], plural: str = "configmaps", more: str = "", by: str = "kubectl-edit"
    ) -> None:
        with suppress(RequestError):  # deleted by now
            self.plane.request("PATCH", f"{self.path(name, plural)}{more}?fieldManager={by}", body, MERGE)

    def take(self, name: str, value: str) -> None:
        """Let another manager have the field `a` by a forced apply."""
        body = {**self.config_map(name, a=value)}
        self.plane.request("PATCH", f"{self.path(name)}?fieldManager=k9s&force=true", body, APPLY)

    def delete(self, name: str, plural: str = "configmaps") -> None:
        with suppress(RequestError):
            self.plane.request("DELETE", self.path(name, plural))

    def create(self, body: dict[str, Any]) -> None:
        with suppress(RequestError):
            self.plane.request("POST", f"/api/v1/namespaces/{self.namespace}/configmaps", body)

    def recreate(self, name: str, **data: str) -> None:
        self.delete(name)
        self.create(self.config_map(name, **data))

    def add_entry(self, inventory: str) -> None:
        """Name in the inventory one more object, with our label and ours by managedFields."""
        record = self.plane.request("GET", f"/api/v1/namespaces/{self.namespace}/configmaps/{inventory}")
        label = record["metadata"]["labels"]["applyset.kubernetes.io/id"]
        body = self.config_map("extra", a="1")
        body["metadata"]["labels"] = {PART_OF_LABEL: label}
        made = self.plane.request("PATCH", f"{self.path('extra')}?fieldManager=gitops-push&force=true", body, APPLY)
        entry = (
            f'{{"apiVersion":"v1","kind":"ConfigMap","namespace":"{self.namespace}","name":"{self.prefix}-extra",'
            f'"uid":"{made["metadata"]["uid"]}"}}'
        )
        record["data"]["objects"] = record["data"]["objects"].rstrip()[:-1].rstrip() + f",\n{entry}\n]\n"
        self.plane.request("PUT", f"/api/v1/namespaces/{self.namespace}/configmaps/{inventory}", record)

    def narrow_definition(self, most: int) -> None:
        """Let the definition of Size allow no more than this, and wait until the server goes by it."""
        name = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sizes.{GROUP}"
        place = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum"
        patch = [{"op": "replace", "path": place, "value": most}]
        self.plane.request("PATCH", name, patch, "application/json-patch+json")
        deadline = time.monotonic() + 20
        while self._accepts(2) != (most >= 2):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _accepts(self, size: int) -> bool:
        body = {**self.size(size), "metadata": {"name": "probe", "namespace": self.namespace}}
        try:
            self.plane.request("POST", f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sizes?dryRun=All", body)
        except RequestError:
            return False
        return True


Mutation = Callable[[Stage, str], None]
"""Changes the cluster; the second argument is the name of the inventory."""

MATTERS: Final[dict[str, tuple[str, Mutation]]] = {
    "a field that will change is edited": ("env", lambda s, _: s.patch("env", {"data": {"a": "9"}})),
    "a field that stays is edited": ("env", lambda s, _: s.patch("env", {"data": {"b": "9"}})),
    "a field that stays is removed": ("env", lambda s, _: s.patch("env", {"data": {"b": None}})),
    "another manager takes a field": ("env", lambda s, _: s.take("env", "1")),
    "another manager takes and changes a field": ("env", lambda s, _: s.take("env", "7")),
    "another owner marks it": ("env", lambda s, _: s.patch("env", {"metadata": {"labels": {"kapp.k14s.io/app": "x"}}})),
    "it is deleted": ("env", lambda s, _: s.delete("env")),
    "it is recreated otherwise": ("env", lambda s, _: s.recreate("env", a="5")),
    "somebody creates the new object": ("fresh", lambda s, _: s.create(s.config_map("fresh", a="8"))),
    "an unchanged object is edited": ("same", lambda s, _: s.patch("same", {"data": {"a": "9"}})),
    "an unchanged object is deleted": ("same", lambda s, _: s.delete("same")),
    "what will be deleted is edited": ("old", lambda s, _: s.patch("old", {"data": {"a": "9"}})),
    "what will be deleted asks to stay": (
        "old",
        lambda s, _: s.patch("old", {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}}}),
    ),
    "the inventory names one more": ("extra", lambda s, inventory: s.add_entry(inventory)),
    "the definition forbids the new value": ("size", lambda s, _: s.narrow_definition(1)),
}
"""Which object each of them is about, and what happens."""

FREE: Final[dict[str, Mutation]] = {
    "status of a quota": lambda s, _: s.patch(
        "quota", {"status": {"used": {"pods": "3"}}}, "resourcequotas", "/status"
    ),
    "an annotation of somebody else": lambda s, _: s.patch(
        "env", {"metadata": {"annotations": {"x.example.com/a": "1"}}}
    ),
    "a field of somebody else": lambda s, _: s.patch("env", {"data": {"z": "1"}}),
    "a label of somebody else on what will be deleted": lambda s, _: s.patch(
        "old", {"metadata": {"labels": {"x": "1"}}}
    ),
    "an annotation on an unchanged object": lambda s, _: s.patch("same", {"metadata": {"annotations": {"y": "1"}}}),
    "an annotation on a custom resource": lambda s, _: s.patch(
        "size", {"metadata": {"annotations": {"y": "1"}}}, "sizes"
    ),
    "another object": lambda s, _: s.create(s.config_map("other", a="1")),
}


def numbered(prefix: str) -> Iterator[str]:
    """Yield names that no other run has."""
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number}"
