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
from gitops_push.kustomize.marks import Container, place_of
from gitops_push.kustomize.quotes import NotedQuotes, reads_as_no_text
from gitops_push.kustomize.resource import text_of
from gitops_push.system.files import RepoFiles

_QUOTES: Final = frozenset("\"'|>")
_STYLES: Final = frozenset("\"'|>[{")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\S+\Z")
_DATE: Final = re.compile(
    r"\d{4}-\d+-\d+(?:(?:[Tt]|[ \t]+)[\d:.]+(?:[ \t]*(?:Z|[-+]\d+(?::\d+)?))?)?(?=[ \t\r]*(?:\Z|[,\]}]|[ \t]#))"
)
_PLAIN: Final = re.compile(r"[^\s,\[\]{}#][^\s,\[\]{}]*")


class WrittenText:
    """The files of the build as lines. Reads a file once, and only when it is asked about it."""

    def __init__(self, files: RepoFiles) -> None:
        self._files = files
        self.noted = NotedQuotes()
        self._lines: dict[str, list[str]] = {}

    def hold(self, file: str, text: str) -> None:
        """Take in a text that is no file, such as the output of a program, under the name that places in it have."""
        self._lines[file] = text.split("\n")

    def is_quoted(self, fields: Fields, key: str) -> bool:
        """Return whether the value at this place is text in quotes or in a block, now and for what replaces it.

        Without a note it goes by the first value that stood there. What a transformer wrote is in quotes where it would
        be read as no text; numbers are never.
        """
        value, noted = fields[key], self.noted.get(fields, key)
        if not isinstance(value, str) or noted is not None:
            return isinstance(value, str) and bool(noted)
        origin = place_of(fields, key)
        first = origin.trail[0] if origin and origin.trail else origin
        if first is None or first.step not in {"", "patch"} or not first.column:
            return (first is None or first.step != "replicas") and reads_as_no_text(value)
        return self._tail(first)[:1] in _QUOTES

    def quote_at(self, container: Container, key: str | int) -> str:
        """Return the quote that kustomize writes around a text as YAML, "" for none."""
        origin = place_of(container, key)
        first = origin.trail[0] if origin and origin.trail else origin
        found = self._tail(first)[:1] if first and first.step in {"", "patch"} else ""
        if isinstance(container, Fields) and isinstance(container[str(key)], str):
            noted = self.noted.get(container, str(key))
            return "" if noted is False else found if found in {'"', "'"} else '"' if noted else ""
        return found if found in {'"', "'"} else ""

    def with_text(self, text: str) -> WrittenText:
        """Return the same, with a text as the file that has no name."""
        other = WrittenText(self._files)
        other.noted, other._lines = self.noted, {**self._lines, "": text.split("\n")}
        return other

    def style_at(self, origin: Origin | None) -> str:
        """Return the character that says how a value is written: a quote, `|`, `>`, `[`, `{`, or "" for a plain one."""
        first = origin.trail[0] if origin and origin.trail else origin
        found = self._tail(first)[:1] if first and first.step in {"", "patch"} else ""
        return found if found in _STYLES else ""

    def is_date(self, fields: Fields, key: str) -> bool:
        """Return whether the value is a date that is written without quotes; over quotes it stays as it is written."""
        value = fields[key]
        return isinstance(value, str) and bool(_TIMESTAMP.match(value)) and not self.is_quoted(fields, key)

    def plain_text(self, origin: Origin | None, value: Node) -> str:
        """Return a plain scalar as it is written, or the usual text of `value` where that is not known."""
        tail = self._tail(origin)
        found = _DATE.match(tail) or _PLAIN.match(tail)
        return found.group() if found and found.group()[0] not in _QUOTES else text_of(value)

    def text_at(self, fields: Fields, key: str) -> str:
        """Return the text of a scalar as it is written: `1.50`, `2001-01-01`, `~`; "" for an empty value."""
        value, place = fields[key], place_of(fields, key)
        if place is not None and place.step not in {"", "patch"}:
            return "null" if value is None else text_of(value)
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
            self._lines[file] = self._files.read(file).decode("utf-8", "replace").split("\n") if file else []
        return self._lines[file]
