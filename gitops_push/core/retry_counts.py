"""How often a run had to send a request again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryCounts:
    """Requests sent, how many were repetitions, and how many writes were left ambiguous (resolved by reading)."""

    requests: int = 0
    retries: int = 0
    ambiguous: int = 0
