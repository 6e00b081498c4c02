r"""Field paths: `spec.template.spec.containers.[name=web].env.0.value`.

`\.` is a dot within a name, as is one in brackets: `metadata.annotations.[example.com/a.b]`. `[name=web]` selects items
of a list, a number one of them, `-` the last, `*` all (kyaml's SmarterPathSplitter).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?[0-9]+\Z")


@cache
def split_field_path(path: str) -> tuple[str, ...]:
    """Return the parts of a path; brackets stay where they select items by a field."""
    parts: list[str] = []
    waiting: list[str] = []
    for part in _split_at_dots(path):
        if not waiting and (not part.startswith("[") or part.endswith("]")):
            parts.append(part)
            continue
        waiting.append(part)
        if part.endswith("]"):
            parts.append(_unbracketed(waiting))
            waiting = []
    if waiting:
        parts.append(_unbracketed(waiting))
    return tuple(parts)


def _unbracketed(split: list[str]) -> str:
    joined = ".".join(split)
    return joined if "=" in joined else joined.strip("[]")


def _split_at_dots(path: str) -> list[str]:
    first, *others = path.split(".")
    if others and not first:  # a leading dot says nothing
        first, *others = others
    parts = [first]
    for part in others:
        if parts[-1].endswith("\\"):
            parts[-1] = f"{parts[-1][:-1]}.{part}"
        else:
            parts.append(part)
    return parts


def index_of(part: str) -> int | None:
    """Return the number that a part is, None if it is none."""
    return int(part) if _NUMBER.match(part) and len(part) < 19 else None


def is_list_selector(part: str) -> bool:
    """Return whether a part selects items of a list by a field: `[name=web]`."""
    return part.startswith("[") and part.endswith("]")


def split_list_selector(part: str) -> tuple[str, str] | None:
    """Return the field and the value of `[field=value]`; `[=value]` selects texts. None if there is no `=`."""
    field, equals, value = part.removesuffix("]").removeprefix("[").partition("=")
    return (field, value) if equals else None
