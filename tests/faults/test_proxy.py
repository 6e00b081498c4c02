"""The fault proxy itself, in front of a real API server and through the transport of the tool."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.client import ConnectionOptions, HttpApi, connect
from gitops_push.cluster.inventory_store import CONFIG_MAP
from gitops_push.core.errors import ClusterError
from tests.cluster.connecting import connected, credential_of
from tests.controlplane.cluster import ControlPlane
from tests.faults.actions import (
    answering,
    cutting,
    dripping,
    lose_reply,
    refusing,
    reset_before,
    signalling_after,
    signalling_before,
    stalling,
    swallow,
    swallow_reply,
)
from tests.faults.proxy import Action, FaultProxy, Rule

NAME = "kube-root-ca.crt"
IMPATIENT = ConnectionOptions(read_only=False, read_seconds=1.0, request_seconds=1.0, call_seconds=1.0)


@pytest.fixture
def api(proxied: tuple[FaultProxy, str]) -> Iterator[HttpApi]:
    with closing(connected(proxied[1])) as api:
        yield api


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def exists(plane: ControlPlane, namespace: str, name: str) -> bool:
    found = plane.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    return name in {item["metadata"]["name"] for item in found}


def test_without_a_rule_everything_goes_through_and_is_recorded(proxy: FaultProxy, api: HttpApi) -> None:
    assert api.get(CONFIG_MAP, "kube-system", NAME) is not None
    assert api.get(CONFIG_MAP, "kube-system", "not-there") is None
    api.served_kinds()
    first, second, *discovery = proxy.requests
    assert (first.number, first.method, first.status) == (1, "GET", 200)
    assert first.target == f"/api/v1/namespaces/kube-system/configmaps/{NAME}"
    assert (second.status, [request.target for request in discovery]) == (404, ["/api", "/apis"])


def test_a_watch_streams_through_it_and_ends_when_it_is_severed(
    proxy: FaultProxy, api: HttpApi, control_plane: ControlPlane, namespace: str
) -> None:
    version = api.list(CONFIG_MAP, namespace).resource_version
    watch = api.watch(CONFIG_MAP, namespace, version, 60)
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", config_map("new"))
    assert any(event.body["metadata"]["name"] == "new" for event in watch)
    threading.Timer(0.2, proxy.sever).start()
    assert [event for event in watch if event.type != "BOOKMARK"] == []


def test_a_write_whose_reply_is_lost_was_carried_out_and_one_that_was_reset_was_not(
    proxy: FaultProxy, api: HttpApi, control_plane: ControlPlane, namespace: str
) -> None:
    cases: tuple[tuple[str, Action, bool], ...] = (("reset", reset_before, False), ("lost", lose_reply, True))
    for name, action, happened in cases:
        proxy.begin(Rule(action, writes=True))
        with pytest.raises(ApiFailure) as caught:
            api.create(CONFIG_MAP, namespace, config_map(name))
        assert caught.value.ambiguous
        assert exists(control_plane, namespace, name) is happened
        assert [write.status for write in proxy.writes] == [201] * happened


@pytest.mark.parametrize(
    ("action", "requests"),
    [
        (reset_before, 2),
        (lose_reply, 2),
        (cutting(20), 2),
        (answering(503), 2),
        (answering(429, Retry_After="0"), 2),
        (refusing(500, "InternalError", "etcdserver: leader changed"), 2),
        (stalling(0.3), 1),
    ],
    ids=["reset", "lost", "cut", "503", "429", "500", "stall"],
)
def test_the_action_of_a_rule_happens_once_and_the_next_request_goes_through(
    proxy: FaultProxy, api: HttpApi, action: Action, requests: int
) -> None:
    api.get(CONFIG_MAP, "kube-system", NAME)
    proxy.begin(Rule(action))
    found = api.get(CONFIG_MAP, "kube-system", NAME)
    assert found is not None
    assert found["metadata"]["name"] == NAME
    assert len(proxy.requests) == requests


@pytest.mark.parametrize("action", [swallow, swallow_reply, dripping(0.02)], ids=["half open", "no reply", "drip"])
def test_a_request_that_never_ends_is_held(proxied: tuple[FaultProxy, str], action: Action) -> None:
    proxy, kubeconfig = proxied
    proxy.begin(Rule(action, times=0))
    with closing(connect(credential_of(kubeconfig), IMPATIENT)) as api:
        began = time.monotonic()
        with pytest.raises(ClusterError, match="did not answer in time"):
            api.get(CONFIG_MAP, "kube-system", NAME)
    assert time.monotonic() - began >= 1.0


def test_a_rule_is_about_the_requests_of_its_kind_from_the_one_it_names(proxy: FaultProxy, api: HttpApi) -> None:
    proxy.begin(Rule(answering(404), path="configmaps/b$", nth=2), Rule(answering(404), path="configmaps/c$", times=0))

    def statuses(name: str) -> bool:
        try:
            return api.get(CONFIG_MAP, "kube-system", name) is None
        except ApiFailure:
            return False

    assert [statuses(name) for name in ("b", "a", "b", "b", "c", "c")] == [True, True, False, True, False, False]


@pytest.mark.parametrize("action", [signalling_before, signalling_after])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_reaches_the_process_before_or_after_the_server_hears_of_the_request(
    proxy: FaultProxy, api: HttpApi, action: Callable[[signal.Signals], Action], number: signal.Signals
) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as victim:
        proxy.begin(Rule(action(number)))
        proxy.process = victim.pid
        api.get(
            CONFIG_MAP, "kube-system", NAME
        )  # of another process: it is sent again when the first try is broken off
        assert victim.wait(10) == -number
    assert proxy.requests[0].forwarded is (number is signal.SIGTERM or action is signalling_after)


def test_the_server_behind_can_be_swapped(proxy: FaultProxy, api: HttpApi) -> None:
    api.get(CONFIG_MAP, "kube-system", NAME)
    proxy.upstream.port = 1
    proxy.sever()
    with pytest.raises(ClusterError):
        api.get(CONFIG_MAP, "kube-system", NAME)
