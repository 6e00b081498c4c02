"""Go's regular expressions (RE2), matched in time linear in the text whatever the pattern, as Go does.

Python's own matcher is no substitute: it tries every way to split a text, so `(a+)+$` on 30 letters never ends, and
patterns come from files that anybody may write. The syntax is that of https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

from functools import lru_cache

from gitops_push.core.go_regex.automaton import Program, compile_program, is_found
from gitops_push.core.go_regex.syntax import UnknownSyntaxError, parse

__all__ = ["UnknownSyntaxError", "go_search"]


def go_search(pattern: str, text: str) -> bool:
    r"""Return whether the pattern matches anywhere in the text.

    Raises `UnknownSyntaxError` for what is no pattern of Go, for the few things that are not known here (classes of
    scripts like `\p{Greek}`), and for patterns that are too large.
    """
    return is_found(_program(pattern), text)


@lru_cache(maxsize=1024)
def _program(pattern: str) -> Program:
    return compile_program(parse(pattern))
