"""How often a run had to send a request again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryCounts:
    """Requests sent, how many of them were repetitions, and how many writes were left ambiguous (resolved by reading).

    The counts of two connections of one run are added.
    """

    requests: int = 0
    retries: int = 0
    ambiguous: int = 0

    def __add__(self, other: RetryCounts) -> RetryCounts:
        return RetryCounts(
            self.requests + other.requests, self.retries + other.retries, self.ambiguous + other.ambiguous
        )
