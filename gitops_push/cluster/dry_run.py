"""Asks the server what a forced apply would make of each object, and makes sure that the answer fits what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gitops_push.cluster.api import Answer, ApiFailure, ApiReader, ServedKind
from gitops_push.cluster.crew import in_parallel
from gitops_push.cluster.targets import Target
from gitops_push.core.adoption import Preview
from gitops_push.core.objects import Body, ObjectRef

READ_AGAIN: Final = 3
"""So often the object is read again when it changed between the reading and the dry run."""

OnProgress = Callable[[int, int], None]
"""Called with (done, all) after each object, on the caller's thread."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The server's answer about one object: `merged` is what apply would make of `live` (None: it does not exist).

    With `failure` the server said no; with `moved` the object changed all the time. Then `merged` is None. `preview` is
    for an object that is to be taken over (`cluster.adoption`). `proven`: nobody was asked, as the answer is known
    (`cluster.proving`).
    """

    live: Body | None = field(repr=False)
    merged: Body | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    failure: ApiFailure | None = None
    moved: bool = False
    preview: Preview | None = None
    proven: bool = False


def ask_all(
    targets: Iterable[Target],
    live: Mapping[ObjectRef, Body],
    reader: ApiReader,
    concurrency: int,
    on_progress: OnProgress,
) -> dict[ObjectRef, Asked]:
    """Return the answer about each target, asked in parallel. What ends the whole run is raised at once."""
    answers: dict[ObjectRef, Asked] = {}
    questions = tuple(targets)
    for target, asked in in_parallel(lambda target: ask(target, live.get(target.ref), reader), questions, concurrency):
        answers[target.ref] = asked
        on_progress(len(answers), len(questions))
    return answers


def ask(target: Target, live: Body | None, reader: ApiReader) -> Asked:
    """Return the answer about one target, whose kind is served.

    An answer describes the object that was read if both have the same resourceVersion; else the object is read again.
    """
    kind = target.kind
    if kind is None:
        raise ValueError(f"{target.ref} has no kind to ask about")
    try:
        answer = reader.dry_run_apply(kind, *target.place, target.body)
        for _ in range(READ_AGAIN):
            if _fits(live, answer):
                return Asked(live, answer.body, answer.warnings)
            live, answer = _read_again(kind, target, answer, reader)
    except ApiFailure as failure:
        return Asked(live, failure=failure)
    return Asked(live, answer.body, answer.warnings) if _fits(live, answer) else Asked(live, moved=True)


def _read_again(kind: ServedKind, target: Target, answer: Answer, reader: ApiReader) -> tuple[Body | None, Answer]:
    live = reader.get(kind, *target.place)
    if _fits(live, answer):
        return live, answer
    return live, reader.dry_run_apply(kind, *target.place, target.body)


def _fits(live: Body | None, answer: Answer) -> bool:
    """A dry run that creates has no resourceVersion (tried on a real API server)."""
    predicted = answer.body["metadata"].get("resourceVersion", "")
    if live is None:
        return answer.status == 201 or not predicted
    return answer.status != 201 and bool(predicted == live["metadata"].get("resourceVersion"))
