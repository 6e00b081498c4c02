"""Random commits to a fleet of environments: none is missed. Each environment is rebuilt and compared, as the judge."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops_push.core.errors import BuildError, ConfigError
from gitops_push.core.inputs import without_origins
from gitops_push.repo.build import build_manifests
from gitops_push.repo.environments import Asked, load_environments, load_nearest_config
from gitops_push.system.files import RepoFiles
from gitops_push.workflow.affected import affected_environments
from gitops_push.workflow.settings import Settings, Watcher
from gitops_push.workflow.workspace import open_workspace
from tests.affected.fleet import Fleet

SEED = 20261125


@dataclass(slots=True)
class Figures:
    """What a campaign came to. `seen` counts pairs of a commit and an environment."""

    seen: int = 0
    changed: int = 0
    reported: int = 0
    missed: int = 0

    def __str__(self) -> str:
        right = self.changed / max(self.reported, 1)
        told = f"{self.reported} reported, of which {right:.1%} had changed"
        return f"{self.missed} missed of {self.changed} that changed ({self.seen} looked at); {told}"


def settings_for(folder: Path) -> Settings:
    return Settings(directory=folder, environ={"PATH": os.environ["PATH"], "HOME": str(folder.parent)})


def built(settings: Settings) -> dict[str, object]:
    """Return what each environment of the checkout is and comes to, or how its build fails; apart from lines."""
    space = open_workspace(settings, ".", Watcher())
    config = load_nearest_config(space.checkout, space.files, Asked("", space.folder))
    assert config is not None
    found: dict[str, object] = {}
    for environment in load_environments(space.checkout, space.files, config):
        files = RepoFiles(space.checkout.root)
        try:
            result = build_manifests(space.checkout, files, environment).digest
        except BuildError as error:
            result = " ".join(problem.message for problem in error.problems)
        finally:
            files.close()
        found[environment.name] = (result, without_origins(environment))
    return found


def campaign(folder: Path, apps: int, commits: int) -> Figures:
    fleet = Fleet(folder, random.Random(SEED))
    fleet.make(apps)
    settings = settings_for(folder)
    figures = Figures()
    before = built(settings)
    for number in range(commits):
        said = fleet.change()
        after = built(settings)
        affected = affected_environments(settings, "HEAD~1..HEAD", Watcher())
        reported = {each.environment.name for each in affected.environments}
        changed = {name for name, result in after.items() if before.get(name) != result}
        assert changed <= reported, f"commit {number} ({said}) misses {sorted(changed - reported)}"
        assert set(affected.gone) == before.keys() - after.keys(), said
        figures.seen += len(after)
        figures.changed += len(changed)
        figures.reported += len(reported)
        figures.missed += len(changed - reported)
        before = after
    return figures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "fleet"
    made.mkdir()
    return made


def test_a_sample_of_random_commits_misses_no_environment(folder: Path) -> None:
    figures = campaign(folder, apps=6, commits=40)
    assert figures.changed > 40
    assert figures.changed > figures.reported * 0.7, f"it reports too many: {figures}"


@pytest.mark.prove
@pytest.mark.timeout(4 * 3600)
def test_random_commits_to_300_environments_miss_no_environment(folder: Path) -> None:
    print(f"\naffected environments: {campaign(folder, apps=100, commits=2000)}")


def test_what_is_not_committed_counts_and_what_git_ignores_is_affected(folder: Path) -> None:
    fleet = Fleet(folder, random.Random(SEED))
    fleet.make(2)
    settings = settings_for(folder)

    def names(asked: str) -> list[str]:
        return [each.environment.name for each in affected_environments(settings, asked, Watcher()).environments]

    assert names("HEAD") == []
    fleet.write(
        "apps/app0/overlays/dev/patch.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {new: '1'}\n",
    )
    assert names("HEAD") == ["app0-dev"]
    assert names("HEAD..HEAD") == []
    fleet.write(".gitignore", "apps/app1/base/own.yaml\n")
    fleet.git("rm", "-q", "--cached", "apps/app1/base/own.yaml")
    fleet.commit()
    assert names("HEAD") == ["app1-dev", "app1-prod", "app1-stage"]


def test_a_first_push_affects_all_and_a_range_that_is_none_is_told(folder: Path) -> None:
    fleet = Fleet(folder, random.Random(SEED))
    fleet.make(1)
    settings = settings_for(folder)
    assert len(affected_environments(settings, f"{'0' * 40}..HEAD", Watcher()).environments) == 4
    for asked in ("", "..HEAD", "HEAD..", "HEAD...", "nothing..HEAD"):
        with pytest.raises(ConfigError):
            affected_environments(settings, asked, Watcher())


def test_three_dots_begin_where_the_branch_began(folder: Path) -> None:
    fleet = Fleet(folder, random.Random(SEED))
    fleet.make(2)
    fleet.git("checkout", "-q", "-b", "branch")
    fleet.write("apps/app0/overlays/dev/team.env", "STAGE=new\n")
    fleet.write("apps/app0/overlays/dev/limits.env", "STAGE=new\n")
    fleet.commit()
    fleet.git("checkout", "-q", "main")
    fleet.write("apps/app1/base/files/a.txt", "on main\n")
    fleet.commit()
    fleet.git("checkout", "-q", "branch")
    settings = settings_for(folder)

    def names(asked: str) -> list[str]:
        return [each.environment.name for each in affected_environments(settings, asked, Watcher()).environments]

    assert names("main...HEAD") == ["app0-dev"]
    assert names("main..HEAD") == ["app0-dev", "app1-dev", "app1-prod", "app1-stage"]
