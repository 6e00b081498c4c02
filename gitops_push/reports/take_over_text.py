"""A take over as text: from whom, and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator

from gitops_push.core.plan import TakeOver
from gitops_push.reports.lines import counted


def take_over_summary(what: TakeOver) -> str:
    """Return `from kubectl-client-side-apply; 2 fields go`."""
    managers = dict.fromkeys(entry.manager for entry in what.entries)
    gone = f"; {counted(len(what.gone), 'field')} {'goes' if len(what.gone) == 1 else 'go'}" if what.gone else ""
    return f"from {', '.join(what.owners or managers)}{gone}"


def take_over_lines(what: TakeOver) -> Iterator[str]:
    """Yield what is written before the fields of the object are: whose fields become ours, and what is removed."""
    for entry in what.entries:
        yield f"becomes ours: {counted(entry.fields, 'field')} of {entry.manager} ({entry.operation})"
    if what.gone:
        yield f"not in the config, so no longer set: {', '.join(what.gone)}"
    for path in what.removed:
        yield f"removed: {path}"
