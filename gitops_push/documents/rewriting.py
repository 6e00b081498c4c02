"""Writes a tree as YAML with the styles it was read with, as kustomize writes a YAML text that it changed.

Kept are quotes, blocks, the order of keys, and `{}` and `[]` on one line; indentation becomes two spaces, lists are not
indented below their key, and lines are not folded (go-yaml v3 with kyaml's settings).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any, Final, Self, TypeAlias

from yaml._yaml import CEmitter
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from gitops_push.documents.numbers import go_yaml_float
from gitops_push.documents.scalars import Dialect, ScalarError, resolve_plain
from gitops_push.documents.timestamps import rfc3339

Look: TypeAlias = Callable[[Any, Any], "tuple[str, str | None]"]
"""Returns for a container and a key the character that begins the value (a quote, `|`, `>`, `[`, `{`, or "" for a plain
one), and for a scalar that is no text how it is written."""


class Verbatim(str):
    """A number, a boolean or null as it is written, or, with a tag, a text in their place: `!!int x`."""

    tag: str

    def __new__(cls, text: str, tag: str) -> Self:
        """Take the text and the tag: `!!int`, or "" for a text that needs none."""
        made = super().__new__(cls, text)
        made.tag = tag
        return made


_UNFOLDED: Final = 1 << 30
_IMPLICIT: Final = (True, True)


def styled_yaml(container: Any, key: Any, look: Look, key_style: Callable[[Any, str], str]) -> str:
    """Return the value that a container holds at a key as a YAML document."""
    out = StringIO()
    emitter = CEmitter(out, allow_unicode=True, width=_UNFOLDED)
    events: tuple[Event, ...] = (
        StreamStartEvent(),
        DocumentStartEvent(explicit=False),
        *_events(container, key, look, key_style),
        DocumentEndEvent(explicit=False),
        StreamEndEvent(),
    )
    for event in events:
        emitter.emit(event)
    return out.getvalue()


def _events(container: Any, key: Any, look: Look, key_style: Callable[[Any, str], str]) -> Iterator[Event]:
    node = container[key]
    style, text = look(container, key)
    if isinstance(node, dict):
        yield MappingStartEvent(None, None, True, flow_style=style == "{" or not node)
        for name in node:
            yield _scalar(name, key_style(node, name))
            yield from _events(node, name, look, key_style)
        yield MappingEndEvent()
    elif isinstance(node, list):
        yield SequenceStartEvent(None, None, True, flow_style=style == "[" or not node)
        for index in range(len(node)):
            yield from _events(node, index, look, key_style)
        yield SequenceEndEvent()
    elif isinstance(node, Verbatim):
        tag = f"tag:yaml.org,2002:{node.tag.removeprefix('!!')}" if node.tag else None
        yield ScalarEvent(None, tag, (not tag, not tag), str(node))
    elif isinstance(node, str):
        yield _scalar(node, style)
    else:
        yield ScalarEvent(None, None, _IMPLICIT, _plain(node) if text is None else text)


def _scalar(text: str, style: str) -> Event:
    if not style and "\n" in text:
        style = "|"
    if not style and not _is_text(text):
        style = '"'
    return ScalarEvent(None, None, _IMPLICIT, text, style=style or None)


def _is_text(text: str) -> bool:
    try:
        return rfc3339(text) is None and isinstance(resolve_plain(text, Dialect.KUSTOMIZE).value, str)
    except ScalarError:
        return False


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_yaml_float(value) if isinstance(value, float) else str(value)
