"""Masks secret values, so that nothing that leaves the process can show one.

Two ways, both needed. By position (`disclosure`): everything under `data` and `stringData` of a Secret, and every field
that a `sensitive:` rule names, becomes a `Masked`. By value: every secret value that was collected is replaced wherever
it occurs in text (an error of the server, an annotation, another object), in the encodings in which it is found there.
Text is masked before it is escaped, wrapped, cut or prefixed, so that values of many lines are still found whole.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from gitops_push.core.errors import Problem
from gitops_push.core.secret_values import bytes_of, secret_forms

SHORTEST: Final = 6
"""Shorter values are masked by position only: masking every `3` of a report would blind the reader."""

_BLOCK: Final = 3
_CUT: Final = 16
_CUTTABLE: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=.~%-]+")
_MARKER_START: Final = "\u2039"
_MARKER: Final = re.compile("\u2039secret:([0-9a-f]{8})\u203a")

LEFT_OUT: Final = "\u2039secret\u203a"
"""Stands for any secret value where a text must be the same in every run."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Stands for a secret value: `tag` is keyed with a random key of this run, so equal values have equal tags."""

    tag: str

    def __str__(self) -> str:
        return f"\u2039secret:{self.tag}\u203a"


class Redactor:
    """Knows the secret values of a run, and masks them. Never changes; `with_values` makes a new one.

    `key` is random and new in every run, so that a tag cannot be guessed back. `public` are words that are printed
    anyway (names of objects, namespaces): a value that is one of them is masked by position only, because masking every
    `postgres` of a plan would hide what it is about, and tells nobody that it is also a password.
    """

    def __init__(self, key: bytes, values: Iterable[str] = (), public: Iterable[str] = ()) -> None:
        self._key = key
        self._public = frozenset(public)
        self._values = frozenset(values)
        hidden = {value for value in self._values if len(value) >= SHORTEST and value not in self._public}
        self._value_of = _forms(hidden, self._public)
        self._by_prefix = _by_prefix(self._value_of)
        self._shifts = _shifts(self._value_of)

    def with_values(self, values: Iterable[str]) -> Redactor:
        """Return a redactor that also knows these values; tags stay the same."""
        more = self._values.union(values)
        return self if len(more) == len(self._values) else Redactor(self._key, more, self._public)

    def mask_value(self, value: object) -> Masked:
        """Return what stands for a value; equal values give equal tags, whatever their length."""
        return Masked(self.digest(value)[:8])

    def digest(self, value: object) -> str:
        """Return a keyed digest of a value (64 hex digits): equal in this run for equal values, and in no other run."""
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        return hmac.new(self._key, bytes_of(text), hashlib.sha256).hexdigest()

    def mask_text(self, text: str) -> str:
        """Return the text with every secret value in it replaced by its tag, in each of its encodings.

        Overlapping values are replaced as one. Masking masked text changes nothing.
        """
        return self._rewritten(text, lambda found: str(self.mask_value(self._value_of.get(found, found))))

    def mask_problem(self, problem: Problem) -> Problem:
        """Return the problem without secret values; an object whose own name holds one is not named."""
        ref = problem.ref if problem.ref and self.mask_text(str(problem.ref)) == str(problem.ref) else None
        hint = problem.hint and self.mask_text(problem.hint)
        return replace(problem, message=self.mask_text(problem.message), hint=hint, ref=ref)

    def without_values(self, text: str) -> str:
        """Return the text with `LEFT_OUT` for every secret value in it and for every tag: the same in every run."""
        return without_tags(self._rewritten(text, lambda _: LEFT_OUT))

    def _rewritten(self, text: str, stand_in: Callable[[str], str]) -> str:
        if not self._shifts:
            return text
        pieces: list[str] = []
        done = 0
        for start, end in self._spans(text):
            pieces.append(text[done:start])
            pieces.append(stand_in(text[start:end]))
            done = end
        return "".join((*pieces, text[done:])) if pieces else text

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secret values are, overlapping ones joined, outside of the markers that are there already."""
        kept = [match.span() for match in _MARKER.finditer(text) if not {match[0], match[1]} & self._value_of.keys()]
        start = end = -1
        for at, length in self._matches(text):
            if any(low <= at and at + length <= high for low, high in kept):
                continue
            if at >= end:
                if end > start:
                    yield start, end
                start = at
            end = max(end, at + length)
        if end > start:
            yield start, end

    def _matches(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield (position, length) of the longest form at each position; skips ahead as Wu and Manber do."""
        shifts, by_prefix = self._shifts, self._by_prefix
        at, covered, last = 0, 0, len(text) - SHORTEST
        while at <= last:
            shift = shifts.get(text[at + SHORTEST - _BLOCK : at + SHORTEST], SHORTEST - _BLOCK + 1)
            if shift:
                at += shift
                continue
            forms = by_prefix.get(text[at : at + SHORTEST], ())
            length = next((len(form) for form in forms if text.startswith(form, at)), 0)
            if not length and at >= covered:
                length = max((_cut_length(form, text, at) for form in forms), default=0)
            if length:
                yield at, length
                covered = max(covered, at + length)
            at += 1


def without_tags(text: str) -> str:
    """Return masked text with `LEFT_OUT` for every tag: tags are new in every run."""
    return _MARKER.sub(LEFT_OUT, text) if _MARKER_START in text else text


def _cut_length(form: str, text: str, at: int) -> int:
    """Return how much of a form stands at a position where whoever limits lengths has cut it off, else 0.

    Only long forms without spaces count: the beginning of a sentence or of a URL is no secret.
    """
    if len(form) < _CUTTABLE or not text.startswith(form[:_CUT], at) or not _TOKEN.fullmatch(form):
        return 0
    return next(length for length in range(_CUT, len(form)) if not text.startswith(form[length], at + length))


def _forms(values: Iterable[str], public: frozenset[str]) -> dict[str, str]:
    """Return each form in which a value may occur, with the value; a form that is a value itself stands for itself."""
    found: dict[str, str] = {}
    for value in sorted(values):
        for form in secret_forms(value):
            if len(form) >= SHORTEST and form not in public:
                found.setdefault(form, value)
    found.update((value, value) for value in values)
    return found


def _by_prefix(forms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for form in forms:
        groups.setdefault(form[:SHORTEST], []).append(form)
    return {prefix: tuple(sorted(group, key=len, reverse=True)) for prefix, group in groups.items()}


def _shifts(forms: Iterable[str]) -> dict[str, int]:
    """Return by how much the search may skip ahead when it sees a block of characters at the end of its window."""
    shifts: dict[str, int] = {}
    for prefix in {form[:SHORTEST] for form in forms}:
        for end in range(_BLOCK, SHORTEST + 1):
            block = prefix[end - _BLOCK : end]
            shifts[block] = min(shifts.get(block, SHORTEST), SHORTEST - end)
    return shifts
