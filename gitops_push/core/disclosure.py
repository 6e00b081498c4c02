"""The one way from raw differences to what a plan or a report may hold: secret values become masks here.

By position (a Secret's data, fields that a `sensitive:` rule names) a value is masked whole; everywhere else known
secret values are masked inside of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_push.core.fielddiff import ABSENT, Absent, Difference, Shown
from gitops_push.core.fieldpath import FieldPath, covers
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.redaction import Redactor
from gitops_push.core.rules import segment_of
from gitops_push.core.secret_values import SECRET_FIELDS, decoded_data, secret_values_of


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown of one object; `sensitive` are the fields that rules name for it."""

    ref: ObjectRef
    redactor: Redactor
    sensitive: tuple[FieldPath, ...] = ()

    def shown(self, difference: Difference) -> tuple[Shown, Shown]:
        """Return both sides of a difference, masked."""
        return self.shown_value(difference.path, difference.before), self.shown_value(difference.path, difference.after)

    def shown_value(self, path: FieldPath, value: Any) -> Shown:
        """Return the value at `path` as it may be shown."""
        if value is ABSENT:
            return Absent.ABSENT
        if self._is_secret_data(path):
            return self.redactor.mask_value(decoded_data(value) if path[0] == "data" else value)
        if any(covers(pattern, path) for pattern in self.sensitive):
            return self.redactor.mask_value(value)
        shown: Shown = self._inside(path, value)
        return shown

    def _is_secret_data(self, path: FieldPath) -> bool:
        return self.ref.kind == "Secret" and bool(path) and path[0] in SECRET_FIELDS

    def _inside(self, path: FieldPath, value: Any) -> Any:
        if isinstance(value, str):
            return self.redactor.mask_text(value)
        if isinstance(value, Mapping):
            return {key: self._nested((*path, key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._nested((*path, segment_of(i, item)), item) for i, item in enumerate(value)]
        return value

    def _nested(self, path: FieldPath, value: Any) -> Any:
        """Return a value inside of a shown one: a mask there is text, so that the whole stays plain data."""
        if self._is_secret_data(path) or any(covers(pattern, path) for pattern in self.sensitive):
            return str(self.shown_value(path, value))
        return self._inside(path, value)


def sensitive_values(body: Body, patterns: Iterable[FieldPath]) -> Iterator[str]:
    """Yield every secret value of an object: those of a Secret, and those of the fields that rules name."""
    yield from secret_values_of(body)
    wanted = tuple(patterns)
    if wanted:
        yield from _named_values(body, wanted, ())


def _named_values(value: Any, patterns: tuple[FieldPath, ...], path: FieldPath) -> Iterator[str]:
    if any(covers(pattern, path) for pattern in patterns):
        yield from _texts(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_values(item, patterns, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _named_values(item, patterns, (*path, segment_of(index, item)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
