"""Clones local git repositories for `file://` bases, with nothing but files of this machine and no code of theirs.

Only the `file` transport is allowed, so neither a repository nor its submodules reach the network. Hooks, filters and
the settings of the user and the system are switched off. A repository outside the allowed folder is refused, and so is
a submodule that comes from outside: a pull request must not choose what else of a build machine it reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitops_push.core.errors import BuildError
from gitops_push.kustomize.errors import invalid, network_source
from gitops_push.kustomize.git_url import LocalRepository
from gitops_push.system.process import Completed, ProcessError, run

_OUTPUT_LIMIT_BYTES: Final = 1024 * 1024
_SUBMODULE_DEPTH: Final = 10
_SETTINGS: Final = (
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.allow=never",
    "protocol.file.allow=always",
    "advice.detachedHead=false",
)
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
}


@dataclass(frozen=True, slots=True)
class LocalGit:
    """Clones into `folder`, a private one that the caller removes. `path` is the PATH that git is looked for on.

    Repositories must be in `root`, or anywhere if that is None.
    """

    folder: Path
    path: str
    root: Path | None

    def clone(self, repository: LocalRepository) -> Path:
        """Return the folder of a clone at the ref; made once a build. Raises `BuildError`."""
        self._check_place(Path(repository.path), repository)
        name = hashlib.sha256(f"{repository.path}\0{repository.ref}\0{repository.submodules}".encode()).hexdigest()
        target = self.folder / name
        if target.exists():
            return target
        target.mkdir(mode=0o700)
        self._git(target, repository, "init", "--quiet", "--template=")
        self._git(target, repository, "remote", "add", "origin", f"file://{repository.path}")
        self._git(target, repository, "fetch", "--quiet", "--depth=1", "origin", repository.ref or "HEAD")
        self._git(target, repository, "checkout", "--quiet", "FETCH_HEAD", "--")
        if repository.submodules:
            self._update_submodules(target, repository)
        return target

    def _update_submodules(self, top: Path, repository: LocalRepository) -> None:
        """Check out the submodules, level by level, so that each URL is looked at before it is used."""
        level = [top]
        for _ in range(_SUBMODULE_DEPTH):
            level = [inner for folder in level for inner in self._update_level(folder, repository)]
            if not level:
                return
        raise invalid(f"submodules are nested more than {_SUBMODULE_DEPTH} deep", repository.place.origin)

    def _update_level(self, folder: Path, repository: LocalRepository) -> list[Path]:
        entries = self._git(folder, repository, "ls-files", "-z", "--stage").stdout.decode("utf-8", "replace")
        paths = [entry.partition("\t")[2] for entry in entries.split("\0") if entry.startswith("160000 ")]
        if not paths:
            return []
        self._git(folder, repository, "submodule", "--quiet", "init")
        urls = self._git(folder, repository, "config", "--local", "-z", "--get-regexp", r"^submodule\..*\.url$")
        for item in urls.stdout.decode("utf-8", "replace").split("\0"):
            url = item.partition("\n")[2]
            if item:
                self._check_url(url, repository)
        self._git(folder, repository, "submodule", "--quiet", "update", "--checkout")
        return [folder / path for path in paths]

    def _check_url(self, url: str, repository: LocalRepository) -> None:
        path = url.removeprefix("file://")
        if not path.startswith("/"):
            raise network_source(
                f"a submodule of {repository.place.value!r} comes from {url!r}, and a build uses no network",
                repository.place.origin,
                "leave submodules out with ?submodules=false, or copy the files into this repo",
            )
        self._check_place(Path(path), repository)

    def _check_place(self, path: Path, repository: LocalRepository) -> None:
        if self.root is not None and not path.resolve().is_relative_to(self.root.resolve()):
            raise network_source(
                f"the git repository {str(path)!r} is outside the config repo, and what is deployed must be in it",
                repository.place.origin,
                "copy the files into this repo, or allow it with --git-outside (gitOutside: true in the config)",
            )

    def _git(self, folder: Path, repository: LocalRepository, *arguments: str) -> Completed:
        try:
            done = self._run(folder, repository.timeout_seconds, arguments)
        except ProcessError as error:
            raise self._failed(repository, str(error)) from error
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = next((line for line in lines if line.startswith("fatal: ")), "; ".join(lines[-1:]))
            raise self._failed(repository, f"failed to run 'git {arguments[0]}': {reason}")
        return done

    def _run(self, folder: Path, timeout_seconds: float, arguments: Sequence[str]) -> Completed:
        settings = (part for setting in _SETTINGS for part in ("-c", setting))
        environment: Mapping[str, str] = {**_ENVIRONMENT, "PATH": self.path, "HOME": str(self.folder)}
        return run(
            ["git", "--no-pager", *settings, *arguments],
            cwd=folder,
            environment=environment,
            timeout_seconds=timeout_seconds,
            output_limit_bytes=_OUTPUT_LIMIT_BYTES,
        )

    def _failed(self, repository: LocalRepository, reason: str) -> BuildError:
        return invalid(
            f"failed to clone {repository.place.value!r}: {reason}",
            repository.place.origin,
            "check that it is a git repository with this ref",
        )
