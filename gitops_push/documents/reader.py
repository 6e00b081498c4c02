"""The one reader of YAML and JSON: every text that gitops-push opens goes through `read_documents` or `read_one`.

It promises: bounded time and memory for any input (`Budget`), positions for every value, no silent loss (duplicate
keys, half-read streams and odd documents are errors), and only `DocumentError` for whatever is wrong with the text.
JSON is read as the YAML it nearly is; what JSON has beyond YAML is known: surrogate pairs, objects in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.events import DocumentStartEvent, StreamEndEvent

from gitops_push.core.codes import Code
from gitops_push.core.errors import DocumentError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node, as_origin
from gitops_push.documents.budgets import DEFAULT_BUDGET, Budget, Usage
from gitops_push.documents.rules import STRICT, Rules
from gitops_push.documents.scalars import Dialect
from gitops_push.documents.source_text import SourceText, split_json_stream
from gitops_push.documents.tree_builder import TreeBuilder

__all__ = ["Budget", "Dialect", "Document", "Rules", "Usage", "read_documents", "read_one"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: `value` is a `Fields`, an `Items` or a scalar; `start_line` is where it begins, counted from 1.

    `warnings` name the plain scalars that tools read differently, each with its place and how to write it instead.
    """

    value: Node
    file: str
    start_line: int
    warnings: tuple[Problem, ...] = ()


def read_documents(
    data: bytes,
    file: str,
    dialect: Dialect,
    budget: Budget = DEFAULT_BUDGET,
    usage: Usage | None = None,
    *,
    rules: Rules = STRICT,
    key_marks: bool = True,
) -> tuple[Document, ...]:
    """Return the documents of a YAML stream or of JSON objects in a row; empty and null documents are left out.

    `file` is the name for messages and origins. `usage` is the running count of a whole build; without one only the
    limits of a single file hold. `rules` says what passes besides. Without `key_marks` the trees do not know where
    their keys stand, only their values. Raises DocumentError with all problems found.
    """
    count = Usage() if usage is None else usage
    source = SourceText.of(data, file, budget, count)
    if not rules.escaped_slash:
        source.refuse_escaped_slashes()
    documents: list[Document] = []
    for part in split_json_stream(source):
        documents += _read_part(part, dialect, budget, count, rules, key_marks=key_marks)
    return tuple(documents)


def read_one(
    data: bytes, file: str, dialect: Dialect, budget: Budget = DEFAULT_BUDGET, usage: Usage | None = None
) -> Document:
    """Return the only document of a text. Raises DocumentError also where there is none, or more than one."""
    documents = read_documents(data, file, dialect, budget, usage)
    match documents:
        case (document,):
            return document
        case ():
            raise DocumentError(Problem(Code.YAML_INVALID, "there is nothing in this file", Origin(file)))
    message = "only one document is expected here, and another one begins"
    raise DocumentError(Problem(Code.YAML_INVALID, message, Origin(file, documents[1].start_line, 1)))


def _read_part(
    source: SourceText, dialect: Dialect, budget: Budget, usage: Usage, rules: Rules, *, key_marks: bool
) -> list[Document]:
    builder: TreeBuilder | None = None
    try:
        builder = TreeBuilder(source, dialect, budget, usage, rules)
        builder.keeps_key_marks = key_marks
        documents = []
        for document in _documents(builder, source, dialect):
            documents.append(document)
            _count_object(document, budget, usage)
    except yaml.YAMLError as error:
        raise DocumentError([*(builder.problems if builder else ()), source.problem_of(error)]) from None
    if builder.problems:
        raise DocumentError(builder.problems)
    return documents


def _count_object(document: Document, budget: Budget, usage: Usage) -> None:
    usage.objects += 1
    if usage.objects > budget.total_objects:
        message = f"more than {budget.total_objects:,} documents in all files of a build (limit total_objects)"
        origin = Origin(document.file, document.start_line)
        raise DocumentError(Problem(Code.BUDGET_EXCEEDED, message, origin))


def _documents(builder: TreeBuilder, source: SourceText, dialect: Dialect) -> Iterator[Document]:
    parser = builder.parser
    parser.get_event()
    while True:
        event = parser.get_event()
        if type(event) is StreamEndEvent or event is None:
            return
        if type(event) is DocumentStartEvent:
            source.check_document_start(event, dialect)
        known = len(builder.warnings)
        value, mark = builder.read_document()
        if value is not None:
            warnings = tuple(builder.warnings[known:])
            if warnings and _holds_secret(value):
                warnings = tuple(_without_value(warning) for warning in warnings)
            yield Document(value, source.file, as_origin(mark, source.file).line, warnings)


def _holds_secret(value: Node) -> bool:
    """Return whether a document is a Secret, or a list of objects that may hold one."""
    if not isinstance(value, dict):
        return isinstance(value, list) and any(_holds_secret(item) for item in value)
    kind = value.get("kind")
    return isinstance(kind, str) and (
        kind.startswith("Secret") or (kind == "List" and _holds_secret(value.get("items")))
    )


def _without_value(warning: Problem) -> Problem:
    """A warning quotes what is written, which the masking of values as they were read would not find."""
    message = "tools read this unquoted value of a Secret differently"
    return Problem(warning.code, message, warning.origin, warning.ref, "write it in quotes")
