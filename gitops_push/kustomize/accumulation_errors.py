"""Kustomize's own words for an entry of `resources` that it cannot add: what came of it as a file, then as a directory.

Our message says first what is wrong; these words follow it, because people search for them and scripts match them.
"""

from __future__ import annotations

from dataclasses import replace

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError, Problem
from gitops_push.kustomize.loader import Loader, without_user
from gitops_push.kustomize.typed_fields import Text


def in_kustomizes_words(error: BuildError, entry: Text, loader: Loader) -> BuildError:
    """Return the error with kustomize's words added to the problems that stand at this entry, or in its YAML."""
    shown = Text(without_user(entry.value), entry.origin)
    return BuildError([_reworded(problem, shown, loader) for problem in error.problems])


def _reworded(problem: Problem, entry: Text, loader: Loader) -> Problem:
    if problem.code is Code.YAML_INVALID:
        words = f"accumulating resources from '{entry.value}': MalformedYAMLError"
    elif problem.origin == entry.origin:
        as_file, as_directory = _two_attempts(problem, entry, loader)
        words = f"accumulation err='accumulating resources from '{entry.value}': {as_file}': {as_directory}"
    else:
        return problem
    return replace(problem, message=f"{problem.message} (kustomize says: accumulating resources: {words})")


def _two_attempts(problem: Problem, entry: Text, loader: Loader) -> tuple[str, str]:
    path = loader.absolute(entry)
    missing = f"evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
    if loader.is_directory(entry):
        as_file, as_directory = f"'{path}' must resolve to a file", problem.message
    elif loader.is_file(entry):
        as_file, as_directory = problem.message, f"must build at directory: '{path}': file is not directory"
    else:
        as_file, as_directory = missing, f"must build at directory: not a valid directory: {missing}"
    if problem.code is Code.NETWORK_SOURCE_REFUSED:
        as_directory = "failed to run /usr/bin/git fetch --depth=1 origin HEAD: without a network"
    elif entry.value.startswith("/"):
        as_directory = f"new root '{entry.value}' cannot be absolute"
    return as_file, as_directory
