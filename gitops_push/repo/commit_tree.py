"""The files of a commit, out of git's own objects: nothing of the checkout is touched and nothing of it is run.

Blobs are written as git stores them: no smudge filter (LFS, git-crypt), no line endings of `.gitattributes`, no
`export-subst`. A submodule is written where its commit is in the checked-out submodule of the same path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, ConfigError, Problem
from gitops_push.repo.git_program import Git
from gitops_push.system.beneath import OutsideError, check_name
from gitops_push.system.files import FileBudget
from gitops_push.system.process import ProcessError

_BATCH_BYTES: Final = 32 * 1024 * 1024
_TREE_BYTES: Final = 512 * 1024 * 1024
_SUBMODULE_DEPTH: Final = 10
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"
_EXECUTABLE: Final = "100755"
_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class _Blob:
    """An entry of a tree; `size` is 0 for a submodule."""

    mode: str
    object_id: str
    size: int
    path: str


def find_commit(git: Git, ref: str) -> str:
    """Return the full hash of a commit, branch or tag; a branch that is only at the origin needs no `origin/`.

    Raises `ConfigError` where it is not in this clone.
    """
    for name in (ref, f"origin/{ref}") if not ref.startswith("-") else ():
        found = _run(git, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found is not None:
            return found.decode("ascii").strip()
    shallow = _run(git, "rev-parse", "--is-shallow-repository") == b"true\n"
    why = ", which is shallow" if shallow else ""
    hint = "fetch the whole history (fetch-depth: 0 in actions/checkout, git fetch --unshallow), or fetch that ref"
    raise ConfigError(Problem(Code.COMMIT_MISSING, f"the commit {ref} is not in this clone{why}", hint=hint))


def write_commit(git: Git, commit: str, folder: Path) -> tuple[str, ...]:
    """Write the files of a commit into an empty private folder, and return what is not as a checkout has it.

    Raises `BuildError` for a tree that is not whole in this clone, is too large, or has paths that lead elsewhere.
    """
    return tuple(_write_tree(git, commit, folder, "", 0))


def _write_tree(git: Git, commit: str, folder: Path, place: str, depth: int) -> Iterator[str]:
    entries = _entries(git, commit)
    files = [entry for entry in entries if entry.mode not in {_LINK, _SUBMODULE}]
    for path in _write_files(git, files, folder):
        yield f"{place}{path} is in Git LFS; its pointer was read in its place"
    for entry in entries:
        if entry.mode == _SUBMODULE:
            yield from _write_submodule(git, entry, folder, place, depth)
    # Links come last: while files are written, no path can lead through one.
    links = [entry for entry in entries if entry.mode == _LINK]
    contents = _contents(git, links)
    for entry in links:
        _make_link(folder / entry.path, contents[entry.object_id])


def _entries(git: Git, commit: str) -> tuple[_Blob, ...]:
    listing = _run(git, "ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    if listing is None:
        raise _not_whole(commit)
    entries = tuple(_entry(line) for line in listing.split(b"\0") if line)
    if sum(entry.size for entry in entries if _fits(entry)) > _TREE_BYTES:
        message = f"the tree of {commit[:12]} has more than {_TREE_BYTES // 1024 // 1024} MiB"
        raise BuildError(Problem(Code.BUDGET_EXCEEDED, message))
    _check_links(entries)
    return entries


def _entry(line: bytes) -> _Blob:
    about, _, path = line.partition(b"\t")
    mode, _, object_id, size = about.decode("ascii").split()
    return _Blob(mode, object_id, 0 if size == "-" else int(size), _checked(os.fsdecode(path)))


def _check_links(entries: Iterable[_Blob]) -> None:
    """Raise `BuildError` for a path through a link of the same tree: what is written there would be elsewhere."""
    through = {entry.path.casefold() for entry in entries if entry.mode in {_LINK, _SUBMODULE}}
    for entry in entries:
        if any(str(parent) in through for parent in PurePosixPath(entry.path.casefold()).parents):
            message = f"the commit has the path {entry.path!r}, which leads through a link"
            raise BuildError(Problem(Code.FILE_UNREADABLE, message))


def _checked(path: str) -> str:
    """Return the path of an entry. Git itself makes no others, but a tree can be made by hand."""
    for name in path.split("/"):
        if name in {"", ".", ".."}:
            raise BuildError(Problem(Code.FILE_UNREADABLE, f"the commit has the path {path!r}, which is none"))
        try:
            check_name(name)
        except OutsideError as error:
            raise BuildError(Problem(Code.FILE_UNREADABLE, f"the commit has the path {path!r}: {error}")) from error
    return path


def _write_files(git: Git, entries: Iterable[_Blob], folder: Path) -> Iterator[str]:
    """Write regular files, and yield the paths of those that are LFS pointers."""
    for batch in _batches(entries):
        contents = _contents(git, [entry for entry in batch if _fits(entry)])
        for entry in batch:
            target = folder / entry.path
            _make(target, entry, contents.get(entry.object_id, b""))
            if contents.get(entry.object_id, b"").startswith(_LFS_POINTER):
                yield entry.path


def _make(target: Path, entry: _Blob, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("xb") as file:
            file.write(content)
            if not _fits(entry):
                file.truncate(entry.size)  # a build says that it is too large: its size is all that counts
        target.chmod(0o700 if entry.mode == _EXECUTABLE else 0o600)
    except OSError as error:
        raise _not_written(entry.path, error) from error


def _make_link(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.symlink_to(os.fsdecode(content))
    except (OSError, ValueError) as error:
        raise _not_written(target.name, error) from error


def _write_submodule(git: Git, entry: _Blob, folder: Path, place: str, depth: int) -> Iterator[str]:
    """Write a submodule from where it is checked out; yield a line if its commit is not there."""
    source = git.folder / entry.path
    inside = source.resolve().is_relative_to(git.folder.resolve())
    inner = Git(source, git.environ)
    if (
        not inside
        or depth == _SUBMODULE_DEPTH
        or not (source / ".git").exists()
        or _run(inner, "cat-file", "-e", f"{entry.object_id}^{{commit}}") is None
    ):
        yield f"the submodule {place}{entry.path} is left out: {entry.object_id[:12]} is not in this clone"
        return
    target = folder / entry.path
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield from _write_tree(inner, entry.object_id, target, f"{place}{entry.path}/", depth + 1)


def _batches(entries: Iterable[_Blob]) -> Iterator[list[_Blob]]:
    batch: list[_Blob] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size if _fits(entry) else 0
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _contents(git: Git, entries: Iterable[_Blob]) -> Mapping[str, bytes]:
    """Return the blobs by id, in one call of git."""
    ids = tuple(dict.fromkeys(entry.object_id for entry in entries))
    if not ids:
        return {}
    output = _run(git, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in ids).encode("ascii"))
    if output is None:
        raise _not_whole(ids[0])
    found: dict[str, bytes] = {}
    at = 0
    for name in ids:
        end = output.index(b"\n", at)
        header = output[at:end].split()
        if header[1:2] != [b"blob"]:
            raise _not_whole(name)
        at = end + 1 + int(header[2])
        found[name] = output[end + 1 : at]
        at += 1
    return found


def _fits(entry: _Blob) -> bool:
    return entry.size <= FileBudget().file_bytes


def _run(git: Git, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """Return what git prints, or None where it says no. Raises `ConfigError` where it cannot be run."""
    try:
        done = git.run(*arguments, stdin=stdin)
    except ProcessError as error:
        raise ConfigError(Problem(Code.CHECKOUT_UNUSABLE, f"cannot ask git: {error}")) from error
    return done.stdout if done.returncode == 0 else None


def _not_whole(name: str) -> BuildError:
    hint = "fetch the whole clone: without --filter and with its history"
    return BuildError(Problem(Code.COMMIT_MISSING, f"git does not have all of {name[:12]} in this clone", hint=hint))


def _not_written(path: str, error: Exception) -> BuildError:
    reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
    return BuildError(Problem(Code.FILE_UNREADABLE, f"the commit's {path!r} cannot be written: {reason}"))
