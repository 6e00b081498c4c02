"""How a scalar is written in its file, where that matters for what kustomize makes of it.

Kustomize keeps the quotes of a field when a patch replaces its value, so that `5` over `"1"` becomes `"5"`; it turns
annotations into the text that they were written as (`1.50`); and it keeps a written `null` but drops an empty value.
The trees hold values only, so such cases look at the file again: at the place where the value stands.
"""

from __future__ import annotations

import re
from typing import Final

from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Node
from gitops_push.documents.scalars import Dialect, resolve_plain
from gitops_push.kustomize.marks import place_of
from gitops_push.kustomize.resource import text_of
from gitops_push.system.files import RepoFiles

_QUOTES: Final = frozenset("\"'|>")
AS_TEXT: Final = "patch, as text"
"""The step of a label or annotation of a patch that kustomize copied as a string, and lost the quotes of."""

_UNQUOTED_STEPS: Final = frozenset({"replicas", AS_TEXT})
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\S+\Z")
_PLAIN: Final = re.compile(r"[^\s,\[\]{}#][^\s,\[\]{}]*")


class WrittenText:
    """The files of the build as lines. Reads a file once, and only when it is asked about it."""

    def __init__(self, files: RepoFiles) -> None:
        self._files = files
        self._lines: dict[str, list[str]] = {}

    def was_quoted(self, origin: Origin | None, value: str) -> bool:
        """Return whether the text at this place is in quotes or in a block, going by the first value that stood there.

        What a transformer wrote, or nobody knows about, is in quotes only where plain text would be read as no text.
        """
        first = origin.trail[0] if origin and origin.trail else origin
        if first is not None and first.step in _UNQUOTED_STEPS:
            return False
        if first is None or first.step not in {"", "patch"} or not first.column:
            return not isinstance(resolve_plain(value, Dialect.KUBECTL)[0], str)
        return self._tail(first)[:1] in _QUOTES

    def plain_text(self, origin: Origin | None, value: Node) -> str:
        """Return a plain scalar as it is written, or the usual text of `value` where that is not known."""
        found = _PLAIN.match(self._tail(origin))
        return found.group() if found and found.group()[0] not in _QUOTES else text_of(value)

    def text_at(self, fields: Fields, key: str) -> str:
        """Return the text of a scalar as it is written: `1.50`, `2001-01-01`, `~`; "" for an empty value."""
        value, place = fields[key], place_of(fields, key)
        if isinstance(value, str) and not _TIMESTAMP.match(value):
            return value
        if value is None and not self.is_written_null(place):
            return ""
        return self.plain_text(place, "null" if value is None else value)

    def is_written_null(self, origin: Origin | None) -> bool:
        """Return whether a null is spelled out (`null`, `~`); an empty value is not."""
        return self._tail(origin)[:1] in {"n", "N", "~"}

    def block_indent(self, origin: Origin) -> int | None:
        """Return by how many columns a literal block that begins at this place is indented, None if it is none."""
        if not self._tail(origin).startswith("|"):
            return None
        for line in self._lines_of(origin.file)[origin.line :]:
            if line.strip():
                return len(line) - len(line.lstrip(" "))
        return 0

    def _tail(self, origin: Origin | None) -> str:
        """Return the rest of the line from the place on, without tags and anchors."""
        if origin is None or not origin.line or not origin.column:
            return ""
        lines = self._lines_of(origin.file)
        line = lines[origin.line - 1] if origin.line <= len(lines) else ""
        return re.sub(r"^([!&]\S*\s+)+", "", line[origin.column - 1 :])

    def _lines_of(self, file: str) -> list[str]:
        if file not in self._lines:
            self._lines[file] = self._files.read(file).decode("utf-8", "replace").split("\n")
        return self._lines[file]
