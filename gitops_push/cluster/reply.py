"""What came back from the server, before it is believed to be Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitops_push.core.errors import GitopsPushError


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `warnings` are raw Warning headers; `body` is unpacked, and as long as it was allowed to be."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    warnings: tuple[str, ...] = ()
    retry_after: str = ""
    location: str = ""


class NoReply(Exception):  # noqa: N818 - the transport's way to say that nothing came back; never leaves the package
    """No usable answer. `sent` says that the request may have reached the server, `final` that trying again is vain.

    `error` is what it comes to when nobody tries again.
    """

    def __init__(self, error: GitopsPushError, *, sent: bool, final: bool = False) -> None:
        self.error = error
        self.sent = sent
        self.final = final
        super().__init__(str(error))


class ReplyTooLarge(Exception):  # noqa: N818 - answered by asking for less where that is possible
    """The reply is larger than the request's limit; the connection was closed."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"the reply is larger than {limit_bytes} bytes")
