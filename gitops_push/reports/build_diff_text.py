"""The differences between two builds as text, in the form of a plan."""

from __future__ import annotations

from collections import Counter

from gitops_push.core.build_comparison import BuildDiff
from gitops_push.core.plan import Action, Fidelity
from gitops_push.core.run import RunHeader
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.plan_text import change_lines, shown_changes


def build_diff_lines(diff: BuildDiff, header: RunHeader) -> tuple[Line, ...]:
    """Return the whole report."""
    shown = shown_changes(diff.changes)
    lines = [Line(str(header), Tone.HEADING), Line(f"compared with the build of {_base(diff)}; no cluster was asked")]
    lines += change_lines(shown, Fidelity.CLIENT)
    return (*lines, build_diff_verdict(diff))


def build_diff_verdict(diff: BuildDiff) -> Line:
    """Return the last line: whether the builds differ, and in how many objects."""
    if not diff.has_changes:
        objects = counted(len(diff.changes), "object")
        return Line(f"SAME {diff.environment}: {objects}, built as at {_base(diff)}", Tone.GOOD)
    counts = Counter(change.action for change in diff.changes)
    kinds = (Action.CREATE, Action.UPDATE, Action.PRUNE, Action.UNCHANGED)
    told = ", ".join(f"{counts[action]} {action.value}" for action in kinds if counts[action])
    return Line(f"CHANGES {diff.environment}: {told}")


def _base(diff: BuildDiff) -> str:
    return f"{diff.base} ({diff.base_commit[:7]})"
