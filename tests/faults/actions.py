"""What a rule of the fault proxy does with a request: what networks, gateways and servers do in bad hours."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

from tests.faults.proxy import Action, Passage

_NOTICED_SECONDS = 0.05


def reset_before(passage: Passage) -> None:
    """Break the connection off before the server hears of the request."""
    passage.reset()


def lose_reply(passage: Passage) -> None:
    """Let the server do it, and break the connection off instead of answering."""
    passage.forward()
    passage.reset()


def swallow(passage: Passage) -> None:
    """Keep the connection, and never do anything with the request: a half-open connection."""
    passage.hold()


def swallow_reply(passage: Passage) -> None:
    """Let the server do it, keep the connection, and never answer."""
    passage.forward()
    passage.hold()


def answering(status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str) -> Action:
    """Answer in place of the server; header names are given with `_` for `-`."""
    named = [("Content-Type", content_type), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return lambda passage: passage.answer(status, body, named)


def refusing(status: int, reason: str, message: str, **headers: str) -> Action:
    """Answer with a Status object, as an API server does."""
    refusal = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": status,
    }
    return answering(status, json.dumps(refusal).encode(), "application/json", **headers)


def cutting(after_bytes: int) -> Action:
    """Let the server do it, give back the head and so many bytes of its answer, and break the connection off."""

    def cut(passage: Passage) -> None:
        response = passage.forward()
        passage.handler.send_head(response)
        passage.handler.write(response.read(after_bytes))
        passage.reset()

    return cut


def stalling(seconds: float) -> Action:
    """Let the request wait before it is forwarded."""

    def stall(passage: Passage) -> None:
        passage.hold(seconds)
        passage.pass_on()

    return stall


def dripping(seconds: float) -> Action:
    """Give the body of the answer back byte by byte, with a pause before each."""

    def slowly(passage: Passage, body: bytes) -> Iterator[bytes]:
        for at in range(len(body)):
            passage.hold(seconds)
            yield body[at : at + 1]

    def drip(passage: Passage) -> None:
        response = passage.forward()
        length = response.length
        body = response.read()
        response.length = length
        passage.deliver(response, slowly(passage, body))

    return drip


def calling(happening: Callable[[], object]) -> Action:
    """Let something happen to the cluster just before the request is forwarded."""

    def act(passage: Passage) -> None:
        happening()
        passage.pass_on()

    return act


def signalling_before(number: signal.Signals) -> Action:
    """Send the process a signal while the request is on its way; it is forwarded unless there is nobody left."""

    def act(passage: Passage) -> None:
        os.kill(passage.proxy.process, number)
        if number is signal.SIGKILL:
            passage.reset()
            return
        time.sleep(_NOTICED_SECONDS)
        passage.pass_on()

    return act


def signalling_after(number: signal.Signals) -> Action:
    """Send the process a signal when the server has answered, and only then give the answer back."""

    def act(passage: Passage) -> None:
        response = passage.forward()
        os.kill(passage.proxy.process, number)
        if number is signal.SIGKILL:
            passage.reset()
            return
        time.sleep(_NOTICED_SECONDS)
        passage.deliver(response)

    return act
