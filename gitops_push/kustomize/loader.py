"""All reading of a build: files and directories as a kustomization names them, within kustomize's restrictions.

A file must lie in or below the directory of the kustomization that names it, links followed (kustomize's
LoadRestrictionsRootOnly); a base may be anywhere in the repo, but not at or above a directory that is being built.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.core.origin import Origin
from gitops_push.core.tree import Node
from gitops_push.documents.reader import Dialect, Document, Rules, Usage, read_documents
from gitops_push.kustomize.errors import invalid, network_source
from gitops_push.kustomize.git_url import LocalRepository, is_file_url, read_file_url
from gitops_push.kustomize.inline import shifted
from gitops_push.kustomize.programs import NO_PROGRAMS, Programs
from gitops_push.kustomize.schemas import SchemaChoice
from gitops_push.kustomize.typed_fields import Text
from gitops_push.kustomize.written import WrittenText
from gitops_push.system.files import RepoFiles

KUSTOMIZATION_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")

RULES: Final = {
    Dialect.KUSTOMIZE: Rules(non_text_keys=True, escaped_slash=False),
    Dialect.KUBECTL: Rules(last_key_wins=True, escaped_slash=False),
}
"""What kustomize lets pass: in manifests, and in its own files and JSON patches, which it reads as YAML 1.1."""

_REMOTE: Final = re.compile(
    r"(?:git::)?(?:(?:ssh|https?|file)://|[a-z][a-z0-9-]*@[^/]+[:/]|github\.com[/:])", re.IGNORECASE | re.ASCII
)
_USER_IN_URL: Final = re.compile(r"(?<=//)[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads for the kustomization in `root`, a path with all links followed. `visited` are the roots above it.

    `boundary` is the clone of a git repository that this kustomization is in, which it must not leave; else "".
    All loaders of a build share `usage`, what was read so far against the budgets, `warnings`, lines for people, and
    `schemas`.
    """

    files: RepoFiles
    written: WrittenText
    root: str
    visited: tuple[str, ...] = ()
    restricted: bool = True
    programs: Programs = NO_PROGRAMS
    boundary: str = ""
    usage: Usage = field(default_factory=Usage)
    warnings: list[str] = field(default_factory=list)
    schemas: SchemaChoice = field(default_factory=SchemaChoice)

    def read(self, path: Text) -> tuple[bytes, str]:
        """Return the content of a file and its path in the repo. Raises `BuildError` at the entry that names it."""
        refuse_remote(path)
        file = self._resolve(path)
        if not self.files.is_file(file):
            reason = "it must resolve to a file" if self.files.is_dir(file) else "there is no such file"
            raise invalid(f"cannot load {path.value!r}: {reason}", path.origin, f"looked for {file}")
        real = self.files.real_path(file)
        if self.restricted and not _is_below(real, self.root):
            raise invalid(
                f"security; file '{self._absolute(real)}' is not in or below '{self._absolute(self.root)}'",
                path.origin,
                "move the file into the kustomization's directory, or list a kustomization where the file is",
            )
        return self.files.read(file), real

    def documents(self, path: Text, dialect: Dialect) -> tuple[Document, ...]:
        """Return the documents of a file. Only a kustomization knows where its keys stand: objects are too many."""
        data, file = self.read(path)
        rules, key_marks = rules_for(data, dialect), dialect is Dialect.KUBECTL
        documents = read_documents(data, file, dialect, usage=self.usage, rules=rules, key_marks=key_marks)
        for document in documents:
            self.warnings.extend(f"{one.origin}: {one.message}; {one.hint}" for one in document.warnings)
        return documents

    def first_document(self, path: Text, dialect: Dialect) -> Node:
        """Return the value of the first document of a file, None for an empty one."""
        documents = self.documents(path, dialect)
        return documents[0].value if documents else None

    def inline_documents(self, text: Text, dialect: Dialect) -> tuple[Document, ...]:
        """Return the documents of a text that stands in a kustomization, with places in that file."""
        documents = shifted(text, dialect, self.written, rules_for(text.value.encode(), dialect))
        self._warn_of_repeated_keys(documents)
        return documents

    def _warn_of_repeated_keys(self, documents: tuple[Document, ...]) -> None:
        for document in documents:
            repeated = [one for one in document.warnings if one.code is Code.YAML_DUPLICATE_KEY]
            self.warnings.extend(f"{one.origin}: {one.message}; {one.hint}" for one in repeated)

    def is_file(self, path: Text) -> bool:
        """Return whether the entry names a file of the repo."""
        return self._is_local(path) and self.files.is_file(self._resolve(path))

    def is_directory(self, path: Text) -> bool:
        """Return whether the entry names a directory of the repo."""
        return self._is_local(path) and self.files.is_dir(self._resolve(path))

    def absolute(self, path: Text) -> str:
        """Return the path that an entry names as kustomize shows it, whether there is such a file or not."""
        return os.path.normpath(PurePath(self.shown_root) / path.value)

    @property
    def shown_root(self) -> str:
        """Return `root` as kustomize shows it."""
        return self._absolute(self.root)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(self.files.root / path)

    def _is_local(self, path: Text) -> bool:
        outside = path.value.startswith("/") and not path.value.startswith(f"{self.files.root}/")
        return not outside and not is_file_url(path.value)

    def directory(self, path: Text) -> str:
        """Return the path in the repo of a directory, "" where there is none."""
        refuse_remote(path)
        found = self._resolve(path)
        return self.files.real_path(found) if self.files.is_dir(found) else ""

    def program(self, path: Text) -> str:
        """Return the path in the repo of a program that this kustomization names. Raises `BuildError`."""
        if path.value.startswith("/"):
            raise invalid(f"the program {path.value!r} must be in the repo", path.origin, "write a relative path")
        file = self._resolve(path)
        if not self.files.is_file(file):
            raise invalid(
                f"couldn't execute function: {path.value}: no such file or directory", path.origin, f"looked for {file}"
            )
        return self.files.real_path(file)

    def enter(self, path: Text) -> Loader:
        """Return the loader of another kustomization. Raises `BuildError` if it is no directory, remote, or a cycle."""
        if is_file_url(path.value):
            return self._enter_clone(path)
        refuse_remote(path)
        if path.value.startswith("/"):
            raise invalid(
                f"new root '{path.value}' cannot be absolute", path.origin, "write the path relative to this file"
            )
        _refuse_merged_entries(path)
        directory = self._resolve(path)
        if not path.value or not self.files.is_dir(directory):
            raise invalid(
                f"cannot find {path.value!r}: no such file or directory", path.origin, f"looked for {directory}"
            )
        return self._at(self.files.real_path(directory), path)

    def _at(self, root: str, path: Text) -> Loader:
        for visited in (self.root, *self.visited):
            if _is_below(visited, root):
                raise invalid(f"cycle detected: candidate root '{root}' contains visited root '{visited}'", path.origin)
        return replace(self, root=root, visited=(self.root, *self.visited))

    def _enter_clone(self, path: Text) -> Loader:
        """Return the loader of a directory in a git repository. Kustomize restricts clones whatever its flags say."""
        wanted = read_file_url(path)
        name = _mount_name(wanted.repository)
        self.files.mount(name, self.programs.clone(wanted.repository))
        directory = self.files.resolve(name, wanted.path)
        if not self.files.is_dir(directory):
            raise invalid(f"cannot find {wanted.path!r} in {name}: no such directory", path.origin)
        return replace(self._at(self.files.real_path(directory), path), boundary=name, restricted=True)

    def kustomization_file(self, asked: Origin | None = None) -> str:
        """Return the path of the one kustomization file in `root`, which the entry at `asked` names."""
        found = [file for name in KUSTOMIZATION_NAMES if self.files.is_file(file := self._join(name))]
        if len(found) > 1:
            raise invalid(
                f"Found multiple kustomization files under: {self.root}: {', '.join(found)}", Origin(found[1])
            )
        if not found:
            names = " or ".join(("', '".join(KUSTOMIZATION_NAMES[:-1]) + "'", f"'{KUSTOMIZATION_NAMES[-1]}'"))
            message = f"unable to find one of '{names} in directory '{self._absolute(self.root)}'"
            raise invalid(message, asked or Origin(self.root))
        return found[0]

    def _join(self, name: str) -> str:
        return self.files.resolve(self.root, name)

    def _resolve(self, path: Text) -> str:
        """Return the path from the root that an entry names. Raises `BuildError` for one outside."""
        found = self._resolve_in_repo(path)
        if self.boundary and not _is_below(found, self.boundary):
            raise invalid(
                f"security; bases in kustomizations found in cloned git repos must be within the repo, but base "
                f"'{path.value}' is outside '{self.boundary}'",
                path.origin,
            )
        return found

    def _resolve_in_repo(self, path: Text) -> str:
        relative = path.value
        root = str(self.files.root).rstrip("/") + "/"
        if relative.startswith(root):
            return self.files.resolve(".", relative[len(root) :])
        try:
            if relative.startswith("/"):
                raise invalid(f"security; file '{relative}' is not in or below '{self.root}'", path.origin)
            return self.files.resolve(self.root, relative)
        except BuildError as error:
            _refuse_merged_entries(path)
            raise BuildError([Problem(p.code, p.message, path.origin, hint=p.hint) for p in error.problems]) from error


def rules_for(data: bytes, dialect: Dialect) -> Rules:
    """Return what passes in a text. Kustomize reads a JSON patch that begins with `[` as JSON."""
    rules = RULES[dialect]
    is_json = dialect is Dialect.KUBECTL and data[:1] == b"["
    return replace(rules, escaped_slash=True) if is_json else rules


def without_user(source: str) -> str:
    """Return a URL without the user and the password in it; messages show no others."""
    return _USER_IN_URL.sub("", source)


def _refuse_merged_entries(path: Text) -> None:
    """Raise for a directory with `..` within a name: two entries, the second indented, that YAML reads as one."""
    if any(".." in part and part != ".." for part in path.value.split("/")):
        raise invalid(
            f'path "{path.value}" is ambiguous: resolves to "{os.path.normpath(path.value)}" after normalization',
            path.origin,
            "check the indentation of the list: an entry that is indented deeper continues the one before it",
        )


def refuse_remote(path: Text) -> None:
    """Raise for a source that would have to be fetched: what is deployed must be in the reviewed commit."""
    if _REMOTE.match(path.value) or "?ref=" in path.value:
        raise network_source(
            f"{without_user(path.value)!r} is a remote source, and a build uses no network",
            path.origin,
            "vendor it: copy the files into this repo (git clone, then check out the pinned commit), or add a git "
            "submodule, and name the local path here",
        )


def _mount_name(repository: LocalRepository) -> str:
    """Return the directory that stands for a clone in paths and places: `bases.git@v1.2#1a2b3c4d`."""
    name = repository.path.rstrip("/").rpartition("/")[2]
    ref = (repository.ref or "HEAD").replace("/", ":")
    digest = hashlib.sha256(f"{repository.path}?{repository.ref}?{repository.submodules}".encode()).hexdigest()
    return f"{name}@{ref}#{digest[:8]}"


def _is_below(path: str, root: str) -> bool:
    return root in {".", path} or path.startswith(f"{root}/")
