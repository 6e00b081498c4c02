"""RFC 6902 patches as kustomize applies them (evanphx/json-patch v4), with the place of every value that is set.

It differs from the RFC, and from the `jsonpatch` package, where the library does: `replace` of a missing key creates
it, a missing `value` is null, `test` of a missing key against null passes, and negative indexes count from the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Fields, Items, Node, copy_tree, remove
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.marks import Container, note_step, place_of, set_at
from gitops_push.kustomize.resource import text_of

_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
_EXACT: Final = 1 << 53
_MOST_NODES: Final = 200_000
_MOST_LEVELS: Final = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a patch. `path` and `source` are parts of pointers, unescaped; `origin` is its value's place."""

    name: str
    path: tuple[str, ...]
    source: tuple[str, ...]
    value: Node
    origin: Origin


def read_operations(items: Items, fallback: Origin) -> tuple[Operation, ...]:
    """Return the operations of a parsed patch. Raises `BuildError` when one is malformed."""
    return tuple(_operation(item, place_of(items, index) or fallback) for index, item in enumerate(items))


def apply_operations(body: Fields, operations: tuple[Operation, ...]) -> None:
    """Apply the operations in order. Raises `BuildError` at the first that cannot be applied. Changes `body`.

    The whole object goes through 64-bit floats, as it does in kustomize: integers beyond 2^53 lose digits.
    """
    handled = 0
    for operation in operations:
        handled += _size_of_moved(body, operation)
        if handled > _MOST_NODES:
            raise _too_much(operation, f"the patch copies more than {_MOST_NODES:,} values")
        _APPLY[operation.name](body, operation)
    _round_integers(body)


def _size_of_moved(body: Fields, operation: Operation) -> int:
    """Return how many values an operation puts in place. Raises `BuildError` if it would nest too deep.

    Copies of copies grow by powers, and moves into what was moved nest without end: a short patch must stay cheap.
    """
    value = operation.value
    if operation.source:
        value = _get(_parent(body, operation.source, operation), operation.source[-1], operation)
    count = 0
    pending = [(value, len(operation.path))]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, (dict, list)):
            if depth > _MOST_LEVELS:
                raise _too_much(operation, f"the object would be nested more than {_MOST_LEVELS} levels deep")
            count += len(node)
            pending.extend((child, depth + 1) for child in (node.values() if isinstance(node, dict) else node))
    return count


def _too_much(operation: Operation, reason: str) -> BuildError:
    message = f"{operation.name} operation on {_text(operation.path)} does not apply: {reason}"
    return BuildError(Problem(Code.BUDGET_EXCEEDED, message, operation.origin, hint="make the patch smaller"))


def _operation(item: Node, origin: Origin) -> Operation:
    if not isinstance(item, Fields):
        raise invalid("an operation of a JSON patch must be a mapping", origin)
    name = text_of(item.get("op"))
    if name not in _OPERATIONS:
        raise invalid(
            f"unexpected kind of JSON patch operation: {name!r}", origin, f"op is one of {', '.join(_OPERATIONS)}"
        )
    source = _pointer(item, "from", origin) if name in {"move", "copy"} else ()
    place = place_of(item, "from" if source else "value") or origin
    value = item.get("value")
    note_step(value, "patch")
    return Operation(name, _pointer(item, "path", origin), source, value, place.by("patch"))


def _pointer(item: Fields, field: str, origin: Origin) -> tuple[str, ...]:
    text = item.get(field)
    if not isinstance(text, str):
        raise invalid(f"a JSON patch operation without {field!r}", origin)
    parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/"))
    if len(parts) < 2:
        raise invalid(
            f"{item.get('op')} operation does not apply: doc is missing path {text!r}", origin, "begin the path with /"
        )
    return parts[1:]


def _parent(body: Fields, path: tuple[str, ...], operation: Operation) -> Container:
    """Return the container that holds the last part of the path."""
    node: Node = body
    for part in path[:-1]:
        if isinstance(node, Fields):
            node = node.get(part)
        elif isinstance(node, Items):
            node = node[_index(node, part, operation)]
    if not isinstance(node, (Fields, Items)):
        raise _fails(operation, f"doc is missing path: {_text(path)}")
    return node


def _index(items: Items, part: str, operation: Operation, *, extra: int = 0) -> int:
    """Return the index that a part of a path means; `extra` is 1 where one past the end is allowed."""
    size = len(items) + extra
    try:
        index = int(part)
    except ValueError as error:
        raise _fails(operation, f"{part!r} is no list index") from error
    if not -size <= index < size:
        raise _fails(operation, f"index {part} is out of bounds, the list has {len(items)} items")
    return index + size if index < 0 else index


def _get(container: Container, part: str, operation: Operation) -> Node:
    if isinstance(container, Fields):
        return container.get(part)
    return container[_index(container, part, operation)]


def _add(body: Fields, operation: Operation) -> None:
    _insert(_parent(body, operation.path, operation), operation, copy_tree(operation.value))


def _insert(container: Container, operation: Operation, value: Node, source: Origin | None = None) -> None:
    """Put a value where the operation says; `source` is the place that it was moved or copied from."""
    origin = operation.origin.after(source)
    last = operation.path[-1]
    if isinstance(container, Fields):
        set_at(container, last, value, origin)
        return
    index = len(container) if last == "-" else _index(container, last, operation, extra=1)
    container.marks.extend([container.start] * (len(container) - len(container.marks)))
    container.insert(index, value)
    container.marks.insert(index, origin)


def _remove(body: Fields, operation: Operation) -> None:
    _delete(_parent(body, operation.path, operation), operation.path[-1], operation)


def _delete(container: Container, part: str, operation: Operation) -> None:
    if isinstance(container, Items):
        index = _index(container, part, operation)
        del container[index]
        del container.marks[index : index + 1]
    elif part not in container:
        raise _fails(operation, f"unable to remove nonexistent key: {part}")
    else:
        remove(container, part)


def _replace(body: Fields, operation: Operation) -> None:
    container, last = _parent(body, operation.path, operation), operation.path[-1]
    key = last if isinstance(container, Fields) else _index(container, last, operation)
    set_at(container, key, copy_tree(operation.value), operation.origin)


def _move(body: Fields, operation: Operation) -> None:
    source = _parent(body, operation.source, operation)
    value, place = _taken(source, operation)
    _delete(source, operation.source[-1], operation)
    _insert(_parent(body, operation.path, operation), operation, value, place)


def _copy(body: Fields, operation: Operation) -> None:
    value, place = _taken(_parent(body, operation.source, operation), operation)
    _insert(_parent(body, operation.path, operation), operation, copy_tree(value), place)


def _taken(source: Container, operation: Operation) -> tuple[Node, Origin | None]:
    """Return what an operation moves or copies, with its place."""
    part = operation.source[-1]
    value = _get(source, part, operation)
    return value, place_of(source, part if isinstance(source, Fields) else _index(source, part, operation))


def _test(body: Fields, operation: Operation) -> None:
    value = _get(_parent(body, operation.path, operation), operation.path[-1], operation)
    if not _equal(value, operation.value):
        raise _fails(operation, f"testing value {_text(operation.path)} failed")


def _equal(one: Node, other: Node) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_equal(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


_APPLY: Final = {"add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test}


def _round_integers(node: Node) -> None:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, (dict, list)):
            _round_integers(value)
        elif isinstance(value, (int, float)) and abs(value) > _EXACT and not isinstance(value, bool):
            rounded = float(value)
            node[key] = int(rounded) if abs(rounded) < 1e20 else rounded


def _fails(operation: Operation, reason: str) -> BuildError:
    return invalid(
        f"{operation.name} operation on {_text(operation.path)} does not apply: {reason}",
        operation.origin,
        "correct the path, or the target of the patch",
    )


def _text(path: tuple[str, ...]) -> str:
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
