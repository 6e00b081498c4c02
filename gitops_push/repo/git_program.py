"""Runs git in a checkout: without the repository's hooks, file-system monitor or pager, locks, prompts and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitops_push.system.process import Completed, run

OUTPUT_LIMIT_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT_SECONDS: Final = 60.0

_INHERITED: Final = ("PATH", "HOME", "XDG_CONFIG_HOME")  # HOME: the developer's own ignore file and line endings
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
}
_SETTINGS: Final = (
    "safe.directory=*",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "protocol.allow=never",
)


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder. PATH, HOME and XDG_CONFIG_HOME are all it gets of the caller's environment."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, stdin: bytes | None = None) -> Completed:
        """Run git to its end, whatever its exit status. Raises `ProcessError`."""
        inherited = {name: self.environ[name] for name in _INHERITED if name in self.environ}
        settings = (part for setting in _SETTINGS for part in ("-c", setting))
        return run(
            ["git", "--no-pager", *settings, *arguments],
            cwd=self.folder,
            environment={**inherited, **_ENVIRONMENT},
            timeout_seconds=_TIMEOUT_SECONDS,
            output_limit_bytes=OUTPUT_LIMIT_BYTES,
            stdin=stdin,
        )
