from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.errors import ConfigError
from gitops_push.repo.checkout import is_tracked, read_checkout, strip_credentials
from gitops_push.repo.environments import project_of

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder,
        env={**ENVIRON, **identity},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "web.yaml").write_text("a: 1\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_checkout_has_its_commit_and_branch(repo: Path) -> None:
    checkout = read_checkout(repo, ENVIRON)
    assert checkout == Checkout(repo, git(repo, "rev-parse", "HEAD"), "main", dirty=False)


def test_the_root_is_found_from_a_folder_and_from_a_file_within(repo: Path) -> None:
    (repo / "apps" / "web").mkdir(parents=True)
    assert read_checkout(repo / "apps" / "web", ENVIRON).root == repo
    assert read_checkout(repo / "web.yaml", ENVIRON).root == repo


@pytest.mark.parametrize(
    ("path", "dirty"),
    [
        pytest.param("web.yaml", True, id="a tracked file changed"),
        pytest.param("new.yaml", True, id="an untracked file"),
        pytest.param("build.log", False, id="an ignored file"),
    ],
)
def test_changes_make_a_checkout_dirty(repo: Path, path: str, dirty: bool) -> None:
    (repo / path).write_text("b: 2\n")
    assert read_checkout(repo, ENVIRON).dirty is dirty


def test_a_staged_change_makes_a_checkout_dirty(repo: Path) -> None:
    git(repo, "rm", "-q", "--cached", "web.yaml")
    assert read_checkout(repo, ENVIRON).dirty


def test_a_detached_head_has_no_branch(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    checkout = read_checkout(repo, ENVIRON)
    assert (checkout.branch, checkout.commit) == ("", git(repo, "rev-parse", "HEAD"))


def test_a_repo_without_commits_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    checkout = read_checkout(tmp_path, ENVIRON)
    assert (checkout.commit, checkout.branch) == ("", "main")


def test_a_shallow_clone_and_a_worktree_are_read(repo: Path, tmp_path: Path) -> None:
    (repo / "web.yaml").write_text("a: 2\n")
    git(repo, "commit", "-q", "-am", "second")
    commit = git(repo, "rev-parse", "HEAD")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    for name in ("shallow", "tree"):
        checkout = read_checkout(tmp_path / name, ENVIRON)
        assert (checkout.root, checkout.commit, checkout.dirty) == (tmp_path / name, commit, False)


def test_programs_that_the_repository_names_are_not_run(repo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    hook = repo / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(trap.read_bytes())
    hook.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(trap))
    git(repo, "config", "core.pager", str(trap))
    (repo / "web.yaml").write_text("a: 3\n")
    (tmp_path / "sprung").unlink(missing_ok=True)
    assert read_checkout(repo, ENVIRON).dirty
    assert not (tmp_path / "sprung").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_checkout_of_another_user_is_read_without_running_its_filters(repo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (repo / ".gitattributes").write_text("*.yaml filter=trap\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "second")
    git(repo, "config", "filter.trap.clean", str(trap))
    for path in (repo, *repo.rglob("*")):
        os.chown(path, 12345, 12345)
    (repo / "web.yaml").write_text("a: 9\n")
    checkout = read_checkout(repo, ENVIRON)
    assert (checkout.dirty, len(checkout.commit)) == (True, 40)
    assert not (tmp_path / "sprung").exists()


def test_reading_leaves_the_index_as_it_is(repo: Path) -> None:
    os.utime(repo / "web.yaml", (1, 1))
    before = (repo / ".git" / "index").read_bytes()
    assert not read_checkout(repo, ENVIRON).dirty
    assert (repo / ".git" / "index").read_bytes() == before


def test_a_folder_outside_git_has_no_commit_and_is_never_clean(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    assert read_checkout(tmp_path / "apps", ENVIRON) == Checkout(tmp_path / "apps")


def test_outside_git_the_root_is_the_folder_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "gitops-push.yaml").write_text("version: 1\n")
    assert read_checkout(tmp_path / "apps", ENVIRON).root == tmp_path


def test_without_a_git_program_the_repo_is_used_without_its_facts(repo: Path) -> None:
    assert read_checkout(repo, {"PATH": "/nonexistent"}) == Checkout(repo)


def test_a_broken_repository_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(ConfigError) as caught:
        read_checkout(tmp_path, ENVIRON)
    assert caught.value.problems[0].code is Code.CHECKOUT_UNUSABLE
    assert "not a git repository" in caught.value.problems[0].message


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_checkout(tmp_path / "none", ENVIRON)


@pytest.mark.parametrize(
    ("url", "shown", "project"),
    [
        ("https://github.com/acme/shop-config.git", "https://github.com/acme/shop-config.git", None),
        ("https://user:token@github.com/acme/shop-config", "https://github.com/acme/shop-config", None),
        ("https://GitHub.com/acme/shop-config?token=x#y", "https://GitHub.com/acme/shop-config", None),
        ("git@github.com:acme/shop-config.git", "github.com:acme/shop-config.git", None),
        ("user:token@github.com:acme/shop-config", "github.com:acme/shop-config", None),
        ("ssh://git@github.com:22/acme/shop-config.git/", "ssh://github.com:22/acme/shop-config.git/", None),
        ("/srv/git/shop-config.git", "/srv/git/shop-config.git", "srv/git/shop-config"),
    ],
)
def test_one_repo_is_one_project_whatever_its_url(repo: Path, url: str, shown: str, project: str | None) -> None:
    git(repo, "config", "remote.origin.url", url)
    checkout = read_checkout(repo, ENVIRON)
    assert checkout.origin_url == strip_credentials(url) == shown
    assert project_of(checkout) == (project or "github.com/acme/shop-config")


@pytest.mark.parametrize(
    ("path", "tracked"),
    [("web.yaml", True), ("new.yaml", False), ("*.yaml", False), ("build.log", False), ("../outside", False)],
)
def test_git_tells_which_files_it_tracks(repo: Path, path: str, tracked: bool) -> None:
    for name in ("new.yaml", "*.yaml", "build.log"):
        (repo / name).write_text("b: 2\n")
    assert is_tracked(read_checkout(repo, ENVIRON), repo / path, ENVIRON) is tracked


def test_outside_git_nothing_is_tracked(tmp_path: Path) -> None:
    assert not is_tracked(read_checkout(tmp_path, ENVIRON), tmp_path / "a", ENVIRON)


def test_a_folder_without_a_remote_is_a_project_of_its_name(repo: Path) -> None:
    assert project_of(read_checkout(repo, ENVIRON)) == "config"
