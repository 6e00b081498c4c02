"""The text of one file before it is parsed: encoding, size, document separators, and JSON's own ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml
from yaml.events import DocumentStartEvent, ScalarEvent

from gitops_push.core.codes import Code
from gitops_push.core.errors import DocumentError, Problem
from gitops_push.core.origin import Origin
from gitops_push.documents.budgets import MIB, Budget, Usage
from gitops_push.documents.scalars import Dialect

_BOM: Final = "\ufeff"
# A text, not a pattern: it is for errors only, and takes milliseconds to compile.
_UNPRINTABLE: Final = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_SURROGATE_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_ESCAPED_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*\\/")
_LAST_COLUMN: Final = 4095
_JSON_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class SourceText:
    """Text that is valid UTF-8 and within the size limits; `lines_before` counts the lines of the file above it."""

    text: str
    file: str
    lines_before: int = 0

    @classmethod
    def of(cls, data: bytes, file: str, budget: Budget, usage: Usage) -> SourceText:
        """Check and decode the bytes of a file, and add their number to `usage`. Raises DocumentError."""
        usage.bytes += len(data)
        if len(data) > budget.file_bytes:
            raise _too_big(f"the file is larger than {budget.file_bytes / MIB:g} MiB (limit file_bytes)", file)
        if usage.bytes > budget.total_bytes:
            limit = f"all files of a build are larger than {budget.total_bytes / MIB:g} MiB (limit total_bytes)"
            raise _too_big(limit, file)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            message = "the file is not UTF-8 text"
            raise DocumentError(Problem(Code.YAML_INVALID, message, Origin(file, line, column))) from None
        return cls(text.removeprefix(_BOM), file)

    @property
    def is_json(self) -> bool:
        """Return whether the text begins as a JSON object or array does (flow YAML does, too)."""
        return self.text[:1] in ("{", "[") or self.text.lstrip()[:1] in ("{", "[")

    def problem_of(self, error: yaml.YAMLError) -> Problem:
        """Return libyaml's complaint with its place; it never quotes the text."""
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
            mark = error.problem_mark
            context = f" {error.context}" if error.context else ""
            message = f"{error.problem}{context}"
            return Problem(
                Code.YAML_INVALID, message, Origin(self.file, mark.line + 1 + self.lines_before, mark.column + 1)
            )
        found = re.search(_UNPRINTABLE, self.text)
        if found is None:
            return Problem(Code.YAML_INVALID, "this is not YAML", Origin(self.file))
        message = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
        return Problem(Code.YAML_INVALID, message, self._origin_of(found.start()))

    def check_document_start(self, event: DocumentStartEvent, dialect: Dialect) -> None:
        """Refuse directives, and for kubectl text after `---`, as the tools do."""
        mark: Any = event.start_mark
        origin = Origin(self.file, mark.line + 1 + self.lines_before, mark.column + 1)
        if event.version or event.tags:
            raise DocumentError(Problem(Code.YAML_INVALID, "YAML directives (%…) are not known to Kubernetes", origin))
        if event.explicit and dialect is Dialect.KUBECTL and not self._ends_after(event.end_mark):
            message = "only a comment may follow --- on its line"
            raise DocumentError(Problem(Code.YAML_INVALID, message, origin))

    def refuse_escaped_slashes(self) -> None:
        r"""Raise for the first `\/` in double quotes, which Go's YAML does not know; broken texts pass."""
        if "\\/" not in self.text:
            return
        try:
            for event in yaml.parse(self.text, yaml.CLoader):
                self._refuse_escaped_slash(event)
        except yaml.YAMLError:
            return

    def _refuse_escaped_slash(self, event: Any) -> None:
        if type(event) is not ScalarEvent or event.style != '"':
            return
        start: Any = event.start_mark
        end: Any = event.end_mark
        found = _ESCAPED_SLASH.search(self.text, start.index, end.index)
        if found is not None:
            place = self._origin_of(found.end() - 2)
            hint = "write / without the backslash"
            raise DocumentError(Problem(Code.YAML_INVALID, "found unknown escape character", place, hint=hint))

    def _ends_after(self, mark: Any) -> bool:
        end = self.text.find("\n", mark.index)
        rest = self.text[mark.index : end if end >= 0 else None].strip()
        return not rest or rest.startswith("#")

    def _origin_of(self, index: int) -> Origin:
        line = self.lines_before + self.text.count("\n", 0, index) + 1
        return Origin(self.file, line, index - self.text.rfind("\n", 0, index))


def split_json_stream(source: SourceText) -> Iterator[SourceText]:
    """Yield the JSON objects of a text that has several in a row, each as a text of its own; else the text as it is."""
    if not source.is_json:
        yield source
        return
    text = _SURROGATE_PAIR.sub(_joined_pair, source.text)
    ends = list(_object_ends(text))
    if len(ends) < 2 or not all(text[end : end + 1] in ("", "{", "[") for end in ends):
        yield replace(source, text=text)
        return
    start = lines = column = 0
    for end in ends:
        yield replace(source, text=" " * min(column, _LAST_COLUMN) + text[start:end], lines_before=lines)
        lines += text.count("\n", start, end)
        line_start = text.rfind("\n", start, end) + 1
        column = end - line_start if line_start else column + end - start
        start = end


def _object_ends(text: str) -> Iterator[int]:
    """Yield where the next object begins, after each object of the outermost level (the end of the text at last)."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text):
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
            if depth == 0:
                yield _after_space(text, token.end())


def _after_space(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _joined_pair(match: re.Match[str]) -> str:
    """Return a pair of JSON escapes as the one escape that YAML has for the character."""
    high, low = int(match[2], 16), int(match[3], 16)
    return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _too_big(message: str, file: str) -> DocumentError:
    return DocumentError(Problem(Code.BUDGET_EXCEEDED, message, Origin(file)))
