"""An API server that was away may refuse, for a moment, what it will allow when it has read the roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from gitops_push.cluster.api import ApiFailure, Precondition
from gitops_push.cluster.authorization import Authorization, Headers
from gitops_push.cluster.exchange import Exchange
from gitops_push.cluster.http_api import HttpApi
from gitops_push.cluster.options import ConnectionOptions
from gitops_push.cluster.reply import NoReply, Reply
from gitops_push.cluster.request import JSON, Request
from gitops_push.cluster.retries import Retries, RetryRules
from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import ClusterError, CredentialError, Problem
from gitops_push.core.secret_text import SecretText
from tests.unit.cluster.opening import BODY, CONFIG_MAP

Answers: TypeAlias = "Callable[[float], Reply | None]"
"""What the server answers so many seconds after the first request; None: nobody is there."""

ROLE_MISSING = 'configmaps "a" is forbidden: User "ann" cannot get resource "configmaps"'
WEBHOOK_SAYS = 'admission webhook "w.example.com" denied the request: ann is on leave'
AWAY_UNTIL, ROLES_READ_AT = 5.0, 8.0


def refused(status: int, message: str) -> Reply:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message}
    return Reply(status, JSON, json.dumps(body).encode())


GOOD = Reply(200, JSON, json.dumps(BODY).encode())


class Server:
    """A wire to a server that answers by the clock; `answered` is what it said."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.now = 0.0
        self.answered: list[int] = []

    def send(self, request: Request, headers: Headers, deadline: float) -> Reply:
        reply = self.answers(self.now)
        if reply is None:
            raise NoReply(ClusterError(Problem(Code.SERVER_UNREACHABLE, "nobody is there")), sent=False)
        self.answered.append(reply.status)
        return reply

    def open(self, request: Request, headers: Headers, deadline: float) -> Reply:
        raise AssertionError("nothing is watched here")

    def close(self) -> None:
        """Nothing is open."""

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def connected(server: Server, token: str = "") -> HttpApi:
    retries = Retries(RetryRules(), lambda: server.now, server.sleep, lambda: 0.5)
    credential = Credential(
        server="https://cluster.example", found_in="KUBECONFIG", token=(lambda _: SecretText(token)) if token else None
    )
    options = ConnectionOptions(read_only=False)
    return HttpApi(Exchange(credential.server, server, Authorization(credential), options, retries, 1e9))


def starting(refusal: Reply, *, for_good: bool = False) -> Answers:
    """Return a server that is well at first, is away, and then refuses for a while, or for good."""

    def answer(now: float) -> Reply | None:
        if now < 1:
            return GOOD
        if now < AWAY_UNTIL:
            return None
        return refusal if for_good or now < ROLES_READ_AT else GOOD

    return answer


def seen_and_away(server: Server, token: str = "") -> HttpApi:
    api = connected(server, token)
    api.get(CONFIG_MAP, "shop", "a")
    server.now = 1.0
    return api


@pytest.mark.parametrize("refusal", [refused(403, ROLE_MISSING), refused(401, "Unauthorized")], ids=["403", "401"])
def test_what_it_refuses_right_after_it_was_away_is_sent_again_until_the_roles_are_read(refusal: Reply) -> None:
    server = Server(starting(refusal))
    api = seen_and_away(server, token="t")
    assert api.get(CONFIG_MAP, "shop", "a") == BODY
    assert api.apply(CONFIG_MAP, "shop", "a", BODY, Precondition()).body == BODY
    assert ROLES_READ_AT <= server.now < ROLES_READ_AT + 10


def test_a_refusal_that_stays_is_told_a_few_seconds_later() -> None:
    server = Server(starting(refused(403, ROLE_MISSING), for_good=True))
    with pytest.raises(ApiFailure, match="cannot get resource"):
        seen_and_away(server).get(CONFIG_MAP, "shop", "a")
    assert server.now < AWAY_UNTIL + RetryRules().start_seconds + RetryRules().cap_seconds


def test_a_rejected_token_that_stays_so_is_told_a_few_seconds_later() -> None:
    server = Server(starting(refused(401, "Unauthorized"), for_good=True))
    with pytest.raises(CredentialError, match="401 Unauthorized"):
        seen_and_away(server, token="t").get(CONFIG_MAP, "shop", "a")
    assert server.now < AWAY_UNTIL + RetryRules().start_seconds + RetryRules().cap_seconds


def test_what_a_webhook_denies_is_final_even_then() -> None:
    server = Server(starting(refused(403, WEBHOOK_SAYS), for_good=True))
    with pytest.raises(ApiFailure, match="denied"):
        seen_and_away(server).apply(CONFIG_MAP, "shop", "a", BODY, Precondition())
    assert server.answered == [200, 403]


def test_a_server_that_was_not_away_is_believed_at_once() -> None:
    server = Server(lambda now: refused(403, ROLE_MISSING))
    with pytest.raises(ApiFailure, match="cannot get resource"):
        connected(server).get(CONFIG_MAP, "shop", "a")
    assert (server.answered, server.now) == ([403], 0.0)
