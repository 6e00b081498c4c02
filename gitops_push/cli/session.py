"""What one run of the program knows while it runs: its console, its signals, and how far it got."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitops_push.cli.console import Console
from gitops_push.cli.signals import StopSignals
from gitops_push.cli.source_lines import line_of, source_lines
from gitops_push.core.errors import Problem
from gitops_push.core.redaction import Redactor


def _no_documents(*_: object) -> None:
    """Nothing was asked for."""


@dataclass
class Session:
    """Mutable, and the only such thing: made by `main`, handed to the commands by click.

    `environ` is a copy of the environment variables; `root` the checkout as soon as it is known; `wrote` whether a
    write was sent; `write_documents` writes the document that is due even on failure, from its problems and exit code.
    """

    console: Console
    signals: StopSignals
    environ: Mapping[str, str]
    in_ci: bool
    root: Path | None = None
    wrote: bool = False
    write_documents: Callable[[tuple[Problem, ...], int], None] = _no_documents
    _quoted: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def found_root(self, root: Path) -> None:
        """Remember where the checkout is, to show source lines below errors."""
        self.root = root

    def found_secrets(self, redactor: Redactor) -> None:
        """Mask this redactor's values in all output from now on."""
        self.console.mask_with(redactor)

    def wrote_to_cluster(self, wrote: bool) -> None:
        """Remember whether writes were sent: then an unexpected failure is exit code 20."""
        self.wrote = self.wrote or wrote

    def source_line(self, file: str, number: int) -> str | None:
        """Return a line of the checkout to show below an error; None if it cannot or should not be shown."""
        if self.root is None:
            return None
        if file not in self._quoted:
            self._quoted[file] = source_lines(self.root, file)
        return line_of(self._quoted, file, number)
