"""Builds the control plane, and kustomize as a judge, once each into a cache folder.

The first build of the control plane compiles Kubernetes: about seven minutes on two cores. It reports its progress,
takes a lock so that two processes do not build at once, and renames the finished folder into place, so that a cache
entry is whole or absent.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.controlplane.compiler import compile_program
from tests.controlplane.sources import Bundle
from tests.controlplane.toolchain import find_go

HEARTBEAT_SECONDS = 10.0


def report_on_stderr(line: str) -> None:
    """Writes a line of progress at once, past pytest's capture and buffers, so that a CI log shows it."""
    print(f"test programs: {line}", file=sys.__stderr__ or sys.stderr, flush=True)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Returns where built programs are kept: `GITOPS_PUSH_CACHE`, or the user's cache folder."""
    chosen = environ.get("GITOPS_PUSH_CACHE")
    if chosen:
        return Path(chosen) / "controlplane"
    home = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "gitops-push" / "controlplane"


def built_folder(cache: Path, bundle: Bundle) -> Path | None:
    """Returns the folder of the programs for the present sources, None when they are not built yet."""
    folder = cache / bundle.key
    return folder if folder.is_dir() else None


def build_bundle(cache: Path, bundle: Bundle, say: Callable[[str], None] = report_on_stderr) -> Path:
    """Returns the folder of the programs, building them when they are not cached.

    Writes below `cache` only. Raises ControlPlaneError when there is no Go, or when Go fails.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with exclusive(cache / "lock", say):
        for unfinished in cache.glob(".build-*"):  # of a build that was killed: nobody else has the lock
            shutil.rmtree(unfinished)
        return built_folder(cache, bundle) or _build(cache, bundle, say)


def _build(cache: Path, bundle: Bundle, say: Callable[[str], None]) -> Path:
    go = find_go(cache, say)
    say(f"building {bundle.title} with {go}, once; the first time takes minutes")
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as temporary:
        folder = Path(temporary) / "programs"
        folder.mkdir()
        for program in bundle.programs:
            compile_program(go, program, folder / program.name, say)
        for name in bundle.links:
            (folder / name).symlink_to(bundle.programs[0].name)
        finished = cache / bundle.key
        folder.rename(finished)
    say(f"built in {time.monotonic() - started_at:.0f} s: {bundle.title} in {finished}")
    return finished


@contextmanager
def exclusive(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    with lock.open("w") as stream:
        _wait_for_lock(stream, say)
        yield


def _wait_for_lock(stream: IO[str], say: Callable[[str], None]) -> None:
    started_at = said_at = time.monotonic()
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.2)
        now = time.monotonic()
        if now - said_at >= HEARTBEAT_SECONDS:
            said_at = now
            say(f"waiting for another process that builds ({now - started_at:.0f} s)")
