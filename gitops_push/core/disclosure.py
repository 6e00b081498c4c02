"""The one way from raw differences to what a plan or a report may hold: secret values become masks here.

By position (a Secret's data, fields that a `sensitive:` rule names) a value is masked whole; everywhere else known
secret values are masked inside of text.

For the digest of a plan a value becomes a *tag*: with the inventory's key an HMAC of the value as it is, which tells
nothing to whoever lacks the key; before there is one, a hash of the value without its secret parts. A plain hash of
everything would let anybody who sees it try out passwords.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitops_push.core.fielddiff import ABSENT, Absent, Difference, Shown
from gitops_push.core.fieldpath import FieldPath, ItemKey, ItemValue, Segment, covers, format_field_path
from gitops_push.core.objects import Body, ObjectRef
from gitops_push.core.redaction import LEFT_OUT, Redactor
from gitops_push.core.rules import segment_of
from gitops_push.core.secret_values import SECRET_FIELDS, decoded_data, secret_values_of


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown of one object; `sensitive` are the fields that rules name for it.

    `key` is the inventory's, "" before there is one.
    """

    ref: ObjectRef
    redactor: Redactor
    sensitive: tuple[FieldPath, ...] = ()
    key: str = field(default="", repr=False)

    def shown(self, difference: Difference) -> tuple[Shown, Shown]:
        """Return both sides of a difference, masked."""
        return self.shown_value(difference.path, difference.before), self.shown_value(difference.path, difference.after)

    def shown_value(self, path: FieldPath, value: Any) -> Shown:
        """Return the value at `path` as it may be shown."""
        if value is ABSENT:
            return Absent.ABSENT
        if self._is_secret_data(path):
            return self.redactor.mask_value(decoded_data(value) if path[0] == "data" else value)
        if self._is_sensitive(path):
            return self.redactor.mask_value(value)
        shown: Shown = self._inside(path, value)
        return shown

    def shown_path(self, path: FieldPath) -> FieldPath:
        """Return the path; where it names an item of a list by a sensitive value, without that."""
        if not self.sensitive:
            return path
        return tuple(self._shown_segment(path[:end], path[end - 1]) for end in range(1, len(path) + 1))

    def path_text(self, path: FieldPath) -> str:
        """Return the path as text, the same in every run and without secret values."""
        return self.redactor.without_values(format_field_path(self.shown_path(path)))

    def tag(self, path: FieldPath, value: Any) -> str:
        """Return the tag (64 hex digits) of the value at a path of this object; `ABSENT` has one too."""
        values = [] if value is ABSENT else [value if self.key else self.without_secrets(path, value)]
        place = format_field_path(path) if self.key else self.path_text(path)
        said = [self.ref.group, self.ref.kind, self.ref.namespace, self.ref.name, place, values]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), default=str)
        return hmac.digest(self.key.encode(), text.encode(), "sha256").hex()

    def without_secrets(self, path: FieldPath, value: Any) -> Any:
        """Return a value with one fixed stand-in for everything secret; the keys of a Secret's data are none."""
        if self._is_sensitive(path):
            return LEFT_OUT
        if isinstance(value, Mapping):
            without = self.redactor.without_values
            return {without(str(key)): self.without_secrets((*path, key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.without_secrets((*path, segment_of(i, item)), item) for i, item in enumerate(value)]
        if self._is_secret_data(path):
            return LEFT_OUT
        return self.redactor.without_values(value) if isinstance(value, str) else value

    def _shown_segment(self, path: FieldPath, segment: Segment) -> Segment:
        names_value = isinstance(segment, (ItemKey, ItemValue))
        return ItemValue(LEFT_OUT) if names_value and self._is_sensitive(path) else segment

    def _is_sensitive(self, path: FieldPath) -> bool:
        return any(covers(pattern, path) for pattern in self.sensitive)

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
        if self._is_secret_data(path) or self._is_sensitive(path):
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
