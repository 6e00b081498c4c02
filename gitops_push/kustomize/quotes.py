"""Which texts stand in quotes in kustomize's trees, where their files do not tell.

A field keeps its quotes, or the lack of them, for all values that follow. Kustomize adds quotes of its own: to texts
that it sets as strings, to texts that a merge passes and that YAML 1.1 would read as something else, and to all that a
JSON patch makes it write and read again (kyaml's FieldSetter, Node.SetString and IsYaml1_1NonString).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gitops_push.core.errors import DocumentError
from gitops_push.core.tree import Fields, Node
from gitops_push.documents.reader import Dialect, read_documents
from gitops_push.documents.scalars import ScalarError, resolve_plain
from gitops_push.documents.text_style import Style, styled

_MAYBE_NO_TEXT: Final = re.compile(
    r"[ \t]*(?:[-+.~#?!&*%@`'\"|>\[{0-9]|(?i:y|yes|n|no|on|off|true|false|null)[ \t]*\Z)|.*(?::[ \t]|:\Z|[ \t]#)"
)
_WORD: Final = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+:/-]*(?<!:)")
_LONGEST: Final = 1024
"""Longer texts in one line are taken for text."""


class NotedQuotes:
    """What is known of places, by mapping and key. Holds the mappings, so that none takes the identity of another."""

    def __init__(self) -> None:
        self._noted: dict[int, tuple[Fields, dict[str, bool]]] = {}

    def get(self, fields: Fields, key: str) -> bool | None:
        """Return whether the place is in quotes, None where nothing is noted."""
        noted = self._noted.get(id(fields))
        return None if noted is None else noted[1].get(key)

    def note(self, fields: Fields, key: str, quoted: bool) -> None:
        """Note it for this and all later values of the place."""
        self._noted.setdefault(id(fields), (fields, {}))[1][key] = quoted

    def forget(self, fields: Fields, key: str) -> None:
        """Forget a place that is removed."""
        noted = self._noted.get(id(fields))
        if noted is not None:
            noted[1].pop(key, None)

    def note_rewritten(self, node: Node) -> None:
        """Note the places of a tree that was written as YAML and read again."""
        if isinstance(node, Fields):
            for key, value in node.items():
                if isinstance(value, str):
                    self.note(node, key, styled(value)[0] is not Style.PLAIN)
                else:
                    self.note_rewritten(value)
        elif isinstance(node, list):
            for value in node:
                self.note_rewritten(value)


def is_set_in_quotes(text: str) -> bool:
    """Return whether a text that kustomize sets as a string gets quotes or becomes a block."""
    return "\n" in text or reads_as_no_text(text)


def reads_as_no_text(text: str) -> bool:
    """Return whether one line is something else than text when it is read as a document of YAML 1.1."""
    if not text or "\n" in text or len(text) > _LONGEST or not _MAYBE_NO_TEXT.match(text):
        return False
    return _parses_as_no_text(text)


@lru_cache(maxsize=4_096)
def _parses_as_no_text(text: str) -> bool:
    if _WORD.fullmatch(text):
        return _is_no_text(text)
    try:
        documents = read_documents(text.encode(), "", Dialect.KUBECTL)
    except DocumentError:
        return False
    return not documents or not isinstance(documents[0].value, str)


def _is_no_text(word: str) -> bool:
    """Return whether a word is a number, a boolean or null; also one that no JSON can hold."""
    try:
        return not isinstance(resolve_plain(word, Dialect.KUBECTL).value, str)
    except ScalarError:
        return True
