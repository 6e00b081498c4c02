"""The one function through which every request goes: gate, identity, limit in flight, retries, deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol, TypeVar

from gitops_push.cluster.answers import failure_of, not_kubernetes, redirected
from gitops_push.cluster.api import ApiFailure
from gitops_push.cluster.authorization import Authorization, Headers
from gitops_push.cluster.in_flight import InFlight
from gitops_push.cluster.options import ConnectionOptions
from gitops_push.cluster.reply import NoReply, Reply, ReplyTooLarge
from gitops_push.cluster.request import JSON, Request, refuse_write
from gitops_push.cluster.retries import Retries, Trouble, Verdict, trouble_of, verdict
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem


class Lines(Protocol):
    """The body of a good reply that has no end yet, by line."""

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        ...

    def read_line(self, deadline: float, limit_bytes: int) -> bytes | None:
        """Return the next line without its end, None when the reply is over; `NoReply` when it broke off."""
        ...

    def close(self) -> None:
        """End it, from any thread."""
        ...


class Wire(Protocol):
    """Sends one request, once. Both raise `NoReply`, and a `GitopsPushError` for what no repetition can mend."""

    def send(self, request: Request, headers: Headers, deadline: float) -> Reply:
        """Return the whole answer, whatever its status; `ReplyTooLarge` beyond the request's limit."""
        ...

    def open(self, request: Request, headers: Headers, deadline: float) -> Reply | Lines:
        """Return the lines of a good answer, or the whole of any other."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class _HasStatus(Protocol):
    @property
    def status(self) -> int: ...


def _free() -> None:
    """Guard nothing."""


_Answered = TypeVar("_Answered", bound=_HasStatus)


@dataclass(slots=True)
class Exchange:
    """The connection to one server. `run_deadline` is on the clock of `retries`.

    `guard` is asked before each attempt at a write; what it raises, this raises, and nothing is sent.
    """

    server: str
    wire: Wire
    authorization: Authorization
    options: ConnectionOptions
    retries: Retries
    run_deadline: float
    guard: Callable[[], None] = _free
    in_flight: InFlight = field(init=False)

    def __post_init__(self) -> None:
        self.in_flight = InFlight(self.options.concurrency, self.retries.clock)

    def allowing_writes(self, guard: Callable[[], None], call_seconds: float | None = None) -> Exchange:
        """Return an exchange that writes, too, over the same connections, with the same limits and counts.

        `call_seconds` is for how long a call may be repeated, None for as long as before.
        """
        seconds = self.options.call_seconds if call_seconds is None else call_seconds
        made = replace(self, options=replace(self.options, read_only=False, call_seconds=seconds), guard=guard)
        made.in_flight = self.in_flight
        return made

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let every call in this block end so many seconds from now at the latest."""
        before = self.run_deadline
        self.run_deadline = min(before, self.retries.clock() + seconds)
        try:
            yield
        finally:
            self.run_deadline = before

    def call(self, request: Request, *, can_ask_for_less: bool = False) -> Reply:
        """Return the final answer to a request: 2xx, or a status that no repetition can mend (404, 409, 422, …).

        Sends it again as `retries` allows. Raises `ApiFailure` for a write of which nobody knows whether it happened,
        or a server that stays overloaded or broken; `ClusterError` if there was no answer; `CredentialError` for a 401
        that stays. An answer over the limit is a `ReplyTooLarge` where the caller can ask for less, else a
        `ClusterError`, and for a write an unknown result: it may well have happened.
        """
        if self.options.read_only:
            refuse_write(request)
        began_at = self.retries.clock()
        deadline = min(began_at + self.options.call_seconds, self.run_deadline)
        heard: Reply | None = None
        for attempt in count(1):
            if request.effect.writes:
                self.guard()
            answer = self._tried(request, deadline, can_ask_for_less=can_ask_for_less)
            if isinstance(answer, Reply):
                good = answer.status < 400
                trouble = None if good else trouble_of(answer.status, answer.body, starting=self.retries.starting)
                if trouble is None:
                    return self._final(request, answer)
                heard = answer
            else:
                trouble = Trouble.LOST if answer.sent else Trouble.NOT_SENT
            if verdict(request.effect, trouble) is Verdict.AMBIGUOUS:
                raise self._ambiguous(answer)
            pause = self._pause(answer, trouble, attempt, deadline)
            if pause is None:
                now = self.retries.clock()
                # An attempt that only our own deadline ended says less than the answer before it.
                last = heard if heard is not None and now >= deadline else answer
                raise self._given_up(last, attempt, now - began_at)
            self.retries.sleep(pause)
        raise AssertionError("attempts are counted without end")

    def open(self, request: Request) -> Reply | Lines:
        """Return the lines of a streaming answer; not sent again, and not counted as in flight."""
        if self.options.read_only:
            refuse_write(request)
        try:
            return self._authorized(request, self._request_deadline(), self.wire.open)
        except NoReply as nothing:
            raise nothing.error from nothing

    def _tried(self, request: Request, deadline: float, *, can_ask_for_less: bool) -> Reply | NoReply:
        """Return what one attempt comes to; `ReplyTooLarge` where the caller can ask for less."""
        try:
            return self._attempt(request, deadline)
        except NoReply as nothing:
            return nothing
        except ReplyTooLarge as large:
            if can_ask_for_less:
                raise
            return NoReply(self._too_large(large), sent=True, final=True)

    def _pause(self, answer: Reply | NoReply, trouble: Trouble, attempt: int, deadline: float) -> float | None:
        """Return the seconds before the next attempt, which nobody begins earlier in an overload; None for no more."""
        if isinstance(answer, NoReply) and answer.final:
            return None
        retry_after = answer.retry_after if isinstance(answer, Reply) else ""
        pause = self.retries.pause(attempt, trouble, deadline, retry_after)
        if pause is not None and trouble is Trouble.OVERLOADED:
            self.in_flight.pause(pause)
        return pause

    def _attempt(self, request: Request, deadline: float) -> Reply:
        with self.in_flight.slot(deadline) as free:
            if not free:
                raise NoReply(self._too_late(), sent=False, final=True)
            reply = self._authorized(request, min(deadline, self._request_deadline()), self.wire.send)
        if reply.status in {429, 503}:
            self.in_flight.overloaded()
        else:
            self.in_flight.succeeded()
        return reply

    def _authorized(
        self, request: Request, deadline: float, send: Callable[[Request, Headers, float], _Answered]
    ) -> _Answered:
        for last in (False, True):
            headers, token = self.authorization.headers()
            self.retries.sending()
            reply = send(request, headers, deadline)
            if reply.status < 429:
                self.retries.answered()
            if reply.status != 401:
                return reply
            if self.retries.starting:
                return reply
            if last:
                break
            self.authorization.refresh(token)
        raise self.authorization.rejection()

    def _request_deadline(self) -> float:
        return min(self.retries.clock() + self.options.request_seconds, self.run_deadline)

    def _final(self, request: Request, reply: Reply) -> Reply:
        """Return the reply; of a write that somebody else than an API server calls good, nobody knows the outcome."""
        if 300 <= reply.status < 400:
            raise redirected(reply, self.server)
        if request.effect.writes and reply.status < 300 and not reply.content_type.startswith(JSON):
            raise self._ambiguous(NoReply(not_kubernetes(reply, self.server), sent=True))
        return reply

    def _ambiguous(self, problem: Reply | NoReply) -> ApiFailure:
        self.retries.left_ambiguous()
        if isinstance(problem, Reply):
            return failure_of(problem, self.server, ambiguous=True)
        return ApiFailure(0, "NoAnswer", str(problem.error), ambiguous=True)

    def _given_up(self, problem: Reply | NoReply, attempts: int, seconds: float) -> Exception:
        """Return what it comes to; a server that was waited for is said to have been."""
        waited = f" (asked {attempts} times in {seconds:.0f} s)" if attempts > self.options.retries.attempts else ""
        if isinstance(problem, Reply):
            if problem.status == 401:
                return self.authorization.rejection()
            failure = failure_of(problem, self.server)
            failure.message += waited
            return failure
        if not isinstance(problem.error, ClusterError):
            return problem.error
        return ClusterError(replace(each, message=each.message + waited) for each in problem.error.problems)

    def _too_large(self, large: ReplyTooLarge) -> ClusterError:
        message = f"{self.server} answered with more than {large.limit_bytes >> 20} MiB for one object"
        hint = "no API server does that: check the server's URL and HTTPS_PROXY"
        return ClusterError(Problem(Code.SERVER_ERROR, message, hint=hint))

    def _too_late(self) -> ClusterError:
        return ClusterError(
            Problem(Code.SERVER_UNREACHABLE, f"{self.server} is too busy to answer within the time given")
        )
