"""What the transport sends again when something goes wrong, and what it never does."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.client import HttpApi
from gitops_push.cluster.retries import RetryRules
from gitops_push.core.errors import ClusterError
from gitops_push.core.retry_counts import RetryCounts
from tests.unit.cluster.opening import BODY, CONFIG_MAP, GUARD, api, get
from tests.unit.cluster.scripted_server import (
    EndOfConnection,
    Received,
    Script,
    bomb,
    hang_up,
    message,
    reply,
    reply_json,
    serving,
    status_object,
)


def test_reads_and_dry_runs_are_sent_again_after_a_lost_answer() -> None:
    with serving(hang_up, reply_json(BODY), hang_up, hang_up, reply_json(BODY)) as server:
        connection = api(server)
        get(connection)
        connection.dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert connection.retry_counts == RetryCounts(requests=5, retries=3, ambiguous=0)


def writes(connection: HttpApi) -> list[Any]:
    body = {**BODY, "metadata": {**BODY["metadata"], "resourceVersion": "7"}}
    return [
        lambda: connection.apply(CONFIG_MAP, "shop", "a", BODY, GUARD),
        lambda: connection.create(CONFIG_MAP, "shop", BODY),
        lambda: connection.replace(CONFIG_MAP, "shop", "a", body),
        lambda: connection.delete(CONFIG_MAP, "shop", "a", GUARD),
    ]


def cut_off(request: Received) -> Iterator[bytes]:
    yield message(200, json.dumps(BODY).encode())[:-5]
    raise EndOfConnection


@pytest.mark.parametrize("number", range(4), ids=["apply", "create", "replace", "delete"])
@pytest.mark.parametrize(
    ("script", "status"),
    [
        (hang_up, 0),
        (cut_off, 0),
        (status_object(500, "InternalError"), 500),
        (status_object(504, "Timeout"), 504),
        (reply(502, b"<html>bad gateway</html>", "text/html"), 502),
        (reply(200, b"<html>please log in</html>", "text/html"), 0),
    ],
    ids=["no answer", "half an answer", "500", "504", "502 of a proxy", "a page of a proxy"],
)
def test_a_write_of_unknown_outcome_is_sent_once_and_called_ambiguous(script: Script, status: int, number: int) -> None:
    with serving(script) as server:
        connection = api(server)
        with pytest.raises(ApiFailure) as caught:
            writes(connection)[number]()
    assert (caught.value.ambiguous, caught.value.status) == (True, status)
    assert len(server.received) == 1
    assert connection.retry_counts.ambiguous == 1


@pytest.mark.parametrize("number", range(4), ids=["apply", "create", "replace", "delete"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_write_that_an_overloaded_server_turned_away_is_sent_again(status: int, number: int) -> None:
    with serving(reply(status, b"busy", "text/plain"), reply_json(BODY)) as server:
        connection = api(server)
        writes(connection)[number]()
    assert len(server.received) == 2
    assert server.received[0].body == server.received[1].body


def test_a_field_that_the_schema_does_not_know_is_never_sent_again_though_it_is_a_500() -> None:
    text = "failed to create typed patch object: .dota: field not declared in schema"
    with serving(status_object(500, "", text)) as server:
        connection = api(server)
        with pytest.raises(ApiFailure, match="field not declared"):
            connection.dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
        with pytest.raises(ApiFailure, match="field not declared") as caught:
            connection.apply(CONFIG_MAP, "shop", "a", BODY, GUARD)
    assert not caught.value.ambiguous
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422])
def test_a_refusal_is_never_sent_again(status: int) -> None:
    with serving(status_object(status, "No")) as server, pytest.raises(ApiFailure) as caught:
        api(server).dry_run_apply(CONFIG_MAP, "shop", "a", BODY)
    assert (caught.value.status, len(server.received)) == (status, 1)


def test_a_server_that_stays_overloaded_is_a_failure_after_the_last_attempt() -> None:
    with serving(reply(503, b"<html>down</html>", "text/html")) as server, pytest.raises(ApiFailure) as caught:
        get(api(server))
    assert (caught.value.status, len(server.received)) == (503, 6)


def test_a_server_that_was_well_and_is_overloaded_is_asked_until_the_deadline_which_is_named() -> None:
    with serving(reply_json(BODY), reply(429, b"busy", "text/plain")) as server:
        connection = api(server, call_seconds=0.5)
        get(connection)
        with pytest.raises(ApiFailure) as caught:
            get(connection)
    asked = len(server.received) - 1
    assert caught.value.status == 429
    assert re.fullmatch(r"busy \(asked \d+ times in [01] s\)", caught.value.message)
    assert asked > 20


def test_in_an_overload_one_request_at_a_time_tries_whether_it_is_over() -> None:
    """Sixteen are turned away at once; were each of them to ask on its own, there would be hundreds of requests."""
    over_at = time.monotonic() + 1.0

    def overloaded(request: Received) -> Iterator[bytes]:
        over = time.monotonic() >= over_at
        yield message(200, json.dumps(BODY).encode()) if over else message(429, b"busy", "text/plain")

    rules = RetryRules(base_seconds=0.1, cap_seconds=0.1)
    with serving(overloaded) as server:
        connection = api(server, retries=rules)
        connection._exchange.retries.answered()
        threads = [threading.Thread(target=get, args=(connection,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.received) <= 16 + 16 + 60


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    def answer_and_close(request: Received) -> Iterator[bytes]:
        yield message(200, json.dumps(BODY).encode())
        raise EndOfConnection

    with serving(answer_and_close) as server:
        connection = api(server)
        for _ in range(3):
            assert get(connection) == BODY
            time.sleep(0.05)
    assert (server.connections, connection.retry_counts.retries) == (3, 0)


def test_connections_are_kept_and_never_more_than_the_concurrency() -> None:
    with serving(reply_json(BODY)) as server:
        connection = api(server, concurrency=3)
        threads = [threading.Thread(target=lambda: [get(connection) for _ in range(10)]) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.received) == 120
    assert server.connections <= 3


def test_a_refused_reply_does_not_use_up_a_connection_of_the_pool() -> None:
    with serving(reply(200, bomb(1), Content_Encoding="gzip")) as server:
        connection = api(server, concurrency=1)
        for _ in range(5):
            with pytest.raises(ClusterError):
                get(connection)
    assert len(server.received) == 5
