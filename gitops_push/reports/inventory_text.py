"""Inventories as text and as data: those of a cluster, and a record that is made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitops_push.core.inventory import Inventory
from gitops_push.core.inventory_summary import InventorySummary
from gitops_push.core.membership import Member, ProposedRecord, Sign
from gitops_push.core.run import RunHeader
from gitops_push.reports.json_report import Data, ref_data, time_text
from gitops_push.reports.lines import Line, Tone, columns, counted

_HEADINGS = ("INVENTORY", "PROJECT", "ENVIRONMENT", "OBJECTS", "STATE", "COMMIT", "DEPLOYED")


def list_lines(found: Iterable[InventorySummary], notes: Iterable[str]) -> tuple[Line, ...]:
    """Return one line for each inventory, and the notes."""
    every = tuple(found)
    rows = [_HEADINGS, *(_row(summary) for summary in every)]
    told = tuple(Line(f"note: {note}", Tone.UPDATE) for note in notes)
    listed = tuple(Line(text) for text in columns(rows)) if every else (Line("no inventories", Tone.DIM),)
    damaged = (Line(f"    {s.place}: {s.damage}", Tone.BAD) for s in every if s.damage)
    return (*listed, *damaged, *told)


def list_data(found: Iterable[InventorySummary], notes: Iterable[str]) -> Data:
    """Return the inventories of a cluster."""
    return {"inventories": [_summary_data(summary) for summary in found], "notes": list(notes)}


def record_lines(proposed: ProposedRecord, header: RunHeader) -> tuple[Line, ...]:
    """Return what a record would gain, what it would not take, and why."""
    inventory = proposed.inventory
    lines = [Line(str(header), Tone.HEADING)]
    if proposed.damage:
        lines.append(Line(f"{proposed.damage}: it is made anew", Tone.UPDATE))
    elif not inventory.resource_version:
        lines.append(Line(f"there is no inventory {inventory.place} yet", Tone.UPDATE))
    lines += _member_lines("+", proposed.gained, Tone.CREATE)
    lines += _member_lines("=", proposed.left_out, Tone.DIM)
    if any(member.sign is Sign.COPIED for member in proposed.left_out):
        lines.append(Line("help: what only carries the label is taken with --include KIND/NAME"))
    lines += [Line(f"note: {note}", Tone.UPDATE) for note in proposed.notes]
    return tuple(lines)


def record_verdict(proposed: ProposedRecord, header: RunHeader) -> Line:
    """Return the last line: what the record has now."""
    if not proposed.writes:
        return Line(f"NOTHING TO ADOPT {header.environment}: nothing else is surely its own")
    gained, owned = len(proposed.gained), len(proposed.inventory.entries)
    text = f"ADOPTED {header.environment}: {counted(gained, 'object')}, {owned} in {proposed.inventory.place}"
    return Line(f"{text}; what is not in the config is deleted by the next apply", Tone.GOOD)


def record_data(proposed: ProposedRecord) -> Data:
    """Return what a record gained."""
    return {
        "inventory": str(proposed.inventory.place),
        "wrote": proposed.writes,
        **({"damage": proposed.damage} if proposed.damage else {}),
        "objects": len(proposed.inventory.entries),
        "adopted": [_member_data(member) for member in proposed.gained],
        "leftOut": [_member_data(member) for member in proposed.left_out],
        "notes": list(proposed.notes),
    }


def move_lines(moved: Inventory, header: RunHeader) -> tuple[Line, ...]:
    """Return what a move would do."""
    rows = columns([("+", str(entry.ref)) for entry in moved.entries])
    what = f"{moved.place} takes over {moved.former}, and then has {counted(len(moved.entries), 'object')}"
    return (Line(str(header), Tone.HEADING), Line(what, Tone.UPDATE), *(Line(row, Tone.CREATE) for row in rows))


def move_verdict(moved: Inventory, header: RunHeader) -> Line:
    """Return the last line: what is where now."""
    text = f"MOVED {header.environment}: {counted(len(moved.entries), 'object')} in {moved.place}"
    return Line(f"{text}; they get its label with: gitops-push apply {header.environment}", Tone.GOOD)


def move_data(moved: Inventory) -> Data:
    """Return where the objects of an inventory are now, and from where they came."""
    former = str(moved.former) if moved.former else ""
    return {"inventory": str(moved.place), "movedFrom": former, "objects": len(moved.entries)}


def _row(summary: InventorySummary) -> tuple[str, ...]:
    if summary.damage:
        return (str(summary.place), "", "", "", "damaged", "", "")
    at = f"{summary.deployed_at:%Y-%m-%d %H:%M:%S}Z" if summary.deployed_at else ""
    identity = (str(summary.place), summary.project, summary.environment)
    return (*identity, str(summary.objects), summary.state, summary.commit[:7], at)


def _summary_data(summary: InventorySummary) -> Data:
    place = {"namespace": summary.place.namespace, "name": summary.place.name}
    if summary.damage:
        return {**place, "damage": summary.damage}
    return {
        **place,
        "project": summary.project,
        "environment": summary.environment,
        "objects": summary.objects,
        "state": summary.state,
        "deployedCommit": summary.commit,
        "deployedAt": time_text(summary.deployed_at),
    }


def _member_lines(sign: str, members: Iterable[Member], tone: Tone) -> Iterator[Line]:
    rows = [(sign, str(member.entry.ref), member.sign.value) for member in members]
    return (Line(text, tone) for text in columns(rows))


def _member_data(member: Member) -> Data:
    return {**ref_data(member.entry.ref), "apiVersion": member.entry.api_version, "sign": member.sign.value}
