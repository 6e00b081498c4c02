"""YAML texts that stand in a kustomization as strings: parsed with places in the file that they stand in."""

from __future__ import annotations

from gitops_push.core.errors import DocumentError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Mark, Node, pack_position, unpack_position
from gitops_push.documents.reader import Dialect, Document, Rules, read_documents
from gitops_push.kustomize.typed_fields import Text
from gitops_push.kustomize.written import WrittenText


class _Shift:
    """Turns a place in the text into one of the file. In anything but a literal block all places are the text's own."""

    def __init__(self, text: Text, written: WrittenText) -> None:
        self._origin = text.origin
        self._indent = written.block_indent(text.origin)

    def position(self, line: int, column: int) -> tuple[int, int]:
        if self._indent is None:
            return self._origin.line, self._origin.column
        return self._origin.line + line, self._indent + column

    def mark(self, mark: Mark) -> Mark:
        return mark if isinstance(mark, Origin) else pack_position(*self.position(*unpack_position(mark)))


def shifted(text: Text, dialect: Dialect, written: WrittenText, rules: Rules) -> tuple[Document, ...]:
    """Return the documents of the text, and raise their errors, with places in the file that holds it."""
    shift = _Shift(text, written)
    file = text.origin.file
    try:
        documents = read_documents(text.value.encode(), file, dialect, rules=rules)
    except DocumentError as error:
        raise DocumentError([_shifted_problem(problem, shift) for problem in error.problems]) from error
    for document in documents:
        _shift_tree(document.value, shift)
    return tuple(
        Document(
            document.value,
            file,
            shift.position(document.start_line, 1)[0],
            tuple(_shifted_problem(warning, shift) for warning in document.warnings),
        )
        for document in documents
    )


def _shift_tree(node: Node, shift: _Shift) -> None:
    if isinstance(node, Fields):
        node.start = shift.mark(node.start)
        node.marks = {key: shift.mark(mark) for key, mark in node.marks.items()}
        for value in node.values():
            _shift_tree(value, shift)
    elif isinstance(node, Items):
        node.start = shift.mark(node.start)
        node.marks = [shift.mark(mark) for mark in node.marks]
        for value in node:
            _shift_tree(value, shift)


def _shifted_problem(problem: Problem, shift: _Shift) -> Problem:
    origin = problem.origin
    if origin is None:
        return problem
    line, column = shift.position(origin.line, origin.column)
    return Problem(problem.code, problem.message, Origin(origin.file, line, column), problem.ref, problem.hint)
