"""Random kustomizations and real repositories, built here and by the real kustomize: equal bytes, or both refuse."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from gitops_push.documents.writer import yaml_stream
from gitops_push.kustomize.build import build_kustomization
from gitops_push.system.files import RepoFiles
from tests.conformance.random_overlays import Overlays
from tests.controlplane.programs import kustomize

REPOS = Path(__file__).parents[3] / "shared" / "real-repos"
COMPONENTS = REPOS / "microservices-demo" / "kustomize" / "components"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a builder gives: its output, or None with the reason."""

    output: str | None
    reason: str = ""


def ours(root: Path, path: str) -> Answer:
    try:
        built = build_kustomization(RepoFiles(root), path)
    except BuildError as error:
        return Answer(None, str(error))
    return Answer(yaml_stream([one.body for one in built.objects]))


def theirs(directory: Path) -> Answer:
    command, environ = [str(kustomize()), "build", str(directory)], {"HOME": "/nonexistent", "PATH": "/nonexistent"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return Answer(done.stdout if done.returncode == 0 else None, done.stderr)


def is_known_difference(mine: Answer, other: Answer) -> bool:
    """Return whether kustomize crashed, or hashes its own data structures, which nobody else has."""
    return "goroutine" in other.reason or "cannot hash the content of" in mine.reason


def roots() -> list[Path]:
    return sorted(file.parent for file in REPOS.rglob("kustomization.y*ml"))


@pytest.mark.parametrize("root", roots(), ids=lambda root: str(root.relative_to(REPOS)))
def test_builds_every_root_of_real_repositories_byte_for_byte(root: Path) -> None:
    repo = REPOS / root.relative_to(REPOS).parts[0]
    mine, other = ours(repo, str(root.relative_to(repo))), theirs(root)
    assert mine.output == other.output, mine.reason or other.reason


@pytest.mark.parametrize("component", sorted(path.name for path in COMPONENTS.iterdir()) if COMPONENTS.is_dir() else [])
def test_builds_the_shop_with_each_component_byte_for_byte(component: str, tmp_path: Path) -> None:
    shutil.copytree(COMPONENTS.parent, tmp_path / "kustomize", copy_function=shutil.copyfile)
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    text = f"resources: [../kustomize/base]\ncomponents: [../kustomize/components/{component}]\n"
    (overlay / "kustomization.yaml").write_text(text)
    mine, other = ours(tmp_path, "overlay"), theirs(overlay)
    assert mine.output == other.output, mine.reason or other.reason


@dataclass(slots=True)
class Comparison:
    """How many trees gave the same bytes, were refused by both, or differ in a known way; and the seeds of others."""

    counts: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def compare(seeds: range, folder: Path) -> Comparison:
    """Build the tree of each seed in both ways, and go on after a difference."""
    result = Comparison()
    for seed in seeds:
        root = folder / str(seed)
        path = Overlays(seed).write(root)
        mine, other = ours(root, path), theirs(root / path)
        if mine.output == other.output:
            result.counts["same" if mine.output is not None else "refused by both"] += 1
        elif is_known_difference(mine, other):
            result.counts["known difference"] += 1
        else:
            result.unexplained.append(f"seed {seed}: {mine.reason or other.reason or 'other bytes'}")
        shutil.rmtree(root)
    return result


def test_builds_a_sample_of_random_trees_as_kustomize_does(tmp_path: Path) -> None:
    result = compare(range(40), tmp_path)
    assert not result.unexplained, "\n".join(result.unexplained)
    assert result.counts["same"] >= 20


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_builds_two_thousand_random_trees_as_kustomize_does(tmp_path: Path) -> None:
    result = compare(range(10_000, 12_000), tmp_path)
    print(", ".join(f"{number} {answer}" for answer, number in result.counts.most_common()), end=", ")
    print(f"{len(result.unexplained)} unexplained")
    assert not result.unexplained, "\n".join(result.unexplained)
    assert result.counts["same"] >= 1_000
