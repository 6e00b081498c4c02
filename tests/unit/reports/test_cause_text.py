"""Why something is not healthy, as text, whole screens."""

from __future__ import annotations

from gitops_push.core.causes import CauseCode
from gitops_push.core.diagnosis import Cause, LogTail
from gitops_push.core.events import Event
from gitops_push.core.fieldpath import parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.reports.cause_text import WIDTH, cause_lines

WEB = ObjectRef("apps", "Deployment", "shop", "web")
API = ObjectRef("apps", "Deployment", "shop", "api")
IMAGE = parse_field_path("spec.template.spec.containers[name=web].image")
MISSING = Cause(
    CauseCode.IMAGE_NOT_FOUND,
    'container web: image "web:9" was not found',
    'ErrImagePull: rpc error: code = NotFound desc = "web:9": not found',
    "0 of 3 pods available",
    "web:9",
    "web-1-x",
    "web",
    failing=3,
    pods=3,
    field=IMAGE,
    origin=Origin("apps/web.yaml", 22, 18),
)
LOG = LogTail("web", previous=True, lines=tuple(f"line {number}" for number in range(1, 21)))
CRASHING = Cause(
    CauseCode.CRASH_LOOP,
    "container web: CrashLoopBackOff, 5 restarts, last ended with exit code 1",
    state="0 of 3 pods available",
    pod="web-1-x",
    container="web",
    exit_code=1,
    restarts=5,
    failing=3,
    pods=3,
    log=LOG,
    events=(Event("Pod", "web-1-x", "Evicted", "low on memory", 3),),
    field=IMAGE[:-1],
    origin=Origin("apps/web.yaml", 20, 11),
)


def source_line(file: str, number: int) -> str | None:
    return "          image: web:9" if number == 22 else None


def text_of(*found: tuple[ObjectRef, Cause]) -> list[str]:
    return [line.text for line in cause_lines(found, source_line)]


def test_an_image_that_is_not_found_is_shown_at_its_line() -> None:
    assert text_of((WEB, MISSING)) == [
        'error[IMAGE_NOT_FOUND]: apps/Deployment shop/web: container web: image "web:9" was not found',
        "  --> apps/web.yaml:22:18",
        "  22 |           image: web:9",
        "     |                  ^ spec.template.spec.containers[name=web].image",
        "  state: 0 of 3 pods available",
        "  pods: 3 of 3 like this, for example web-1-x",
        '  | ErrImagePull: rpc error: code = NotFound desc = "web:9": not found',
        f"  help: {CauseCode.IMAGE_NOT_FOUND.hint}",
    ]


def test_of_a_log_as_much_is_shown_as_fits_on_one_screen() -> None:
    lines = text_of((WEB, CRASHING))
    assert len(lines) == 20
    assert lines[:6] == [
        f"error[CRASH_LOOP]: apps/Deployment shop/web: {CRASHING.summary}",
        "  --> apps/web.yaml:20:11  spec.template.spec.containers[name=web]",
        "  state: 0 of 3 pods available",
        "  pods: 3 of 3 like this, for example web-1-x",
        "  | Evicted (3 times): low on memory",
        "  log of container web, the run before, the last 13 of 20 lines read:",
    ]
    assert lines[6:19] == [f"  | line {number}" for number in range(8, 21)]


def test_objects_that_share_a_cause_are_told_together() -> None:
    other = (API, Cause(CauseCode.IMAGE_NOT_FOUND, "…", subject="web:9", origin=Origin("apps/api.yaml", 9, 3)))
    lines = text_of((WEB, MISSING), other)
    assert "  the same: apps/Deployment shop/api (apps/api.yaml:9:3)" in lines
    assert sum(line.startswith("error") for line in lines) == 1


def test_objects_with_causes_of_their_own_are_told_apart_each_in_half_a_screen() -> None:
    lines = text_of((WEB, CRASHING), (API, CRASHING))
    assert [line.partition(": c")[0] for line in lines if line.startswith("error")] == [
        "error[CRASH_LOOP]: apps/Deployment shop/web",
        "error[CRASH_LOOP]: apps/Deployment shop/api",
    ]
    assert len(lines) <= 24


def test_of_very_many_causes_only_the_first_come_with_their_evidence() -> None:
    many = [(ObjectRef("apps", "Deployment", "shop", f"web-{number}"), CRASHING) for number in range(10)]
    lines = text_of(*many)
    assert sum(line.startswith("  log of") for line in lines) == 3
    assert sum(line.startswith("error") for line in lines) == 10


def test_what_was_only_not_ready_yet_is_one_line() -> None:
    waiting = [
        (ObjectRef("apps", "Deployment", "shop", f"w{number}"), Cause(CauseCode.IN_PROGRESS, "0 of 1 pods ready"))
        for number in range(9)
    ]
    (*_, last) = text_of((WEB, MISSING), *waiting)
    assert last.startswith("  9 objects not ready yet when the wait ended: apps/Deployment shop/w0 (0 of 1 pods ready)")
    assert len(last) <= WIDTH


def test_what_others_wrote_stands_behind_a_prefix_and_commands_a_runner() -> None:
    log = LogTail("web", lines=("::stop::", "\x1b[2J"))
    evil = Cause(CauseCode.PROBE_FAILING, "x", said="::error::boo\n##[group]x", log=log)
    lines = text_of((WEB, evil))
    assert "  | ::error::boo #\\x23[group]x" in lines
    assert "  | ::stop::" in lines
    assert "  | \\x1b[2J" in lines


def test_long_texts_are_cut_and_those_of_a_kubelet_get_a_second_line() -> None:
    wordy = Cause(CauseCode.UNSCHEDULABLE, "Unschedulable", said="0/9 nodes are available: " + "no, " * 100)
    lines = text_of((WEB, wordy))
    assert all(len(line) <= WIDTH for line in lines)
    assert sum(line.startswith("  | ") for line in lines) == 2


def test_a_log_that_may_not_be_read_is_half_a_line() -> None:
    without = Cause(CauseCode.CRASH_LOOP, "x", log=LogTail("web", note="its log cannot be read: not allowed"))
    assert "  log of container web: its log cannot be read: not allowed" in text_of((WEB, without))
