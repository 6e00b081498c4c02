"""Random kustomizations and real repositories, built here and by the real kustomize: equal bytes, or both refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conformance.builders import ours, theirs
from tests.conformance.campaign import compare
from tests.conformance.random_overlays import Overlays

REPOS = Path(__file__).parents[3] / "shared" / "real-repos"
COMPONENTS = REPOS / "microservices-demo" / "kustomize" / "components"


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


def test_builds_a_sample_of_random_trees_as_kustomize_does(tmp_path: Path) -> None:
    result = compare(Overlays, tmp_path, range(40))
    assert not result.unexplained, "\n".join(result.unexplained)
    assert result.counts["same"] >= 20


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_builds_two_thousand_random_trees_as_kustomize_does(tmp_path: Path) -> None:
    result = compare(Overlays, tmp_path, range(10_000, 12_000))
    print(result)
    assert not result.unexplained, "\n".join(result.unexplained)
    assert result.counts["same"] >= 1_000
