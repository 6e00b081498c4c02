"""Keeps short replacements and vars cheap: texts that double again and again meet the budget of the build."""

from __future__ import annotations

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node
from gitops_push.documents.budgets import DEFAULT_BUDGET, Usage

_BUDGET = DEFAULT_BUDGET


def spend_text(text: str, usage: Usage, origin: Origin) -> None:
    """Count a text that is made. Raises `BuildError` when it, or all that the build has read and made, is too long."""
    usage.bytes += len(text)
    if len(text) > _BUDGET.file_bytes:
        raise too_long(origin)
    if usage.bytes > _BUDGET.total_bytes:
        raise _exceeded(f"the texts take more than {_BUDGET.total_bytes:,} characters (limit total_bytes)", origin)


def too_long(origin: Origin) -> BuildError:
    """Return the error that a text would be longer than any file may be."""
    return _exceeded(f"a text would be longer than {_BUDGET.file_bytes:,} characters (limit file_bytes)", origin)


def spend_tree(node: Node, usage: Usage, origin: Origin) -> None:
    """Count a mapping or a list that is copied. Raises `BuildError` when it is too big or too deep."""
    pending = [(node, 1)]
    while pending:
        found, depth = pending.pop()
        if isinstance(found, str):
            usage.bytes += len(found)
        if not isinstance(found, (dict, list)):
            continue
        usage.expanded_nodes += len(found) + 1
        if depth > _BUDGET.file_depth:
            raise _exceeded(f"a copy would be more than {_BUDGET.file_depth} levels deep (limit file_depth)", origin)
        pending.extend((child, depth + 1) for child in (found.values() if isinstance(found, dict) else found))
    if usage.nodes + usage.expanded_nodes > _BUDGET.total_expanded_nodes or usage.bytes > _BUDGET.total_bytes:
        raise _exceeded(
            f"more than {_BUDGET.total_expanded_nodes:,} values are copied (limit total_expanded_nodes)", origin
        )


def _exceeded(message: str, origin: Origin) -> BuildError:
    return BuildError(Problem(Code.BUDGET_EXCEEDED, message, origin, hint="copy less, and less often"))
