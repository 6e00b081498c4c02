"""Bases in git repositories of this machine, cloned by the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitops_push.core.build_options import BuildOptions
from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.kustomize.build import build_kustomization
from gitops_push.kustomize.git_url import read_file_url
from gitops_push.kustomize.typed_fields import Text
from gitops_push.repo.programs import LocalPrograms, private_folder
from gitops_push.system.files import RepoFiles
from tests.unit.kustomize.trees import text, write_tree

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\n"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@e", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, files: dict[str, str]) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    write_tree(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def bases(tmp_path: Path) -> Path:
    files = {
        "kustomization.yaml": "resources: [pod.yaml]",
        "pod.yaml": POD.replace("NAME", "one"),
        "dev/kustomization.yaml": "namePrefix: dev-\nresources: [../two]",
        "two/kustomization.yaml": "resources: [pod.yaml]",
        "two/pod.yaml": POD.replace("NAME", "two"),
        "out/kustomization.yaml": "resources: [../../app]",
        "own/kustomization.yaml": "resources: [link.yaml]",
    }
    folder = repository(tmp_path / "bases.git", files)
    (folder / "own" / "link.yaml").symlink_to("../../app/secret.yaml")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a link")
    return folder


def build(root: Path, entry: str, options: BuildOptions = BuildOptions()) -> str:  # noqa: B008
    """Build a kustomization in `app` with one entry of resources, and be sure that nothing is left behind."""
    write_tree(root, {"app/kustomization.yaml": f"resources: ['{entry}']", "app/secret.yaml": POD})
    with private_folder() as folder:
        programs = LocalPrograms(options, root, folder, {"PATH": os.environ["PATH"]})
        built = build_kustomization(RepoFiles(root), "app", options, programs)
    assert not folder.exists()
    return text(built)


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("", "one"),
        ("?ref=main", "one"),
        ("//dev", "dev-two"),
        ("/dev?ref=main", "dev-two"),
        ("//two?timeout=9s", "two"),
    ],
)
def test_a_base_in_a_local_repository_is_built(entry: str, name: str, tmp_path: Path, bases: Path) -> None:
    assert f"  name: {name}\n" in build(tmp_path, f"file://{bases}{entry}")


def test_a_ref_chooses_an_earlier_commit(tmp_path: Path, bases: Path) -> None:
    git(bases, "tag", "v1")
    first = git(bases, "rev-parse", "HEAD")
    write_tree(bases, {"pod.yaml": POD.replace("NAME", "later")})
    git(bases, "commit", "-q", "-am", "second")
    assert "name: later" in build(tmp_path, f"file://{bases}")
    assert "name: one" in build(tmp_path, f"file://{bases}?ref=v1")
    assert "name: one" in build(tmp_path, f"file://{bases}?ref={first}")


def test_places_name_the_repository_and_its_ref(tmp_path: Path, bases: Path) -> None:
    write_tree(tmp_path, {"app/kustomization.yaml": f"resources: ['file://{bases}//two?ref=main']"})
    with private_folder() as folder:
        programs = LocalPrograms(BuildOptions(), tmp_path, folder, {"PATH": os.environ["PATH"]})
        built = build_kustomization(RepoFiles(tmp_path), "app", programs=programs)
    file = built.objects[0].origin.file
    assert file.startswith("bases.git@main#")
    assert file.endswith("/two/pod.yaml")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("//out", "must be within the repo"),
        ("//own", "out of"),
        ("//nowhere", "no such directory"),
        ("?ref=nowhere", "failed to clone"),
        ("?ref=--upload-pack=touch%20hacked", "is no ref of git"),
        ("//../app", "url path exits repo"),
    ],
)
def test_a_clone_cannot_be_left_and_errors_say_what_is_wrong(
    entry: str, words: str, tmp_path: Path, bases: Path
) -> None:
    with pytest.raises(BuildError, match=words):
        build(tmp_path, f"file://{bases}{entry}")


def test_a_repository_outside_the_config_repo_needs_a_flag(tmp_path: Path, bases: Path) -> None:
    root = tmp_path / "config"
    with pytest.raises(BuildError, match="is outside the config repo") as raised:
        build(root, f"file://{bases}")
    assert raised.value.problems[0].code is Code.NETWORK_SOURCE_REFUSED
    assert "name: one" in build(root, f"file://{bases}", BuildOptions(git_outside=True))


def test_hooks_and_filters_of_a_repository_do_not_run(tmp_path: Path, bases: Path) -> None:
    mark = tmp_path / "ran"
    for hook in ("post-checkout", "post-update", "pre-receive", "reference-transaction"):
        path = bases / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {mark}\n")
        path.chmod(0o755)
    git(bases, "config", "filter.evil.smudge", f"touch {mark}; cat")
    git(bases, "config", "uploadpack.packObjectsHook", f"touch {mark}; exec")
    write_tree(bases, {".gitattributes": "* filter=evil"})
    git(bases, "add", ".gitattributes")
    git(bases, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "attributes")
    mark.unlink(missing_ok=True)
    assert "name: one" in build(tmp_path, f"file://{bases}")
    assert not mark.exists()


def test_submodules_are_checked_out_unless_they_are_left_out(tmp_path: Path, bases: Path) -> None:
    outer = repository(tmp_path / "outer.git", {"kustomization.yaml": "resources: [inner]"})
    git(outer, "submodule", "--quiet", "add", "../bases.git", "inner")
    git(outer, "commit", "-q", "-m", "inner")
    assert "name: one" in build(tmp_path, f"file://{outer}")
    with pytest.raises(BuildError, match="inner"):
        build(tmp_path, f"file://{outer}?submodules=false")


@pytest.mark.parametrize("url", ["https://example.com/x.git", "git@example.com:x.git", "ext::sh -c touch% hacked"])
def test_a_submodule_from_the_network_is_refused(url: str, tmp_path: Path, bases: Path) -> None:
    outer = repository(tmp_path / "outer.git", {"kustomization.yaml": "resources: [inner]"})
    git(outer, "submodule", "--quiet", "add", "../bases.git", "inner")
    write_tree(outer, {".gitmodules": f'[submodule "inner"]\n\tpath = inner\n\turl = {url}\n'})
    git(outer, "commit", "-q", "-am", "elsewhere")
    with pytest.raises(BuildError, match="a build uses no network"):
        build(tmp_path, f"file://{outer}")


def test_a_submodule_from_outside_the_config_repo_is_refused(tmp_path: Path, bases: Path) -> None:
    root = tmp_path / "config"
    outer = repository(root / "outer.git", {"kustomization.yaml": "resources: [inner]"})
    git(outer, "submodule", "--quiet", "add", str(bases), "inner")
    git(outer, "commit", "-q", "-m", "inner")
    with pytest.raises(BuildError, match="is outside the config repo"):
        build(root, f"file://{outer}")


def test_a_repository_that_names_itself_is_a_cycle(tmp_path: Path) -> None:
    path = tmp_path / "self.git"
    repository(path, {"kustomization.yaml": f"resources: ['file://{path}']"})
    with pytest.raises(BuildError, match="cycle detected"):
        build(tmp_path, f"file://{path}")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("file:///a/b/someRepo.git/some/path?ref=main", ("/a/b/someRepo.git", "some/path", "main")),
        ("file:///a/b/someRepo//path?version=v1", ("/a/b/someRepo", "path", "v1")),
        ("file:///a/b/someRepo?ref=x&version=y", ("/a/b/someRepo", "", "x")),
        ("file:///git@home/repository.git//path?ref=b", ("/git@home/repository.git", "path", "b")),
    ],
)
def test_urls_are_taken_apart_as_kustomize_does(url: str, parts: tuple[str, str, str]) -> None:
    found = read_file_url(Text(url, Origin("k")))
    assert (found.repository.path, found.path, found.repository.ref) == parts


@pytest.mark.parametrize(
    ("url", "words"), [("file:////tmp//p", "failed to parse repo path"), ("file://a/b", "absolute")]
)
def test_urls_without_a_repository_are_refused(url: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        read_file_url(Text(url, Origin("k")))
