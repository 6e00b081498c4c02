"""A deployment that kills its own process at a chosen write: `python -m tests.cluster.killed_deploy NS WRITE WHEN SET`.

The kubeconfig is read from standard input; WRITE counts from 1; WHEN is `before` or `after` that write;
SET is what is deployed, one of `SETS`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from typing import Any

from gitops_push.cluster.api import Answer, Precondition, ServedKind
from gitops_push.cluster.http_api import HttpApi
from gitops_push.core.objects import Body
from tests.cluster import hooking
from tests.cluster.connecting import connected
from tests.cluster.deploying import deployed
from tests.controlplane import workloads


class DeadlyApi(HttpApi):
    """Ends the process with SIGKILL before or after one of its writes."""

    def __init__(self, api: HttpApi, write: int, when: str) -> None:
        super().__init__(api._exchange)
        self._write, self._when = write, when
        self._count = 0
        self._counting = threading.Lock()

    def apply(self, kind: ServedKind, namespace: str, name: str, body: Body, precondition: Precondition) -> Answer:
        number = self._before()
        answer = super().apply(kind, namespace, name, body, precondition)
        self._after(number)
        return answer

    def json_patch(self, kind: ServedKind, namespace: str, name: str, patch: Iterable[Body]) -> Answer:
        number = self._before()
        answer = super().json_patch(kind, namespace, name, patch)
        self._after(number)
        return answer

    def create(self, kind: ServedKind, namespace: str, body: Body) -> Answer:
        number = self._before()
        answer = super().create(kind, namespace, body)
        self._after(number)
        return answer

    def replace(self, kind: ServedKind, namespace: str, name: str, body: Body) -> Answer:
        number = self._before()
        answer = super().replace(kind, namespace, name, body)
        self._after(number)
        return answer

    def delete(
        self, kind: ServedKind, namespace: str, name: str, precondition: Precondition, propagation: str = "Background"
    ) -> None:
        number = self._before()
        super().delete(kind, namespace, name, precondition, propagation)
        self._after(number)

    def _before(self) -> int:
        with self._counting:
            self._count += 1
            number = self._count
        self._kill(number, "before")
        return number

    def _after(self, number: int) -> None:
        self._kill(number, "after")

    def _kill(self, number: int, when: str) -> None:
        if (number, when) == (self._write, self._when):
            os.kill(os.getpid(), signal.SIGKILL)


def first_set(namespace: str) -> tuple[dict[str, Any], ...]:
    """Return what is deployed before."""
    return config_map(namespace, "old"), web(namespace, "1.0")


def second_set(namespace: str) -> tuple[dict[str, Any], ...]:
    """Return what the killed deployment wants: one object created, one changed, one gone."""
    return config_map(namespace, "new"), web(namespace, "2.0")


def adopted_set(namespace: str) -> tuple[dict[str, Any], ...]:
    """Return one object, to be taken over."""
    return (config_map(namespace, "old"),)


def job_set(namespace: str, version: str = "2.0") -> tuple[dict[str, Any], ...]:
    """Return a Job, to be recreated when its version changes."""
    job = workloads.job("migrate")
    job["metadata"]["namespace"] = namespace
    job["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/app:{version}"
    return (job,)


def hook_set(namespace: str) -> tuple[dict[str, Any], ...]:
    """Return an object with a hook before and one after it."""
    smoke = hooking.job(namespace, "smoke", hook="PostSync")
    return hooking.job(namespace, "migrate", hook="PreSync"), config_map(namespace, "env"), smoke


SETS = {"second": second_set, "adopted": adopted_set, "job": job_set, "hook": hook_set}


def config_map(namespace: str, name: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"A": "1"}}


def web(namespace: str, version: str) -> dict[str, Any]:
    """Return a Deployment."""
    body = workloads.deployment("web")
    body["metadata"]["namespace"] = namespace
    body["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/app:{version}"
    return body


def main(namespace: str, write: str, when: str, which: str) -> None:
    """Deploy a set, and do not live to see the end."""
    api = DeadlyApi(connected(sys.stdin.read()), int(write), when)
    done = deployed(api, namespace, *SETS[which](namespace))
    print("ended alive with", done.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
