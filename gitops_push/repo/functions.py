"""Runs a program of the repo as a KRM function: the ResourceList on standard input, the result on standard output.

The program gets PATH, a private home and the variables that were given to it by `--env`, no credential, and limits on
time, memory and output. It runs in the folder of its kustomization. It is code of the repo: who may change it decides
what is deployed, and what runs where the build runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gitops_push.core.build_options import BuildOptions
from gitops_push.kustomize.errors import invalid
from gitops_push.kustomize.programs import ALLOW_FUNCTIONS, FunctionCall, functions_not_allowed
from gitops_push.repo.offline import offline_environment
from gitops_push.system.process import ProcessError, run

_TIMEOUT_SECONDS: Final = 60.0
_OUTPUT_LIMIT_BYTES: Final = 64 * 1024 * 1024
_MEMORY_LIMIT_BYTES: Final = 4 * 1024 * 1024 * 1024


def run_function(
    call: FunctionCall, options: BuildOptions, root: Path, folder: Path, environ: Mapping[str, str]
) -> bytes:
    """Return what a function prints. Raises `BuildError`: it may not run, it cannot be started, or it fails."""
    program = _allowed_program(call, options)
    given = dict(_variables(options.function_environment, environ))
    try:
        done = run(
            [str(root / program)],
            cwd=root / call.directory,
            environment={**offline_environment(folder, environ), **given},
            timeout_seconds=_TIMEOUT_SECONDS,
            output_limit_bytes=_OUTPUT_LIMIT_BYTES,
            memory_limit_bytes=_MEMORY_LIMIT_BYTES,
            stdin=call.content,
        )
    except ProcessError as error:
        raise invalid(
            f"couldn't execute function: {program}: {error.reason}",
            call.config.origin,
            "it must be executable (chmod +x), and begin with `#!` if it is a script",
        ) from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()
        message = f"couldn't execute function: {program}: exit status {done.returncode}"
        raise invalid(f"{message}: {reason}" if reason else message, call.config.origin)
    return done.stdout


def _allowed_program(call: FunctionCall, options: BuildOptions) -> str:
    if not (options.enable_alpha_plugins and options.enable_exec):
        raise functions_not_allowed(call.config)
    if options.exec_functions is not None and call.program not in options.exec_functions:
        raise invalid(
            f"the program {call.program!r} is not among those that may run as functions",
            call.config.origin,
            ALLOW_FUNCTIONS,
        )
    return call.program


def _variables(items: Iterable[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables of `--env`: NAME=VALUE, or NAME for the value that we have ourselves."""
    for item in items:
        name, given, value = item.partition("=")
        if given or name in environ:
            yield name, value if given else environ[name]
