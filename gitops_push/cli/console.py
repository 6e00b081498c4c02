"""The console: results to standard output, progress to standard error, colours only where a person looks.

Every text that leaves here passes the output gate: secret values are masked, control characters and CI runner commands
are made harmless. Only `write_exact` (the manifests that `build` prints) is passed on byte for byte.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import click

from gitops_push.core.redaction import Redactor
from gitops_push.core.untrusted import clean_line
from gitops_push.reports.lines import Line, Tone

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.status import Status

HEARTBEAT_SECONDS: Final = 30.0
_MOST_CHARACTERS: Final = 2000  # of a line for people: a name of a megabyte must not fill the log

_NOBODY_READS: Final = frozenset({errno.EPIPE, errno.EIO})
"""A pipe without a reader, a terminal that was closed."""

_STYLES: Final = {
    Tone.HEADING: "bold",
    Tone.CREATE: "green",
    Tone.UPDATE: "yellow",
    Tone.DELETE: "bold red",
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.DIM: "dim",
}


class Console:
    """Standard output and error of one run."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str], *, in_ci: bool) -> None:
        self._out = out
        self._err = err
        self._environ = environ
        self._in_ci = in_ci
        self._redactor: Redactor | None = None
        self._color = "auto"
        self._lock = threading.Lock()
        self._spinner: Status | None = None
        self.quiet = False
        self.verbose = False

    def configure(self, *, color: str, quiet: bool, verbose: bool) -> None:
        """Take over what the flags say."""
        self._color = color
        self.quiet = quiet
        self.verbose = verbose

    def mask_with(self, redactor: Redactor) -> None:
        """Mask this redactor's values in everything printed from now on."""
        self._redactor = redactor

    @property
    def can_ask(self) -> bool:
        """Return whether there is a person at a terminal to answer a question (never in CI)."""
        return not self._in_ci and sys.stdin.isatty() and self._err.isatty()

    def clean(self, text: str) -> str:
        """Return one line of text as it may leave the process."""
        return clean_line(self._redactor.mask_text(text) if self._redactor else text)

    def print(self, lines: Iterable[Line]) -> None:
        """Write result lines to standard output."""
        self._print(self._out, lines)

    def note(self, lines: Iterable[Line]) -> None:
        """Write lines for people (errors, progress, warnings) to standard error."""
        with self._lock, self._without_spinner():
            self._print(self._err, lines, most_characters=_MOST_CHARACTERS)

    def progress(self, text: str) -> None:
        """Write one line about progress to standard error, unless the run is quiet."""
        self.note_unless_quiet([Line(text, Tone.DIM)])

    def note_unless_quiet(self, lines: Iterable[Line]) -> None:
        """Write lines about progress to standard error, unless the run is quiet."""
        if not self.quiet:
            self.note(lines)

    def clean_json(self, text: str) -> str:
        """Return a JSON or YAML document as it may leave the process.

        Its writer escapes control characters; what is left to do is to mask secrets and to break up `##`, which starts
        a runner command anywhere in a line. It can only stand inside a string, where an escaped one means the same.
        """
        return harmless_json(self._redactor.mask_text(text) if self._redactor else text)

    def without_secrets(self, text: str) -> str:
        """Return a text without secret values, the same in every run."""
        return self._redactor.without_values(text) if self._redactor else text

    def write_exact(self, text: str) -> None:
        """Write manifests to standard output as they are."""
        self._write(self._out, text)

    def ask(self, question: str) -> str:
        """Return the answer to a question at the terminal; the question goes to standard error."""
        self._err.write(f"{self.clean(question)} ")
        self._err.flush()
        answer = ""
        try:
            answer = sys.stdin.readline()
        finally:
            if not answer.endswith("\n"):  # Ctrl-C or Ctrl-D: the cursor still stands behind the question
                self._write(self._err, "\n")
        return answer.strip()

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show that a long step goes on: a spinner at a terminal, else a line every 30 seconds."""
        if self.quiet:
            yield
        elif self._is_terminal(self._err):
            with self._spinning(what):
                yield
        else:
            with self._heartbeat(what):
                yield

    @contextmanager
    def _spinning(self, what: str) -> Iterator[None]:
        with self._rich(self._err).status(self.clean(what)) as spinner:
            self._spinner = spinner
            try:
                yield
            finally:
                with self._lock:
                    self._spinner = None

    @contextmanager
    def _without_spinner(self) -> Iterator[None]:
        """Take the spinner off the screen while a line is printed, or the line would begin behind it."""
        if self._spinner is None:
            yield
            return
        self._spinner.stop()
        try:
            yield
        finally:
            self._spinner.start()

    @contextmanager
    def _heartbeat(self, what: str) -> Iterator[None]:
        ended = threading.Event()
        started = time.monotonic()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                self.progress(f"{what}: {time.monotonic() - started:.0f} s")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _print(self, stream: TextIO, lines: Iterable[Line], most_characters: int | None = None) -> None:
        cleaned = [Line(_shortened(self.clean(line.text), most_characters), line.tone) for line in lines]
        if not self._wants_color(stream):
            self._write(stream, "".join(f"{line.text}\n" for line in cleaned))
            return
        console = self._rich(stream)
        with console.capture() as captured:
            for line in cleaned:
                console.print(line.text, style=_STYLES.get(line.tone), markup=False, highlight=False, soft_wrap=True)
        self._write(stream, captured.get())

    def _rich(self, stream: TextIO) -> RichConsole:
        from rich.console import Console as RichConsole  # at a terminal only: it costs 40 ms

        return RichConsole(file=cast("TextIO", _Lasting(stream)), force_terminal=True, emoji=False)

    def _write(self, stream: TextIO, text: str) -> None:
        """A reader that went away (`| head`, a closed terminal) changes no exit code; a full disk is told."""
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            _silence(stream)
            if stream is self._out and error.errno not in _NOBODY_READS:
                raise click.FileError("standard output", error.strerror or "cannot be written") from error

    def _is_terminal(self, stream: TextIO) -> bool:
        return stream.isatty() and not self._in_ci and self._environ.get("TERM", "") != "dumb"

    def _wants_color(self, stream: TextIO) -> bool:
        if self._color != "auto":
            return self._color == "always"
        if self._environ.get("NO_COLOR"):
            return False
        return bool(self._environ.get("FORCE_COLOR")) or self._is_terminal(stream)


class _Lasting:
    """A stream for the spinner, to whose threads and ends a terminal that was closed must not matter."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, as long as somebody reads."""
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError:
            _silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _silence(stream: TextIO) -> None:
    """Let what is still written to a stream, also by the interpreter at its end, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _shortened(text: str, most_characters: int | None) -> str:
    """Return text that is masked already, its middle left out where it is too long."""
    if most_characters is None or len(text) <= most_characters:
        return text
    kept = most_characters // 2
    return f"{text[:kept]} … ({len(text) - 2 * kept:,} characters left out) … {text[-kept:]}"


def harmless_json(text: str) -> str:
    """Return JSON text without `##`: it can only stand inside of strings, where the escaped one means the same."""
    return text.replace("##", "#\\u0023")
