"""Builds one document tree from libyaml's events, in one pass and without recursion.

What YAML leaves to the reader is decided here: what scalars mean (by dialect), that a key occurs once, that an alias is
a copy and never a cycle, how `<<` merges, and when a file has become too big. Mistakes that leave the structure intact
are collected, so that one run names them all; broken structure and exceeded budgets end the reading at once.
"""

from __future__ import annotations

from sys import intern
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from gitops_push.core.codes import Code
from gitops_push.core.errors import DocumentError, Problem
from gitops_push.core.tree import Fields, Items, Mark, Node, NonTextKey, as_origin, pack_position, unpack_position
from gitops_push.documents.budgets import Budget, Usage
from gitops_push.documents.merge_keys import MERGE, apply_merge
from gitops_push.documents.rules import STRICT, Rules
from gitops_push.documents.scalars import HINTS, Dialect, Scalar, ScalarError, key_text, resolve_plain, resolve_tagged
from gitops_push.documents.source_text import SourceText

try:
    from yaml._yaml import CParser
except ImportError as error:
    # The parser in pure Python is ten times slower and reads some texts differently: better none than another one.
    raise ImportError(
        "PyYAML is installed without libyaml; install it from a wheel, or build it with libyaml"
    ) from error

_LAST_COLUMN: Final = 4095
_NO_FLOW: Final = 1 << 30
_MOST_PROBLEMS: Final = 50
_MOST_WARNINGS: Final = 50
_CONTAINER_TAGS: Final = {
    MappingStartEvent: frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:set", "!"}),
    SequenceStartEvent: frozenset({"tag:yaml.org,2002:seq", "tag:yaml.org,2002:omap", "!"}),
}


class TreeBuilder:
    """Reads the documents of one file off a parser; `problems` and `warnings` collect over all of them.

    Without `keeps_key_marks` a mapping forgets the places of its keys when it ends: half the memory of all marks.
    """

    def __init__(
        self, source: SourceText, dialect: Dialect, budget: Budget, usage: Usage, rules: Rules = STRICT
    ) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.keeps_key_marks = True
        self.parser = CParser(source.text)
        self._file = source.file
        self._first_line = source.lines_before + 1
        self._dialect = dialect
        self._rules = rules
        self._budget = budget
        self._usage = usage
        self._nodes = 0
        self._copied = 0
        self._anchors: dict[str, Any] = {}
        self._anchor_places: dict[str, int] = {}  # of scalars: their aliases have the place of the text
        self._merging: list[Fields] = []
        self._stack: list[Fields | Items] = []
        self._flow_level = _NO_FLOW

    def read_document(self) -> tuple[Node, Mark]:
        """Return the value of the document whose start event was just read, and its place. Reads its end event too."""
        self._anchors.clear()
        self._anchor_places.clear()
        self._flow_level = _NO_FLOW
        root = Items()
        self._stack.clear()
        self._read_into(root)
        return root[0], root.marks[0]

    # One loop on purpose: a call for each scalar would cost a third of the speed.
    def _read_into(self, root: Items) -> None:  # noqa: C901, PLR0912, PLR0915
        get_event, anchors = self.parser.get_event, self._anchors
        stack, depth_limit, first_line = self._stack, self._budget.file_depth, self._first_line
        node: Any = root
        marks: Any = root.marks
        key: str | None = None
        in_fields = False
        keeps_key_marks = self.keeps_key_marks
        left = limit = self._node_limit() - self._nodes
        while True:
            event: Any = get_event()
            kind = type(event)
            mark = event.start_mark
            column = mark.column
            place = (mark.line + first_line) << 12 | (column + 1 if column < _LAST_COLUMN else _LAST_COLUMN)
            child: Fields | Items | None = None
            if kind is ScalarEvent:
                value = event.value
                if event.tag is not None:
                    value = self._tagged(event.tag, value, place, is_plain=not event.style)
                elif event.implicit[0] and value[:1] in HINTS:
                    value = self._plain(value, place)
                if event.anchor is not None:
                    anchors[event.anchor] = value
                    self._anchor_places[event.anchor] = place
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if self._merging and self._merging[-1] is node:
                    self._merge(self._merging.pop())
                if in_fields and not keeps_key_marks:
                    node.key_marks = None
                node = stack.pop()
                in_fields, marks = type(node) is Fields, node.marks
                continue
            elif kind is DocumentEndEvent:
                break
            elif kind is AliasEvent:
                value = self._expanded(event.anchor, place, node)
                if key is not None or not in_fields:
                    place = self._anchor_places.get(event.anchor, place)
            else:
                value = child = self._opened(event, place)
            left -= 1
            if left < 0:
                raise self._too_many_nodes(place)
            if not in_fields:
                node.append(value)
                marks.append(place)
            elif key is not None:
                node[key] = value
                marks[key] = place
                key = None
            elif type(value) is str and value not in node.key_marks and value != MERGE:
                key = intern(value)
                node.key_marks[key] = place
            else:
                key = self._key(node, value, place, event)
            if child is not None:
                stack.append(node)
                if len(stack) > depth_limit:
                    raise self._too_deep(place)
                node = child
                in_fields, marks = type(node) is Fields, node.marks
        self._nodes += limit - left
        self._usage.nodes += limit - left

    def _opened(self, event: Any, place: int) -> Fields | Items:
        """Return the empty container that a start event opens, known by its anchor from now on."""
        container: Fields | Items
        if type(event) is MappingStartEvent:
            container = fields = Fields(file=self._file, start=place)
            fields.key_marks = {}
        elif type(event) is SequenceStartEvent:
            container = Items(file=self._file, start=place)
        else:
            raise self._error(Code.YAML_INVALID, "the document ends too early", place)
        if event.tag is not None and event.tag not in _CONTAINER_TAGS[type(event)]:
            self._report(Code.YAML_INVALID, "this tag is not known; Kubernetes objects need none", place)
        if event.anchor is not None:
            self._anchors[event.anchor] = container
            self._anchor_places.pop(event.anchor, None)
        if not event.flow_style:
            self._flow_level = _NO_FLOW
        elif len(self._stack) < self._flow_level:
            self._flow_level = len(self._stack)
        return container

    def _key(self, fields: Fields, value: Any, place: int, event: Any) -> str:
        """Return a key as text and note its place; a key that is there already is a problem."""
        if isinstance(value, (Fields, Items)):
            raise self._error(Code.YAML_INVALID, "a key must be text, not a mapping or a list", place)
        if type(value) is not str:
            value = self._key_text(value, place, event)
        key_marks = fields.key_marks
        if key_marks is None or value in key_marks:
            self._report_duplicate(fields, value, place)
        else:
            key_marks[value] = place
        if value == MERGE and type(event) is ScalarEvent and event.implicit[0]:
            self._merging.append(fields)
        return value  # type: ignore[no-any-return]

    def _key_text(self, value: Scalar, place: int, event: Any) -> str:
        if self._rules.non_text_keys and type(event) is ScalarEvent:
            return NonTextKey(event.value)
        try:
            return key_text(value, self._dialect)
        except ScalarError as error:
            self._report(Code.YAML_INVALID, str(error), place)
            return f"{value}"

    def _report_duplicate(self, fields: Fields, key: str, place: int) -> None:
        first = as_origin((fields.key_marks or {})[key], self._file).line
        line, _ = unpack_position(place)
        message = f'the key "{_shortened(key)}" occurs twice in one mapping, on lines {first} and {line}'
        if not self._rules.last_key_wins:
            hint = "keep one of them; tools differ in which one they take"
            self._report(Code.YAML_DUPLICATE_KEY, message, place, hint)
        elif len(self.warnings) < _MOST_WARNINGS:
            message += "; the last one counts, as in kustomize"
            origin = as_origin(place, self._file)
            self.warnings.append(Problem(Code.YAML_DUPLICATE_KEY, message, origin, hint="keep one of them"))

    def _plain(self, text: str, place: int) -> Scalar:
        if not text and self._dialect is Dialect.KUSTOMIZE and len(self._stack) > self._flow_level:
            # kustomize writes the file anew before it reads the values, and an empty value in {a: } becomes ''.
            return ""
        try:
            value, fix = resolve_plain(text, self._dialect)
        except ScalarError as error:
            self._report(Code.YAML_INVALID, str(error), place)
            return text
        if fix and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(
                Problem(
                    Code.AMBIGUOUS_SCALAR,
                    f"tools read the unquoted {_shortened(text)} differently; {self._dialect} reads {_named(value)}",
                    as_origin(place, self._file),
                    hint=f"write {fix}",
                )
            )
        return value

    def _tagged(self, tag: str, text: str, place: int, *, is_plain: bool) -> Scalar:
        if tag == "!":  # YAML says text; kustomize writes the file anew without the mark, and reads that
            return self._plain(text, place) if is_plain and self._dialect is Dialect.KUSTOMIZE else text
        try:
            return resolve_tagged(tag, text, self._dialect)
        except ScalarError as error:
            self._report(Code.YAML_INVALID, str(error), place)
            return text

    def _expanded(self, anchor: str, place: int, parent: Fields | Items) -> Node:
        """Return a copy of what the alias stands for, counted against the budgets."""
        if anchor not in self._anchors:
            raise self._error(Code.YAML_INVALID, "the alias has no anchor before it in this document", place)
        value = self._anchors[anchor]
        if not isinstance(value, (Fields, Items)):
            return value
        if value is parent or any(value is open_node for open_node in self._stack):
            raise self._error(Code.YAML_INVALID, "the alias is inside of what it stands for", place)
        return self._copied_tree(value, place)

    def _copied_tree(self, source: Fields | Items, place: int) -> Node:
        """Return a deep copy with all places kept; iterative, and refused as soon as it passes a budget."""
        depth_left = self._budget.file_depth - len(self._stack)
        copy = _hollow(source)
        todo: list[tuple[Any, Any, int]] = [(source, copy, 1)]
        while todo:
            origin, target, depth = todo.pop()
            self._count_copied(len(origin) + 1, place)
            if depth > depth_left:
                raise self._too_deep(place)
            entries = origin.items() if type(origin) is Fields else enumerate(origin)
            for step, child in entries:
                if isinstance(child, (Fields, Items)):
                    target[step] = _hollow(child)
                    todo.append((child, target[step], depth + 1))
        return copy

    def _count_copied(self, nodes: int, place: int) -> None:
        self._copied += nodes
        self._usage.expanded_nodes += nodes
        budget = self._budget
        if self._copied > budget.file_expanded_nodes:
            raise self._over("file_expanded_nodes", budget.file_expanded_nodes, "nodes after its aliases", place)
        if self._usage.nodes + self._usage.expanded_nodes > budget.total_expanded_nodes:
            raise self._over("total_expanded_nodes", budget.total_expanded_nodes, "nodes after all aliases", place)

    def _merge(self, fields: Fields) -> None:
        origin = as_origin(fields.marks[MERGE], self._file)
        if not apply_merge(fields, self._dialect):
            place = pack_position(origin.line, origin.column)
            self._report(Code.YAML_INVALID, "<< needs a mapping, or a list of mappings", place)

    def _node_limit(self) -> int:
        """Return how many nodes this file may have, all its documents together."""
        before = self._usage.nodes - self._nodes
        return min(self._budget.file_nodes, self._budget.total_nodes - before)

    def _too_many_nodes(self, place: int) -> DocumentError:
        budget = self._budget
        if self._node_limit() < budget.file_nodes:
            return self._over("total_nodes", budget.total_nodes, "nodes in all files of a build", place)
        return self._over("file_nodes", budget.file_nodes, "nodes", place)

    def _too_deep(self, place: int) -> DocumentError:
        return self._over("file_depth", self._budget.file_depth, "levels of nesting", place)

    def _over(self, limit: str, most: int, what: str, place: int) -> DocumentError:
        return self._error(Code.BUDGET_EXCEEDED, f"more than {most:,} {what} (limit {limit})", place)

    def _report(self, code: Code, message: str, place: int, hint: str | None = None) -> None:
        """Note a problem and go on; after too many of them, stop."""
        self.problems.append(Problem(code, message, as_origin(place, self._file), hint=hint))
        if len(self.problems) >= _MOST_PROBLEMS:
            raise DocumentError(self.problems)

    def _error(self, code: Code, message: str, place: int) -> DocumentError:
        """Return the error that ends the reading, with all that was noted before."""
        return DocumentError([*self.problems, Problem(code, message, as_origin(place, self._file))])


def _hollow(source: Fields | Items) -> Fields | Items:
    """Return a copy of one container that still holds the source's own children."""
    if isinstance(source, Fields):
        fields = Fields(source, file=source.file, start=source.start)
        fields.marks = source.marks.copy()
        fields.key_marks = None if source.key_marks is None else source.key_marks.copy()
        return fields
    items = Items(source, file=source.file, start=source.start)
    items.marks = source.marks.copy()
    return items


def _place(event: Any) -> int:
    mark = event.start_mark
    return pack_position(mark.line + 1, mark.column + 1)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _named(value: Scalar) -> str:
    if isinstance(value, str):
        return f'the text "{_shortened(value)}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the number {value}"
