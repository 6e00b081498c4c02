"""No secret value leaves a run: every command in every format, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries.situations import SITUATIONS
from tests.canaries.stage import FORMATS, new_stage
from tests.canaries.values import Search, forms, plant
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl

SAMPLE = ("a colleague edits", "denied at the write", "a plugin that fails", "not ready in time", "a misspelt field")


def played(name: str, plane: ControlPlane, kubectl: Kubectl, namespace: str, folder: Path) -> tuple[int, int]:
    """Play a situation and return (canaries searched for, outputs searched); fails where one is found."""
    stage = new_stage(plane, kubectl, namespace, folder)
    search = Search(stage.canaries.values())
    outputs = 0
    for finished, left, codes in SITUATIONS[name].play(stage):
        assert finished.code in codes, f"{name}: {finished}"
        assert "Traceback" not in finished.err, finished
        found = {output.place: names for output in left if (names := search.found_in(output.content))}
        assert found == {}, f"{name}: {finished}"
        outputs += len(left)
    return search.total, outputs


@pytest.mark.parametrize("name", SAMPLE)
def test_no_canary_leaves_a_sample_of_situations(
    own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str, tmp_path: Path, name: str
) -> None:
    canaries, outputs = played(name, own_control_plane, kubectl, namespace, tmp_path)
    assert canaries >= 40
    assert outputs > 0


@pytest.fixture(scope="module")
def tally() -> Iterator[list[tuple[int, int]]]:
    """What each situation searched; the sum is printed after the last of them."""
    searched: list[tuple[int, int]] = []
    yield searched
    if searched:
        checks = sum(canaries * outputs for canaries, outputs in searched)
        print(f"canaries found: 0 / {checks:,} ({len(searched)} situations, {sum(o for _, o in searched):,} outputs)")


@pytest.mark.prove
@pytest.mark.parametrize("name", SITUATIONS)
def test_no_canary_leaves_in_any_situation(
    own_control_plane: ControlPlane,
    kubectl: Kubectl,
    namespace: str,
    tmp_path: Path,
    name: str,
    tally: list[tuple[int, int]],
) -> None:
    tally.append(played(name, own_control_plane, kubectl, namespace, tmp_path))


def test_the_search_finds_a_canary_in_every_form() -> None:
    canaries = plant(1)
    search = Search(canaries.values())
    assert search.total == len(canaries) >= 40
    for name, canary in canaries.items():
        for half in canary.halves:
            for form in forms(half):
                assert name in search.found_in(b"before " + form + b" after")
    assert search.found_in(b"nothing of that kind") == ()


def test_every_format_of_a_command_is_asked_for() -> None:
    from gitops_push.cli.reporting import CI_FORMATS
    from gitops_push.cli.reporting import FORMATS as WORDS

    assert set(FORMATS["apply"]) == {*WORDS[1:], *CI_FORMATS}
