"""Every scalar of the output has an origin, and the files show at that place what the origin says (`origin_rule`)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError
from gitops_push.kustomize.build import BuildOptions, BuiltSet, build_kustomization
from gitops_push.system.files import RepoFiles
from tests.conformance.kustomize_cases import DATA, cases, probes
from tests.conformance.origin_rule import OriginRule
from tests.conformance.random_overlays import Overlays
from tests.conformance.random_replacements import ReferringOverlays, ReplacingOverlays
from tests.conformance.test_kustomize_differential import REPOS, roots
from tests.unit.kustomize.trees import build


@dataclass(slots=True)
class Census:
    """How many trees were built, how many scalars were judged, and which of them break the rule."""

    built: int = 0
    scalars: int = 0
    violations: list[str] = field(default_factory=list)

    def take(self, root: Path, path: str, options: BuildOptions) -> None:
        """Build a tree and judge all its scalars; what is refused is not counted."""
        try:
            built = build_kustomization(RepoFiles(root), path, options)
        except BuildError:
            built = BuiltSet(())
        rule = OriginRule(root)
        for one in built.objects:
            self.violations += [f"{root}: {line}" for line in rule.violations(one.body)]
        self.built += bool(built.objects)
        self.scalars += rule.checked

    def __str__(self) -> str:
        return f"{self.built} trees, {self.scalars:,} scalars, {len(self.violations)} without a true origin"


def census_of_random_trees(make: type[Overlays], seeds: Iterable[int], folder: Path) -> Census:
    census = Census()
    for seed in seeds:
        root = folder / str(seed)
        census.take(root, make(seed).write(root), BuildOptions())
        shutil.rmtree(root)
    return census


@pytest.mark.parametrize(
    ("make", "trees", "built"), [(Overlays, 450, 300), (ReplacingOverlays, 150, 40), (ReferringOverlays, 150, 100)]
)
def test_every_scalar_of_a_sample_of_random_trees_is_traced_to_its_line(
    make: type[Overlays], trees: int, built: int, tmp_path: Path
) -> None:
    census = census_of_random_trees(make, range(trees), tmp_path)
    assert not census.violations, "\n".join(census.violations)
    assert census.built >= built


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("make", "trees", "built"),
    [(Overlays, 5_000, 3_000), (ReplacingOverlays, 3_000, 800), (ReferringOverlays, 3_000, 2_000)],
)
def test_every_scalar_of_thousands_of_random_trees_is_traced_to_its_line(
    make: type[Overlays], trees: int, built: int, tmp_path: Path
) -> None:
    census = census_of_random_trees(make, range(20_000, 20_000 + trees), tmp_path)
    print(f"origins of {make.__name__}: {census}")
    assert not census.violations, "\n".join(census.violations)
    assert census.built >= built


def test_the_rule_sees_a_place_that_is_one_line_off(tmp_path: Path) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  one: x\n  two: y\n"
    body = build(tmp_path, {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": manifest}).objects[0].body
    assert not list(OriginRule(tmp_path).violations(body))
    marks = body["data"].marks
    marks["one"], marks["two"] = marks["two"], marks["one"]
    assert len(list(OriginRule(tmp_path).violations(body))) == 2


@pytest.mark.skipif(not REPOS.is_dir(), reason=f"no repositories in {REPOS}")
def test_every_scalar_of_real_repositories_is_traced_to_its_line() -> None:
    census = Census()
    for root in roots():
        repo = REPOS / root.relative_to(REPOS).parts[0]
        census.take(repo, str(root.relative_to(repo)), BuildOptions())
    assert not census.violations, "\n".join(census.violations)
    assert census.scalars > 1_000


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no test data in {DATA}")
def test_every_scalar_of_the_cases_of_kustomize_is_traced_to_its_line() -> None:
    census = Census()
    for case in (*cases(), *probes()):
        census.take(case.root, case.path, case.options)
    assert not census.violations, "\n".join(census.violations)
    assert census.scalars > 5_000
