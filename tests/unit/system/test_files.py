from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError
from gitops_push.system.beneath import Opener, open_beneath, walk_beneath
from gitops_push.system.files import Entry, FileBudget, RepoFiles

OUTSIDE = b"a secret outside of the repo"


@pytest.fixture(params=[open_beneath, walk_beneath])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Both ways to open a file must keep the same promises."""
    found: Opener = request.param
    return found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A config repo with files, a `.git` and every kind of link, and a secret file next to the repo."""
    root = tmp_path / "repo"
    (root / "base" / "deep").mkdir(parents=True)
    (root / "overlay").mkdir()
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(OUTSIDE)
    (root / "base" / "web.yaml").write_bytes(b"kind: Service\n")
    (root / "base" / "deep" / "job.yaml").write_bytes(b"kind: Job\n")
    (root / "base" / "naïve \u2603.yaml").write_bytes(b"kind: Snow\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.yaml").write_bytes(OUTSIDE)
    return root


def reason_of(files: RepoFiles, path: str) -> str:
    with pytest.raises(BuildError) as caught:
        files.read(path)
    assert path in str(caught.value)
    assert [problem.code for problem in caught.value.problems] == [Code.FILE_UNREADABLE]
    return str(caught.value)


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        pytest.param("overlay/web.yaml", "../base/web.yaml", "overlay/web.yaml", id="to a file"),
        pytest.param("overlay/base", "../base", "overlay/base/web.yaml", id="to a directory"),
        pytest.param("overlay/again", "./.././overlay/../base//deep/..", "overlay/again/web.yaml", id="winding"),
        pytest.param("top", "base", "top/web.yaml", id="in the root"),
        pytest.param("base/deep/up", "../../base", "base/deep/up/web.yaml", id="upwards"),
        pytest.param("self", ".", "self/self/base/web.yaml", id="to the root itself"),
    ],
)
def test_a_link_that_stays_inside_is_followed(repo: Path, opener: Opener, link: str, target: str, path: str) -> None:
    (repo / link).symlink_to(target)
    files = RepoFiles(repo, opener=opener)
    assert files.read(path) == b"kind: Service\n"
    assert files.is_file(path)
    assert files.real_path(path) == "base/web.yaml"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param("../outside/secret.yaml", "link", id="relative link out"),
        pytest.param("../outside", "link/secret.yaml", id="link to a directory outside"),
        pytest.param("/etc/passwd", "link", id="absolute link"),
        pytest.param("/proc/self/environ", "link", id="link to the environment"),
        pytest.param("/proc/self/root", "link/etc/passwd", id="magic link"),
        pytest.param("/proc/self/cwd", "link/x", id="magic link to the working directory"),
        pytest.param("/dev/zero", "link", id="device"),
        pytest.param("base/../../outside/secret.yaml", "link", id="in and out again"),
        pytest.param("base/deep/../../../outside/secret.yaml", "link", id="deep in and out again"),
        pytest.param("../repo/base/web.yaml", "link", id="out and in again"),
        pytest.param(".git/config", "link", id="git's own configuration"),
        pytest.param("base/../.GIT/config", "link", id="git's own configuration, other case"),
        pytest.param("//etc/passwd", "link", id="two slashes"),
    ],
)
def test_a_link_that_leads_out_is_refused(repo: Path, opener: Opener, target: str, path: str) -> None:
    (repo / "link").symlink_to(target)
    files = RepoFiles(repo, opener=opener)
    assert "lead" in reason_of(files, path)
    with pytest.raises(BuildError):
        files.is_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "../outside/secret.yaml",
        "base/../../outside/secret.yaml",
        "base/./.././../outside/secret.yaml",
        "..",
        ".git/config",
        ".git",
        "base/../.git/config",
        ".Git/config",
        "/proc/self/environ",
        "base/web.yaml\0.txt",
    ],
)
def test_a_path_that_leaves_the_repo_is_refused_before_anything_is_opened(
    repo: Path, opener: Opener, path: str
) -> None:
    files = RepoFiles(repo, opener=opener)
    reason_of(files, path)
    with pytest.raises(BuildError):
        files.resolve(".", path)


@pytest.mark.parametrize("path", ["..%2foutside", "base\\web.yaml", "base/WEB.yaml", "nope", "base/web.yaml/x", "~"])
def test_spellings_that_other_systems_would_resolve_name_no_file(repo: Path, opener: Opener, path: str) -> None:
    files = RepoFiles(repo, opener=opener)
    reason_of(files, path)
    assert not files.exists(path)


def test_a_chain_of_links_is_followed_and_a_circle_is_an_error(repo: Path, opener: Opener) -> None:
    (repo / "one").symlink_to("two")
    (repo / "two").symlink_to("three")
    (repo / "three").symlink_to("base/web.yaml")
    (repo / "round").symlink_to("about")
    (repo / "about").symlink_to("round")
    files = RepoFiles(repo, opener=opener)
    assert files.read("one") == b"kind: Service\n"
    assert "circles" in reason_of(files, "round")


def test_a_chain_of_links_with_one_that_leads_out_is_refused(repo: Path, opener: Opener) -> None:
    (repo / "one").symlink_to("base/two")
    (repo / "base" / "two").symlink_to("../three")
    (repo / "three").symlink_to("../outside")
    assert "leads out" in reason_of(RepoFiles(repo, opener=opener), "one/secret.yaml")


@pytest.mark.timeout(10)
def test_a_pipe_and_a_socket_are_refused_without_waiting(repo: Path, opener: Opener) -> None:
    os.mkfifo(repo / "pipe.yaml")
    files = RepoFiles(repo, opener=opener)
    assert "not a regular file" in reason_of(files, "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(repo, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
        assert "not a regular file" in reason_of(files, "socket")
    assert not files.is_file("pipe.yaml")


def test_each_reason_for_an_unreadable_file_is_told(repo: Path, opener: Opener) -> None:
    files = RepoFiles(repo, opener=opener)
    assert "there is no such file" in reason_of(files, "base/nope.yaml")
    assert "is a directory" in reason_of(files, "base")
    assert "not a directory" in reason_of(files, "base/web.yaml/more")
    assert "file name too long" in reason_of(files, "x" * 300)
    (repo / "broken").symlink_to("base/nope")
    assert "there is no such file" in reason_of(files, "broken")
    assert not files.exists("broken")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(repo: Path) -> None:
    (repo / "base" / "web.yaml").chmod(0)
    assert "permission denied" in reason_of(RepoFiles(repo), "base/web.yaml")


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="there is no such file"):
        RepoFiles(tmp_path / "nope")


def test_a_file_over_the_budget_is_refused_by_its_size(repo: Path) -> None:
    (repo / "exact").write_bytes(b"x" * 100)
    (repo / "large").write_bytes(b"x" * 101)
    files = RepoFiles(repo, FileBudget(file_bytes=100, total_bytes=1000))
    assert len(files.read("exact")) == 100
    with pytest.raises(BuildError, match="larger than") as caught:
        files.read("large")
    assert caught.value.problems[0].code is Code.BUDGET_EXCEEDED


def test_a_huge_sparse_file_is_refused_without_being_read(repo: Path) -> None:
    with (repo / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BuildError, match="larger than 10 MiB"):
        RepoFiles(repo).read("sparse")


def test_all_files_of_a_build_share_one_budget_and_a_second_read_is_free(repo: Path) -> None:
    for name in ("a", "b", "c"):
        (repo / name).write_bytes(b"x" * 60)
    files = RepoFiles(repo, FileBudget(file_bytes=100, total_bytes=120))
    files.read("a")
    files.read("b")
    assert files.read("./base/../a") is files.read("a")
    with pytest.raises(BuildError, match="the build has read more than"):
        files.read("c")


def test_what_was_read_once_stays_as_it_was(repo: Path) -> None:
    files = RepoFiles(repo)
    before = files.read("base/web.yaml")
    (repo / "base" / "web.yaml").write_bytes(b"changed")
    assert files.read("base/web.yaml") == before


def test_entries_are_sorted_and_leave_git_out(repo: Path, opener: Opener) -> None:
    (repo / "link").symlink_to("base")
    (repo / "out").symlink_to("../outside")
    (repo / "gone").symlink_to("nowhere")
    assert RepoFiles(repo, opener=opener).entries(".") == (
        Entry("base", is_dir=True),
        Entry("gone", is_dir=False, is_link=True),
        Entry("link", is_dir=True, is_link=True),
        Entry("out", is_dir=False, is_link=True),
        Entry("overlay", is_dir=True),
    )


def test_a_walk_yields_files_depth_first_and_does_not_enter_links(repo: Path, opener: Opener) -> None:
    (repo / "base" / "loop").symlink_to("..")
    (repo / "base" / "a.yaml").symlink_to("web.yaml")
    walked = ["base/a.yaml", "base/deep/job.yaml", "base/naïve \u2603.yaml", "base/web.yaml"]
    files = RepoFiles(repo, opener=opener)
    assert list(files.walk("base")) == walked
    assert list(files.walk(".")) == walked
    assert files.read("base/naïve \u2603.yaml") == b"kind: Snow\n"


def test_a_directory_that_is_none_cannot_be_listed(repo: Path) -> None:
    files = RepoFiles(repo)
    with pytest.raises(BuildError, match="not a directory"):
        files.entries("base/web.yaml")
    with pytest.raises(BuildError, match="there is no such file"):
        list(files.walk("nope"))


@pytest.mark.parametrize(
    ("base", "relative", "expected"),
    [
        ("apps/web", "../../base", "base"),
        ("apps/web", "./kustomization.yaml", "apps/web/kustomization.yaml"),
        (".", "kustomization.yaml", "kustomization.yaml"),
        ("apps", "..", "."),
        ("", "a//b/", "a/b"),
    ],
)
def test_a_reference_is_resolved_as_text(repo: Path, base: str, relative: str, expected: str) -> None:
    assert RepoFiles(repo).resolve(base, relative) == expected


def test_a_closed_root_reads_nothing(repo: Path) -> None:
    files = RepoFiles(repo)
    files.close()
    with pytest.raises(BuildError, match="bad file descriptor"):
        files.read("base/web.yaml")


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        pytest.param("base", "../outside", id="a directory swapped for a link"),
        pytest.param("base", "/", id="a directory swapped for a link to /"),
    ],
)
def test_a_directory_swapped_in_a_race_never_shows_what_is_outside(
    repo: Path, opener: Opener, inside: str, outside: str
) -> None:
    (repo / "base" / "secret.yaml").write_bytes(b"inside")
    (repo / "away").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (repo / inside).rename(repo / "kept")
            (repo / "away").rename(repo / inside)
            (repo / inside).rename(repo / "away")
            (repo / "kept").rename(repo / inside)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes] = set()
    try:
        for _ in range(3000):
            try:
                seen.add(RepoFiles(repo, opener=opener).read(f"{inside}/secret.yaml"))
            except BuildError:
                seen.add(b"refused")
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"inside", b"refused"}
    assert b"inside" in seen
