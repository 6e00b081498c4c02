"""The files of a commit, from real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, ConfigError
from gitops_push.repo.commit_tree import find_commit, write_commit
from gitops_push.repo.git_program import Git
from tests.unit.repo.test_checkout import ENVIRON, git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "apps").mkdir()
    (folder / "apps" / "web.yaml").write_text("a: 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("apps/web.yaml")
    commit_all(folder)
    return folder


def commit_all(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a change")
    return git(folder, "rev-parse", "HEAD")


def written(repo: Path, into: Path, ref: str = "HEAD") -> tuple[str, ...]:
    into.mkdir(exist_ok=True)
    asked = Git(repo, ENVIRON)
    return write_commit(asked, find_commit(asked, ref), into)


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_commit_is_written_with_its_modes_and_links_and_not_as_the_checkout_is_now(
    repo: Path, tmp_path: Path
) -> None:
    (repo / "apps" / "web.yaml").write_text("a: 2\n")
    (repo / "new.yaml").write_text("b: 1\n")
    assert written(repo, tmp_path / "out") == ()
    assert files_of(tmp_path / "out") == {"apps/web.yaml": "a: 1\n", "run.sh": "#!/bin/sh\n", "latest": "a: 1\n"}
    assert (tmp_path / "out" / "latest").readlink() == Path("apps/web.yaml")
    assert os.access(tmp_path / "out" / "run.sh", os.X_OK)
    assert not os.access(tmp_path / "out" / "apps" / "web.yaml", os.X_OK)
    assert (repo / "apps" / "web.yaml").read_text() == "a: 2\n"


def test_an_earlier_commit_a_tag_and_a_branch_of_the_origin_are_found(repo: Path, tmp_path: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    git(repo, "tag", "-a", "-m", "one", "v1")
    git(repo, "update-ref", "refs/remotes/origin/release", first)
    (repo / "apps" / "web.yaml").write_text("a: 2\n")
    commit_all(repo)
    for ref in (first, first[:9], "v1", "HEAD~1", "release", "origin/release"):
        assert find_commit(Git(repo, ENVIRON), ref) == first


@pytest.mark.parametrize("ref", ["nowhere", "--all", "-h", "", "HEAD:apps", "0" * 40])
def test_what_is_no_commit_of_this_clone_is_an_error(repo: Path, ref: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_commit(Git(repo, ENVIRON), ref)
    assert caught.value.problems[0].code is Code.COMMIT_MISSING


def test_a_shallow_clone_says_so_and_names_the_remedy(repo: Path, tmp_path: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    (repo / "apps" / "web.yaml").write_text("a: 2\n")
    commit_all(repo)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    with pytest.raises(ConfigError, match="which is shallow") as caught:
        find_commit(Git(tmp_path / "shallow", ENVIRON), first)
    assert "fetch-depth: 0" in str(caught.value.problems[0].hint)


def test_nothing_of_the_repository_is_run(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    git(repo, "config", "filter.spy.smudge", f"touch {mark}; cat")
    git(repo, "config", "filter.spy.required", "true")
    git(repo, "config", "diff.spy.textconv", f"touch {mark}; cat")
    git(repo, "config", "core.hooksPath", str(repo / "hooks"))
    (repo / ".gitattributes").write_text("*.yaml filter=spy diff=spy export-subst eol=crlf\nrun.sh export-ignore\n")
    (repo / "apps" / "web.yaml").write_text("a: $Format:%H$\n")
    (repo / "hooks").mkdir()
    (repo / "hooks" / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (repo / "hooks" / "post-checkout").chmod(0o755)
    git(repo, "-c", "filter.spy.clean=cat", "-c", "core.hooksPath=/dev/null", "add", "-A")
    git(repo, "-c", "filter.spy.clean=cat", "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "x")
    mark.unlink(missing_ok=True)
    written(repo, tmp_path / "out")
    found = files_of(tmp_path / "out")
    assert found["apps/web.yaml"] == "a: $Format:%H$\n"
    assert "run.sh" in found
    assert not mark.exists()


def test_a_pointer_of_git_lfs_is_told(repo: Path, tmp_path: Path) -> None:
    (repo / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    commit_all(repo)
    assert written(repo, tmp_path / "out") == ("big.bin is in Git LFS; its pointer was read in its place",)


def test_a_file_that_no_build_reads_has_its_size_only(repo: Path, tmp_path: Path) -> None:
    size = 11 * 1024 * 1024
    (repo / "huge").write_bytes(b"x" * size)
    commit_all(repo)
    written(repo, tmp_path / "out")
    assert (tmp_path / "out" / "huge").stat().st_size == size


def test_a_submodule_is_written_where_it_is_checked_out_and_told_where_not(repo: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "base.yaml").write_text("base: 1\n")
    commit_all(inner)
    git(repo, "submodule", "--quiet", "add", f"file://{inner}", "lib/inner")
    commit_all(repo)
    assert written(repo, tmp_path / "out") == ()
    assert files_of(tmp_path / "out")["lib/inner/base.yaml"] == "base: 1\n"
    git(tmp_path, "clone", "-q", f"file://{repo}", "plain")
    (note,) = written(tmp_path / "plain", tmp_path / "other")
    assert note.startswith("the submodule lib/inner is left out: ")


def test_a_submodule_that_the_checkout_leads_out_of_the_repo_is_not_read(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    git(outside, "init", "-q")
    (outside / "secret.yaml").write_text("secret: 1\n")
    commit = commit_all(outside)
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    git(repo, "commit", "-q", "-m", "a submodule")
    (repo / "lib").symlink_to(outside)
    (note,) = written(repo, tmp_path / "out")
    assert "left out" in note
    assert "secret.yaml" not in files_of(tmp_path / "out")


def made_by_hand(repo: Path, *entries: tuple[str, str, str]) -> str:
    """Return a commit with these (mode, name, id) in its tree, which git itself would not make."""
    lines = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob) for mode, name, blob in entries)
    arguments = ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    done = subprocess.run(arguments, cwd=repo, input=lines, env=ENVIRON, check=True, capture_output=True)
    return git(repo, "commit-tree", "-m", "by hand", done.stdout.decode().strip())


def test_a_tree_made_by_hand_never_writes_outside(repo: Path, tmp_path: Path) -> None:
    blob = git(repo, "rev-parse", "HEAD:apps/web.yaml")
    (repo / "target").write_text(str(tmp_path))
    link = git(repo, "hash-object", "-w", "target")
    tree = git(repo, "rev-parse", "HEAD:apps")
    for number, entries in enumerate(
        [
            [("40000", "..", tree)],
            [("100644", "..", blob)],
            [("40000", ".git", tree)],
            [("120000", "a", link), ("40000", "a", tree)],
            [("120000", "A", link), ("40000", "a", tree)],
        ]
    ):
        commit = made_by_hand(repo, *entries)
        with pytest.raises(BuildError):
            written(repo, tmp_path / f"out{number}", commit)
        assert not (tmp_path / "web.yaml").exists()


def test_a_clone_without_its_blobs_is_an_error_and_fetches_nothing(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repo}", "partial")
    with pytest.raises(BuildError) as caught:
        written(tmp_path / "partial", tmp_path / "out")
    assert caught.value.problems[0].code is Code.COMMIT_MISSING
