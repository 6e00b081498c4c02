"""Reports as one HTML page: nothing is loaded, no script runs, and without the style it reads in the same order.

Jenkins shows archived pages under a policy that blocks scripts and styles; so everything that matters is in the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from gitops_push.core.run import describe_checkout
from gitops_push.reports.diff_lines import diff_text
from gitops_push.reports.lines import Line, Tone, counted
from gitops_push.reports.overview import Clean, Entry, Overview

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --soft: #57606a; --edge: #d0d7de; --box: #f6f8fa;
  --good: #116329; --bad: #a40e26; --change: #7d4e00; --added: #dafbe1; --removed: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --edge: #30363d;
  --box: #161b22; --good: #56d364; --bad: #ff7b72; --change: #e3b341; --added: #12361f; --removed: #42181d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
.about, .quiet { color: var(--soft); }
.verdict { font-weight: 600; border-left: .3rem solid var(--edge); padding: .3rem .7rem; background: var(--box); }
.good { color: var(--good); } .bad, .delete { color: var(--bad); } .update { color: var(--change); }
.create { color: var(--good); }
ul { list-style: none; padding: 0; } li { border: 1px solid var(--edge); border-radius: 6px; margin: .4rem 0;
  padding: .4rem .7rem; }
li > .word { display: inline-block; min-width: 6rem; font-weight: 600; }
.summary { color: var(--soft); } .place { color: var(--soft); font-size: .85em; }
pre { background: var(--box); border-radius: 6px; padding: .5rem; margin: .4rem 0 0; white-space: pre-wrap; }
pre .create { background: var(--added); } pre .delete { background: var(--removed); }
summary { cursor: pointer; color: var(--soft); }
"""


def to_html(overviews: Iterable[Overview], clean: Clean) -> str:
    """Return the overviews as one page in UTF-8."""
    every = tuple(overviews)
    names = ", ".join(clean(overview.environment) for overview in every)
    title = escape(f"gitops-push: {names}" if names else "gitops-push")
    body = "\n".join(line for overview in every for line in _section(overview, clean))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(overview: Overview, clean: Clean) -> Iterator[str]:
    def text(of: str) -> str:
        return escape(clean(of))

    yield f"<section>\n<h2>{escape(overview.title)} of {text(overview.environment)}</h2>"
    if overview.header:
        about = [f"gitops-push {overview.header.version}", f"repo {describe_checkout(overview.header.checkout)}"]
        about += [f"cluster {overview.header.cluster}"] if overview.header.cluster else []
        yield f'<p class="about">{text(" · ".join(about))}</p>'
    yield f'<p class="verdict {_class(overview.tone)}">{text(overview.verdict)}</p>'
    if overview.entries:
        yield "<ul>"
        for entry in overview.entries:
            yield "".join(_entry(entry, clean))
        yield "</ul>"
    if overview.quiet:
        yield f'<p class="quiet">{counted(overview.quiet, "object")} as they should be.</p>'
    for note in dict.fromkeys(overview.notes):
        yield f"<p>note: {text(note)}</p>"
    if overview.next_command:
        yield f"<p>next: <code>{text(overview.next_command)}</code></p>"
    yield "</section>"


def _entry(entry: Entry, clean: Clean) -> Iterator[str]:
    def text(of: str) -> str:
        return escape(clean(of))

    tone = _class(entry.tone)
    yield f'<li><span class="word {tone}">{escape(entry.word)}</span> <code>{text(entry.subject)}</code>'
    if entry.summary:
        yield f' <span class="summary">{text(entry.summary)}</span>'
    if entry.origin:
        yield f' <span class="place">{text(str(entry.origin))}</span>'
    if entry.details:
        lines = "\n".join(_detail(line, clean) for line in entry.details)
        shown = " open" if entry.level is not None else ""
        yield f"<details{shown}><summary>{counted(len(entry.details), 'line')}</summary><pre>{lines}</pre></details>"
    yield "</li>"


def _detail(line: Line, clean: Clean) -> str:
    text = escape(clean(diff_text(line)))
    return f'<span class="{_class(line.tone)}">{text}</span>' if line.tone in {Tone.CREATE, Tone.DELETE} else text


def _class(tone: Tone) -> str:
    return tone.value
